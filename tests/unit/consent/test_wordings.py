"""The wordings the product ships with, and the loader's refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.wordings import BadWording, load

SHIPPED = Path(__file__).parents[3] / "config" / "wordings"
LANGUAGES = ["en", "zh-Hans", "zh-Hant", "fr", "es", "it", "pt", "pl", "ro", "ru", "tr", "ar", "hi", "ur", "fa"]


@pytest.mark.parametrize("locale", LANGUAGES)
@pytest.mark.parametrize("id", ["ooc_stop", "ooc_marketing", "ooc_all", "ooc_question"])
def test_the_confirmation_of_a_stop_exists_in_every_language_and_names_the_clinic(id: str, locale: str) -> None:
    wording = load(SHIPPED).text(id, locale)
    assert wording.locale == locale
    assert "Clinic A" in wording.filled(clinic="Clinic A")


@pytest.mark.parametrize("locale", LANGUAGES)
def test_a_confirmation_offers_no_link_and_tells_how_to_come_back(locale: str) -> None:
    text = load(SHIPPED).text("ooc_stop", locale).text
    assert "START" in text or "重新订阅" in text
    assert "http" not in text


@pytest.mark.parametrize("locale", ["en", "zh-Hans"])
def test_each_offered_consent_names_one_channel_and_one_purpose(locale: str) -> None:
    offered = load(SHIPPED).offered(locale)
    assert [w.channel for w in offered] == ["email", "sms", "whatsapp"]
    assert all(w.purpose == "newsletter" and w.locale == locale and w.small_print for w in offered)


@pytest.mark.parametrize(
    ("asked", "got"),
    [("pt-BR", "pt"), ("zh-HK", "zh-Hant"), ("zh-Hans-CN", "zh-Hans"), ("zh-CN", "zh-Hans"), ("de", "en"), ("en-GB", "en")],
)
def test_the_nearest_language_is_taken(asked: str, got: str) -> None:
    assert load(SHIPPED).text("ooc_stop", asked).locale == got


ENTRY = '[[wording]]\nid="a"\nversion={v}\nlocale="en"\nvalid_from=2026-01-01\nreviewed=true\ntext="{t}"\n'


def test_the_newest_version_is_shown_and_the_old_one_still_found(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(ENTRY.format(v=1, t="old") + ENTRY.format(v=2, t="new"))
    wordings = load(tmp_path)
    assert wordings.text("a", "en").text == "new"
    old = wordings.exact("a", 1, "en")
    assert old is not None
    assert old.text == "old"


@pytest.mark.parametrize(
    "text",
    [
        "[[wording",
        ENTRY.format(v=1, t="x") * 2,
        ENTRY.format(v=1, t=" "),
        ENTRY.replace('id="a"', "").format(v=1, t="x"),
        "[[wording]]\nid=3",
    ],
    ids=["no toml", "twice", "blank", "no id", "wrong kind"],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(BadWording, match=r"a\.toml|stands twice"):
        load(tmp_path)
