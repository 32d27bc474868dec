"""The lexicon as shipped, contexts in a word, and the test sets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hub.lexicon import load_lexicon
from hub.model.address import Channel
from hub.model.permission import Kind, Signal, TextContext
from hub.policy.optout import recognise

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / "tests" / "data" / "optout"
LEXICON = load_lexicon(ROOT / "config")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a test set; a line break is written \\n there."""

    text: str
    channel: str
    label: str
    scope: str
    language: str
    note: str

    @property
    def group(self) -> str:
        return "English" if self.language == "en" else "Chinese" if self.language.startswith("zh") else "others"


def rows(name: str) -> list[Row]:
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    names = lines[0].split("\t")
    values = [dict(zip(names, line.split("\t"), strict=True)) for line in lines[1:]]
    return [Row(**{**value, "text": value["text"].replace("\\n", "\n")}) for value in values]


def context(channel: str = "sms", note: str = "", **facts: object) -> TextContext:
    """note: `after=MKT offered=T,R prefix=+86 appointment`, as the test sets write it."""
    said = dict(part.partition("=")[::2] for part in note.split() if "=" in part)
    return TextContext(
        channel=Channel(channel),
        last_outbound_kind=Kind(said["after"]) if "after" in said else None,
        last_outbound_offered=tuple(said["offered"].split(",")) if "offered" in said else (),
        sender_prefix=said.get("prefix"),
        appointment_pending="appointment" in note.split(),
        **facts,  # type: ignore[arg-type]
    )


def read(text: str, channel: str = "sms", note: str = "", **facts: object) -> Signal:
    return recognise(text, context(channel, note, **facts), LEXICON)


def scopes(signal: Signal) -> list[str]:
    return [str(scope) if channel is None else f"{scope}({channel})" for scope, channel in signal.suppress]
