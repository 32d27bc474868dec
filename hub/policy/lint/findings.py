"""The content check itself: one text in, every finding out, and what the judge is told of it (policy §8).

Pure and total: any text gets a report. It reads words only; pictures, consents and templates are others' facts.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from hub.model.permission import ContentFacts, Kind, Reason
from hub.policy.lint.health import booked_procedure, leaks, young
from hub.policy.lint.links import check_links
from hub.policy.lint.medicines import MedicineHit, names_in
from hub.policy.lint.part import MAX_PER_RULE, Part, finding, from_hits, missing, read_part
from hub.policy.lint.required import missing_identity, offers_optout, required
from hub.policy.lint.rule_table import RULES
from hub.policy.lint.rules import GENERIC_INSTEAD, LintRules
from hub.policy.lint.values import Finding, LintReport, LintText, Severity, Where

_LISTS = (
    "promo.offer",
    "pressure.time",
    "pressure.prize",
    "pressure.trivial",
    "pressure.guarantee",
    "pressure.insecurity",
    "pressure.young",
    "pressure.recipient",
    "claim.evidence",
    "claim.picture",
)
_PATIENT = re.compile(r"\b[Oo]ur (?:patient|client|customer)s? [A-Z][a-z]{1,30}\b")


def check(text: LintText, rules: LintRules) -> LintReport:
    """Everything the content rules find, text first, in reading order. Never raises; linear in the text's length."""
    parts = [read_part(Where.TEXT, text.text, rules)]
    parts += [read_part(where, raw, rules) for where, raw in ((Where.SUBJECT, text.subject), (Where.PREVIEW, text.preview)) if raw]
    body = parts[0]
    gaps = missing_identity(text, body)
    optout = offers_optout(text, body, rules)
    found = [f for part in parts for f in _in_part(text, part, rules)]
    found += leaks(text, parts)
    found += required(text, body, gaps, optout)
    found += _segments(text)
    order = list(Where)
    found.sort(key=lambda f: (order.index(f.where), f.span == (0, 0), f.span, f.rule))
    return LintReport(
        findings=tuple(found),
        version=rules.version,
        content_hash=content_hash(text),
        identity_ok=not gaps,
        optout_ok=optout,
        books_procedure=any(booked_procedure(part) is not None for part in parts),
    )


def _in_part(text: LintText, part: Part, rules: LintRules) -> Iterator[Finding]:
    yield from _medicines(text, part, rules)
    for rule in _LISTS:
        if rule in part.hits and not (rule == "claim.evidence" and text.evidence_id):
            yield from from_hits(rule, text.kind, part, part.of(rule))
    yield from young(text, part)
    for start, end in islice(rules.commands.find(part.folded.text), MAX_PER_RULE):
        yield from finding("command.reserved", text.kind, part, start, end)
    yield from check_links(text, part, rules)
    if match := _PATIENT.search(part.raw):
        for f in missing("claim.patient", text.kind, ("", "")):
            yield replace(f, span=match.span(), where=part.where, words=match[0])


def _medicines(text: LintText, part: Part, rules: LintRules) -> Iterator[Finding]:
    for hit in part.medicines:
        rule = "pom.implied" if hit.implied else "pom.named"
        yield from finding(rule, text.kind, part, hit.start, hit.end, rules.instead.get(hit.substance, GENERIC_INSTEAD))


def _segments(text: LintText) -> Iterator[Finding]:
    if text.segments is not None and text.segments > 1:
        detail = (f"{text.segments} text messages", f" {text.segments} 条短信")
        yield Finding(rule="sms.segments", span=(0, 0), where=Where.TEXT, severity=Severity.NOTE, detail=detail)


def content_hash(text: LintText) -> bytes:
    """32 bytes over what was checked: stored with the decision instead of the body (policy §2.4)."""
    digest = hashlib.sha256()
    for part in (str(text.channel), text.subject, text.preview, text.text, *text.buttons):
        raw = b"" if part is None else part.encode("utf-8", "surrogatepass")
        # the length in front, so that no two ways of cutting the same letters hash alike
        digest.update(f"{'-' if part is None else len(raw)}:".encode() + raw)
    return digest.digest()


def names_same_medicine(own_messages: Sequence[str], text: str, rules: LintRules) -> bool:
    """Whether every medicine in our answer is one the person named first (Human Medicines Regs reg 7(3)(c)).

    own_messages: the person's own inbound texts of this thread. A product must have been named itself; a generic
    name may answer any product of that substance. False where our text names none, or only hints at one.
    """
    ours: list[MedicineHit] = read_part(Where.TEXT, text, rules).medicines
    if not ours or len(ours) == MAX_PER_RULE:
        return False  # at the bound there may be more that was not looked at
    products, substances = names_in(own_messages, rules.medicines, MAX_PER_RULE)
    return all(
        hit.substance != "" and (hit.medicine in products or (hit.medicine == hit.substance and hit.substance in substances))
        for hit in ours
    )


def content_facts(
    report: LintReport, *, kind: Kind | None, answers_own_question: bool = False, base: ContentFacts | None = None
) -> ContentFacts:
    """What the judge is told. base: the facts the text cannot tell (images, template, clinician's direction).

    answers_own_question: the answer of `names_same_medicine`. It counts for a human reply without an offer only:
    the exemption is for factual correspondence (policy §8.3).
    """
    promo = report.has("promo")
    return replace(
        base or ContentFacts(),
        promo=promo,
        pom=report.has("pom"),
        pom_answers_own_question=answers_own_question and kind is Kind.RPL and not promo,
        pressure=any(RULES[f.rule].reason is Reason.CONTENT and RULES[f.rule].firm for f in report.findings),
        health_terms=report.has("health", "link.health"),
        books_u18_procedure=report.books_procedure,
        identity_ok=report.identity_ok,
        optout_ok=report.optout_ok,
    )
