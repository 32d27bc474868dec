"""What a text says about health or age where it must not: leaks, booked procedures, words to the under-18s.

policy R23, R44, §2.2 gates 13 and 22. It reads the text only; whether the age is confirmed is the judge's business.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_right
from collections.abc import Iterator

from hub.model.address import Channel
from hub.policy.lint.fold import fold
from hub.policy.lint.part import MAX_PER_RULE, Part, finding, from_hits
from hub.policy.lint.phrases import Hit
from hub.policy.lint.values import Finding, LintText, Where

_SENTENCE_END = re.compile(r"[.!?](?=\s)|[。！？\n]")
_LISTED_SUBSTANCES = frozenset({"botulinum", "hyaluronidase"})  # the 2021 Act: toxins and fillers

_SHOWN: dict[Where, tuple[str, str]] = {
    Where.TEXT: ("A text message shows on a locked screen", "短信会显示在锁屏上"),
    Where.SUBJECT: ("A subject line shows on a locked screen", "邮件主题会显示在锁屏上"),
    Where.PREVIEW: ("A preview shows on a locked screen", "消息预览会显示在锁屏上"),
}
_AUDIENCE = ("An audience name is read by the advertiser", "受众名称会被广告平台看到")


def leaks(text: LintText, parts: list[Part]) -> Iterator[Finding]:
    """Health words and medicines in an SMS, a subject line, a preview or an audience name."""
    for part in parts:
        if part.where is Where.TEXT and text.channel not in (Channel.SMS, Channel.ADS):
            continue
        shown = _AUDIENCE if text.channel is Channel.ADS else _SHOWN[part.where]
        hits = part.of("health.procedure", "health.term") + [Hit("", m.start, m.end) for m in part.medicines]
        own = _own_names(text, part) if hits else []
        count = 0
        for hit in sorted(hits, key=lambda h: h.start):
            if count < MAX_PER_RULE and not any(a <= hit.start and hit.end <= b for a, b in own):
                count += 1
                yield from finding("health.leak", text.kind, part, hit.start, hit.end, shown)


def _own_names(text: LintText, part: Part) -> list[tuple[int, int]]:
    """Where the clinic signs with its own name: "Example Laser Clinic" tells nothing about the person."""
    from_names = []
    for name in text.sender.names if text.sender else ():
        pattern = r"\W{1,3}".join(re.escape(w) for w in re.findall(r"\w+", fold(name).text))
        if pattern:
            from_names += [m.span() for m in re.finditer(pattern, part.folded.text)]
    return from_names


def booked_procedure(part: Part) -> tuple[int, int] | None:
    """The words that book a toxin or filler, as a span of the folded text; None where none is booked.

    A consultation is no procedure: "book a consultation" does not count. Booking words count in the sentence that
    names the procedure; "we have booked you in" counts anywhere.
    """
    procedures = [(h.start, h.end) for h in part.of("under18.procedure")]
    procedures += [(m.start, m.end) for m in part.medicines if m.substance in _LISTED_SUBSTANCES]
    if not procedures:
        return None
    booked = part.of("under18.booked")
    if booked:
        return booked[0].start, booked[0].end
    return _in_one_sentence(part, procedures)


def _in_one_sentence(part: Part, procedures: list[tuple[int, int]]) -> tuple[int, int] | None:
    """The first booking that shares a sentence with a procedure and is not that of a consultation."""
    consultations = [(c.start, c.end) for c in part.of("under18.consultation")]
    ends = [m.start() for m in _SENTENCE_END.finditer(part.folded.text)]
    of_sentence = {bisect_right(ends, start): (start, end) for start, end in reversed(procedures)}
    for hit in part.of("under18.booking"):
        before = bisect_right(consultations, (hit.start, sys.maxsize))
        if before and hit.start < consultations[before - 1][1]:
            continue
        procedure = of_sentence.get(bisect_right(ends, hit.start))
        if procedure:
            return min(procedure[0], hit.start), max(procedure[1], hit.end)
    return None


def young(text: LintText, part: Part) -> Iterator[Finding]:
    """A procedure booked, with or without an age under 18 in the same text."""
    span = booked_procedure(part)
    if span is None:
        return
    yield from finding("under18.booking", text.kind, part, *span)
    yield from from_hits("under18.age", text.kind, part, part.of("under18.age"))
