"""A post as it shall look in Slack: read from the store when it is made or changed, never kept. Pure below `of_post`.

Where the setting says notice, nothing a person said or is called leaves the hub: no name, no words, no file name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from channels.slack.blocks import Button, Entry, Link, Post
from hub.desks.inbox.aside import CHOICES
from hub.desks.inbox.names import display_name, first_name
from hub.desks.inbox.views import via
from hub.desks.inbox.words import delivery_words, file_words, refused_words
from hub.model.ids import MessageId, StaffId
from hub.model.message import ContentKind, DeliveryStatus, Direction
from hub.model.sealed import Sealed
from hub.settings import Settings
from hub.store import inbox, notes, slack_posts, thread
from hub.store.inbox import ListRow
from hub.store.notes import NoteRow
from hub.store.pool import Connection
from hub.store.slack_posts import Post as PostRow
from hub.store.thread import FileRow, MessageRow
from hub.web import when

SOMEBODY = "This person"
STATES = {
    DeliveryStatus.QUEUED: "Waiting to leave",
    DeliveryStatus.SENDING: "Leaving",
    DeliveryStatus.ACCEPTED: "Sent",
    DeliveryStatus.SENT: "Sent",
    DeliveryStatus.DELIVERED: "Delivered",
    DeliveryStatus.READ: "Read",
    DeliveryStatus.FAILED: "Not delivered",
    DeliveryStatus.UNKNOWN: "We do not know if it arrived. Settle it in the hub before you send again",
    DeliveryStatus.REFUSED: "Not sent",
    DeliveryStatus.CANCELLED: "Taken back. Nothing was sent",
}
# What a line says, by its code; {who} is a colleague's name.
LINES = {
    "stopped": ("✋", "Asked us to stop. Answers that the stop covers are refused from now on"),
    "unclear": ("✋", "This may be a stop. News has ended; somebody should read it in the hub"),
    "resolved": ("✓", "Resolved"),
    "reopened": ("↺", "Open again"),
    "assigned": ("→", "{who} has this now"),
    "handed_back": ("←", "Nobody has this just now"),
    "snoozed": ("◷", "Put aside"),
    "woken": ("◷", "Back in the list"),
    "failed": ("!", "A message was not delivered. The hub says why"),
    "unknown": ("?", "We do not know if a message arrived. Settle it in the hub before anybody sends again"),
    "too_late": ("!", "Too late to take back: it has left"),
    "edited_after": (
        "!",
        "That was sent to the person already. Changing it here changes nothing for them, and the note stays as it was sent",
    ),
    "deleted_after": ("!", "That was sent to the person already. Taking it away here does not take it back"),
    "not_again": ("!", "That note was sent already, so it is not sent again"),
    "empty": ("!", "Not sent: there are no words in it"),
    "mention": ("!", "Not sent: it mentions somebody in Slack, and nobody outside could follow. Write the name instead"),
    "too_long": ("!", "Not sent: it is longer than this channel carries in one message. Shorten it, or send it in parts"),
    "nowhere": ("!", "Not sent: no address is known to answer to"),
    "file_not_sent": ("!", "Not sent: files cannot go to the person from Slack. Send the words alone"),
    "unmatched": (
        "!",
        "Nothing was kept or sent: this Slack account belongs to no account in the hub yet. Link it on your account page there",
    ),
    "disabled": ("!", "Nothing was kept or sent: the account in the hub is closed"),
    "no_right": ("!", "Nothing was kept or sent: the role in the hub does not include answering"),
    "outsider": ("!", "Nothing was kept or sent: guests, bots and people from other workspaces cannot act here"),
}
_UNDO_WORTHY = frozenset({DeliveryStatus.QUEUED})


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a post is drawn against."""

    settings: Settings
    whole: bool
    row: ListRow
    now: datetime

    @property
    def name(self) -> str:
        return display_name(self.row.name, self.row.address, self.row.channel).reveal() if self.whole else SOMEBODY

    @property
    def first_name(self) -> str:
        return first_name(self.name) if self.whole else SOMEBODY

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.settings.clinic.time_zone)

    @property
    def link(self) -> Link:
        return Link(label="Open in the hub", url=f"{self.settings.public_url}/inbox/{self.row.id}")

    def at(self, at: datetime) -> str:
        return when.said(at, self.now, self.zone)


