"""A campaign's text for one person, and the figures its pages draw."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hub.campaigns.content import Text, examine, first_name, unknown_slots
from hub.desks.campaigns import views
from hub.model.campaign import Progress
from hub.settings import Settings
from tests.integration.campaigns.samples import BODY, draft


@pytest.mark.parametrize(
    ("typed", "addressed"),
    [
        ("Amy Fenn", "Amy"),
        ("陈美凤", "陈美凤"),
        ("Siân O’Neill", "Siân"),
        ("", "there"),
        (None, "there"),
        ("http://evil.example", "there"),
        ("{clinic}", "there"),
        ("A" * 31, "there"),
        ("--", "there"),
    ],
)
def test_only_what_can_be_a_name_is_printed(typed: str | None, addressed: str) -> None:
    assert first_name(typed) == addressed


def test_each_slot_is_filled_in_once_and_for_all_people_of_a_name() -> None:
    text = Text("{clinic}: Hello {first_name}. {stop_line}", clinic="The Clinic")
    assert text.for_person("Amy Fenn").reveal() == "The Clinic: Hello Amy. Opt out: reply STOP"
    assert text.for_person("Amy Chan") is text.for_person("Amy Fenn")


def test_a_slot_nobody_knows_stands_against_the_text(settings: Settings) -> None:
    assert unknown_slots("{first_name} {surname} {surname}") == ("surname",)
    assert examine(draft(body=BODY + " {surname}"), settings).refused
    assert not examine(draft(), settings).refused


def test_the_sheet_adds_up_from_the_rows_it_shows_in_the_judges_order(settings: Settings) -> None:
    drawn = views.sheet({"ALLOW": 60, "NOT_RELEVANT": 28, "STOP_ALL": 12}, draft(), settings)
    assert [s.code for s in drawn.steps] == ["STOP_ALL", "NOT_RELEVANT"]
    assert (drawn.matched, drawn.left) == (100, 60)
    assert drawn.matched - sum(s.people for s in drawn.steps) == drawn.left


def test_sheet_and_reality_tell_when_somebody_is_missing() -> None:
    whole = Progress(listed=10, pending=2, cancelled=1, statuses={"accepted": 4, "unknown": 1}, refused={"STOP_ALL": 2})
    assert whole.adds_up
    assert not replace(whole, pending=1).adds_up
