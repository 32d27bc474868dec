"""Notes as a thread shows them, put between the messages by time. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from uuid import UUID

from hub.desks.inbox.words import file_words
from hub.model.ids import ConversationId, StaffId
from hub.model.message import DeliveryStatus
from hub.model.sealed import Sealed
from hub.store.notes import NoteRow
from hub.store.thread import FileRow
from hub.web import when


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteFile:
    """A file beside a note. href: where it can be had; "" where it cannot."""

    name: Sealed[str]
    words: str
    broken: bool
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One note as it is drawn. state: what became of it since, in words; gone: taken away, its words are not shown.

    own: the reader wrote it here and may still change it or take it away.
    """

    id: UUID
    key: str
    author: str
    text: Sealed[str]
    meta: str
    state: str
    gone: bool
    files: tuple[NoteFile, ...]
    at: datetime
    at_full: str
    own: bool = False
    kind: str = "note"


def drawn(row: NoteRow, sent: Mapping[UUID, DeliveryStatus], zone: tzinfo, *, reader: StaffId | None = None) -> Note:
    """A note in words. sent: the status of the messages that notes became. reader: who may change their own; None: a mere reader."""
    gone = row.deleted_at is not None
    where = ", from Slack" if row.source == "slack" else ""
    return Note(
        id=row.id,
        key=f"n-{row.id}",
        author=row.author,
        text=Sealed("") if gone else row.body,
        meta=f"{when.clock(row.created_at, zone)}{where}",
        state=_state(row, sent, zone),
        gone=gone,
        files=tuple(_file(row.conversation_id, f) for f in row.files if not gone),
        at=row.created_at,
        at_full=when.full(row.created_at, zone),
        own=not gone and may_change(row, reader),
    )


def may_change(row: NoteRow, reader: StaffId | None) -> bool:
    """Its writer may, here, unless it went to the person. What was written in Slack is changed there, so that both stay one."""
    return row.author_id == reader and row.source == "web" and row.sent_message_id is None


def _state(row: NoteRow, sent: Mapping[UUID, DeliveryStatus], zone: tzinfo) -> str:
    parts = []
    if row.deleted_at is not None:
        parts.append(f"Taken away at {when.clock(row.deleted_at, zone)}. The record keeps it")
    elif row.changed_at is not None:
        parts.append(f"Changed at {when.clock(row.changed_at, zone)}")
    if row.sent_message_id is not None:
        refused = sent.get(row.sent_message_id) in (DeliveryStatus.REFUSED, DeliveryStatus.CANCELLED)
        parts.append("Was not sent to the person" if refused else "Sent to the person as well")
    return ". ".join(parts)


def _file(conversation_id: ConversationId, row: FileRow) -> NoteFile:
    kept = row.state == "stored"
    return NoteFile(
        name=row.name or Sealed("Picture" if row.mime_type.startswith("image/") else "File"),
        words=file_words(row),
        broken=row.state == "refused",
        href=f"/inbox/{conversation_id}/files/{row.id}" if kept else "",
    )
