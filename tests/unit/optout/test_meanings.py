"""The same letters mean different things: by language, by what stands around them, by who is spoken of."""

from __future__ import annotations

import pytest

from hub.model.permission import OptOutLabel
from tests.unit.optout.helpers import read


@pytest.mark.parametrize(
    "text",
    [
        "taking cab from home to meet her now..last min email",  # min: not, in Greek as it is texted
        "back from oversea, the team will be tire",  # tire: take away, in Portuguese
        "email at my phone bo $$, call tmr",  # bo: leave out, in Vietnamese
    ],
)
def test_a_short_word_of_another_language_means_nothing_amid_english(text: str) -> None:
    assert read(text).label is OptOutLabel.NONE


@pytest.mark.parametrize("text", ["tire meu número da lista por favor", "pls huwag na mag text", "ne m'écrivez plus", "mat bhejo message"])
def test_it_means_what_it_says_where_its_language_is_spoken_or_mixed_in(text: str) -> None:
    assert read(text).label is OptOutLabel.OPT_OUT


@pytest.mark.parametrize("text", ["我想退订金，做不了了", "我想退订单"])
def test_a_stop_word_that_runs_on_into_a_harmless_word_is_none(text: str) -> None:
    assert read(text).label is OptOutLabel.NONE
    assert read("我想退订").label is OptOutLabel.OPT_OUT


@pytest.mark.parametrize(
    ("told", "asked"),
    [
        ("He's so cute but never texts first", "never text me again"),
        ("aunty stop calling him small boy, he has a beard", "stop calling me"),
        ("take my coat off before the scan or after?", "take me off"),
        ("Remove 20 onions from the list, add curry leaves", "Remove me from the list"),
        ("J'ai été désabonnée par erreur, remettez-moi", "Je veux être désabonnée"),
        ("galti se unsubscribe ho gaya, wapas add kar do", "unsubscribe kar do"),
        ("take me off the list for tuesday and put me on friday", "take me off the list"),
        ("Kannst du mich von der Liste für Samstag streichen", "Bitte streichen Sie mich von der Liste"),
        ("I unsubscribed from the monthly cleaning membership", "I unsubscribed"),
        ("clicked unsubscribe with my fat fingers, put me back", "unsubscribe me please"),
        ("my bowel won't leave me be", "leave me be"),
        ("Don't call me an ambulance, it's not that bad", "Don't call me"),
        ("no contact sports for how long?", "no contact please"),
        ("药不用寄,我明天来拿", "不用再寄了"),
    ],
)
def test_what_is_told_of_others_was_not_meant_or_is_of_something_else_is_no_stop(told: str, asked: str) -> None:
    assert read(told).label is not OptOutLabel.OPT_OUT
    assert read(asked).label is OptOutLabel.OPT_OUT


@pytest.mark.parametrize("text", ["no need to call me lah", "don't bother", "Woah. Ok... Dont disturb. Msg u later k"])
def test_what_only_hints_counts_in_answer_to_marketing(text: str) -> None:
    """Elsewhere the weights judge it with the other words."""
    assert read(text).label is OptOutLabel.NONE
    assert read(text, note="after=MKT").label is OptOutLabel.AMBIGUOUS


@pytest.mark.parametrize(
    "text",
    [
        "don't stop sending me offers",
        "Please don't stop the reminders, I'd forget otherwise!",
        "sign me up for offers",
        "happy to receive messages on whatsapp",
        "why has no message come? please call me",
        "请继续发给我",
    ],
)
def test_who_welcomes_messages_is_left_to_them_whatever_we_wrote_before(text: str) -> None:
    assert read(text, note="after=ACK").label is OptOutLabel.NONE


@pytest.mark.parametrize(
    ("thing", "person"),
    [("Wrong number of tablets in the box", "Wrong number"), ("wrong number on the door", "wrong number for Mei")],
)
def test_a_wrong_number_may_be_a_things(thing: str, person: str) -> None:
    assert read(thing).label is not OptOutLabel.WRONG_PERSON
    assert read(person).label is OptOutLabel.WRONG_PERSON


