"""A campaign's text: its slots, what the content check says of it, and the text for one person. Pure."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from channels.mail import letter
from channels.segments import segments
from hub.gate.content import as_row
from hub.gate.examine import rules_in, sender_identity
from hub.model.address import Channel
from hub.model.campaign import Draft
from hub.model.permission import ContentFacts, Kind
from hub.model.sealed import Sealed
from hub.policy.lint import Finding, LintText, Severity, check, content_facts
from hub.settings import Settings
from hub.settings.senders import identity_of

SLOTS = ("first_name", "clinic", "stop_line")
STOP_LINE = "Opt out: reply STOP"
SOMEBODY = "there"  # as in "Hello there", where no name is known
LONGEST_NAME = 30
_SLOT = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What is said of a draft's text. wrong: slots nobody knows. example: as somebody called Alexandra would get it.

    segments: text messages it takes; 0 for a mail. unicode: its letters leave only 70 to each of them.
    """

    facts: ContentFacts
    findings: tuple[Finding, ...]
    wrong: tuple[str, ...]
    example: str
    segments: int
    unicode: bool
    version: str
    content_hash: bytes

    @property
    def refused(self) -> bool:
        """Whether nothing of it could leave."""
        return bool(self.wrong) or any(f.severity is Severity.REFUSE for f in self.findings)

    @property
    def row(self) -> dict[str, Any]:
        """As kept on the campaign from its approval on."""
        return as_row(self.facts, version=self.version, content_hash=self.content_hash)


class Text:
    """A campaign's text, ready to be filled in; each different name is filled in once."""

    def __init__(self, body: str, *, clinic: str) -> None:
        self._parts = body.replace("{clinic}", clinic).replace("{stop_line}", STOP_LINE).split("{first_name}")
        self._made: dict[str, Sealed[str]] = {}

    def for_person(self, display_name: str | None) -> Sealed[str]:
        """The text as this person gets it."""
        name = first_name(display_name)
        made = self._made.get(name)
        if made is None:
            if len(self._made) > 10_000:
                self._made.clear()
            made = self._made[name] = Sealed(name.join(self._parts))
        return made


def first_name(display_name: str | None) -> str:
    """How to address somebody. A name is what people typed: anything but letters in it is no name to print."""
    words = (display_name or "").split(None, 1)
    if not words or len(words[0]) > LONGEST_NAME:
        return SOMEBODY
    if words[0].isascii() and words[0].isalpha():  # most names: no need to look at each letter
        return words[0]
    plain = all(unicodedata.category(c)[0] in "LM" or c in "'’-" for c in words[0])
    return words[0] if plain and any(c.isalpha() for c in words[0]) else SOMEBODY


def text_hash(body: str) -> bytes:
    """SHA-256 of the text as written, slots and all."""
    return hashlib.sha256(body.encode()).digest()


def unknown_slots(body: str) -> tuple[str, ...]:
    """Slots nobody can fill in."""
    return tuple(dict.fromkeys(s for s in _SLOT.findall(body) if s not in SLOTS))


def examine(draft: Draft, settings: Settings) -> Checked:
    """Check a draft's text as somebody with a long name would get it, so that its length is no surprise."""
    example = Text(draft.body, clinic=settings.clinic.trading_name).for_person("Alexandra").reveal()
    counted = segments(example) if draft.channel is Channel.SMS else None
    if draft.channel is Channel.EMAIL:  # judged with the foot every mail gets
        example = f"{example}\n\n{letter.footer(identity_of(settings.clinic), marketing=True)}"
    text = LintText(
        channel=draft.channel,
        text=example,
        kind=Kind.MKT,
        sender=sender_identity(settings),
        segments=counted.count if counted else None,
    )
    report = check(text, rules_in(settings.config_dir))
    facts = content_facts(report, kind=Kind.MKT, base=ContentFacts(images_ok=True))  # a text message has no images
    return Checked(
        facts=replace(facts, interests=_sorted(draft.interests)),
        findings=report.findings,
        wrong=unknown_slots(draft.body),
        example=example,
        segments=counted.count if counted else 0,
        unicode=counted is not None and counted.alphabet == "UCS-2",
        version=report.version,
        content_hash=report.content_hash,
    )


def mail_parts(body: str) -> tuple[str, str]:
    """A mail's subject, which is the first line, and its text. Either may be empty."""
    subject, _, text = body.strip().partition("\n")
    return subject.strip(), text.strip()


def _sorted(interests: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(set(interests)))
