"""What came with a message beside its words: subject and quotations of a mail, what it answers, edits, places, oddities. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from hub.model.message import ContentKind
from hub.model.sealed import Sealed
from hub.store.thread import MailPart, MessageRow
from hub.web import when

QUOTE_MOST = 160  # characters of an earlier message that stand over its answer
# What reading a mail found odd (channels.mail), in words for whoever reads it. What is not here concerns nobody at the desk.
ODD = {
    "tnef": "The attachment winmail.dat is readable by Outlook only. Ask for the file as a PDF or a picture",
    "smime": "This mail is encrypted or wrapped (S/MIME) and cannot be opened here. Ask for it in plain text",
    "pgp": "This mail is encrypted (PGP) and cannot be opened here. Ask for it in plain text",
    "pgp_inline": "A part of this mail is encrypted (PGP) and cannot be read here. Ask for it in plain text",
    "not_taken_apart": "A part of this mail could not be taken apart. It is kept as a file",
    "calendar": "An invitation to a calendar came along. Nothing was accepted",
    "files_cut": "More files came than we take in. The first ones are kept",
    "text_cut": "The mail is very long. The whole text is kept as a file",
    "html_too_large": "The mail is very long, and only its beginning is shown",
    "too_many_parts": "The mail has more parts than we take apart. The rest is kept as a file",
    "too_deep": "The mail is nested deeper than we take apart. The rest is kept as a file",
}
_MAILBOXES = {"data": "To our address for personal data", "stop": "To our address for stops"}
_STORIES = {"reply": "Answers our story", "mention": "Mentions us in a story"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """quote: the beginning of what it answers or replaces. folded: quoted text shown on request, under `folded_as`.

    place: where they are, as latitude and longitude. marks: sentences without a stop, under the message.
    """

    subject: Sealed[str] | None = None
    quote: Sealed[str] | None = None
    folded: Sealed[str] | None = None
    folded_as: str = ""
    place: Sealed[str] | None = None
    marks: tuple[str, ...] = ()
    reaction: Sealed[str] | None = None


def by_provider_id(rows: Sequence[MessageRow]) -> dict[str, MessageRow]:
    """The messages on the page by the name the provider gave them, which answers, edits and reactions refer to."""
    return {r.provider_id: r for r in rows if r.provider_id}


def reactions(rows: Sequence[MessageRow]) -> dict[str, Sealed[str]]:
    """The sign that stands on each message the person reacted to, the last one; by the provider's name for the message."""
    known, found = by_provider_id(rows), dict[str, Sealed[str]]()
    for row in sorted(rows, key=lambda r: (r.occurred_at, r.provider_id or "")):  # as they were made, whatever came first
        target = row.detail.get("reply_to")
        if folds(row, known):
            found.pop(str(target), None)
            if not row.taken_back and row.body.reveal():
                found[str(target)] = row.body
    return found


def folds(row: MessageRow, known: Mapping[str, MessageRow]) -> bool:
    """Whether a reaction is drawn on its message, or was taken back and is drawn nowhere. One the hub acted on, or to a
    message not on the page, stands by itself."""
    if row.content_kind is not ContentKind.REACTION or row.signal is not None:
        return False
    return row.taken_back or str(row.detail.get("reply_to", "")) in known


def details(row: MessageRow, known: Mapping[str, MessageRow], signs: Mapping[str, Sealed[str]], zone: tzinfo) -> Details:
    """Everything about one message. known and signs: as `by_provider_id` and `reactions` tell for this page."""
    shown = {} if row.taken_back else row.detail
    earlier = known.get(str(shown.get("edit_of") or shown.get("reply_to") or ""))
    folded, folded_as = _folded(row)
    return Details(
        subject=row.mail.subject if row.mail and row.mail.subject.reveal().strip() else None,
        quote=_quote(earlier) if earlier else None,
        folded=folded,
        folded_as=folded_as,
        place=_place(shown.get("location")),
        marks=(*_marks(shown, earlier, zone), *(_mail_marks(row.mail) if row.mail else ())),
        reaction=signs.get(row.provider_id or ""),
    )


def _quote(earlier: MessageRow) -> Sealed[str] | None:
    words = " ".join(earlier.body.reveal().split())
    if earlier.taken_back or not words:
        return None
    return Sealed(words if len(words) <= QUOTE_MOST else f"{words[:QUOTE_MOST].rstrip()}…")


def _folded(row: MessageRow) -> tuple[Sealed[str] | None, str]:
    """What the person quoted, where it follows their words; else the whole mail."""
    if row.mail is None or row.mail.whole is None:
        return None, ""
    body, whole = row.body.reveal().strip(), row.mail.whole.reveal().strip()
    if body and whole.startswith(body):
        rest = whole[len(body) :].strip("\n")
        return (Sealed(rest), "Show quoted text") if rest.strip() else (None, "")
    return Sealed(whole), "Show the whole mail"


def _place(found: object) -> Sealed[str] | None:
    if not isinstance(found, list) or len(found) != 2 or not all(isinstance(n, (int, float)) for n in found):
        return None
    return Sealed(f"{found[0]:.5f}, {found[1]:.5f}")


def _marks(shown: Mapping[str, Any], earlier: MessageRow | None, zone: tzinfo) -> list[str]:
    marks = []
    if shown.get("edit_of"):
        said = f", written at {when.clock(earlier.occurred_at, zone)}" if earlier else ""
        marks.append(f"Edited: this replaces an earlier message{said}")
    if shown.get("story"):
        marks.append(_STORIES.get(str(shown["story"]), "About a story"))
    if isinstance(shown.get("referral"), dict):
        marks.append(_referral(shown["referral"]))
    if shown.get("forwarded"):
        marks.append("Forwarded: the words may be somebody else’s")
    if shown.get("standby"):
        marks.append("Another of our applications holds this thread, so it invites no answer from here")
    if isinstance(shown.get("cut_from"), int):
        marks.append(f"Cut: the whole text has {shown['cut_from']:,} characters")
    return marks


def _referral(found: Mapping[str, Any]) -> str:
    by = "an advertisement" if str(found.get("source", "")).lower() in ("ad", "ads") else "a link"
    title = str(found.get("title") or "").strip()
    return f"Came by {by}: “{title}”" if title else f"Came by {by}"


def _mail_marks(mail: MailPart) -> list[str]:
    marks = [_MAILBOXES[mail.mailbox]] if mail.mailbox in _MAILBOXES else []
    if mail.from_other is not None:
        marks.append("Written from another address, which is not known as theirs")
    return marks + [ODD[flag] for flag in mail.flags if flag in ODD]
