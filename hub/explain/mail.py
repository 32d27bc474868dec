"""`hub explain mail`: what the mail reader made of one message. No database, no network; prints what it is given."""

from __future__ import annotations

from typing import Any

from channels.mail.bounds import MailTooLarge
from channels.mail.reader import read_mail
from channels.mail.site import Site
from channels.mail.values import Bounce, Complaint, Mail, MailAttachment
from hub.explain.mail_route import routes


def explain(raw: bytes, site: Site | None = None) -> dict[str, Any]:
    """The reading of a raw RFC 5322 message as JSON-ready values, or {"refused": …} when it is too large.

    Private text is shown: whoever runs this holds the message already.
    """
    try:
        mail = read_mail(raw, site=site)
    except MailTooLarge as refusal:
        return {"refused": str(refusal)}
    return {
        "kind": str(mail.kind),
        "from": mail.sender.address.reveal() if mail.sender else None,
        "from_name": mail.sender.name.reveal() if mail.sender else None,
        "reply_to": [party.address.reveal() for party in mail.reply_to],
        "to": [party.address.reveal() for party in mail.to],
        "cc": [party.address.reveal() for party in mail.cc],
        "subject": mail.subject.reveal(),
        "date": mail.date.isoformat() if mail.date else None,
        "message_id": mail.message_id,
        "in_reply_to": list(mail.in_reply_to),
        "references": list(mail.references),
        "text": mail.text.reveal(),
        "visible_text": mail.visible_text.reveal(),
        "own_text": mail.own_text.reveal(),
        "attachments": [_attachment(a) for a in mail.attachments],
        "automatic": mail.automatic or None,
        "loop": mail.loop,
        "conversation_token": mail.conversation_token,
        "trusted": mail.trusted,
        "trust": mail.trust_detail,
        "bounce": _bounce(mail.bounces[0]) if mail.bounces else None,
        "bounces": [_bounce(b) for b in mail.bounces],
        "complaint": _complaint(mail.complaint) if mail.complaint else None,
        "routes": routes(mail),
        "notes": list(_notes(mail)),
    }


def _attachment(attachment: MailAttachment) -> dict[str, Any]:
    return {
        "name": attachment.name.reveal(),
        "type": attachment.declared_type,
        "sniffed": attachment.sniffed_type or None,
        "size": attachment.size,
        "sha256": attachment.sha256,
        "inline": attachment.inline,
        "unreadable": attachment.unreadable or None,
    }


def _bounce(bounce: Bounce) -> dict[str, Any]:
    return {
        "recipient": bounce.recipient.reveal() or None,
        "action": bounce.action,
        "status": bounce.status or None,
        "permanence": str(bounce.permanence),
        "suppress": bounce.suppress,
        "evidence": bounce.evidence,
        "diagnostic": bounce.diagnostic.reveal(),
        "original_message_id": bounce.original_message_id,
        "token": bounce.token,
        "authentic": bounce.authentic,
    }


def _complaint(complaint: Complaint) -> dict[str, Any]:
    return {
        "feedback_type": complaint.feedback_type,
        "suppress": complaint.suppress,
        "recipient": complaint.recipient.reveal() if complaint.recipient else None,
        "original_message_id": complaint.original_message_id,
        "tokens": list(complaint.tokens),
        "authentic": complaint.authentic,
    }


def _notes(mail: Mail) -> tuple[str, ...]:
    return (*mail.notes, "charset_guessed") if mail.charsets_guessed else mail.notes


def human(result: dict[str, Any]) -> str:
    """The same in a few lines for a terminal."""
    if "refused" in result:
        return f"refused: {result['refused']}"
    lines = [f"{result['kind']} from {result['from'] or 'nobody'}: {result['subject'] or '(no subject)'}"]
    if result["automatic"]:
        lines.append(f"written by a robot: {result['automatic']}" + (" (a loop)" if result["loop"] else ""))
    lines.append(f"sender {'trusted' if result['trusted'] else 'not trusted'}: {result['trust']}")
    for bounce in result["bounces"]:
        outcome = "suppress" if bounce["suppress"] else "keep"
        lines.append(
            f"{bounce['action']} {bounce['recipient'] or 'an unnamed address'}: {bounce['permanence']} "
            f"({bounce['status'] or 'no code'}, {bounce['evidence']}) -> {outcome}"
        )
    if result["complaint"]:
        lines.append(f"complaint: {result['complaint']['feedback_type']}")
    lines += [
        f"file {a['name']} ({a['sniffed'] or a['type']}, {a['size']} bytes)" + (f", {a['unreadable']}" if a["unreadable"] else "")
        for a in result["attachments"]
    ]
    lines += [_route_line(route) for route in result["routes"]]
    if result["notes"]:
        lines.append("notes: " + ", ".join(result["notes"]))
    return "\n".join([*lines, "", result["visible_text"]])


def _route_line(route: dict[str, Any]) -> str:
    told = ", ".join(f"{name} {value}" for name, value in route.items() if name != "goes" and value not in (None, [], False, "NONE"))
    return f"goes to: {route['goes']}" + (f" ({told})" if told else "")
