"""Consent boxes that were ticked on a form: recorded as what was shown, never as more (policy D1, §5)."""

from __future__ import annotations

from hub.intake.confirming import ASK_IN, WITHIN
from hub.intake.writes import Placed, Writes
from hub.model.address import AddressHasher
from hub.model.consent import ConsentAct, ConsentEvent, WordingRef
from hub.model.ids import uuid7
from hub.model.message import ConsentGiven, FormEnquiry
from hub.policy.consent import given_by_form
from hub.store import consents
from hub.store.outbox import FollowUp
from hub.store.pool import Connection
from hub.wordings import Wordings


async def record_agreements(conn: Connection, writes: Writes, wordings: Wordings, hasher: AddressHasher) -> None:
    """One event per ticked box. A typed address needs confirmation before anything may stand on it."""
    events = [
        event for placed in writes.placed if placed.event.form for event in _events(writes, placed, placed.event.form, wordings, hasher)
    ]
    await consents.record(conn, events)
    for event in events:
        action = "consent.given" if event.event is ConsentAct.GIVEN else "consent.invalidated"
        writes.note(action, f"consent:{event.consent_id}", channel=event.channel, purpose=event.purpose)
        if event.event is ConsentAct.GIVEN and event.needs_confirmation:
            writes.follow_ups.append(FollowUp(topic="confirm_consent", ref=event.consent_id, run_after=writes.now))
            writes.follow_ups.append(FollowUp(topic="lapse_consent", ref=event.consent_id, run_after=writes.now + WITHIN + ASK_IN))


def _events(writes: Writes, placed: Placed, form: FormEnquiry, wordings: Wordings, hasher: AddressHasher) -> list[ConsentEvent]:
    def text_hash(box: ConsentGiven) -> bytes | None:
        # A sentence nobody archived proves nothing: the consent is kept, and refused as unproven.
        shown = wordings.exact(box.wording_id, box.wording_version, box.locale)
        return shown.text_hash if shown else None

    return given_by_form(
        form,
        contact_id=placed.contact_id,
        hash_address=hasher.hash,
        text_hash=text_hash,
        new_id=uuid7,
        occurred_at=placed.event.sent_at,
        recorded_at=writes.now,
        attested=_attested(form, wordings),
    )


def _attested(form: FormEnquiry, wordings: Wordings) -> WordingRef | None:
    if form.adult is None or (shown := wordings.exact(form.adult.wording_id, form.adult.wording_version, form.adult.locale)) is None:
        return None
    return WordingRef(id=shown.id, version=shown.version, locale=shown.locale, text_hash=shown.text_hash)
