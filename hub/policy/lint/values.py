"""What the content check is asked and what it answers. Values only; texts never show in a repr."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from hub.model.address import Channel
from hub.model.permission import Kind, Reason
from hub.policy.lint.rule_table import RULES
from hub.policy.lint.sentences import sentence


class Severity(StrEnum):
    """refuse: the judge will not let it out. warn: somebody should change it or know better. note: for information."""

    REFUSE = "refuse"
    WARN = "warn"
    NOTE = "note"


class Where(StrEnum):
    """The part of a message a finding lies in."""

    TEXT = "text"
    SUBJECT = "subject"
    PREVIEW = "preview"


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderIdentity:
    """Who the message says it is from (policy R4, §8.1). "" means not set, which fails the check for it.

    also_known_as: other names the clinic signs with, e.g. its Chinese name or an SMS sender name.
    registered_in: the part of the United Kingdom, e.g. "England and Wales".
    """

    clinic_name: str
    also_known_as: tuple[str, ...] = ()
    legal_name: str = ""
    company_number: str = ""
    registered_in: str = ""
    registered_office: str = ""
    postal_address: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name in (self.clinic_name, self.legal_name, *self.also_known_as) if name.strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class LintText:
    """One outbound text as it would be sent, variables filled or still as slots.

    kind: None when not known; then it is judged as if each rule applied. preview: what a locked screen or a chat
    list shows (template header, notification title). buttons: captions under a WhatsApp template. one_way: the
    sender is alphanumeric, so nobody can reply. allowed_hosts: None when no list was given. segments: parts of the
    SMS, counted elsewhere. evidence_id: what a results claim rests on.
    """

    channel: Channel
    text: str = field(repr=False)
    subject: str | None = field(default=None, repr=False)
    preview: str | None = field(default=None, repr=False)
    locale: str = "en"
    kind: Kind | None = None
    sender: SenderIdentity | None = None
    one_way: bool = False
    allowed_hosts: frozenset[str] | None = None
    buttons: tuple[str, ...] = ()
    segments: int | None = None
    evidence_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fault. span: start and end in that part as written; (0, 0) when something is missing rather than wrong.

    words: the text at the span. detail: what the sentence names besides (the missing part, the safe wording), as
    an English and a Chinese form.
    """

    rule: str
    span: tuple[int, int]
    where: Where
    severity: Severity
    words: str = field(default="", repr=False)
    detail: tuple[str, str] = ("", "")

    @property
    def reason(self) -> Reason | None:
        """The refusal code this leads to (policy §2.2), None where the finding only advises."""
        return RULES[self.rule].reason

    @property
    def sentence(self) -> str:
        return sentence(self.rule, "en", self.words, self.detail[0])

    @property
    def sentence_zh(self) -> str:
        return sentence(self.rule, "zh", self.words, self.detail[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class LintReport:
    """All findings on one message. version: of the rules and lists. content_hash: 32 bytes over what was checked.

    books_procedure: the text books a toxin or filler; a fact for the judge, who knows the age.
    """

    findings: tuple[Finding, ...]
    version: str
    content_hash: bytes
    identity_ok: bool
    optout_ok: bool
    books_procedure: bool

    @property
    def refused(self) -> bool:
        return any(finding.severity is Severity.REFUSE for finding in self.findings)

    def has(self, *prefixes: str) -> bool:
        """Whether any finding's rule is one of these or lies under one of these ("promo" covers "promo.offer")."""
        return any(f.rule == p or f.rule.startswith(p + ".") for f in self.findings for p in prefixes)
