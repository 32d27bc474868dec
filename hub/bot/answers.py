"""The automatic acknowledgement, the one confirmation of a stop, and the one question to a typed address (policy R5, R9, §2.3, §3.7)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from hub.gate import Draft, Queued, queue
from hub.model.address import Channel
from hub.model.permission import Kind, OptOutLabel
from hub.model.sealed import Sealed
from hub.policy import consent_link
from hub.settings import Settings
from hub.store import confirmations, drafts, inbound, mail_out
from hub.store.inbound import Incoming
from hub.store.pool import Connection
from hub.wordings import Wordings


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """What the bot speaks with."""

    settings: Settings
    wordings: Wordings


async def acknowledge(
    conn: Connection, message_id: UUID, voice: Voice, *, now: datetime, send_after: datetime | None = None
) -> Queued | None:
    """Queue the acknowledgement of a message, with the privacy notice the first time. The judge may refuse it.

    None where the message is gone. send_after: see `Draft`.
    """
    incoming = await inbound.incoming(conn, message_id)
    if incoming is None:
        return None
    parts = [_say(voice, "ack_received", incoming)]
    if not incoming.told_notice:
        parts.append(_say(voice, "first_contact_notice", incoming))
    draft = _draft(incoming, Kind.ACK, " ".join(parts), send_after)
    return await queue(conn, draft, now=now, settings=voice.settings)


async def acknowledge_form(conn: Connection, message_id: UUID, voice: Voice, *, now: datetime) -> Queued | None:
    """Queue the acknowledgement of a contact form, by mail, with the privacy notice. The judge may refuse it.

    None where the message is gone, or where the address had one within a day: anybody can type it, and a hundred forms shall not
    send it a hundred mails (channels.md §1, §2.3). Nothing of what was typed is repeated.
    """
    incoming = await inbound.incoming(conn, message_id)
    place = await drafts.place_of(conn, incoming.conversation_id, Channel.EMAIL) if incoming else None
    if incoming is None or place is None or place.address_hash is None:
        return None
    await confirmations.lock_address(conn, place.address_hash)
    if await mail_out.acknowledged_since(conn, place.address_hash, now - timedelta(hours=voice.settings.policy.ack_every_h)):
        return None
    text = f"{_say(voice, 'ack_received', incoming)} {_say(voice, 'first_contact_notice', incoming)}"
    draft = _draft(replace(incoming, channel=Channel.EMAIL), Kind.ACK, text, None)
    return await queue(conn, draft, now=now, settings=voice.settings)


async def confirm_stop(
    conn: Connection, message_id: UUID, voice: Voice, *, now: datetime, send_after: datetime | None = None
) -> Queued | None:
    """Queue the one confirmation of the stop this message asked for: what stopped, and how to reverse it. As `acknowledge`."""
    incoming = await inbound.incoming(conn, message_id)
    if incoming is None:
        return None
    draft = _draft(incoming, Kind.OOC, _say(voice, confirmation_id(incoming), incoming), send_after)
    return await queue(conn, draft, now=now, settings=voice.settings)


async def confirm_consent(conn: Connection, consent_id: UUID, voice: Voice, *, now: datetime) -> Queued | None:
    """Queue the one question to the typed address of a consent: is it yours, and do you want the news? The judge may refuse it.

    None where there is nothing to ask: the consent ended or was confirmed, its thread is gone, or the address was asked in the
    last 90 days. Nothing of what was typed is repeated.
    """
    found = await confirmations.consent(conn, consent_id)
    if found is None or not found.open or found.conversation_id is None:
        return None
    await confirmations.lock_address(conn, found.address_hash)
    since = now - timedelta(days=voice.settings.policy.doi_every_days)
    place = await drafts.place_of(conn, found.conversation_id, found.channel)
    if place is None or place.address_hash != found.address_hash or await confirmations.asked_since(conn, found.address_hash, since):
        return None
    text = _question(voice, found.channel, consent_id, found.locale or "en")
    draft = Draft(
        conversation_id=found.conversation_id,
        kind=Kind.DOI,
        channel=found.channel,
        text=Sealed(text),
        written_by=None,
        locale=found.locale or "en",
    )
    return await queue(conn, draft, now=now, settings=voice.settings)


def _question(voice: Voice, channel: Channel, consent_id: UUID, locale: str) -> str:
    settings, clinic = voice.settings, voice.settings.clinic
    form = next((a for a in settings.accounts.values() if a.adapter == "web_form"), None)
    link = consent_link.issue(consent_id, form.secrets["form_token_key"]) if form else ""
    wording = voice.wordings.text("doi_email" if channel is Channel.EMAIL else "doi_phone", locale)
    return wording.filled(
        clinic=clinic.trading_name,
        legal_name=clinic.legal_name,
        company_number=clinic.company_number,
        registered_in=clinic.registered_in,
        registered_office=clinic.registered_office,
        postal_address=clinic.postal_address,
        confirm_url=f"{settings.public_url}/consent/{link}",
    )


def confirmation_id(incoming: Incoming) -> str:
    """Which sentence tells truly what has stopped."""
    if incoming.signal == OptOutLabel.AMBIGUOUS:
        return "ooc_question"
    if "ALL_CONTACT" in incoming.scopes:
        return "ooc_all"
    return "ooc_stop" if "CHANNEL" in incoming.scopes else "ooc_marketing"


def _draft(incoming: Incoming, kind: Kind, text: str, send_after: datetime | None) -> Draft:
    return Draft(
        conversation_id=incoming.conversation_id,
        kind=kind,
        channel=incoming.channel,
        text=Sealed(text),
        written_by=None,
        send_after=send_after,
    )


def _say(voice: Voice, wording_id: str, incoming: Incoming) -> str:
    """One wording in the person's language, its marks filled in."""
    wording = voice.wordings.text(wording_id, incoming.language)
    return wording.filled(clinic=voice.settings.clinic.trading_name, privacy_url=f"{voice.settings.public_url}/privacy")
