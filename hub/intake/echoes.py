"""What staff wrote to somebody in the provider's own app: kept in the thread, counted as our turn, never sent by us.

A person nobody here knows yet gets a record and a thread, but no invitation: they have not written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hub.intake.country import country_of
from hub.intake.submission import storable
from hub.intake.writes import Writes
from hub.model.address import Address, AddressHasher, Channel
from hub.model.ids import ContactId, ConversationId, IdentityId, MessageId, uuid7
from hub.model.message import Account, ContentKind, Echo
from hub.model.permission import InvitationFacts, InvitationState, PolicySettings
from hub.model.sealed import Sealed
from hub.policy.invitation import after_outbound
from hub.store import attachments, changes, conversations, echoes, people, suppressions
from hub.store.attachments import NewAttachment
from hub.store.conversations import InvitationRow, NewConversation
from hub.store.echoes import EchoRow
from hub.store.outbox import FollowUp
from hub.store.people import Known, NewContact, NewIdentity
from hub.store.pool import Connection

MAX_TEXT = 65_536
Place = tuple[ContactId, IdentityId, ConversationId]


async def store_echoes(
    conn: Connection, writes: Writes, told: Sequence[tuple[Account, Echo]], *, hasher: AddressHasher, policy: PolicySettings
) -> None:
    """Store each in the order it was written, unless a message of ours bears its name. One by one: they are few."""
    for account, echo in sorted(told, key=lambda t: t[1].occurred_at):
        if not await echoes.known(conn, account.id, storable(echo.provider_message_id)):
            await _store(conn, writes, account, echo, hasher, policy)


async def _store(conn: Connection, writes: Writes, account: Account, echo: Echo, hasher: AddressHasher, policy: PolicySettings) -> None:
    contact_id, identity_id, conversation_id = await _place(conn, writes, account, echo, hasher)
    message_id = MessageId(uuid7())
    row = EchoRow(
        id=message_id,
        conversation_id=conversation_id,
        contact_id=contact_id,
        identity_id=identity_id,
        channel=account.channel,
        account_id=account.id,
        content_kind=ContentKind.MEDIA if echo.media else ContentKind.TEXT if echo.text.reveal() else ContentKind.UNSUPPORTED,
        body=Sealed(storable(echo.text.reveal())[:MAX_TEXT]),
        provider_message_id=storable(echo.provider_message_id),
        created_at=writes.now,
        occurred_at=echo.occurred_at,
    )
    await _take_turn(conn, row, policy)
    if not await echoes.add(conn, row):
        return
    await changes.catch_up(conn, [message_id])
    files = [
        NewAttachment(id=uuid7(), message_id=message_id, position=position, media=media, created_at=writes.now)
        for position, media in enumerate(echo.media)
    ]
    await attachments.add(conn, files)
    writes.follow_ups.extend(FollowUp(topic="fetch_media", ref=f.id, run_after=writes.now) for f in files)
    writes.note("send.accepted", f"message:{message_id}", actor=f"provider:{account.id}", reason="written_elsewhere")
    writes.changed.append(conversation_id)


async def _place(conn: Connection, writes: Writes, account: Account, echo: Echo, hasher: AddressHasher) -> Place:
    """Whose thread it belongs into, made where there is none."""
    asked = [(account.channel, digest, account.id) for digest in hasher.each(echo.recipient)]
    known = next((k for k in await people.find_senders(conn, asked) if k is not None), None)
    contact_id = known.contact_id if known else ContactId(uuid7())
    identity_id = known.identity_id if known and known.identity_id else IdentityId(uuid7())
    if known is None or known.identity_id is None:
        await _make_known(conn, writes, echo.recipient, account.channel, contact_id, identity_id, hasher, known)
    if known and known.conversation_id:
        return contact_id, identity_id, known.conversation_id
    conversation_id = ConversationId(uuid7())
    thread = NewConversation(
        id=conversation_id, contact_id=contact_id, channel=account.channel, account_id=account.id, created_at=writes.now
    )
    await conversations.open_conversations(conn, [thread])
    nothing = InvitationFacts(state=InvitationState.NONE, consecutive_outbound=0)
    row = InvitationRow(conversation_id=conversation_id, channel=account.channel, identity_id=identity_id, facts=nothing)
    await conversations.save_invitations(conn, [row])
    return contact_id, identity_id, conversation_id


async def _make_known(
    conn: Connection,
    writes: Writes,
    address: Address,
    channel: Channel,
    contact_id: ContactId,
    identity_id: IdentityId,
    hasher: AddressHasher,
    known: Known | None,
) -> None:
    contact = NewContact(id=contact_id, display_name=None, locale=None, birth_date=None, created_at=writes.now)
    first, *others = hasher.hashes(address)
    identity = NewIdentity(
        id=identity_id,
        contact_id=contact_id,
        channel=channel,
        address_hash=first,
        address_kind=address.kind,
        key_id=hasher.key_id,
        aliases=tuple(others),
        address=address.value,
        country=country_of(address),
        verified=known is None or known.verified,
        seen_at=writes.now,
    )
    await people.add_people(conn, [] if known else [contact], [identity])
    if known:  # one address more than we knew: a stop on any of them binds on all (P5)
        for added in await suppressions.share(conn, contact_id, contact_id, now=writes.now):
            writes.note("suppression.added", f"suppression:{added}", actor="system:intake", reason="same_person")


async def _take_turn(conn: Connection, row: EchoRow, policy: PolicySettings) -> None:
    """It counts as our turn (policy R8), unless the person has written since: then it is answered already."""
    for held in await conversations.lock_invitations(conn, [(row.conversation_id, row.channel)]):
        heard = held.facts.last_inbound_at
        if heard is not None and heard > row.occurred_at:
            spoke = max(filter(None, (held.facts.last_outbound_at, row.occurred_at)))
            facts = replace(held.facts, last_outbound_at=spoke)
        else:
            facts = after_outbound(held.facts, at=row.occurred_at, settings=policy)
        await conversations.save_invitations(conn, [replace(held, facts=facts)])
