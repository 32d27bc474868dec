"""config/templates.toml: what could not be sent as it stands is told at start, in words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from hub.model.template import CannotFill, Template
from hub.settings import Settings, load_settings
from hub.settings.problems import Problems
from hub.settings.templates import read_templates

CONFIG = Path(__file__).parents[2] / "config"
GOOD = {
    "id": "ready",
    "account": "whatsapp-sandbox",
    "language": "en",
    "title": "Ready",
    "category": "utility",
    "provider_id": "HX" + "0" * 32,
    "approved": True,
    "body": "Hello {name}, about {subject}: reply, {name}.",
}


@pytest.fixture(scope="module")
def house(sandbox_environ: dict[str, str]) -> Settings:
    return load_settings(sandbox_environ, CONFIG)


def read(house: Settings, *entries: Mapping[str, object]) -> tuple[tuple[Template, ...], str]:
    problems = Problems()
    found = read_templates({"template": list(entries)}, house.accounts, problems, sandbox=True)
    return found, " ".join(problems.error().problems) if problems else ""


def test_slots_are_numbered_in_the_order_they_first_appear(house: Settings) -> None:
    [template], said = read(house, GOOD)
    assert (said, template.slots) == ("", ("name", "subject"))
    values = {"name": "Amy", "subject": " opening\n  hours "}
    assert template.filled(values) == "Hello Amy, about opening hours: reply, Amy."
    assert [(name, value.reveal()) for name, value in template.variables(values)] == [("1", "Amy"), ("2", "opening hours")]
    with pytest.raises(CannotFill, match="subject"):
        template.filled({"name": "Amy"})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"account": "nobody"}, "names an account that is not in channels.toml"),
        ({"account": "sms-sandbox"}, "whose channel has no templates"),
        ({"provider_id": "appt"}, "cannot be sent by whatsapp-sandbox (template_name)"),
        ({"account": "whatsapp-cloud-sandbox"}, "cannot be sent by whatsapp-cloud-sandbox (template_name)"),
        ({"body": "Hello {Name}."}, "has a brace in its body that is no slot"),
        ({"body": "{name}, hello."}, "begins or ends with a slot"),
        ({"category": "news"}, "needs a category out of these"),
        ({"use": "confirmation"}, "may only use these slots"),
        ({"aproved": True}, "has an unknown setting aproved"),
    ],
)
def test_what_is_wrong_is_told(house: Settings, change: dict[str, object], told: str) -> None:
    assert told in read(house, GOOD | change)[1]


def test_a_template_given_twice_is_told_and_one_not_approved_is_so_by_default(house: Settings) -> None:
    assert "twice" in read(house, GOOD, GOOD)[1]
    [template], said = read(house, {k: v for k, v in GOOD.items() if k != "approved"})
    assert (said, template.approved) == ("", False)
