"""What the tests of people's lives share: who somebody is, what stands against them, and what the judge says."""

from __future__ import annotations

from uuid import UUID

from hub.model.address import Address, AddressClass, AddressHasher, Channel, Pepper
from hub.model.ids import ContactId, ConversationId
from hub.model.message import Attestation, ConsentGiven, FormEnquiry, InboundMessage
from hub.model.permission import ContentFacts, Decision, Kind
from hub.model.sealed import Sealed
from hub.policy.permission import decide
from hub.settings import Settings
from hub.store import facts
from hub.store.pool import Connection
from tests.world import World

CLEAN = ContentFacts(
    promo=False, pom=False, pressure=False, health_terms=False, books_u18_procedure=False, identity_ok=True, optout_ok=True, images_ok=True
)


def phone(number: str) -> Address:
    return Address(kind=AddressClass.PHONE, value=Sealed(number))


def mail(address: str) -> Address:
    return Address(kind=AddressClass.EMAIL, value=Sealed(address))


def hasher(*key_ids: int) -> AddressHasher:
    """Peppers of these ids, newest first; the same id is always the same key."""
    return AddressHasher([Pepper(key_id=k, secret=Sealed(bytes([k]) * 32)) for k in key_ids])


async def contact_at(clinic: World, address: Address) -> ContactId:
    """The contact that stands for whoever was last given this address."""
    found = await clinic.value(
        """
        SELECT i.contact_id FROM identity i JOIN contact c ON c.id = i.contact_id AND c.merged_into IS NULL
        WHERE i.address_hash = ANY($1) ORDER BY i.verified DESC, i.created_at DESC, i.id DESC LIMIT 1
        """,
        list(clinic.settings.hasher.hashes(address)),
    )
    assert isinstance(found, UUID)
    return ContactId(found)


async def fills_in(
    clinic: World,
    *,
    event_id: str,
    email: str | None = None,
    number: str | None = None,
    text: str = "Hello",
    consents: tuple[ConsentGiven, ...] = (),
    birth_date: str | None = None,
    adult: Attestation | None = None,
) -> None:
    """Somebody sends the contact form."""
    form = FormEnquiry(
        form_id="enquire",
        submission_id=event_id,
        name=Sealed("Amy"),
        email=mail(email) if email else None,
        phone=phone(number) if number else None,
        reply_channels=(Channel.EMAIL,) if email else (Channel.SMS,),
        consents=consents,
        notice_version="1",
        birth_date=Sealed(birth_date) if birth_date else None,
        ip_truncated="192.0.2.0/24",
        user_agent_family="Firefox",
        adult=adult,
    )
    account = next(a for a in clinic.settings.accounts.values() if a.adapter == "web_form")
    event = InboundMessage(
        account_id=account.id,
        channel=Channel.WEB_FORM,
        provider_event_id=event_id,
        senders=(),
        sent_at=clinic.clock(),
        text=Sealed(text),
        form=form,
    )
    await clinic.takes([event], account=account.id)


def box(channel: Channel) -> ConsentGiven:
    """The box of the hosted form for this channel, ticked."""
    return ConsentGiven(
        purpose="newsletter", channel=channel, interests=("skin",), wording_id=f"consent_{channel}", wording_version=1, locale="en"
    )


async def judge(conn: Connection, settings: Settings, row: dict[str, object], kind: Kind, channel: Channel, clinic: World) -> Decision:
    """What `decide()` says about writing to one identity, on facts gathered as the gate gathers them."""
    identity, contact, conversation = row["identity_id"], row["contact_id"], row["conversation_id"]
    ask = facts.Ask(
        conversation_id=ConversationId(conversation),  # type: ignore[arg-type]
        contact_id=ContactId(contact),  # type: ignore[arg-type]
        identity_id=identity,  # type: ignore[arg-type]
        channel=channel,
        kind=kind,
        account_id="test",
        content=CLEAN,
        route_ok=True,
        reply_window_h=None,
        purpose="newsletter",
    )
    [found] = await facts.gather(conn, [ask], now=clinic.clock())
    return decide(found, settings.policy)


async def standing(clinic: World, contact: UUID) -> set[tuple[object, object]]:
    """(scope, channel) of what stands against a contact by person or by any of its addresses."""
    rows = await clinic.rows(
        """
        SELECT DISTINCT scope, channel FROM suppression WHERE lifted_at IS NULL AND (contact_id = $1 OR address_hash IN (
            SELECT unnest(a.aliases || a.hash) FROM identity i JOIN address a ON a.hash = i.address_hash WHERE i.contact_id = $1))
        """,
        contact,
    )
    return {(r["scope"], r["channel"]) for r in rows}