@pytest.mark.parametrize(
    "text",
    [
        "email only thanks",
        "bitte nur per Post, danke",
        "no calls before 8am please",
        "ring me never",
        "14 texts from you in 4 days",
        "my husband passed away in March, these messages keep coming",
        "nt intrested thx",
    ],
)
def test_one_way_only_bad_hours_counts_and_deaths_go_to_staff_where_we_wrote_before(text: str) -> None:
    assert read(text, note="after=ACK").label in {OptOutLabel.AMBIGUOUS, OptOutLabel.OPT_OUT}


@pytest.mark.parametrize("text", ["sorry wrong person", "不好意思发错人了"])
def test_who_may_have_sent_something_wrong_themselves_is_put_to_staff_and_not_shut_out(text: str) -> None:
    assert read(text, note="after=ACK").label is OptOutLabel.AMBIGUOUS
    assert read("sorry wrong person, stop texting me", note="after=ACK").label is OptOutLabel.OPT_OUT
    assert read("wrong person", note="after=ACK").label is OptOutLabel.WRONG_PERSON


@pytest.mark.parametrize(
    "text",
    [
        "unsubscribe me, you added me by mistake",
        "I was added by mistake, please unsubscribe me",
        "Vous m'avez inscrit par erreur, désabonnez-moi",
        "Вы меня подписали по ошибке, отпишите меня",
        "手滑订阅了,退订",
        "I unsubscribed and you put me back on the list",
        "stop texting me, you put me back on the list",
        "Please stop I message you before about this",
        "how do i not receive these messages",
        "message band karo mat bhejo",
        "kindly stop the sms i send you mail already",
    ],
)
def test_a_stop_that_could_be_read_otherwise_is_never_lost(text: str) -> None:
    """A mistake may be ours, and people write without commas: at the least staff are asked, whether we wrote before or not."""
    for note in ("", "after=ACK"):
        assert read(text, note=note).label in {OptOutLabel.OPT_OUT, OptOutLabel.AMBIGUOUS}


@pytest.mark.parametrize(
    "text",
    [
        '"STOP"', "«stop»", "“unsubscribe”", "please remove 07700900321 from ur system ta", "Never contact this number.",
        "no promotions via Messenger", "don't trouble me with further emails", "I'd like an end to the marketing", "nuff texts",
        "avoid txtin me at all", "Take us off your Christmas card list", "unsuscribe from this thnx", "don't bother me again",
        "dun msg me again",
    ],
)  # fmt: skip
def test_a_plain_stop_needs_no_message_of_ours_before_it(text: str) -> None:
    assert read(text).label is OptOutLabel.OPT_OUT


@pytest.mark.parametrize(
    "text",
    [
        "No more botox offers please", "no need to text me any more", "omg stopppp with the filler ads", "only email me from now on",
        "happy to get appointment reminders but not the promos thanks", "dont want anymore of these thx", "im broke bro stop",
        "My husband wants nothing further from you", "how 2 get my mum off ur list", "please don't keep my number on file",
    ],
)  # fmt: skip
def test_what_may_be_a_stop_is_put_to_staff_though_we_never_wrote(text: str) -> None:
    assert read(text).label is OptOutLabel.AMBIGUOUS