async def of_post(conn: Connection, post: PostRow, settings: Settings, *, now: datetime) -> Post:
    """What a post shows just now, with those it carries. Raises LookupError when its conversation is gone."""
    row = await inbox.one(conn, post.conversation_id)
    if row is None or settings.slack is None:
        raise LookupError("no such conversation")
    view = View(settings=settings, whole=settings.slack.whole, row=row, now=now)
    if post.kind == "root":
        return await _root(conn, view)
    also = await slack_posts.carried(conn, post.id)
    entries = [e for p in (post, *also) if (e := await _entry(conn, view, p)) is not None]
    shown = entries[-10:]
    title = Sealed(f"{len(entries)} things happened meanwhile") if also else None
    foot = f"{len(entries) - len(shown)} earlier ones are in the hub" if len(entries) > len(shown) else ""
    linked = also or any(e.foot.startswith(("With", "Files")) for e in shown) or not view.whole
    return Post(entries=tuple(shown) or (_gone(),), title=title, foot=foot, links=(view.link,) if linked else ())


def _gone() -> Entry:
    return Entry(icon="", head=Sealed("Not kept any more"))


async def _root(conn: Connection, view: View) -> Post:
    row = view.row
    where = via(row.channel)
    title = f"{view.name} wrote {where}" if view.whole else f"New enquiry {where}"
    stops = [s for s in await thread.stops(conn, row.contact_id) if s.lifted_at is None]
    entries = []
    if stops:
        entries.append(Entry(icon="✋", head=Sealed("Asked us to stop. Answers that the stop covers are refused")))
    entries.append(Entry(icon="", head=Sealed(_standing(view))))
    return Post(title=Sealed(title), entries=tuple(entries), buttons=tuple(_acts(row)), links=(view.link,))


def _standing(view: View) -> str:
    row = view.row
    state = {"open": "Open", "resolved": "Resolved", "spam": "Spam"}.get(row.status, row.status)
    if row.snoozed and row.status == "open":
        state = f"Put aside until {view.at(row.snoozed_until)}" if row.snoozed_until else "Put aside until they write"
    return f"{state}. {row.assignee} has it" if row.assignee else f"{state}. Nobody has it"


def _acts(row: ListRow) -> list[Button]:
    """Buttons of the first post. Their value is the conversation; who may press is asked when they are pressed."""
    value = str(row.id)
    if row.status == "resolved":
        return [Button(action="reopen", label="Reopen", value=value)]
    take = [Button(action="unassign", label="Hand back", value=value)] if row.assignee else []
    aside = (
        [Button(action="wake", label="Back to the list", value=value)]
        if row.snoozed
        else [Button(action=f"snooze:{choice}", label=label, value=value) for choice, label in CHOICES]
    )
    return [
        Button(action="reply", label="Reply to patient", value=value, style="primary"),
        Button(action="assign", label="I take this", value=value),
        *take,
        Button(action="resolve", label="Resolve", value=value),
        *aside,
    ]


async def _entry(conn: Connection, view: View, post: PostRow) -> Entry | None:
    """One thing; None where what it showed is gone."""
    if post.kind == "line":
        return await _line(conn, post)
    if post.subject is None:
        return None
    if post.kind == "message":
        row = await thread.message(conn, MessageId(post.subject))
        return _message(view, row, plain=post.plain) if row is not None else None
    note = await notes.one(conn, post.subject)
    if note is None:
        return None
    sent = await thread.message(conn, note.sent_message_id) if note.sent_message_id else None
    return _note(view, note, sent, plain=post.plain)


