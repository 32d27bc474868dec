"""One part of a message (text, subject or preview), folded and searched once, and how faults in it are written down."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from hub.model.permission import Kind
from hub.policy.lint.fold import Folded, fold
from hub.policy.lint.medicines import MedicineHit
from hub.policy.lint.phrases import Hit
from hub.policy.lint.rule_table import severity
from hub.policy.lint.rules import LintRules
from hub.policy.lint.values import Finding, Severity, Where

MAX_PER_RULE = 20  # findings of one rule in one part: nobody reads more, and a hostile text makes no heap of them
_WORDS = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a message with everything found in it. Hits are in reading order."""

    where: Where
    raw: str
    folded: Folded
    hits: dict[str, list[Hit]]
    medicines: list[MedicineHit]

    def of(self, *rules: str) -> list[Hit]:
        """The hits of these rules in reading order; those that overlap are one ("free gift" in "enjoy a free gift")."""
        chosen = [hit for rule in rules for hit in self.hits.get(rule, ())]
        chosen.sort(key=lambda hit: (hit.start, -hit.end))
        kept: list[Hit] = []
        for hit in chosen:
            if not kept or hit.start >= kept[-1].end:
                kept.append(hit)
            elif hit.end > kept[-1].end:
                kept[-1] = replace(kept[-1], end=hit.end)
        return kept

    def plain(self) -> str:
        """Its words alone, one space apart and at both ends: names and addresses are compared in this form."""
        return plain_words(self.folded)


def plain_words(folded: Folded) -> str:
    return f" {' '.join(_WORDS.findall(folded.text))} "


def read_part(where: Where, raw: str, rules: LintRules) -> Part:
    folded = fold(raw)
    hits: dict[str, list[Hit]] = {}
    for hit in rules.book.find(folded.text):
        hits.setdefault(hit.rule, []).append(hit)
    return Part(where, raw, folded, hits, rules.medicines.find(folded, MAX_PER_RULE))


def finding(rule: str, kind: Kind | None, part: Part, start: int, end: int, detail: tuple[str, str] = ("", "")) -> Iterator[Finding]:
    """The finding for a span of the folded text, or nothing where the rule does not bind this kind."""
    level = severity(rule, kind)
    if level is not None:
        span = part.folded.original(start, end)
        yield Finding(rule=rule, span=span, where=part.where, severity=Severity(level), words=part.raw[span[0] : span[1]], detail=detail)


def from_hits(rule: str, kind: Kind | None, part: Part, hits: Iterable[Hit]) -> Iterator[Finding]:
    """Findings for the first hits of a rule."""
    for count, hit in enumerate(hits):
        if count == MAX_PER_RULE:
            return
        yield from finding(rule, kind, part, hit.start, hit.end)


def missing(rule: str, kind: Kind | None, detail: tuple[str, str]) -> Iterator[Finding]:
    """The finding for something that ought to be in the message and is not."""
    level = severity(rule, kind)
    if level is not None:
        yield Finding(rule=rule, span=(0, 0), where=Where.TEXT, severity=Severity(level), detail=detail)
