"""Delivery reports in their standard form (RFC 3464) and feedback reports (RFC 5965), read from the MIME tree."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from channels.mail import headers, phrases
from channels.mail.bounds import Field, Limits, read_fields
from channels.mail.parts import Part
from channels.mail.site import Site, signed_id
from channels.mail.tokens import Purpose, open_address
from channels.mail.values import Bounce, Complaint
from hub.model.sealed import Sealed

_STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
_RETURNED_TYPES = frozenset({"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers", "message/rfc822-headers"})
_MOST_BLOCKS = 200
_MOST_REPORT = 128 * 1024
_MOST_HUMAN_TEXT = 20_000
_ACTIONS = frozenset({"failed", "delayed", "delivered", "relayed", "expanded"})
_HARMLESS_FEEDBACK = frozenset({"not-spam", "virus"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """What a report gives back of our mail: its fields. token: the id in a VERP address of ours whose MAC is right."""

    fields: tuple[Field, ...] = ()
    message_id: str | None = None
    token: str | None = None
    authentic: bool = False


def delivery_status(root: Part) -> Part | None:
    """The machine-readable part of a delivery report; parts inside returned mail are not looked at."""
    return next((part for part in root.walk() if part.content_type in _STATUS_TYPES), None)


def feedback(root: Part) -> Part | None:
    return next((part for part in root.walk() if part.content_type == "message/feedback-report"), None)


def field_blocks(data: bytes, limits: Limits) -> list[dict[str, str]]:
    """Header blocks separated by blank lines, names lower-cased, first value wins. At most 200 blocks."""
    data = data[:_MOST_REPORT]
    blocks: list[dict[str, str]] = []
    pos = 0
    while pos < len(data) and len(blocks) < _MOST_BLOCKS:
        block = read_fields(data, pos, len(data), limits)
        if block.fields:
            values: dict[str, str] = {}
            for field in block.fields:
                values.setdefault(field.name, headers.clean(headers.raw_text(field.value)))
            blocks.append(values)
        # A line that is no field would hold the scanner in place: step over it.
        pos = block.body_start if block.body_start > pos else _after_line(data, pos)
    return blocks


def _after_line(data: bytes, pos: int) -> int:
    found = data.find(b"\n", pos)
    return len(data) if found == -1 else found + 1


def read_bounces(root: Part, recipients: Iterable[str], site: Site, limits: Limits) -> tuple[Bounce, ...]:
    """One Bounce per recipient block of the report; recipients: the addresses the report itself came to."""
    status = delivery_status(root)
    if status is None:
        return ()
    returned = read_returned(root, recipients, site, limits)
    blocks = [
        block
        for block in field_blocks(status.content(), limits)
        if "final-recipient" in block or "original-recipient" in block or "action" in block
    ]
    human = human_text(root) if len(blocks) == 1 else ""
    return tuple(_bounce(block, human, returned) for block in blocks)


def _bounce(block: dict[str, str], human: str, returned: Returned) -> Bounce:
    recipient = _address(block.get("original-recipient", "")) or _address(block.get("final-recipient", ""))
    action = block.get("action", "").lower().split(" ")[0].strip(";")
    action = action if action in _ACTIONS else ""
    codes = phrases.enhanced_codes(block.get("status", ""))
    status = codes[0] if codes else ""
    diagnostic = block.get("diagnostic-code", "").partition(";")[2].strip() or block.get("diagnostic-code", "")
    said = phrases.judge(action=action, status=status, diagnostic=diagnostic)
    # A diagnostic that tells nothing leaves the words for people; they may only make the verdict milder or fill a gap.
    if not phrases.meanings(diagnostic) and human:
        with_words = phrases.judge(action=action, status=status, diagnostic=f"{diagnostic} {human}".strip())
        if not with_words.suppress or not codes or said.permanence is phrases.UNKNOWN:
            said = with_words
    return Bounce(
        recipient=Sealed(recipient),
        action=action or "failed",
        status=said.status or status,
        permanence=said.permanence,
        suppress=said.suppress and bool(recipient or returned.token),
        evidence=said.evidence,
        diagnostic=Sealed((diagnostic or human)[:2000]),
        original_message_id=returned.message_id,
        token=returned.token,
        authentic=returned.authentic,
    )


def _address(value: str) -> str:
    """`rfc822; <amy@example.org>` without its type, brackets and xtext escapes that matter."""
    text = value.partition(";")[2] or value
    return text.strip().strip("<>").strip() if "@" in text else ""


def human_text(root: Part) -> str:
    """The words for people in front of the machine-readable part."""
    for part in root.walk():
        if part.content_type in ("text/plain", "text/html") and not part.children:
            text = part.decoded(_MOST_HUMAN_TEXT).text
            return re.sub(r"<[^<>]{0,2000}>", " ", text) if part.content_type == "text/html" else text
    return ""


def read_returned(root: Part, recipients: Iterable[str], site: Site, limits: Limits, body: bytes = b"") -> Returned:
    """Our own mail as given back, and whose report this is by our VERP token.

    body: for reports in plain text, what follows their "copy of the message" line.
    """
    part = next((p for p in root.walk() if p.content_type in _RETURNED_TYPES), None)
    data = part.content() if part is not None else body
    block = read_fields(data, 0, len(data), limits)
    ids = headers.message_ids((f.value for f in block.fields if f.name == "message-id"), 1)
    token = signed_id(recipients, Purpose.BOUNCE, site)
    return Returned(fields=block.fields, message_id=ids[0] if ids else None, token=token, authentic=token is not None)


_ADDRESS = re.compile(r"[A-Za-z0-9_.+-]{1,64}@[A-Za-z0-9.-]{1,255}")


def read_complaint(root: Part, recipients: Iterable[str], site: Site, limits: Limits) -> Complaint | None:
    """A feedback report. The recipient is often redacted, so every signed address in the returned mail is looked at."""
    report = feedback(root)
    if report is None:
        return None
    fields = {name: value for block in reversed(field_blocks(report.content(), limits)) for name, value in block.items()}
    kind = fields.get("feedback-type", "").lower()[:40]
    returned = read_returned(root, recipients, site, limits)
    tokens = returned_tokens(returned, recipients, site)
    recipient = (
        _address(fields.get("original-rcpt-to", ""))
        or _address(fields.get("removal-recipient", ""))
        or returned_recipient(returned, limits)
    )
    return Complaint(
        feedback_type=kind or "unknown",
        suppress=kind not in _HARMLESS_FEEDBACK,
        recipient=Sealed(recipient) if recipient else None,
        original_message_id=returned.message_id,
        tokens=tokens,
        authentic=bool(tokens),
    )


def returned_tokens(returned: Returned, recipients: Iterable[str], site: Site) -> tuple[str, ...]:
    if site.keys is None:
        return ()
    seen: dict[str, None] = {}
    texts = [
        *recipients,
        *(
            headers.raw_text(f.value)
            for f in returned.fields
            if f.name in ("return-path", "reply-to", "from", "sender", "x-hub-message", "original-mail-from")
        ),
    ]
    for address in _ADDRESS.findall(" ".join(texts)):
        opened = open_address(address, site.domains, site.keys)
        if opened is not None:
            seen[opened[1]] = None
    return tuple(seen)


def returned_recipient(returned: Returned, limits: Limits) -> str:
    for wanted in ("x-hmxmroriginalrecipient", "to"):
        for field in returned.fields:
            if field.name == wanted:
                boxes = headers.mailboxes(field.value, limits)
                if len(boxes) == 1 and "@" in boxes[0].address and "redacted" not in boxes[0].address.lower():
                    return boxes[0].address
    return ""