async def _line(conn: Connection, post: PostRow) -> Entry:
    code, _, about = (post.code or "").partition(":")
    icon, words = LINES.get(code, ("", "Something changed. See the hub"))
    if about:
        staff_id = StaffId(UUID(about))
        name = (await inbox.names_of_staff(conn, [staff_id])).get(staff_id, "Somebody")
        words = words.replace("{who}", name)
    return Entry(icon=icon, head=Sealed(words), mention=post.about or "")


def _message(view: View, row: MessageRow, *, plain: bool) -> Entry:
    words = row.body if view.whole and not plain and not row.taken_back else Sealed("")
    if row.direction is Direction.INBOUND:
        head = f"{view.first_name} {via(row.channel)}" if view.whole else f"They wrote {via(row.channel)}"
        unreadable = row.content_kind is ContentKind.UNSUPPORTED
        odd = "They took it back" if row.taken_back else "A kind of message we cannot show yet" if unreadable else ""
        foot = [_files(view, row.files), odd, view.at(row.created_at)]
        return Entry(icon="✉", head=Sealed(head), words=words, foot=_joined(foot))
    if row.kind is None:
        head = f"A colleague wrote in the provider's own app {via(row.channel)}"
    else:
        head = f"{row.author} answered {via(row.channel)}" if row.author else f"The hub answered by itself {via(row.channel)}"
    foot = [state_of(view, row), view.at(row.created_at)]
    return Entry(icon="↩", head=Sealed(head), words=words, foot=_joined(foot), buttons=_undo(row))


def state_of(view: View, row: MessageRow) -> str:
    """How far a message of ours is, and why it went no further, in the words of the inbox."""
    state = STATES.get(row.status, "") if row.status else ""
    if row.status is DeliveryStatus.FAILED:
        return f"{state}: {delivery_words(row.error_code)}"
    if row.status is DeliveryStatus.REFUSED:
        return f"{state}: {refused_words(row.reason, name=view.first_name, channel=row.channel)}"
    return state


def _undo(row: MessageRow) -> tuple[Button, ...]:
    if row.status in _UNDO_WORTHY and row.author:
        return (Button(action="undo", label="Undo", value=str(row.id)),)
    return ()


def _note(view: View, note: NoteRow, sent: MessageRow | None, *, plain: bool) -> Entry:
    """A note from the web with its words; one from Slack without, since they stand right above."""
    own = note.source == "slack"
    shown = view.whole and not own and note.deleted_at is None and not plain
    if note.deleted_at is not None:
        return Entry(icon="✎", head=Sealed(f"{note.author} took a note away. The record keeps it"))
    files = _files(view, note.files)
    if sent is not None:
        refused = sent.status is DeliveryStatus.REFUSED
        head = f"Kept as a note by {note.author}" if refused else f"To the person, from {note.author}, {via(sent.channel)}"
        again = (_send_button(note),) if refused else _undo(sent)
        return Entry(icon="↩", head=Sealed(head), foot=_joined([state_of(view, sent), files]), buttons=again)
    head = f"Kept as a note by {note.author}. Nothing was sent" if own else f"Note by {note.author}. Only staff see this"
    changed = f"Changed {view.at(note.changed_at)}" if note.changed_at else ""
    return Entry(
        icon="✎",
        head=Sealed(head),
        words=note.body if shown else Sealed(""),
        foot=_joined([changed, files]),
        buttons=(_send_button(note),) if own and note.body.reveal() else (),
    )


def _send_button(note: NoteRow) -> Button:
    return Button(action="send", label="Send to patient", value=str(note.id), confirm="The person will read these words as they are.")


def _files(view: View, files: tuple[FileRow, ...]) -> str:
    if not files:
        return ""
    if not view.whole:
        return f"With {len(files)} file{'s' if len(files) > 1 else ''}, in the hub"
    named = [f"{f.name.reveal() if f.name else 'file'} ({file_words(f)})" for f in files[:5]]
    return f"Files, in the hub: {', '.join(named)}"


def _joined(parts: list[str]) -> str:
    return ". ".join(p for p in parts if p)
