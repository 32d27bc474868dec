"""Placing inbound messages: whose they are, which thread they continue, what they ask for.

Facts are read once for the whole batch; people who write for the first time are made here, once, however many of
their messages came together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from channels.phones import is_uk_landline
from hub.intake import mail_routing
from hub.intake.country import country_of, country_of_typed
from hub.intake.mail_threads import as_known, mail_row, named_threads
from hub.intake.submission import storable
from hub.intake.writes import NamedChannel, Placed, Writes
from hub.model.address import Address, AddressClass, AddressHasher, Channel
from hub.model.ids import ContactId, ConversationId, IdentityId, MessageId, uuid7
from hub.model.message import Account, ContentKind, FormEnquiry, InboundMessage, Mailbox
from hub.model.permission import OptOutLabel, Scope, Signal, TextContext
from hub.model.sealed import Sealed
from hub.policy.consent import age_known
from hub.store.attachments import NewAttachment
from hub.store.conversations import Arrival, NewConversation
from hub.store.mail import Thread
from hub.store.messages import InboundRow
from hub.store.people import Known, NewContact, NewIdentity, find_senders
from hub.store.pool import Connection

MAX_TEXT = 65_536  # characters kept of one message; the journal keeps the raw body
FORM_REPLY_CHANNELS = {Channel.EMAIL: AddressClass.EMAIL, Channel.SMS: AddressClass.PHONE, Channel.WHATSAPP: AddressClass.PHONE}

Recognise = Callable[[str, TextContext], Signal]


@dataclass(slots=True)
class _Thread:
    """A person and thread, known or just made, shared by all messages of a batch from one sender.

    other: the sender's address is not this person's. opened: the thread began in this batch.
    """

    contact_id: ContactId
    identity_id: IdentityId | None
    conversation_id: ConversationId
    known: Known | None
    other: bool = False
    opened: bool = False


async def place(
    conn: Connection, writes: Writes, inbound: Sequence[tuple[Account, InboundMessage]], *, hasher: AddressHasher, recognise: Recognise
) -> None:
    """Fill `writes` with everything these messages bring, except what depends on locks."""
    # Under every pepper: between the setting of a new one and `hub rotate-pepper` people are on file under the old.
    asked = [
        (event.channel, digest, account.id) for account, event in inbound for sender in _senders(event) for digest in hasher.each(sender)
    ]
    answers = iter(await find_senders(conn, asked) if asked else [])
    named = await named_threads(conn, inbound, hasher)
    threads: dict[tuple[str, bytes | str], _Thread] = {}
    for (account, event), thread_named in zip(inbound, named, strict=True):
        found = [_first([next(answers) for _ in hasher.each(sender)]) for sender in _senders(event)]
        if thread_named is not None:
            thread = _mail_thread(writes, event, thread_named, found)
        elif _joins_nothing(account, event, found, threads, hasher) and not _asks_for_a_right(event, writes, recognise):
            writes.note("inbound.received", f"account:{account.id}", actor=f"provider:{account.id}", result_kind="automatic")
            continue
        else:
            thread = _thread(writes, threads, account, event, found, hasher)
        _message(writes, account, event, thread, hasher, recognise)


def _first(found: Sequence[Known | None]) -> Known | None:
    return next((known for known in found if known is not None), None)


def _joins_nothing(
    account: Account,
    event: InboundMessage,
    found: Sequence[Known | None],
    threads: dict[tuple[str, bytes | str], _Thread],
    hasher: AddressHasher,
) -> bool:
    """Whether a robot's mail has no thread to join: it is journalled and begins none, so it is never shown as an enquiry."""
    if not (event.mail and event.automatic):
        return False
    here = (f"{account.id}/{event.channel}", hasher.hash(event.senders[0])) if event.senders else None
    return here not in threads and not any(known and known.conversation_id for known in found)