@pytest.mark.parametrize(
    "text",
    [
        "we'll stop them", "I didn't quit", "Tell him to stop.", "Stop daydreaming.", "Stop hitting your brother", "stop the car here",
        "I always get lost.", "leave it up to me", "love is never enough", "she mistook me for my brother", "I'm not Catholic.",
        "help us out", "I had to decline his offer", "Can transfer $471 to my account by tmr?", "take out the books on this shelf",
        "don't be left out of the move", "I think I got the wrong number", "not sent yet, our scores",
        "dun stop sending me offers", "pls dun leave me alone",
        "I don't want to fight about this over text",
        "I'd rather not say over text", "hold off til we hear from them", "the reindeer is out",
        "Not yet, hold off til we hear from the cardiologist", "please don't ring the bell", "Don't open that email from Carl",
        "Please don't forward these messages, they are fake", "Have you any more of those flyers", "I'm on the list for a cancellation",
        "Please don't send any more cakes home", "Have you enough blankets", "No thanks, I'm full",
        "Let me know as I don't want to ring the police", "I've told you three times now I'm not lending him any more money",
        "He's told me it's on the list for this week's payment run. If it's not there by Saturday ring me direct",
        "I never gave permission for photos", "Way more than enough", "Leave it with me", "I just don't want her to be on her own",
        "the room has the do not disturb up", "no more data til the 1st so text only", "My mum gave you the wrong phone number for her",
        "Why did you remove me from the group?", "I've taken your name off the list as you asked", "I've never had any bother with mine",
        "That's my stop", "Jason quit", "Our dog walker quit", "Nobody asked you", "I'll have to pass", "He's still not texted back",
        "Shop bell's not ringing", "Sorry 4 not texting back, I was driving", "Too late, they stop selling at 2.30",
        "They removed my name from the list saying the form was incomplete", "My inbox is full, delete ur smileys haha",
        "I know you said not to ring on a Sunday but the ceiling has come down", "I've told her a million times not to ring before eight",
        "Do not open this msg!!! Now u must buy me lunch", "Ring me back, I only got enough credit 4 1 txt", "I'm tired of calling them",
        "They get funny if you don't call before nine", "Any chance you could take my bin in", "They spelled my name wrong on the badge",
        "RCB need 183 to win. To stop this alert sms STOP to 52345", "I sent it to the wrong person",
        "My ex is at this party. get me out", "Mum u dont need 2 sign ur texts i know its u",
        "Nan's had a letter about her pension credit and she's in a right state thinking they're stopping it. Can you ring her",
        "Ring me if you get lost", "Can't get my ring off", "Can you text me the list, I've come out without it",
        "They called out my name wrong at graduation",
        "Don't come by Ring Road, there's an accident", "I'd rather not be on my own with it", "Cancelled my subscription finally",
        "I sent to wrong number, can you reverse it", "Yard sale Saturday if you have anything to get rid of",
        "They had my name wrong on the ticket", "he doesnt want to know whats on there lol",
        "I want to be on the list if anyone cancels saturday", "Blot it don't rub it. If that don't work call me Monday",
        "You have to book online now, they don't take phone bookings", "You're on mute on the family call lol",
        "Went to three stores for the dry erase markers on the supply list", "I need to end the call, battery dying",
        "I'm no further forward with this bill", "It's your day off, stop answering emails",
        "They've left off the overnight allowance again", "I've done something silly and deleted the whole address list",
        "Forwarded: do NOT accept a call from a number ending 709", "tell your brother not to book the day off till I ring him",
        "Any idea how to cancel a Sky subscription, been on hold 50 mins",
    ],
)  # fmt: skip
def test_everyday_talk_of_stopping_refusing_calls_and_texts_is_none(text: str) -> None:
    assert read(text).label is OptOutLabel.NONE


@pytest.mark.parametrize(
    "text",
    [
        "I've told you three times now", "who even are you", "asked at reception to be left off", "I never gave permission",
        "sms only please", "no thanks im fine",
    ],
)  # fmt: skip
def test_a_reproach_or_a_polite_no_counts_in_answer_to_us(text: str) -> None:
    assert read(text, note="after=ACK").label in {OptOutLabel.AMBIGUOUS, OptOutLabel.OPT_OUT}


