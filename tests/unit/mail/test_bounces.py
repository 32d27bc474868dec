"""Every bounce sample means what its row says; above all, nobody is silenced by a full mailbox or a delay."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from channels.mail.reader import read_mail
from channels.mail.values import MailKind, Permanence

FOLDER = Path(__file__).parents[2] / "fixtures" / "mail" / "bounces"
EXPECTED: dict[str, dict[str, Any]] = tomllib.loads((FOLDER / "expected.toml").read_text("utf-8"))


@pytest.mark.parametrize("case", EXPECTED, ids=str)
def test_a_report_means_what_its_row_says(case: str) -> None:
    wanted = EXPECTED[case]
    mail = read_mail((FOLDER / f"{case}.eml").read_bytes())
    assert mail.kind == wanted["kind"]
    first = mail.bounces[0]
    found = {
        "recipient": first.recipient.reveal(),
        "action": first.action,
        "permanence": str(first.permanence),
        "suppress": first.suppress,
        "status": first.status,
    }
    assert found == {key: wanted[key] for key in found}, first.evidence
    assert len(mail.bounces) == wanted.get("count", 1)
    assert first.original_message_id == wanted.get("original")


def test_every_sample_has_its_row_and_every_row_its_sample() -> None:
    assert {path.stem for path in FOLDER.glob("*.eml")} == set(EXPECTED)


def test_only_hard_bounces_suppress() -> None:
    for path in FOLDER.glob("*.eml"):
        for bounce in read_mail(path.read_bytes()).bounces:
            assert not bounce.suppress or bounce.permanence is Permanence.HARD
            assert not bounce.authentic  # no keys were given, so no report is believed


def test_the_second_recipient_keeps_its_own_fate() -> None:
    for case in ("dsn_two_recipients", "two_addresses_two_fates"):
        second = read_mail((FOLDER / f"{case}.eml").read_bytes()).bounces[1]
        assert (second.recipient.reveal(), second.permanence, second.suppress) == ("ben@example.org", Permanence.FULL, False)


def test_a_person_who_forwards_a_bounce_is_a_person() -> None:
    raw = (
        b"From: Amy <amy@example.org>\r\nTo: hello@clinic.example\r\nSubject: Undeliverable: Your enquiry\r\n\r\n"
        b"Your mail bounced, see below. I am here!\r\n\r\n<amy@example.org>: 550 5.1.1 User unknown\r\n"
    )
    assert read_mail(raw).kind is MailKind.MESSAGE
