"""Reading one mail: bytes in, `Mail` out. Bounded, linear, and silent about its content.

The order is: bounds, structure, text and files, trust, and who is speaking (a person, a robot, a delivery report).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from channels.mail import body, classify, headers, trust
from channels.mail.bounds import DEFAULT_LIMITS, Limits
from channels.mail.parts import Part, Tree, split
from channels.mail.site import Envelope, Site, signed_id
from channels.mail.tokens import Purpose
from channels.mail.values import Mail, Party
from hub.model.sealed import Sealed

_DELIVERED_TO = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to")


def read_mail(raw: bytes, *, limits: Limits = DEFAULT_LIMITS, site: Site | None = None, envelope: Envelope | None = None) -> Mail:
    """Read a raw RFC 5322 message as it came from a mailbox, LMTP or a webhook.

    site: our own names and keys; without them nothing is trusted and no token is believed. envelope: sender and
    recipients where the transport told them. Raises `bounds.MailTooLarge` for a mail beyond `limits.total_bytes`,
    and nothing else: odd mail is read as well as it can be, with `notes`.
    """
    site, envelope = site or Site(), envelope or Envelope()
    tree = split(raw, limits)
    root = tree.root
    content = body.read_body(tree, limits, site.markers)
    names = _Names.read(root, limits, envelope)
    subject = next((headers.decoded(value, limits) for value in root.raw("subject")), "")
    belief = trust.judge(root, [box.address for box in names.senders], site.authserv_ids)
    letter = classify.Letter(
        root=root,
        subject=subject,
        text=content.text,
        sender=names.senders[0] if names.senders else None,
        recipients=names.recipients,
        limits=limits,
    )
    verdict = classify.classify(letter, site, envelope)
    return Mail(
        kind=verdict.kind,
        sender=_party(names.senders[0]) if names.senders else None,
        from_count=len(names.senders),
        reply_to=_parties(names.reply_to),
        to=_parties(names.to),
        cc=_parties(names.cc),
        recipients=tuple(Sealed(address) for address in names.recipients),
        subject=Sealed(subject),
        date=next((headers.date_of(value) for value in root.raw("date")), None),
        message_id=next(iter(headers.message_ids(root.raw("message-id")[:1], 1)), None),
        in_reply_to=headers.message_ids(root.raw("in-reply-to"), limits.references),
        references=headers.message_ids(root.raw("references"), limits.references),
        text=Sealed(content.text),
        visible_text=Sealed(content.visible),
        own_text=Sealed(content.own),
        html=Sealed(content.html) if content.html is not None else None,
        attachments=content.attachments,
        language_hint=_language(root),
        dedupe_key=_dedupe_key(tree, subject, content),
        trusted=belief.trusted,
        trust_detail=belief.detail,
        automatic=verdict.automatic,
        loop=verdict.loop,
        bounces=verdict.bounces,
        complaint=verdict.complaint,
        conversation_token=signed_id(names.recipients, Purpose.REPLY, site),
        charsets_guessed=content.guessed,
        notes=content.notes,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    """Every mailbox the headers name."""

    senders: tuple[headers.Mailbox, ...]
    reply_to: tuple[headers.Mailbox, ...]
    to: tuple[headers.Mailbox, ...]
    cc: tuple[headers.Mailbox, ...]
    recipients: tuple[str, ...]

    @classmethod
    def read(cls, root: Part, limits: Limits, envelope: Envelope) -> _Names:
        def boxes(name: str) -> tuple[headers.Mailbox, ...]:
            return tuple(box for value in root.raw(name) for box in headers.mailboxes(value, limits))[: limits.addresses]

        to, cc = boxes("to"), boxes("cc")
        delivered = [box for name in _DELIVERED_TO for box in boxes(name)]
        addresses = [*envelope.recipients, *(box.address for box in (*delivered, *to, *cc))]
        return cls(
            senders=tuple(box for box in boxes("from") if box.address),
            reply_to=boxes("reply-to"),
            to=to,
            cc=cc,
            recipients=tuple(dict.fromkeys(a for a in addresses if a))[: limits.addresses],
        )


def _party(box: headers.Mailbox) -> Party:
    return Party(name=Sealed(box.name), address=Sealed(box.address))


def _parties(boxes: Sequence[headers.Mailbox]) -> tuple[Party, ...]:
    return tuple(_party(box) for box in boxes if box.address)


def _language(root: Part) -> str | None:
    """The first tag of Content-Language or Accept-Language, a hint and no more."""
    for name in ("content-language", "accept-language"):
        tag = root.text(name).partition(",")[0].partition(";")[0].strip()
        if tag and len(tag) <= 35 and tag.replace("-", "").isalnum() and tag.isascii():
            return tag
    return None


def _dedupe_key(tree: Tree, subject: str, content: body.Body) -> str:
    """Message-ID with a hash of From, Date, Subject and content (channels.md §2.1): the same mail by two ways is one,
    a repeated id with other content is a new mail. Trace fields and transfer encodings do not count."""
    digest = hashlib.sha256()
    for name in ("message-id", "from", "date"):
        digest.update(tree.root.text(name).encode("utf-8", "surrogatepass") + b"\0")
    digest.update(subject.encode("utf-8", "surrogatepass") + b"\0")
    digest.update(" ".join(content.text.split()).encode("utf-8", "surrogatepass") + b"\0")
    for attachment in content.attachments:
        digest.update(attachment.sha256.encode("ascii"))
    return digest.hexdigest()