@pytest.mark.parametrize(
    "text",
    [
        "tell him to stop calling me", "Out of credit so text don't ring", "Not by sms. I come down now",
        "Don't tell my sister yet, she has her last paper on Thursday and I don't want her to be disturbed",
        "The toddler group is cancelled, the heating's off in the hall", "Don't text n drive. reply at the toll",
        "Stop disturbing your sister", "No I don't want a new phone", "You can put them on the do not call list",
        "Mom I got your parcel, please don't send glass again but thank you", "Your father don't need a new phone",
        "She'd rather not be on the list by name, use my surname for the booking",
        "They've sent me a new phone I never asked for and want 38 a month", "Tell them people to stop calling my phone",
        "Tell your sister to stop sending chain messages", "We've had eleven viewings and no offers and I do think 5k off would help",
    ],
)  # fmt: skip
def test_what_mostly_tells_something_is_a_stop_where_we_wrote_and_nothing_where_we_did_not(text: str) -> None:
    assert read(text).label is OptOutLabel.NONE
    assert read(text, note="after=ACK").label is OptOutLabel.OPT_OUT


@pytest.mark.parametrize("text", ["My hearing aid's playing up so don't phone, text me", "Texting from Busi's phone, don't call mine"])
def test_one_way_of_writing_and_not_the_other_is_put_to_staff_where_we_never_wrote(text: str) -> None:
    """An alternative limits a revocation (policy §3.3, L2b)."""
    assert read(text).label is OptOutLabel.AMBIGUOUS
    assert read(text, note="after=ACK").label is OptOutLabel.OPT_OUT


@pytest.mark.parametrize(
    "text",
    ["my wife does not want your messages", "stop bothering us", "remove Jane Smith from your mailing list", "stop sending leaflets"],
)
def test_a_wish_said_for_another_or_of_a_thing_stands_though_we_never_wrote(text: str) -> None:
    assert read(text).label is OptOutLabel.OPT_OUT


def test_what_one_also_says_to_a_friend_refuses_where_it_answers_marketing() -> None:
    for text in ("not for me today ta", "think I'll pass this time", "count me out"):
        assert read(text).label is OptOutLabel.NONE
        assert read(text, note="after=MKT").label is OptOutLabel.AMBIGUOUS


@pytest.mark.parametrize(
    "text",
    ["everything you hold about me must be deleted", "semua tentang saya dihapus", "todas as minhas coisas apagar"],
)
def test_everything_named_before_its_erasure_is_a_request_to_erase(text: str) -> None:
    assert read(text).rights == "erasure"


@pytest.mark.parametrize("text", ["maybe now they will leave me alone", "i wish everyone would leave me alone"])
def test_who_else_shall_leave_somebody_alone_is_for_staff_where_we_never_wrote(text: str) -> None:
    assert read(text).label is OptOutLabel.AMBIGUOUS
    assert read(text, note="after=ACK").label is OptOutLabel.OPT_OUT


@pytest.mark.parametrize(
    ("text", "label"), [("Please undo my unsubscribe", "AMBIGUOUS"), ("This is Dave's daughter, he doesn't want your texts", "OPT_OUT")]
)
def test_what_may_not_stand_beside_a_pattern_undoes_it(text: str, label: str) -> None:
    """The first holds a word that keeps a revocation from being one, the second a word that keeps a reversal from being one."""
    assert read(text).label == label


def test_who_wants_a_lift_is_on_no_list() -> None:
    assert read("Hey can you jump me off, I'm at the Kroger", note="after=ACK").label is OptOutLabel.NONE


@pytest.mark.parametrize("text", ["don't call now", "pls dont ring now, baby just slept"])
def test_not_now_is_a_limit_in_time(text: str) -> None:
    assert read(text, note="after=ACK").rule_id == "L2b.limited"


@pytest.mark.parametrize(
    "text",
    [
        "he marked u absent already", "Don't ring the number back, ring the bank on the one on your card",
        "Kindly tell Mum not to send any more bananas, we still have two full bunches", "Do not call the customer, I call him",
        "Boooo you always work, all night long and no fun. Just quit.",
    ],
)  # fmt: skip
def test_what_a_pattern_would_ask_staff_about_goes_to_them_only_where_we_wrote_or_the_weights_agree(text: str) -> None:
    assert read(text).label is OptOutLabel.NONE
    assert read(text, note="after=ACK").label is OptOutLabel.AMBIGUOUS
