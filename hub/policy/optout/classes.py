"""The token classes: the parts of speech of an opt-out. Each is one bit, so that a word can be several at once.

The grammar speaks of these names only, never of words; the words of each language are data (`config/lexicon`).
"""

from __future__ import annotations

# name -> what words of the class do. The data protection contact reads these beside the lists.
CLASSES: dict[str, str] = {
    "courtesy": "politeness that may stand around a stop word without changing it: please, thanks, hi",
    "stop": "end an activity: stop, quit, cease",
    "negation": "forbids or denies what follows: don't, never, not",
    "never": "a negation that also tells of what did not happen: never",
    "after_negation": "forbids what came before it, in languages that do so: nicht, niet, mat",
    "no": "no, followed by a thing: no messages",
    "no_more": "no more, no longer, no further",
    "enough": "has had enough of: enough, fed up, sick of, done with",
    "contact": "the act of contacting someone: text, call, write, send",
    "pester": "does what may be done to anybody, and is writing only where it is done to the writer: bother, disturb, chase, sell",
    "contacted": "being contacted: contacted, messaged, called",
    "send": "the act of sending something, which needs a thing: send, forward",
    "message": "what is sent, in general: messages, texts, emails",
    "promo": "what is sent, when it sells: offers, ads, newsletter, marketing",
    "sms": "names the channel SMS",
    "email": "names the channel e-mail",
    "whatsapp": "names the channel WhatsApp",
    "wechat": "names the channel WeChat",
    "messenger": "names the channel Messenger",
    "instagram": "names the channel Instagram",
    "phone": "names the telephone",
    "me": "the person writing: me, my, us",
    "i": "the person writing, as the one who acts: I, we",
    "you": "the clinic: you, your, you guys",
    "others": "someone else: him, my husband, the office",
    "them": "the messages just spoken of: them, these",
    "want": "wants or needs: want, wish, like",
    "unwanted": "does not want, in one word or fixed phrase: no quiero, не хочу, 不想",
    "receive": "gets: receive, get, hear from",
    "remove": "takes away: remove, take, delete",
    "off": "away from: off, out of, from",
    "out": "away from, and also going out: out, out of",
    "list": "where contacts are kept: list, mailing list, database",
    "my_detail": "how the writer is reached, with the word my: my number, numaramı",
    "take": "takes away only together with off: take, get",
    "stop_after": "ends what came before it: band karo, 停止, durdurun",
    "again": "for good: again, anymore, ever, at all",
    "unsubscribe": "leaves a list, in one word: unsubscribe, opt out",
    "no_contact": "do not write to me, in one word or fixed phrase: 勿扰, yazmayın",
    "leave_alone": "wants no contact of any kind: leave me alone, lose my number",
    "withdraw": "takes back: withdraw, revoke, retract",
    "consent": "what was agreed to: consent, permission",
    "report": "tells what was got or not got: got, received, seen, haven't had",
    "barrier": "turns a negation around: hesitate, forget, mind, worry",
    "mistake": "says a withdrawal was not meant: by mistake, accidentally",
    "cancel": "cancels; in a clinic mostly an appointment",
    "keyword": "a whole-message stop word, found inside something longer",
    "appointment": "appointment, booking, visit, order, payment, deposit",
    "body": "a body part, symptom, treatment or medicine",
    "habit": "what one stops doing: taking, using, smoking",
    "time": "a time or day: today, Monday, 5pm, week",
    "until": "limits in time: before, after, until, during, at work",
    "thing": "a particular thing that may be sent: photos, invoice, form",
    "instead": "an alternative: instead, rather",
    "only": "only, just",
    "place": "a place or a way: bus, street, by, road",
    "question": "asks: how, does, when, why",
    "nuisance": "complains of being written to, or threatens to: keep texting me, I will report you",
    "vexed": "complains of how often or how it is done: too many, every single day, annoying, intrusive",
    "keep": "again and again: keep, always, constantly",
    "anger": "refuses without saying what: not interested, go away, leave it",
    "temper": "shows temper, and refuses only where it answers marketing: 烦, 算了",
    "no_word": "the bare answer no",
    "but": "begins a new thought: but, and",
    "link": "joins reply and purpose in a footer: to, for, um",
    "reply": "tells how to answer, as a footer does: reply, text, send",
    "footer": "a whole sentence of a footer: click here to unsubscribe",
    "my_data": "what we hold about the writer: my data, my records, information about me",
    "data": "what we hold, without my: data, records, privacy",
    "everything": "all of it: everything, all",
    "hold": "keeps: hold, have, store",
    "copy": "a copy, to see, access",
    "erase": "delete, erase, forget",
    "fix": "correct, update, change",
    "wrong": "wrong, incorrect, misspelt",
    "about_me": "a fact about the person: surname, date of birth, address",
    "restrict": "freeze, restrict",
    "object": "object, objection",
    "transfer": "transfer, export, move",
    "clinic": "another clinic or doctor",
    "complain": "complaint, unhappy with",
    "right_access": "a whole request for a copy: subject access request, SAR",
    "right_erasure": "a whole request to erase: right to be forgotten",
    "right_rectification": "a whole request to correct",
    "right_restriction": "a whole request to restrict",
    "right_objection": "a whole objection to the use of data",
    "right_portability": "a whole request to carry data elsewhere",
    "right_complaint": "a whole complaint about personal data",
    "wrong_person": "says we reached someone else: wrong number, I'm not Mei",
    "misdirected": "something went to the wrong person, theirs or ours; it is ours only where we wrote last: 发错了",
    "not_called": "I'm not, followed by a name",
    "not_my": "says a fact is not theirs: not my, isn't my",
    "urgent": "needs a clinician at once: can't breathe, bleeding, vision",
    "under_18": "says they are a child: I'm 16",
    "i_am": "I am, followed by an age",
    "years_old": "after an age: years old, 岁",
    "common": "everyday words that only tell the language",
    "glue": "small words that hold a sentence together and add nothing to it: the, a, is, of",
}
BITS: dict[str, int] = {name: 1 << index for index, name in enumerate(CLASSES)}

# Classes the tokeniser gives by itself.
_OWN = ("number", "age_of_child", "break", "comma", "mark", "stop_sign", "asked", "letter", "other")
BITS.update({name: 1 << (len(CLASSES) + index) for index, name in enumerate(_OWN)})


def bits(names: str) -> int:
    """The bits of `name|name|…` together. Raises KeyError for a class nobody knows."""
    return sum(BITS[name] for name in names.split("|"))


# Kinds of whole-message words (policy §3.3 L1, §3.7).
KEYWORD_KINDS: dict[str, str] = {
    "stop": "ends everything: the whole message is this word",
    "cancel": "the same, but in a clinic it may mean an appointment: staff are told",
    "maybe": "may mean an opt-out or an appointment: marketing stops, staff are asked",
    "letter": "counts only where our own text offered it: T, R, N, 0",
    "start": "opens the channel again: START",
    "help": "asks what this is: HELP",
}
