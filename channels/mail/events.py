"""One read mail as channel events: an enquiry, delivery reports, a complaint, a way out of a list. Pure.

Bounces, complaints and our own mail come back are never messages; what a robot wrote is one, marked `automatic`, which only
ever joins a thread that is there already.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from channels.mail.account import mailboxes, token_keys
from channels.mail.tokens import from_short_id, open_unsubscribe
from channels.mail.values import Bounce, Complaint, Mail, MailAttachment, MailKind, Permanence
from hub.model.address import Address, AddressClass, Channel, canonical_email
from hub.model.ids import ContactId, ConversationId, MessageId
from hub.model.message import (
    Account,
    ChannelEvent,
    ContentKind,
    DeliveryStatus,
    InboundMessage,
    Mailbox,
    MailDetail,
    MediaRef,
    PreferenceChange,
    StatusUpdate,
    Unknown,
)
from hub.model.sealed import Sealed

DATE_BELIEVED = timedelta(days=7)  # an older Date, or one to come, is a wrong clock or a lie: the time of receipt counts
MOST_FILES = 50
_CALENDAR = frozenset({"text/calendar", "application/ics"})


def events_of(mail: Mail, account: Account, *, received_at: datetime) -> list[ChannelEvent]:
    """What a mail means to the house; at least one event, so that every mail is journalled. Never raises."""
    mailbox = mailbox_of(mail, account)
    # A hidden copy to data@ must not fall out as a repeat of the one that went to another box.
    name = mail.dedupe_key if mailbox is Mailbox.ENQUIRIES else f"{mailbox}:{mail.dedupe_key}"
    if mail.loop:
        return [Unknown(account_id=account.id, provider_event_id=name, kind="mail:loop")]
    if mail.complaint is not None:
        return [_complaint(mail.complaint, account, name, received_at)]
    if mail.kind is MailKind.BOUNCE:
        return _bounces(mail.bounces, account, name, received_at)
    if mailbox is Mailbox.STOP and (left := _left_a_list(mail, account, name, received_at)) is not None:
        return [left]
    return [_message(mail, mailbox, account, name, received_at)]


def mailbox_of(mail: Mail, account: Account) -> Mailbox:
    """Which of our addresses it came to. data@ wins over stop@, and both over the rest: they ask more of us."""
    ours = mailboxes(account)
    found = {ours.get(address.reveal().strip().lower()) for address in mail.recipients}
    return next((box for box in (Mailbox.DATA, Mailbox.STOP) if box in found), Mailbox.ENQUIRIES)


def mail_address(text: str) -> Address | None:
    """A mail address as a key; None for what is none."""
    try:
        return Address(kind=AddressClass.EMAIL, value=Sealed(canonical_email(text)))
    except ValueError:
        return None


def told_at(mail: Mail, received_at: datetime) -> datetime:
    """When it was written, as far as a Date header may be believed."""
    written = mail.date
    return written if written is not None and received_at - DATE_BELIEVED <= written <= received_at else received_at


def _message(mail: Mail, mailbox: Mailbox, account: Account, name: str, received_at: datetime) -> InboundMessage:
    sender = mail_address(mail.sender.address.reveal()) if mail.sender else None
    files = _files(mail.attachments)
    return InboundMessage(
        account_id=account.id,
        channel=Channel.EMAIL,
        provider_event_id=name,
        senders=(sender,) if sender else (),
        sent_at=told_at(mail, received_at),
        text=mail.visible_text,
        kind=ContentKind.MEDIA if files and not mail.visible_text.reveal().strip() else ContentKind.TEXT,
        display_name=mail.sender.name if mail.sender and mail.sender.name.reveal().strip() else None,
        media=files,
        automatic=mail.kind is MailKind.AUTO_REPLY,
        locale_hint=mail.language_hint,
        mail=MailDetail(
            subject=mail.subject,
            whole_text=mail.text,
            own_text=mail.own_text,
            message_id=mail.message_id,
            answers=mail.answered_ids,
            thread=_conversation(mail.conversation_token),
            mailbox=mailbox,
            trusted=mail.trusted,
            trust_detail=mail.trust_detail,
            robot=mail.automatic,
            flags=_flags(mail),
        ),
    )


def _conversation(token: str | None) -> ConversationId | None:
    found = from_short_id(token) if token else None
    return ConversationId(found) if found else None


def _files(attachments: Iterable[MailAttachment]) -> tuple[MediaRef, ...]:
    return tuple(
        MediaRef(
            mime_type=a.sniffed_type or a.declared_type,
            file_name=a.name if a.name.reveal() else None,
            content=a.content,
            unreadable=a.unreadable,
        )
        for a in list(attachments)[:MOST_FILES]
    )


def _flags(mail: Mail) -> tuple[str, ...]:
    marks = [*mail.notes, *(a.unreadable for a in mail.attachments if a.unreadable)]
    if any(a.declared_type in _CALENDAR for a in mail.attachments):
        marks.append("calendar")
    if len(mail.attachments) > MOST_FILES:
        marks.append("files_cut")
    return tuple(dict.fromkeys(marks))


def _bounces(bounces: Iterable[Bounce], account: Account, name: str, at: datetime) -> list[ChannelEvent]:
    found = [_bounce(bounce, account, f"{name}:{number}", at) for number, bounce in enumerate(bounces)]
    return found or [Unknown(account_id=account.id, provider_event_id=name, kind="mail:bounce")]


def _bounce(bounce: Bounce, account: Account, name: str, at: datetime) -> ChannelEvent:
    """A report that is final moves our message; the address is marked only where the report is authentic and sure of it."""
    token = from_short_id(bounce.token) if bounce.token else None
    if bounce.action not in ("failed", "delivered") or (token is None and bounce.original_message_id is None):
        kind = "mail:delayed" if bounce.action == "delayed" else "mail:bounce"
        return Unknown(account_id=account.id, provider_event_id=name, kind=kind)
    failed = bounce.action == "failed"
    return StatusUpdate(
        account_id=account.id,
        provider_event_id=name,
        # Where our own address names the row, the id in what was given back is hearsay: it may be that of another row.
        provider_message_id=None if token else bounce.original_message_id,
        message_id=MessageId(token) if token else None,
        status=DeliveryStatus.FAILED if failed else DeliveryStatus.DELIVERED,
        occurred_at=at,
        error_code=_code(bounce) if failed else None,
        address_invalid=failed and bounce.suppress and bounce.authentic and bounce.permanence is Permanence.HARD,
        about=mail_address(bounce.recipient.reveal()) if bounce.recipient.reveal() else None,
    )


def _code(bounce: Bounce) -> str:
    return f"{bounce.status} {bounce.permanence}".strip()


def _complaint(complaint: Complaint, account: Account, name: str, at: datetime) -> ChannelEvent:
    """A complaint ends all news, forged or not: silence harms nobody (policy §3.6, §4.3)."""
    recipient = mail_address(complaint.recipient.reveal()) if complaint.recipient else None
    ours = _row_of(complaint.original_message_id)
    about = tuple(i for i in (*map(from_short_id, complaint.tokens), ours) if i is not None)
    if not complaint.suppress or (recipient is None and not about):
        return Unknown(account_id=account.id, provider_event_id=name, kind="mail:feedback")
    return PreferenceChange(
        account_id=account.id,
        channel=Channel.EMAIL,
        provider_event_id=name,
        senders=(recipient,) if recipient else (),
        occurred_at=at,
        stop=True,
        whole_channel=False,
        source="complaint",
        about=about,
    )


def _left_a_list(mail: Mail, account: Account, name: str, at: datetime) -> PreferenceChange | None:
    """A mail to stop@ whose subject is our own unsubscribe token; whoever sends it acts for the person it names (§2.2)."""
    token = mail.subject.reveal().strip()
    opened = open_unsubscribe(token, token_keys(account)) if "." in token else None
    person = _uuid(opened[0]) if opened else None
    sender = mail_address(mail.sender.address.reveal()) if mail.sender else None
    if person is None:
        return None
    return PreferenceChange(
        account_id=account.id,
        channel=Channel.EMAIL,
        provider_event_id=name,
        senders=(sender,) if sender else (),
        occurred_at=at,
        stop=True,
        whole_channel=False,
        source="unsubscribe",
        contact_id=ContactId(person),
    )


def _row_of(message_id: str | None) -> UUID | None:
    """The row of one of our own Message-IDs (`channels.mail.build.outbound_message_id`)."""
    local = (message_id or "").partition("@")[0]
    return _uuid(local.removeprefix("ob-")) if local.startswith("ob-") else None


def answered_rows(detail: MailDetail) -> tuple[UUID, ...]:
    """Rows of ours among the ids a mail answers, likeliest first."""
    return tuple(row for row in map(_row_of, detail.answers) if row is not None)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return from_short_id(text) if len(text) == 26 else None


def unreadable(account: Account, name: str) -> list[ChannelEvent]:
    """A mail the reader stumbled over: journalled whole, counted, passed over."""
    return [Unknown(account_id=account.id, provider_event_id=name, kind="mail:unreadable")]
