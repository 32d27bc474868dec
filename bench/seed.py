"""People with waiting replies by the thousand, through the store's own functions: what the gate bench sends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from bench.requests import phone
from hub.gate.content import as_row
from hub.model.address import Address, AddressClass, Channel
from hub.model.ids import AccountId, ContactId, ConversationId, IdentityId, MessageId, uuid7
from hub.model.message import DeliveryStatus
from hub.model.permission import ContentFacts, InvitationFacts, InvitationState, Kind
from hub.model.sealed import Sealed
from hub.settings import Settings
from hub.store.conversations import InvitationRow, NewConversation, open_conversations, save_invitations
from hub.store.messages import OutboundRow, add_outbound
from hub.store.people import NewContact, NewIdentity, add_people
from hub.store.pool import Connection

CLEAN = as_row(
    ContentFacts(
        promo=False,
        pom=False,
        pressure=False,
        health_terms=False,
        books_u18_procedure=False,
        identity_ok=True,
        optout_ok=True,
        images_ok=True,
    ),
    version="bench",
    content_hash=bytes(32),
)


def mobile(n: int) -> Address:
    """Somebody's number."""
    return Address(kind=AddressClass.PHONE, value=Sealed(phone(n)))


def mailbox(n: int) -> Address:
    """Somebody's mail address."""
    return Address(kind=AddressClass.EMAIL, value=Sealed(f"amy{n}@patient.example"))


async def waiting_replies(
    conn: Connection,
    settings: Settings,
    count: int,
    *,
    account: AccountId,
    channel: Channel,
    address: Callable[[int], Address] = mobile,
) -> None:
    """`count` people who wrote a moment ago, each with one reply queued."""
    for start in range(0, count, 1000):
        async with conn.transaction():
            await _chunk(conn, settings, range(start, min(count, start + 1000)), account, channel, address)
    await conn.execute("ANALYZE")


async def _chunk(
    conn: Connection, settings: Settings, numbers: range, account: AccountId, channel: Channel, address_of: Callable[[int], Address]
) -> None:
    now = datetime.now(UTC)
    contacts, identities, threads, invitations = [], [], [], []
    for n in numbers:
        contact, identity, thread = ContactId(uuid7()), IdentityId(uuid7()), ConversationId(uuid7())
        address = address_of(n)
        contacts.append(NewContact(id=contact, display_name=Sealed("Amy"), locale="en", birth_date=None, created_at=now))
        identities.append(
            NewIdentity(
                id=identity,
                contact_id=contact,
                channel=channel,
                address_hash=settings.hasher.hash(address),
                address_kind=address.kind,
                key_id=settings.hasher.key_id,
                aliases=(),
                address=address.value,
                country="GB",
                verified=True,
                seen_at=now,
            )
        )
        threads.append(NewConversation(id=thread, contact_id=contact, channel=channel, account_id=account, created_at=now))
        facts = InvitationFacts(
            state=InvitationState.OPEN, opened_at=now, last_inbound_at=now, consecutive_outbound=0, inbound_automatic=False
        )
        invitations.append(InvitationRow(conversation_id=thread, channel=channel, identity_id=identity, facts=facts))
    await add_people(conn, contacts, identities)
    await open_conversations(conn, threads)
    await save_invitations(conn, invitations)
    for invitation, contact_row in zip(invitations, contacts, strict=True):
        await add_outbound(conn, _reply(invitation, contact_row.id, account, channel, now))


def _reply(invitation: InvitationRow, contact_id: ContactId, account: AccountId, channel: Channel, now: datetime) -> OutboundRow:
    return OutboundRow(
        id=MessageId(uuid7()),
        conversation_id=invitation.conversation_id,
        contact_id=contact_id,
        identity_id=invitation.identity_id,
        channel=channel,
        account_id=account,
        kind=Kind.RPL,
        body=Sealed("Thank you for writing. Thursday at three is free; shall we keep it for you?"),
        status=DeliveryStatus.QUEUED,
        priority=1,
        written_by=None,
        created_at=now,
        send_after=now,
        content=CLEAN,
    )
