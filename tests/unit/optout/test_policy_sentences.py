"""Every sentence of policy §3.5, the scopes of §3.6, and the contexts of §3.4."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hub.model.permission import OptOutLabel
from tests.unit.optout.helpers import read, scopes

OPT_OUT = [
    "STOP", "Stop.", "ＳＴＯＰ", "s t o p", "STOP!!!🙏", "stop please, thanks",
    "STOP – Jane 07700 900123", "cancel pls", "Stop stop stop",
    "please stop texting me", "remove me from your list", "don't contact me again on WhatsApp", "I withdraw my consent to marketing",
    "can you stop sending me offers?", "No more emails, but keep my appointment",
    "退订", "回TD", "TD", "不要再给我发广告了", "唔好再send俾我",
    "ARRÊT", "no me escriban más", "basta messaggi", "proszę do mnie nie pisać", "уберите меня из рассылки", "bir daha mesaj atmayın",
    "لا ترسلوا لي رسائل", "pls take my number off", "I've asked you twice to leave me be", "lose my email ok?", "enough w the promos",
    "bie zai fa le", "tui ding",
]  # fmt: skip
NONE = [
    "can I stop by at 5?", "does it stop hurting after a day", "I want to cancel my appointment", "how do I stop the bleeding",
    "is there a bus stop nearby", "should I stop taking ibuprofen before?", "the treatment at the end of May", "I quit smoking",
    "when will the redness end?", "stop worrying me lol, see you at 3", "don't stop sending me offers", "I got no message from you",
    "I never received your email", "remove a mole", "tattoo removal", "mole remove me price", "可以退订金吗", "取消预约", "停止用药几天?",
    "annuler mon rendez-vous", "cancelar la cita", "tengo la presión baja", "rezygnuję z wizyty", "randevumu iptal etmek istiyorum",
    "إلغاء الموعد", "отмена записи", "Yes please book me\n\n> Reply STOP to opt out",
    "Is this from you?\n\n---------- Forwarded message ---------\nFrom: News\nSubject: Offers\n\nunsubscribe",
]  # fmt: skip
AMBIGUOUS = [
    "stop it", "🛑", "not interested", "enough!", "取消", "отмена", "don't call me before 5", "don't text me the photos", "不需要了",
    "no thanks", "leave it", "can you not text me after 9",
]  # fmt: skip


@pytest.mark.parametrize("text", OPT_OUT)
def test_an_opt_out_of_the_policy_is_recognised(text: str) -> None:
    signal = read(text)
    assert signal.label is OptOutLabel.OPT_OUT
    assert signal.suppress


@pytest.mark.parametrize("channel", ["sms", "wechat", "messenger", "email", "whatsapp", "instagram", "web_form"])
def test_stop_ends_marketing_and_the_channel_it_came_by(channel: str) -> None:
    assert scopes(read("stop", channel)) == [f"CHANNEL({channel})", "ALL_MARKETING"]


@pytest.mark.parametrize("text", NONE)
def test_what_only_looks_like_an_opt_out_is_none(text: str) -> None:
    signal = read(text)
    assert (signal.label, signal.suppress) == (OptOutLabel.NONE, ())


@pytest.mark.parametrize("text", AMBIGUOUS)
def test_a_doubtful_text_ends_marketing_until_staff_know(text: str) -> None:
    assert (read(text).label, scopes(read(text))) == (OptOutLabel.AMBIGUOUS, ["ALL_MARKETING"])


@pytest.mark.parametrize("text", ["no", "N", "nope"])
def test_no_counts_after_marketing_only(text: str) -> None:
    assert read(text, note="after=MKT").label is OptOutLabel.AMBIGUOUS
    assert read(text, note="after=SVC").label is OptOutLabel.NONE


@pytest.mark.parametrize(
    ("text", "kind", "suppressed"),
    [
        ("delete everything you hold on me", "erasure", ["ALL_MARKETING"]),
        ("send me a copy of my data", "access", []),
        ("that's not my surname", "rectification", []),
        ("I object to the processing of my data", "objection", ["ALL_MARKETING"]),
        ("please restrict processing of my data", "restriction", []),
        ("transfer my records to another clinic", "portability", []),
        ("I want to complain about how you used my data", "complaint", []),
        ("我要查阅我的个人信息", "access", []),
        ("Stop emailing me and delete all my data", "erasure", ["CHANNEL(email)", "ALL_MARKETING"]),
    ],
)
def test_a_request_about_data_is_recognised(text: str, kind: str, suppressed: list[str]) -> None:
    signal = read(text)
    assert (signal.label, signal.rights, scopes(signal)) == (OptOutLabel.RIGHTS, kind, suppressed)


@pytest.mark.parametrize("text", ["wrong number", "I'm not Mei", "你打错了", "this isn't Sarah's phone"])
def test_another_person_is_never_written_to_again(text: str) -> None:
    assert (read(text).label, scopes(read(text))) == (OptOutLabel.WRONG_PERSON, ["ALL_CONTACT"])


@pytest.mark.parametrize("text", ["I'm not sure", "is this the wrong number?", "I'm not happy with my lips"])
def test_a_denial_without_a_name_is_not_another_person(text: str) -> None:
    assert read(text).label is not OptOutLabel.WRONG_PERSON


def test_a_bare_cancel_word_tells_staff_when_an_appointment_is_pending() -> None:
    assert read("cancel pls", note="appointment").flags == ("appointment?",)
    assert read("cancel pls").flags == ()


def test_an_emergency_is_flagged_beside_the_label() -> None:
    assert read("how do I stop the bleeding").flags == ("urgent",)
    assert read("stop texting me, I can't breathe").flags == ("urgent",)
    assert read("no bleeding today").flags == ()


@pytest.mark.parametrize(
    ("text", "child"), [("I'm 16", True), ("im 15, can I book?", True), ("I'm 16 weeks pregnant", False), ("I'm 10 mins away", False)]
)
def test_a_child_is_flagged(text: str, child: bool) -> None:
    assert ("under_18" in read(text).flags) is child


@pytest.mark.parametrize(
    ("text", "label"),
    [("START", OptOutLabel.OPT_IN), ("unstop", OptOutLabel.OPT_IN), ("重新订阅", OptOutLabel.OPT_IN), ("YES", OptOutLabel.NONE)],
)
def test_yes_is_no_opt_in_word(text: str, label: OptOutLabel) -> None:
    assert read(text).label is label


def test_help_is_help() -> None:
    assert read("HELP").label is OptOutLabel.HELP


@pytest.mark.parametrize(
    ("text", "suppressed"),
    [
        ("no more offers", ["ALL_MARKETING"]),
        ("don't message me on WhatsApp", ["CHANNEL(whatsapp)", "ALL_MARKETING"]),
        ("stop emails", ["CHANNEL(email)", "ALL_MARKETING"]),
        ("don't contact me again", ["ALL_CONTACT"]),
        ("leave me alone", ["ALL_CONTACT"]),
        ("lose my number", ["ALL_CONTACT"]),
        ("please stop sending", ["CHANNEL(sms)", "ALL_MARKETING"]),
        ("don't text me, email me instead", ["CHANNEL(sms)", "ALL_MARKETING"]),
    ],
)
def test_the_words_decide_how_far_a_stop_reaches(text: str, suppressed: list[str]) -> None:
    assert (read(text).label, scopes(read(text))) == (OptOutLabel.OPT_OUT, suppressed)


def test_a_letter_counts_where_our_text_offered_it() -> None:
    assert read("R", note="offered=R").label is OptOutLabel.OPT_OUT
    assert read("T", note="prefix=+86").label is OptOutLabel.OPT_OUT
    assert read("11", note="offered=11").label is OptOutLabel.OPT_OUT
    assert read("11", note="prefix=+86").label is OptOutLabel.NONE
    assert read("R", "whatsapp", "offered=R").label is OptOutLabel.NONE
    assert read("R", note="after=MKT").label is OptOutLabel.AMBIGUOUS
    assert read("R").label is OptOutLabel.NONE


def test_a_letter_offered_too_long_ago_does_not_count() -> None:
    now = datetime(2026, 11, 24, tzinfo=UTC)
    assert read("R", note="offered=R", now=now, last_outbound_at=now - timedelta(days=30)).label is OptOutLabel.OPT_OUT
    assert read("R", note="offered=R", now=now, last_outbound_at=now - timedelta(days=31)).label is OptOutLabel.NONE


def test_a_short_answer_to_marketing_in_no_language_we_know_is_put_to_staff() -> None:
    assert read("zxqv brrm", note="after=MKT").label is OptOutLabel.AMBIGUOUS
    assert read("zxqv brrm").label is OptOutLabel.NONE
