"""The patterns of an opt-out, written over token classes, never over words (policy §3.3, §4.1).

A pattern is a row of terms:

    stop            a token of that class
    stop|cancel     a token of either class
    stop|end-place  a token of the first classes that is not also of the last ones
    ~3              at most three tokens that do not turn the meaning around (no break, comma, barrier, question, body…)
    ≈3              the same, but commas may lie between
    …3              at most three tokens of any kind in the same sentence
    _3              at most three tokens the lexicon knows, as ~3: an unknown word is mostly what the sentence is about
    ^  $            the beginning or end of a clause
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Reach(StrEnum):
    """How far a pattern reaches when nothing in the sentence says more (policy §3.6)."""

    BARE = "bare"  # this channel and all marketing
    MARKETING = "marketing"
    EVERYTHING = "everything"


class Weight(IntEnum):
    """How much what a pattern finds counts, least first; of a reversal, what is left of the revocation it touches."""

    HINTS = 0  # too little to ask staff about: the learnt weights judge it with the other words, except in answer to marketing
    ASKS = 1  # may mean something else: marketing stops and staff are asked; where we never wrote, unless the weights speak against it
    ALWAYS_ASKS = 2  # the same whatever the weights say
    STANDS = 3


@dataclass(frozen=True, slots=True)
class Pattern:
    """One row of a table below. id: what `rule_id` shows. also: classes one of which must stand anywhere in the message.

    unless: classes none of which may stand in it. weight: how much what it finds counts; what a reversal touches keeps that weight, and
    nothing where the reversal stands. answering: only where our last message was marketing. unprompted: only where we never
    wrote. wanted: a reversal that asks for more, so nothing is to judge.
    """

    id: str
    terms: str
    reach: Reach = Reach.BARE
    also: str = ""
    unless: str = ""
    weight: Weight = Weight.STANDS
    answering: bool = False
    unprompted: bool = False
    wanted: bool = False

    @property
    def limitable(self) -> bool:
        """Whether a time or a thing can limit it: leaving a list today is leaving it; not being called today is not."""
        return not any(word in self.id for word in ("unsubscri", "list", "detail", "consent", "off"))


_E = Reach.EVERYTHING
_HINTS, _ASKS, _ALWAYS = Weight.HINTS, Weight.ASKS, Weight.ALWAYS_ASKS
_SENT = "message|promo"
_ENDING = "stop|stop_after|unsubscribe|remove|cancel|leave_alone|no_contact"

# L2: a revocation (policy §3.3).
REVOCATIONS = (
    Pattern("L2.leave_alone", "leave_alone", _E),
    Pattern("L2.no_contact", "no_contact"),
    Pattern("L2.unsubscribe", "unsubscribe", unless="undo"),
    Pattern("L4.unsubscribe", "unsubscribe", also="undo", weight=_ASKS),
    Pattern("L2.stop_contact", f"stop ~4 contact|contacted|send|{_SENT}|receive"),
    Pattern("L2.stop_pestering", "stop ~2 pester"),
    Pattern("L2.dont_pester", "negation _3 pester ~1 me"),
    Pattern("L4.dont_pester", "^ negation _1 pester $", weight=_HINTS),
    Pattern("L2.messages_stop", f"{_SENT} ~3 stop"),
    Pattern("L2.stop_using", "stop|restrict ~2 my_detail", _E),
    Pattern("L2.stop_them", "stop them", also="message|promo|contact"),
    Pattern("L2.messages_must_stop", f"{_SENT} barrier ~1 stop"),
    Pattern("L2.contact_stopped", f"contact|contacted|send|receive|{_SENT} ~4 stop_after"),
    Pattern("L2.dont_contact", "negation-never _3 contact"),
    Pattern("L2.never_contact", "never _2 contact me|again", unless="asked"),
    Pattern("L4.never_contact", "never _3 contact", weight=_HINTS),
    Pattern("L4.dont_contact", "negation ~3 contact me|again", weight=_HINTS),
    Pattern("L2.dont_send", f"negation ~2 send ~4 me|again|{_SENT}"),
    Pattern("L2.dont_send_before", f"me|{_SENT} ~1 negation ~2 send|contact"),
    Pattern("L2.contact_not", "contact|send ~4 after_negation"),
    Pattern("L2.contact_no_more", f"contact|send ~3 no ~2 {_SENT}"),
    Pattern("L2.unwanted", f"unwanted ~6 receive|contacted|contact|send|{_SENT}"),
    Pattern("L2.unwanted_after", f"receive|contact|contacted|send|{_SENT} ~3 unwanted"),
    Pattern("L2.dont_want", f"negation|no_more ~2 want _6 receive|contacted|{_SENT}"),
    Pattern("L2.dont_want_you_to", "negation|no_more ~2 want ~2 you ~3 contact|send"),
    Pattern("L2.dont_receive", f"negation ~2 receive ~4 {_SENT}"),
    Pattern("L2.no_more", f"no_more ~3 contact|contacted|receive|send|{_SENT}"),
    Pattern("L2.no_promo", "no _1 promo $"),
    Pattern("L2.no_promo_please", "no _1 promo courtesy|again|link|message"),
    Pattern("L2.no_promo_by", "no _1 promo ~1 sms|email|whatsapp|wechat|messenger|instagram|phone"),
    Pattern("L4.no_promo", "no _1 promo", weight=_HINTS),
    Pattern("L2.no_messages", f"no _2 {_SENT} courtesy|again|no_more|link"),
    Pattern("L2.courteously_no", f"courtesy no _2 {_SENT}"),
    Pattern("L2.no_messages_now", f"no _2 {_SENT}", answering=True),
    Pattern("L2.not_any_more", f"{_SENT} ~3 no_more $"),
    Pattern("L2.enough_of", f"enough ~5 contact|contacted|{_SENT}"),
    Pattern("L2.remove_from_list", "remove|erase ≈6 list"),
    Pattern("L2.remove_from_messages", f"remove ~1 me|my_detail ~2 {_SENT}"),
    Pattern("L2.list_remove", "list ~3 remove|erase"),
    Pattern("L2.remove_detail", "remove|erase ~2 my_detail", _E),
    Pattern("L2.detail_remove", "my_detail ~3 remove|erase", _E),
    Pattern("L2.take_off", "take ~1 me _1 off"),
    Pattern("L2.take_detail_off", "take ~1 my_detail ~1 off", _E),
    Pattern("L2.take_out", "^ take ~1 me ~1 out $"),
    Pattern("L2.off", "^ off _1 list"),
    Pattern("L2.off_list", "take|want ~3 off|out ~3 list"),
    Pattern("L2.list_take_off", "list …8 take ~2 off|out"),
    Pattern("L4.them_off_list", "take|remove ~1 others ~2 off ~2 list", weight=_ASKS),
    Pattern("L2.take_them_off", "take ~1 others ~1 off", also="message|promo|contact|list"),
    Pattern("L2.dont_use_detail", "negation ~1 habit ~1 my_detail"),
    Pattern("L2.consent_withdrawn", "withdraw ~8 consent"),
    Pattern(
        "L2.consent_denied", "negation|no_more|unwanted ~2 consent", also="contact|contacted|message|promo|list|my_detail|my_data|data"
    ),
    Pattern("L4.consent_denied", "negation|no_more|unwanted ~2 consent", weight=_HINTS),
    Pattern("L2.cancel_subscription", f"cancel ~3 list|{_SENT}"),
    Pattern("L2.subscription_cancel", "list|promo ~2 cancel"),
    Pattern("L2.consent_gone", "consent ~2 withdraw"),
    Pattern("L2.no_consent", "negation ~1 hold ~1 consent ~2 contact|send"),
    Pattern("L2.no_need_again", "no|no_word ~1 want ~2 contact|contacted|send ~3 again"),
    Pattern("L4.no_need", f"no ~1 want ~3 contact|contacted|receive|{_SENT}", weight=_HINTS),
    Pattern("L4.no_need_to", f"no_word link ~2 contact|receive|{_SENT}", weight=_HINTS),
    Pattern("L4.not_these", "negation ~1 promo", weight=_ASKS, answering=True),
    Pattern("L4.remove_me", "remove ~1 me $", unless="body|appointment|thing|place", weight=_ASKS),
    Pattern("L4.remove_me_from", "remove ~1 me off|link", unless="body|appointment|thing|place", weight=_ASKS),
    Pattern("L4.dont_do_again", "negation ~1 other ~1 me …8 again", weight=_ASKS, answering=True),
    Pattern("L4.please_stop", "courtesy stop", also="contact|message|promo", weight=_ASKS),
    Pattern("L4.not_get", "negation take ~4 message|promo", weight=_HINTS),
    Pattern("L4.remove_promo", "remove ~4 promo", weight=_ASKS),
    Pattern("L2.dont_keep", "negation keep contact|send"),
    Pattern("L4.not_here", "negation glue messenger|whatsapp|wechat|instagram|sms|email courtesy", weight=_ASKS),
    Pattern("L4.only_about", "only _1 contact|send|message|receive _5 appointment", weight=_ASKS),
    Pattern("L4.only_about_mine", "this_way ~3 appointment", weight=_ASKS),
    Pattern("L4.appointments_only", "appointment message ~1 only", weight=_ASKS),
    Pattern("L4.no_need_again", "needless ~2 contact|send ~2 again", weight=_ASKS),
    Pattern("L4.no_need_for_more", f"needless ~2 again ~1 contact|{_SENT}", weight=_ASKS),
    Pattern("L4.needless", f"needless ~3 contact|contacted|receive|send|{_SENT}", weight=_HINTS),
    Pattern("L4.is_needless", f"contact|contacted|{_SENT} ~3 needless", weight=_HINTS),
    Pattern("L4.no_more_of", "no_more|stop link? glue? body ~1 promo", weight=_ASKS),
    Pattern("L4.no_more_of_them", "negation ~1 want ~1 again ~1 them", weight=_ASKS),
    Pattern("L4.dont_keep_detail", "negation keep my_detail", weight=_ASKS),
    Pattern("L4.please_remove", "courtesy remove $", unless="body|appointment|thing|place|asked", weight=_ASKS),
    Pattern("L4.this_way_from_now", "this_way ~2 again", weight=_ASKS),
    Pattern("L4.but_no_promo", "but negation glue? promo", weight=_ASKS),
    Pattern("L4.fewer", f"fewer _2 {_SENT}|contact", weight=_ASKS),
    Pattern("L4.fewer_of_them", "fewer ~1 them", weight=_HINTS),
    Pattern("L4.wrong_name", "^ wrong other $", weight=_HINTS),
    Pattern("L4.made_fewer", f"{_SENT} ~3 fewer", weight=_HINTS),
    Pattern("L4.nothing_sent", "send _1 nothing", weight=_HINTS),
    Pattern("L4.nothing_by", "nothing ~1 glue|link|but sms|email|phone|whatsapp|message", weight=_HINTS),
    Pattern("L4.wants_nothing", "want nothing ~2 you", weight=_ASKS),
    Pattern("L4.nothing_from_you", "nothing ~3 you", weight=_HINTS),
    Pattern("L4.stop_pressing", "stop|negation|no_more ~2 press ~1 me", weight=_HINTS),
    Pattern("L4.only_this_way", "only glue? email|sms|whatsapp|phone|thing", weight=_HINTS),
    Pattern("L4.this_way_only", "email|sms|whatsapp|phone|thing only", weight=_HINTS),
    Pattern("L4.only_when", "only _1 contact|send|message me", weight=_HINTS),
    Pattern("L4.should_stop", "want _3 stop $", weight=_HINTS),
    Pattern("L4.no_need_to_keep", "no_word link ~2 pester ~1 me", weight=_HINTS),
    Pattern("L4.want_out", "want ~1 out $", weight=_ASKS, answering=True),
    Pattern("L4.keep_me", "keep _1 contact|send|contacted me", weight=_HINTS),
    Pattern("L4.you_keep", "you keep ~2 contact|send", weight=_HINTS),
    Pattern("L4.contact_never", "contact me never", weight=_ASKS),
    Pattern("L4.take_of_list", "take ~1 me link ~1 list", weight=_ASKS),
    Pattern("L4.taken_off", f"take ~1 off _2 {_SENT}|whatsapp|wechat|messenger|instagram|sms|email", weight=_ASKS),
    Pattern("L4.no_messages_when", "no _1 message ~2 until|time", weight=_ASKS, unless="asked|report"),
    Pattern("L4.nothing_when", "^ negation|nothing until ~1 time|number|count", weight=_HINTS),
    Pattern("L4.this_way_please", "this_way ~1 courtesy", weight=_HINTS),
    Pattern("L4.this_way_alone", "^ courtesy? this_way $", weight=_HINTS),
    Pattern("L4.this_way", "this_way", weight=_HINTS),
    Pattern("L4.counted", f"number|count ~2 {_SENT}|contact|contacted ~5 time|again", weight=_HINTS),
    Pattern("L4.gone", f"gone …8 {_SENT}|contact|contacted|receive|phone", weight=_HINTS),
    Pattern("L4.of_one_gone", f"{_SENT}|contact|contacted …8 gone", weight=_HINTS),
    Pattern("L4.anger_at_messages", "anger …6 message|promo|contact", weight=_ASKS),
    Pattern("L4.messages_anger", f"number|count|time ~2 {_SENT} …8 anger", weight=_ASKS),
)

# L2c: the same words turned around, or telling what happened. A revocation that overlaps one of these is none.
REVERSALS = (
    Pattern("L2c.dont_stop", f"negation|after_negation again? {_ENDING}"),
    Pattern("L2c.carry_on", f"^ negation again? {_ENDING}", wanted=True),
    Pattern("L2c.dont_want_stop", "negation ~1 want ~3 stop", wanted=True),
    Pattern("L2c.dont_take_off", "negation ~1 take ~1 me ~1 off", wanted=True),
    Pattern("L2c.i_dont", "i|others glue? negation again|other|glue? other|glue? contact|send|receive|pester"),
    Pattern("L2c.i_am_not", "i_am-me negation again? contact|send"),
    Pattern("L2c.why_not", "question _2 negation _3 contact|send|pester"),
    Pattern("L2c.why_not_received", "question _2 negation _3 receive", weight=_ASKS),
    Pattern("L2c.to_whom", "negation|no_more|unwanted _3 contact|pester others|you"),
    Pattern("L2c.tired_of_calling", "enough contact-message|sms|email others|you"),
    Pattern("L2c.and_do", "negation _1 contact but other"),
    Pattern("L2c.you_are_not", "you glue negation again? pester"),
    Pattern("L2c.no_i", "no i"),
    Pattern("L2c.this_thing", "negation _2 contact|send me? glue other", weight=_ASKS),
    Pattern("L2c.telling_others", "others negation link? contact|send", weight=_ASKS),
    Pattern("L2c.or_answer", "negation _1 contact but reply-contact", weight=_ASKS),
    Pattern("L2c.or_answer_somebody", "negation ~1 contact but reply link others", unless="me"),
    Pattern("L2c.i_want_not_to", "i negation want link? send|contact-message|promo|contacted|receive|sms|email|phone|me", weight=_ASKS),
    Pattern("L2c.off_mine", "remove|erase ~1 my_detail off|link me", weight=_ASKS),
    Pattern("L2c.call_names", "negation me? contact-send me? link|glue? other|urgent", also="me", weight=_ASKS),
    Pattern("L2c.from_what", "unsubscribe glue question"),
    Pattern("L2c.they_keep", "i|others|other|no|no_word _1 keep _1 contact|send|contacted me"),
    Pattern("L2c.i_removed", "i other|glue? remove ~2 my_detail"),
    Pattern("L2c.tell_somebody_to", "tell other link stop", weight=_HINTS),
    Pattern("L2c.tell_them_to", "tell you? others? others|other link stop", weight=_HINTS, unprompted=True),
    Pattern("L2c.told_them_not_to", "other others ~3 unwanted _1 contact|send|pester", weight=_HINTS),
    Pattern("L2c.enough_of_a_thing", "anger other link|glue|number", weight=_HINTS, unprompted=True),
    Pattern("L2c.this_not_that", "^ contact-message negation contact", weight=_HINTS, unprompted=True),
    Pattern("L2c.dont_read", "negation handle-contact|send ~3 message|contact|promo"),
    Pattern("L2c.has_ended", "ended-stop ~2 list|message|promo", weight=_HINTS, unprompted=True),
    Pattern("L2c.they_let_me_be", "they|others|other glue-link leave_alone", weight=_HINTS, unprompted=True),
    Pattern("L2c.they_stop", "i stop pester", weight=_HINTS, unprompted=True),
    Pattern("L2c.merely_not", "denies _3 contact|send", unless="again", weight=_HINTS, unprompted=True),
    Pattern("L2c.they_stop_it", "i stop them", weight=_HINTS, unprompted=True),
    Pattern("L2c.come_out_without_list", "list …8 take ~2 off|out", weight=_HINTS, unprompted=True),
    Pattern("L2c.get_me_out", "take ~1 me ~1 out", weight=_HINTS, unprompted=True),
    Pattern("L2c.get_a_ring_off", "take me contact|message off", weight=_HINTS, unprompted=True),
    Pattern("L2c.peace_for_others", "unwanted others link _1 contacted|contact", weight=_HINTS, unprompted=True),
    Pattern("L2c.you_need_not", "you negation want link other", weight=_HINTS, unprompted=True),
    Pattern("L2c.they_removed", "i remove|erase", weight=_HINTS, unprompted=True),
    Pattern(
        "L2c.they_do_not",
        "they glue? negation|unwanted|denies ~4 contact|contacted|receive|send",
        unless=f"again|{_SENT}",
        weight=_ASKS,
        unprompted=True,
    ),
    Pattern("L2c.somebody_does_not", "you other negation want ~3 contact", weight=_HINTS, unprompted=True),
    Pattern("L2c.a_deed_not_done", "negation ~1 deed ~2 contact", weight=_HINTS, unprompted=True),
    Pattern("L2c.put_them_on", "them ~2 unsubscribe", weight=_HINTS, unprompted=True),
    Pattern("L2c.text_n_drive", "negation _1 contact letter other", weight=_HINTS, unprompted=True),
    Pattern("L2c.stop_nagging", "stop ~2 pester", unless=f"me|{_SENT}|contact", weight=_HINTS, unprompted=True),
    Pattern("L2c.call_dont_text", "contact-message _2 comma negation _1 contact", weight=_ALWAYS, unprompted=True),
    Pattern("L2c.dont_ring_text", "negation _1 contact comma contact-message", weight=_ALWAYS, unprompted=True),
    Pattern("L2c.send_a_thing", "negation|never ~1 send-contact glue? other", unless=f"{_SENT}|me", weight=_HINTS, unprompted=True),
    Pattern("L2c.unwanted_phone", "unwanted glue ~1 contact-message", unless=f"{_SENT}|again", weight=_HINTS, unprompted=True),
    Pattern("L2c.had_none", f"count|number ~1 other|{_SENT} but no promo", weight=_HINTS, unprompted=True),
    Pattern("L2c.tell_them_not_to", "tell you? others|other negation|unwanted", weight=_HINTS, unprompted=True),
    Pattern("L2c.a_phone_i_never", "contact-message i unwanted", weight=_HINTS, unprompted=True),
    Pattern("L2c.cancel_a_thing", "cancel glue other list", weight=_HINTS, unprompted=True),
    Pattern("L2c.it_is_off", "list ~1 ended", weight=_HINTS, unprompted=True),
    Pattern("L2c.if_they_cancel", "list ~1 others cancel", weight=_HINTS, unprompted=True),
    Pattern("L2c.stop_doing", "stop other me message", weight=_HINTS),
    Pattern("L2c.on_ones_own", "unwanted others? link? receive others-them", weight=_HINTS),
    Pattern("L2c.i_would_not_call", "unwanted link contact-message|promo|contacted|receive|sms|email glue? other", weight=_HINTS),
    Pattern("L2c.dont_open", "negation handle ~3 message|contact|promo", unless="me"),
    Pattern("L2c.why_removed", "question you? remove|erase me off|glue|link", unless="negation|after_negation", weight=_HINTS),
    Pattern("L2c.took_you_off", "take you ~2 off", weight=_HINTS),
    Pattern("L2c.called_names", "unwanted|want link? take? contacted other $", weight=_HINTS),
    Pattern("L2c.or_else_call", "negation ~2 time contact me", weight=_HINTS),
    Pattern("L2c.not_for", "no_word-never link glue? contact", unless="me", weight=_HINTS),
    Pattern("L2c.contact_me_i_dont", "contact me i unwanted", weight=_HINTS),
    Pattern("L2c.no_more_of_a_thing", "negation ~1 send again other", unless="me", weight=_HINTS),
    Pattern("L2c.list_for_a_cancellation", "list link glue? cancel"),
    Pattern("L2c.dont_answer", "negation reply-contact ~2 contact", weight=_HINTS),
    Pattern("L2c.unwanted_to_do", "unwanted link? other", weight=_HINTS),
    Pattern("L2c.will_not_let", "others ~1 negation other me send|contact", weight=_HINTS),
    Pattern("L2c.told_somebody", "i courtesy? send others ~2 negation|unwanted _1 contact|send|pester", weight=_HINTS),
    Pattern("L2c.to_somebody", "negation-again _3 contact glue? other|urgent", weight=_HINTS),
    Pattern("L2c.stop_whom", "stop me? glue? other send|contact", weight=_ASKS),
    Pattern(
        "L2c.i_would_not", "unwanted link? send|contact-message|promo|contacted|receive|sms|email|phone|whatsapp|wechat|me", weight=_ASKS
    ),
    Pattern("L2c.off_what_list", "off glue? other list", weight=_ASKS),
    Pattern("L2c.stop_somebody", "stop ~1 contact-send|message|promo glue? other|others", weight=_HINTS),
    Pattern("L2c.remove_somebody", "remove|erase|take number|others|thing-my_detail", weight=_HINTS),
    Pattern("L2c.not_that", "no_contact off|link|glue? glue? other|body|thing", weight=_ASKS),
    Pattern("L2c.not_it", "negation _1 send others|them link|off|place"),
    Pattern("L2c.this_way_not_that", "contact me …8 negation _1 contact", weight=_ASKS),
    Pattern("L2c.you_dont", "^ you negation ~1 contact|send"),
    Pattern("L2c.not_afterwards", "leave_alone|no_contact|unsubscribe after_negation", weight=_ALWAYS),
    Pattern("L2c.what_i_sent", "stop ~4 i send|contact", weight=_ASKS),
    Pattern("L2c.by_mistake", "unsubscribe|cancel|remove|no_contact|stop ≈4 mistake", weight=_ALWAYS),
    Pattern("L2c.mistaken", "mistake ≈4 unsubscribe|no_contact|remove|stop", weight=_ALWAYS),
    Pattern("L2c.off_the_diary", "remove|take ~2 me ~4 appointment"),
    Pattern("L2c.out_with_books", "take out glue|you other? list", weight=_HINTS),
    Pattern("L2c.off_a_thing", "take ~1 me ~1 off me? glue? other|hold|body|place|thing|urgent", unless="message|promo|list", weight=_ASKS),
    Pattern("L2c.off_a_time", "remove|take ~1 me off glue? time|number"),
    Pattern("L2c.treatment_consent", "consent ~3 body|appointment|thing", unless="promo|my_data|data"),
    Pattern("L2c.consent_to_whom", "consent link glue? other|others", unless="promo|message|my_data|data", weight=_ASKS),
    Pattern("L2c.stop_a_payment", "stop|cancel|remove ~2 list ~1 appointment"),
    Pattern("L2c.delete_a_message", "erase me common-glue? message"),
    Pattern("L2c.left_another", "unsubscribe ~3 appointment|place"),
    Pattern("L2c.left_a_body", "unsubscribe glue glue? body|appointment|thing"),
    Pattern("L2c.left_a_time", "unsubscribe link|glue time|number", weight=_ASKS),
    Pattern("L2c.off_a_days_list", "remove|erase|take ≈6 list link|glue link|glue? time|appointment", weight=_ASKS),
    Pattern("L2c.a_days_list", "time glue|link? list ~1 remove|erase", weight=_ASKS),
    Pattern("L2c.list_of_a_time", "list link? glue? time|appointment ~2 remove|erase", weight=_ASKS),
    Pattern("L2c.left_a_thing", "unsubscribe link|off|glue …4 appointment|thing", unless="message|promo", weight=_ASKS),
    Pattern("L2c.thing_before", "thing _3 no_contact", weight=_ASKS),
    Pattern("L2c.thing_not", "body|thing|appointment negation ~1 send|contact", weight=_ASKS),
    Pattern("L2c.left_whom", "unsubscribe link|off|glue glue? other|others|appointment|body", unless="message|promo", weight=_ASKS),
    Pattern("L2c.when_it_ends", "question ~3 promo ~2 stop"),
    Pattern("L2c.why_they_end", "question ~3 message ~2 stop", weight=_HINTS),
)

# Tokens of footers, ours or others', which are never the person's own words.
FOOTERS = (
    Pattern("footer.reply_word", "reply ~1 keyword|unsubscribe|letter ≈4 unsubscribe|stop|stop_after|keyword|list|footer"),
    Pattern("footer.word_reply", "link? unsubscribe|stop comma|link? ≈1 reply ~1 keyword|unsubscribe|letter"),
    Pattern("footer.word_to_end", "keyword link unsubscribe|stop|list|withdraw"),
    Pattern("footer.to_end_word", "link stop|anger|unsubscribe|remove|cancel ~4 sms|reply|contact keyword|no_word link number"),
    Pattern("footer.word_sentence", "keyword footer"),
    Pattern("footer.sentence_word", "footer comma? ≈1 reply ~1 keyword|unsubscribe|letter everything?"),
    Pattern("footer.sentence", "footer"),
)

# Rights words (policy §4.1). The id's second part is the kind of request.
RIGHTS = (
    Pattern("rights.objection", "right_objection"),
    Pattern("rights.objection", "object ~6 my_data|data|promo|contacted"),
    Pattern("rights.objection", "object …8 my_data|data|promo"),
    Pattern("rights.erasure", "right_erasure"),
    Pattern("rights.erasure", "erase|remove ~4 my_data|everything ~3 data|hold|my_data|me"),
    Pattern("rights.erasure", "erase|remove ~3 hold? ~3 my_data"),
    Pattern("rights.erasure", "my_data ~5 erase|remove"),
    Pattern("rights.erasure", "everything ~5 erase|remove", also="data|hold|my_data|my_detail|about_me|me"),
    Pattern("rights.access", "right_access"),
    Pattern("rights.access", "copy ~6 my_data"),
    Pattern("rights.access", "my_data ~5 copy"),
    Pattern("rights.access", "send me _3 my_data"),
    Pattern("rights.access", "send glue? my_data"),
    Pattern("rights.access", "question ~1 data|my_data ~4 hold"),
    Pattern("rights.access", "question ~3 hold ~1 me $"),
    Pattern("rights.portability", "right_portability"),
    Pattern("rights.portability", "transfer ~4 my_data"),
    Pattern("rights.portability", "transfer ~4 data", also="my_data|about_me|hold|clinic"),
    Pattern("rights.portability", "my_data ~5 transfer|clinic"),
    Pattern("rights.rectification", "right_rectification"),
    Pattern("rights.rectification", "wrong ~4 about_me|my_data"),
    Pattern("rights.rectification", "about_me|my_data ~4 wrong"),
    Pattern("rights.rectification", "not_my ~1 about_me"),
    Pattern("rights.rectification", "fix ~3 about_me|my_detail|my_data"),
    Pattern("rights.rectification", "about_me|my_data ~3 fix"),
    Pattern("rights.restriction", "right_restriction"),
    Pattern("rights.restriction", "restrict ~5 my_data|data"),
    Pattern("rights.complaint", "right_complaint"),
    Pattern("rights.complaint", "complain ~8 my_data|data"),
)
