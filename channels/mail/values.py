"""What reading a mail gives: frozen values, private text sealed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hub.model.sealed import Sealed


class MailKind(StrEnum):
    """Who is speaking. Only MESSAGE is an enquiry; the other kinds are never shown as one and never answered."""

    MESSAGE = "message"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    AUTO_REPLY = "auto_reply"


class Permanence(StrEnum):
    """What a delivery report says about the address.

    HARD: nobody there. SOFT: later, perhaps. FULL: somebody there, no room. POLICY: they refuse us or this mail, our
    fault to mend. UNKNOWN: staff look.
    """

    HARD = "hard"
    SOFT = "soft"
    FULL = "full"
    POLICY = "policy"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """What one delivery report says about one recipient.

    action: RFC 3464 §2.3.3 (failed, delayed, delivered, relayed, expanded), "failed" or "delayed" as read from plain
    text elsewhere. status: enhanced code (RFC 3463), "" when none was given. suppress: the text and codes agree that
    nobody is there; to be acted on only where `authentic` is true too, since reports are easily forged.
    evidence: which rule spoke, never the remote text. token: the id in our VERP address, authentic: its MAC is ours.
    recipient: as the report names it, "" when it names none. Where a token is there, the address to mark is the one
    that row was sent to; if the report names another one (a forwarding mailbox), staff look.
    original_message_id: from the returned headers. diagnostic: the remote words, for staff.
    """

    recipient: Sealed[str]
    action: str
    status: str
    permanence: Permanence
    suppress: bool
    evidence: str
    diagnostic: Sealed[str]
    original_message_id: str | None = None
    token: str | None = None
    authentic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """A feedback report (RFC 5965). feedback_type: "abuse", "not-spam", … recipient: None when redacted.

    suppress: true for abuse, fraud, opt-out and unknown types; not for "not-spam" and virus reports.
    """

    feedback_type: str
    suppress: bool
    recipient: Sealed[str] | None
    original_message_id: str | None
    tokens: tuple[str, ...] = ()  # ids from our VERP, reply or instance headers in the returned mail
    authentic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MailAttachment:
    """A file on a mail. declared_type: the sender's word; sniffed_type: what the first bytes are, "" when unclear.

    unreadable: "" or the short reason staff are told: "tnef", "smime", "pgp", "not_taken_apart".
    """

    name: Sealed[str]
    declared_type: str
    sniffed_type: str
    size: int
    sha256: str
    content: Sealed[bytes]
    inline: bool = False
    content_id: str | None = None
    unreadable: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """One mailbox in a header; `address` as written (compare case-folded)."""

    name: Sealed[str]
    address: Sealed[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail as read.

    sender: the From mailbox; None when From is missing or unreadable. from_count: mailboxes over all From headers;
    anything but 1 is untrusted. text: the whole text. visible_text: what to show first, quotations and signatures
    folded, or the whole where folding leaves nothing. own_text: what the person wrote now, possibly empty; stop words
    and rights words are looked for here and in the subject only (policy §3.2 step 1).
    recipients: addresses the mail came to, best first: envelope, Delivered-To, X-Original-To, To, Cc.
    date: aware UTC, None when unreadable. dedupe_key: Message-ID and content together (channels.md §2.1).
    conversation_token: the id in a reply address of ours whose MAC is right; the mail belongs there (channels.md §2.1).
    trusted: DMARC passed, aligned, by our own server's word. notes: what reading found odd, short constants.
    automatic: the sign a robot wrote it, "" for a person. loop: we wrote it, or our own mail came back.
    """

    kind: MailKind
    sender: Party | None
    from_count: int
    reply_to: tuple[Party, ...]
    to: tuple[Party, ...]
    cc: tuple[Party, ...]
    recipients: tuple[Sealed[str], ...]
    subject: Sealed[str]
    date: datetime | None
    message_id: str | None
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    text: Sealed[str]
    visible_text: Sealed[str]
    own_text: Sealed[str]
    html: Sealed[str] | None
    attachments: tuple[MailAttachment, ...]
    language_hint: str | None
    dedupe_key: str
    trusted: bool
    trust_detail: str
    automatic: str
    loop: bool
    bounces: tuple[Bounce, ...] = ()
    complaint: Complaint | None = None
    conversation_token: str | None = None
    charsets_guessed: bool = False
    notes: tuple[str, ...] = ()

    @property
    def answered_ids(self) -> tuple[str, ...]:
        """The ids to look for among those we sent, the likeliest first: In-Reply-To, then References from the right."""
        return tuple(dict.fromkeys([*self.in_reply_to, *reversed(self.references)]))