def _asks_for_a_right(event: InboundMessage, writes: Writes, recognise: Recognise) -> bool:
    """A ticket system may pass on what a person wrote to data@: words about rights are never dropped for being sent by one."""
    if event.mail is None or event.mail.mailbox is not Mailbox.DATA:
        return False
    context = TextContext(channel=event.channel, now=writes.now)
    return mail_routing.hear(event, recognise, context).label is OptOutLabel.RIGHTS


def _mail_thread(writes: Writes, event: InboundMessage, named: Thread, found: Sequence[Known | None]) -> _Thread:
    """The thread a mail names by our own token or id. From another address it is shown there, and moves nothing else."""
    if named.identity_id is None:
        return _Thread(named.contact_id, None, named.conversation_id, as_known(named), other=True)
    proven_elsewhere = any(k and k.verified and k.contact_id != named.contact_id for k in found)
    if _vouched(event) and not named.verified and not proven_elsewhere:
        writes.verified.append(named.identity_id)
    if not named.named and event.display_name:
        writes.names.append((named.contact_id, Sealed(storable(event.display_name.reveal())[:200])))
    return _Thread(named.contact_id, named.identity_id, named.conversation_id, as_known(named))


def _vouched(event: InboundMessage) -> bool:
    """Whether the provider, or for mail the sender's own domain, vouches for the sender."""
    return event.mail is None or event.mail.trusted


def _senders(event: InboundMessage) -> tuple[Address, ...]:
    return () if event.form else event.senders


def _thread(
    writes: Writes,
    threads: dict[tuple[str, bytes | str], _Thread],
    account: Account,
    event: InboundMessage,
    found: Sequence[Known | None],
    hasher: AddressHasher,
) -> _Thread:
    if event.form:
        return _form_thread(writes, account, event, event.form, hasher)
    keys: list[tuple[str, bytes | str]] = [(f"{account.id}/{event.channel}", hasher.hash(s)) for s in event.senders]
    for key in keys:
        if key in threads:
            return threads[key]
    known = next((k for k in found if k is not None), None)
    contact_id = known.contact_id if known else _new_contact(writes, event)
    identity_id = _identities(writes, event, contact_id, found, hasher)
    conversation_id = known.conversation_id if known else None
    if conversation_id is None:
        conversation_id = _new_conversation(writes, account, event, contact_id)
    if known and not known.named and event.display_name:
        writes.names.append((contact_id, Sealed(storable(event.display_name.reveal())[:200])))
    opened = known is None or known.conversation_id is None
    thread = _Thread(contact_id, identity_id, conversation_id, known, opened=opened)
    threads.update(dict.fromkeys(keys, thread))
    return thread


def _new_contact(writes: Writes, event: InboundMessage, *, form: FormEnquiry | None = None) -> ContactId:
    contact_id = ContactId(uuid7())
    shown = (form.name if form else None) or event.display_name
    birth_date = _birth_date(form) if form else None
    writes.contacts.append(
        NewContact(
            id=contact_id,
            display_name=Sealed(storable(shown.reveal())[:200]) if shown and shown.reveal().strip() else None,
            locale=event.locale_hint,
            birth_date=birth_date,
            created_at=writes.now,
            age_confirmed=age_known(birth_date, attested=bool(form and form.adult), today=writes.now.date()),
        )
    )
    return contact_id


def _identities(
    writes: Writes, event: InboundMessage, contact_id: ContactId, found: Sequence[Known | None], hasher: AddressHasher
) -> IdentityId | None:
    """The identity the message came from; those not on file yet are added, a typed one is now proven."""
    chosen: IdentityId | None = None
    for sender, known in zip(event.senders, found, strict=True):
        if known is not None and known.contact_id != contact_id:
            continue  # another person's: joining people is for staff to decide
        if known is not None and known.identity_id is not None:
            identity_id = known.identity_id
            if not known.verified and _vouched(event):
                writes.verified.append(identity_id)
        else:
            identity_id = _new_identity(writes, contact_id, event.channel, sender, hasher, verified=_vouched(event))
        chosen = chosen or identity_id
    return chosen


