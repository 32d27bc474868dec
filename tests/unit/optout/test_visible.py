"""Only what the person wrote now is read (policy §3.2 step 1, channels.md §2.1)."""

from __future__ import annotations

import pytest

from hub.model.permission import OptOutLabel
from hub.policy.optout.visible import visible
from tests.unit.optout.helpers import read

QUOTES = [
    "> Offers!\n> Reply STOP to opt out",
    "On Tue, 3 Nov 2026 at 10:12, Clinic <hello@clinic.example> wrote:\n> stop",
    "On Tue, 3 Nov 2026 at 10:12, Clinic\n<hello@clinic.example> wrote:\n\nunsubscribe",
    "Le mar. 3 nov. 2026 à 10:12, Clinic <hello@clinic.example> a écrit :\n> STOP",
    "Am 03.11.2026 um 10:12 schrieb Clinic <hello@clinic.example>:\n> STOP",
    "El mar, 3 nov 2026 a las 10:12, Clinic (<hello@clinic.example>) escribió:\n> baja",
    "在 2026年11月3日,Clinic <hello@clinic.example> 写道:\n> 退订",
    "From: Clinic <hello@clinic.example>\nSent: 3 November 2026\nTo: Jane\nSubject: Offers\n\nunsubscribe",
    "发件人: Clinic\n发送时间: 2026年11月3日\n收件人: Jane\n主题: 优惠\n\n退订",
    "-----Original Message-----\nstop",
    "---------- Forwarded message ---------\nstop",
    "Begin forwarded message:\n\nunsubscribe",
    "-- \nstop",
    "[03/11/2026, 10:12] Clinic: stop",
]
FOOTERS = [
    "Reply STOP to opt out", "Opt out: reply STOP", "Text STOP to 80800 to unsubscribe",
    "To opt out text STOP", "STOP to end", "Txt STOP 2 end",
    "回复TD退订", "退订回T", "拒收请回复R", "回TD退订", "Click here to unsubscribe", "Envoyez STOP au 36111 pour vous désabonner",
    "Répondez STOP pour vous désinscrire", "Responda BAJA para darse de baja",
    "Odpisz STOP aby się wypisać", "Ответьте СТОП чтобы отписаться",
    "To end this conversation too, reply STOP ALL; otherwise just carry on.",
]  # fmt: skip


@pytest.mark.parametrize("quote", QUOTES)
@pytest.mark.parametrize("own", ["Yes please book me", "stop", "when are you open?", "不要再发了"])
def test_what_is_quoted_never_changes_what_was_said(own: str, quote: str) -> None:
    alone, together = read(own), read(f"{own}\n\n{quote}")
    assert (together.label, together.suppress) == (alone.label, alone.suppress)


@pytest.mark.parametrize("footer", FOOTERS)
def test_our_footer_never_opts_anyone_out(footer: str) -> None:
    assert read(footer).label is OptOutLabel.NONE
    assert read(f"Offers on peels this week. {footer}").label is OptOutLabel.NONE
    assert read(f"{footer}\nSTOP").suppress


def test_an_answer_below_the_quote_is_read() -> None:
    assert read("On 3 Nov 2026, Clinic <a@b.example> wrote:\n> Offers\n\nunsubscribe me please").label is OptOutLabel.OPT_OUT


def test_a_device_line_is_no_part_of_the_message() -> None:
    assert read("STOP\n\nSent from my iPhone").label is OptOutLabel.OPT_OUT
    assert read("退订\n发自我的iPhone").label is OptOutLabel.OPT_OUT


def test_the_span_is_that_of_the_text_as_received() -> None:
    text = "> quoted\nHello,\u200b please ｓｔｏｐ texting me"
    first, end = read(text).matched_span
    assert text[first:end].startswith("ｓｔｏｐ tex")


def test_a_text_without_quotes_is_passed_as_it_is() -> None:
    assert visible("just a line").text == "just a line"
