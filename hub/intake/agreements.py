"""Consent boxes that were ticked on a form: recorded as what was shown, never as more (policy D1, §5)."""

from __future__ import annotations

from hub.intake.place import FORM_REPLY_CHANNELS
from hub.intake.writes import Placed, Writes
from hub.model.address import AddressClass, AddressHasher
from hub.model.consent import ConsentAct, ConsentEvent, Control, WordingRef
from hub.model.ids import uuid7
from hub.model.message import ConsentGiven, FormEnquiry
from hub.store import consents
from hub.store.pool import Connection
from hub.wordings import Wordings


async def record_agreements(conn: Connection, writes: Writes, wordings: Wordings, hasher: AddressHasher) -> None:
    """One `given` event per ticked box. A typed address needs confirmation before anything may stand on it."""
    events = [
        _event(writes, placed, form, given, wordings, hasher)
        for placed in writes.placed
        if (form := placed.event.form) is not None
        for given in form.consents
    ]
    await consents.record(conn, events)
    for event in events:
        writes.note("consent.given", f"consent:{event.consent_id}", channel=event.channel, purpose=event.purpose)


def _event(
    writes: Writes, placed: Placed, form: FormEnquiry, given: ConsentGiven, wordings: Wordings, hasher: AddressHasher
) -> ConsentEvent:
    shown = wordings.exact(given.wording_id, given.wording_version, given.locale)
    kind = FORM_REPLY_CHANNELS.get(given.channel)
    address = {AddressClass.EMAIL: form.email, AddressClass.PHONE: form.phone}.get(kind) if kind else None
    return ConsentEvent(
        id=uuid7(),
        consent_id=uuid7(),
        contact_id=placed.contact_id,
        event=ConsentAct.GIVEN,
        purpose=given.purpose,
        channel=given.channel,
        occurred_at=placed.event.sent_at,
        recorded_at=writes.now,
        source=f"form:{form.form_id}",
        control=Control.UNTICKED_BOX,
        needs_confirmation=True,
        actor="person",
        address_hash=hasher.hash(address) if address else None,
        interests=given.interests,
        # A sentence nobody archived proves nothing: the consent is kept, and refused as unproven.
        wording=WordingRef(id=shown.id, version=shown.version, locale=shown.locale, text_hash=shown.text_hash) if shown else None,
        notice_version=form.notice_version,
        evidence_ref=f"message:{placed.id}",
        ip_truncated=form.ip_truncated,
        ua_family=form.user_agent_family,
    )