def _new_identity(
    writes: Writes,
    contact_id: ContactId,
    channel: Channel,
    address: Address,
    hasher: AddressHasher,
    *,
    verified: bool,
    country: str | None = None,
) -> IdentityId:
    identity_id = IdentityId(uuid7())
    first, *others = hasher.hashes(address)
    writes.identities.append(
        NewIdentity(
            id=identity_id,
            contact_id=contact_id,
            channel=channel,
            address_hash=first,
            address_kind=address.kind,
            key_id=hasher.key_id,
            aliases=tuple(others),
            address=address.value,
            country=country or country_of(address),
            verified=verified,
            seen_at=writes.now,
        )
    )
    return identity_id


def _new_conversation(writes: Writes, account: Account, event: InboundMessage, contact_id: ContactId) -> ConversationId:
    conversation_id = ConversationId(uuid7())
    writes.conversations.append(
        NewConversation(id=conversation_id, contact_id=contact_id, channel=event.channel, account_id=account.id, created_at=writes.now)
    )
    return conversation_id


def _form_thread(writes: Writes, account: Account, event: InboundMessage, form: FormEnquiry, hasher: AddressHasher) -> _Thread:
    """A form always begins a contact of its own: nothing it types is proven, so it never joins somebody's record."""
    contact_id = _new_contact(writes, event, form=form)
    conversation_id = _new_conversation(writes, account, event, contact_id)
    typed = {AddressClass.EMAIL: form.email, AddressClass.PHONE: form.phone}
    agreed = {c.channel for c in form.consents}  # news needs an address on its channel, whether or not the answer goes there
    wanted = [c for c in FORM_REPLY_CHANNELS if c in form.reply_channels or c in agreed or c is not Channel.WHATSAPP]
    for channel in wanted:
        address = typed[FORM_REPLY_CHANNELS[channel]]
        if address is None or (channel is Channel.SMS and is_uk_landline(address.value.reveal())):
            continue
        country = country_of_typed(address, phone=form.phone)
        identity_id = _new_identity(writes, contact_id, channel, address, hasher, verified=False, country=country)
        if channel in form.reply_channels:
            writes.named.append(NamedChannel(conversation_id=conversation_id, channel=channel, identity_id=identity_id, at=event.sent_at))
    return _Thread(contact_id, None, conversation_id, None)


def _birth_date(form: FormEnquiry) -> date | None:
    try:
        return date.fromisoformat(form.birth_date.reveal()) if form.birth_date else None
    except ValueError:
        return None


def _message(writes: Writes, account: Account, event: InboundMessage, thread: _Thread, hasher: AddressHasher, recognise: Recognise) -> None:
    message_id = MessageId(uuid7())
    text = storable(event.text.reveal())
    signal = mail_routing.hear(event, recognise, _context(event, thread, writes))
    addresses = _typed(event.form) if event.form else event.senders
    placed = Placed(
        id=message_id,
        event=event,
        contact_id=thread.contact_id,
        identity_id=thread.identity_id,
        conversation_id=thread.conversation_id,
        hashes=tuple(hasher.hash(a) for a in addresses),
        signal=signal,
        proven=event.form is None and _vouched(event) and not thread.other,
        other=thread.other,
        on_file=thread.known is not None and thread.known.identity_id is not None,
    )
    writes.placed.append(placed)
    if (mail := mail_row(placed, message_id)) is not None:
        writes.mails.append(mail)
    writes.messages.append(_row(writes, account, event, thread, message_id, text, signal))
    for position, media in enumerate(event.media):
        writes.attachments.append(NewAttachment(id=uuid7(), message_id=message_id, position=position, media=media, created_at=writes.now))
    _arrive(writes, placed, thread)


