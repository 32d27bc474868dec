"""Wordings are archived once and for all; consent events are kept and read back whole, each hanging on the one before."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from hub.model.address import Channel
from hub.model.consent import ConsentAct, ConsentEvent, Control, WordingRef
from hub.model.ids import ContactId, uuid7
from hub.store import consents, wordings
from hub.store.pool import Connection
from hub.wordings import load

NOW = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)
SHIPPED = load(Path(__file__).parents[3] / "config" / "wordings")


async def contact(conn: Connection) -> ContactId:
    id = uuid7()
    await conn.execute("INSERT INTO contact (id, created_at) VALUES ($1, $2)", id, NOW)
    return ContactId(id)


def given(contact_id: ContactId) -> ConsentEvent:
    shown = SHIPPED.text("consent_email", "en")
    return ConsentEvent(
        id=uuid7(),
        consent_id=uuid7(),
        contact_id=contact_id,
        event=ConsentAct.GIVEN,
        purpose="newsletter",
        channel=Channel.EMAIL,
        occurred_at=NOW,
        recorded_at=NOW,
        source="form:main",
        control=Control.UNTICKED_BOX,
        needs_confirmation=True,
        actor="person",
        address_hash=b"x" * 32,
        interests=("laser", "body"),
        wording=WordingRef(id=shown.id, version=shown.version, locale=shown.locale, text_hash=shown.text_hash),
        notice_version="privacy_notice@1",
        evidence_ref="s-1",
        ip_truncated="192.0.2.0/24",
        ua_family="Firefox",
    )


async def test_events_come_back_as_they_were_recorded(conn: Connection) -> None:
    await wordings.register(conn, SHIPPED.entries)
    someone, nobody = await contact(conn), await contact(conn)
    first = given(someone)
    await consents.record(conn, [first])
    found = await consents.of_contacts(conn, [someone, nobody])
    assert found == {someone: [first], nobody: []}
    assert isinstance(found[someone][0].id, UUID)


async def test_each_event_hangs_on_the_one_before(conn: Connection) -> None:
    await wordings.register(conn, SHIPPED.entries)
    first = given(await contact(conn))
    confirmed = replace(first, id=uuid7(), event=ConsentAct.CONFIRMED)
    withdrawn = replace(first, id=uuid7(), event=ConsentAct.WITHDRAWN)
    await consents.record(conn, [first])
    await consents.record(conn, [confirmed, withdrawn])
    before = {r["id"]: r["prev_event_hash"] for r in await conn.fetch("SELECT id, prev_event_hash FROM consent_event")}
    assert before == {first.id: None, confirmed.id: consents.event_hash(first), withdrawn.id: consents.event_hash(confirmed)}


async def test_registering_twice_changes_nothing(conn: Connection) -> None:
    await wordings.register(conn, SHIPPED.entries)
    await wordings.register(conn, SHIPPED.entries)
    assert await conn.fetchval("SELECT count(*) FROM wording") == len(SHIPPED.entries)


async def test_a_published_sentence_cannot_be_edited_in_place(conn: Connection) -> None:
    await wordings.register(conn, SHIPPED.entries)
    edited = replace(SHIPPED.text("consent_email", "en"), text="Yes, anything.")
    new = replace(edited, id="brand_new")
    with pytest.raises(wordings.ChangedWording, match=r"consent_email, version 1, en.*new version number"):
        await wordings.register(conn, [edited, new])
    assert await conn.fetchval("SELECT count(*) FROM wording WHERE id = 'brand_new'") == 0


async def test_a_consent_to_an_unregistered_wording_is_refused(conn: Connection) -> None:
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await consents.record(conn, [given(await contact(conn))])
