"""The automatic acknowledgement, and the one confirmation of a stop (policy R5, R9, §3.7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hub.gate import Draft, Queued, queue
from hub.model.permission import Kind, OptOutLabel
from hub.model.sealed import Sealed
from hub.settings import Settings
from hub.store import inbound
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


async def confirm_stop(
    conn: Connection, message_id: UUID, voice: Voice, *, now: datetime, send_after: datetime | None = None
) -> Queued | None:
    """Queue the one confirmation of the stop this message asked for: what stopped, and how to reverse it. As `acknowledge`."""
    incoming = await inbound.incoming(conn, message_id)
    if incoming is None:
        return None
    draft = _draft(incoming, Kind.OOC, _say(voice, confirmation_id(incoming), incoming), send_after)
    return await queue(conn, draft, now=now, settings=voice.settings)


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