def _arrive(writes: Writes, placed: Placed, thread: _Thread) -> None:
    """Move the conversation to the top as unread; a robot's mail leaves it where it is (policy §4.1: never an enquiry)."""
    if placed.event.mail and placed.event.automatic and not thread.opened:
        writes.changed.append(thread.conversation_id)
        return
    before = writes.arrivals.get(thread.conversation_id)
    unclear = _unclear(placed)
    writes.arrivals[thread.conversation_id] = Arrival(
        conversation_id=thread.conversation_id,
        message_id=placed.id,
        received_at=writes.now,
        count=(before.count if before else 0) + 1,
        stop_unclear=before.stop_unclear if unclear is None and before else unclear,
    )


def _unclear(placed: Placed) -> bool | None:
    """Whether this message leaves it open that no answers are wanted; False where it says so beyond doubt, None where it says nothing."""
    if placed.signal.label is OptOutLabel.AMBIGUOUS or mail_routing.spread_held_back(placed):
        return True
    ends_answers = any(scope in (Scope.ALL_CONTACT, Scope.CHANNEL) for scope, _ in placed.signal.suppress)
    return False if placed.signal.label is OptOutLabel.OPT_OUT and ends_answers else None


def _typed(form: FormEnquiry) -> tuple[Address, ...]:
    return tuple(a for a in (form.email, form.phone) if a is not None)


def _context(event: InboundMessage, thread: _Thread, writes: Writes) -> TextContext:
    known = thread.known
    phone = next((s.value.reveal() for s in event.senders if s.kind is AddressClass.PHONE), None)
    return TextContext(
        channel=event.channel,
        last_outbound_kind=known.last_outbound_kind if known else None,
        last_outbound_at=known.last_outbound_at if known else None,
        last_outbound_text=known.last_text if known else None,
        sender_prefix="+86" if phone and phone.startswith("+86") else None,
        now=writes.now,
    )


def _row(
    writes: Writes, account: Account, event: InboundMessage, thread: _Thread, message_id: MessageId, text: str, signal: Signal
) -> InboundRow:
    detail: dict[str, object] = {}
    if event.location:
        detail["location"] = list(event.location)
    if event.button_payload:
        detail["button"] = storable(event.button_payload)[:500]
    if event.reply_to_provider_id:
        detail["reply_to"] = storable(event.reply_to_provider_id)[:500]
    if event.edit_of_provider_id:
        detail["edit_of"] = storable(event.edit_of_provider_id)[:500]
    if event.story:
        detail["story"] = storable(event.story)[:20]
    if event.referral:
        detail["referral"] = {"source": storable(event.referral.source)[:100], "title": storable(event.referral.title or "")[:200]}
    if event.forwarded:
        detail["forwarded"] = True
    if event.standby:
        detail["standby"] = True
    if signal.flags:
        detail["flags"] = list(signal.flags)
    if signal.label is not OptOutLabel.NONE:
        detail["span"] = list(signal.matched_span)
        detail["language"] = signal.language
    if signal.label is not OptOutLabel.RIGHTS and (kind := mail_routing.case_kind(event, signal)):
        detail["case"] = kind  # the words ask for no right by themselves, and open a case all the same
    if len(text) > MAX_TEXT:
        detail["cut_from"] = len(text)
    if event.form:
        detail["form"] = {
            "id": event.form.form_id,
            "notice": event.form.notice_version,
            "reply_channels": [str(c) for c in event.form.reply_channels],
        }
    return InboundRow(
        id=message_id,
        conversation_id=thread.conversation_id,
        contact_id=thread.contact_id,
        identity_id=thread.identity_id,
        channel=event.channel,
        account_id=account.id,
        content_kind=event.kind if isinstance(event.kind, ContentKind) else ContentKind.UNSUPPORTED,
        body=Sealed(text[:MAX_TEXT]),
        provider_message_id=storable(event.provider_event_id),
        signal=None if signal.label is OptOutLabel.NONE else signal.label,
        signal_rule=signal.rule_id or None,
        created_at=writes.now,
        occurred_at=event.sent_at,
        detail=detail or None,
    )
