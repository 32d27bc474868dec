"""People for campaign tests, written straight into the tables a form, a message or an act would have filled."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from hub.model.address import Address, AddressClass
from hub.model.ids import uuid7
from hub.model.sealed import Sealed
from hub.settings import Settings
from hub.store.pool import Connection

PROMOTION = "promotion"
BIRTHDAYS = (None, date(2010, 3, 1), date(2008, 11, 24), date(2008, 11, 25), date(2000, 1, 1))  # of age on 24 November 2026, or a day short

OBJECTIONS = (PROMOTION, "newsletter", "event", "marketing", "profiling", "ads_match", "all", "service", "enquiry")


@dataclass(kw_only=True)
class Given:
    """One consent event of a person. days: how long before now."""

    days: float
    event: str = "given"
    consent: UUID = field(default_factory=uuid7)
    purpose: str = PROMOTION
    channel: str = "sms"
    interests: tuple[str, ...] = ("skincare",)
    control: str = "unticked_box"
    needs_confirmation: bool = False
    worded: bool = True
    tied: bool = True


@dataclass(kw_only=True)
class Stop:
    scope: str
    channel: str | None = None
    interest: str | None = None
    purpose: str | None = None
    by: str = "contact"  # "contact", "address", "alias"
    lifted: bool = False


@dataclass(kw_only=True)
class Person:
    """Somebody fit to be sent to, unless told otherwise. sent_days: marketing messages had so many days ago."""

    number: int
    name: str | None = "Amy Fenn"
    birth: date | None = date(1990, 5, 1)
    age_confirmed: bool = True
    restricted: bool = False
    erasure: str = "none"
    deceased: bool = False
    has_identity: bool = True
    identity_channel: str = "sms"
    address_known: bool = True
    address_state: str = "ok"
    country: str | None = "GB"
    consents: Sequence[Given] = ()
    stops: Sequence[Stop] = ()
    objections: Sequence[str] = ()
    objections_taken_back: bool = False
    sent_days: Sequence[float] = ()
    contact_id: UUID = field(default_factory=uuid7)
    identity_id: UUID = field(default_factory=uuid7)

    @property
    def phone(self) -> str:
        return f"+4477009{self.number:05}"


def address_hash(settings: Settings, phone: str) -> bytes:
    return settings.hasher.hash(Address(kind=AddressClass.PHONE, value=Sealed(phone)))


async def write(conn: Connection, settings: Settings, people: Sequence[Person], *, now: datetime) -> None:
    """Put these people on file."""
    await conn.execute(
        "INSERT INTO wording (id, version, locale, text, text_hash, valid_from) VALUES ('sms', 1, 'en', 'Yes', '\\x00', $1)"
        " ON CONFLICT DO NOTHING",
        now - timedelta(days=3000),
    )
    hashes = {p.number: address_hash(settings, p.phone) for p in people}
    aliases = {p.number: [b"alias".ljust(27, b"-") + f"{p.number:05}".encode()] for p in people if any(s.by == "alias" for s in p.stops)}
    async with conn.transaction():
        await conn.executemany(
            "INSERT INTO address (hash, key_id, kind, state, created_at, aliases) VALUES ($1, 1, 'phone', $2, $3, $4)"
            " ON CONFLICT DO NOTHING",
            [(hashes[p.number], p.address_state, now, aliases.get(p.number, [])) for p in people],
        )
        await conn.executemany(
            "INSERT INTO contact (id, display_name, birth_date, age_confirmed, restricted, erasure, deceased, created_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            [(p.contact_id, p.name, p.birth, p.age_confirmed, p.restricted, p.erasure, p.deceased, now) for p in people],
        )
        await conn.executemany(
            "INSERT INTO identity (id, contact_id, channel, address_hash, address, country, verified, created_at, last_seen_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, false, $7, $7)",
            [
                (p.identity_id, p.contact_id, p.identity_channel, hashes[p.number], p.phone if p.address_known else None, p.country, now)
                for p in people
                if p.has_identity
            ],
        )
        await _consents(conn, people, hashes, now)
        await _stops(conn, people, hashes, aliases, now)
        await _objections(conn, people, now)
        for p in people:
            await write_sent(conn, p, now)


_CONSENT = [
    "id",
    "consent_id",
    "contact_id",
    "event",
    "purpose",
    "channel",
    "address_hash",
    "interests",
    "occurred_at",
    "recorded_at",
    "source",
    "wording_id",
    "wording_version",
    "wording_locale",
    "wording_hash",
    "control",
    "needs_confirmation",
    "actor",
]
_STOP = [
    "id",
    "address_hash",
    "contact_id",
    "scope",
    "channel",
    "interest",
    "purpose",
    "occurred_at",
    "recorded_at",
    "source",
    "lifted_at",
    "lifted_by",
]


async def _consents(conn: Connection, people: Sequence[Person], hashes: dict[int, bytes], now: datetime) -> None:
    rows = []
    for p in people:
        for g in p.consents:
            at, wording = now - timedelta(days=g.days), ("sms", 1, "en", b"\0") if g.worded else (None,) * 4
            digest = hashes[p.number] if g.tied else None
            rows.append(
                (
                    uuid7(), g.consent, p.contact_id, g.event, g.purpose, g.channel, digest, list(g.interests), at, at, "test", *wording,
                    g.control, g.needs_confirmation, "person",
                )
            )  # fmt: skip
    await conn.copy_records_to_table("consent_event", records=rows, columns=_CONSENT)


async def _stops(
    conn: Connection, people: Sequence[Person], hashes: dict[int, bytes], aliases: dict[int, list[bytes]], now: datetime
) -> None:
    rows = []
    for p in people:
        by = {"contact": (None, p.contact_id), "address": (hashes[p.number], None), "alias": (aliases.get(p.number, [None])[0], None)}
        for s in p.stops:
            at, lifted = now - timedelta(hours=1), (now, "x") if s.lifted else (None, None)
            rows.append((uuid7(), *by[s.by], s.scope, s.channel, s.interest, s.purpose, at, at, "message", *lifted))
    await conn.copy_records_to_table("suppression", records=rows, columns=_STOP)


async def _objections(conn: Connection, people: Sequence[Person], now: datetime) -> None:
    await conn.executemany(
        "INSERT INTO objection (id, contact_id, about, occurred_at, recorded_at, source, recorded_by, withdrawn_at, withdrawn_by)"
        " VALUES ($1, $2, $3, $4, $4, 'message', 'person', $5, $6)",
        [
            (uuid7(), p.contact_id, about, now - timedelta(hours=2), *((now, "person") if p.objections_taken_back else (None, None)))
            for p in people
            for about in p.objections
        ],
    )


async def write_sent(conn: Connection, p: Person, now: datetime) -> None:
    """The marketing messages a person had, `sent_days` ago."""
    if not p.sent_days:
        return
    conversation = uuid7()
    await conn.execute(
        "INSERT INTO conversation (id, contact_id, channel, account_id, created_at, last_message_at) VALUES ($1, $2, 'sms', 'x', $3, $3)",
        conversation, p.contact_id, now,
    )  # fmt: skip
    await conn.executemany(
        "INSERT INTO message (id, conversation_id, contact_id, channel, account_id, direction, kind, body, status, decision_id, created_at,"
        " occurred_at, send_after, claimed_at) VALUES ($1, $2, $3, 'sms', 'x', 'outbound', 'MKT', 'x', 'accepted', $1, $4, $4, $4, $4)",
        [(uuid7(), conversation, p.contact_id, now - timedelta(days=d)) for d in p.sent_days],
    )


def agreed(number: int, **changes: object) -> Person:
    """Somebody who agreed to news about skincare by SMS ten days ago."""
    return Person(number=number, **{"consents": (Given(days=10),), **changes})  # type: ignore[arg-type]


def random_person(chance: random.Random, number: int) -> Person:
    """Anybody: most things are well with most people, so that every reason is somebody's first."""

    def odd(share: float = 0.05) -> bool:
        return chance.random() < share

    return Person(
        number=number,
        birth=chance.choice(BIRTHDAYS) if odd(0.15) else date(1990, 5, 1),
        age_confirmed=not odd(),
        restricted=odd(),
        erasure=chance.choice(["pending", "done"]) if odd() else "none",
        deceased=odd(0.03),
        has_identity=not odd(),
        identity_channel="whatsapp" if odd(0.03) else "sms",
        address_known=not odd(0.03),
        address_state=chance.choice(["invalid", "wrong_person", "reassigned"]) if odd() else "ok",
        country=chance.choice(["CN", None]) if odd() else "GB",
        consents=_random_consents(chance),
        stops=[_random_stop(chance) for _ in range(chance.choice([1, 1, 2]))] if odd(0.25) else (),
        objections=chance.choices(OBJECTIONS, k=chance.choice([1, 2])) if odd(0.1) else (),
        objections_taken_back=odd(0.2),
        sent_days=[chance.choice([1, 6.9, 7.1, 20, 29.9, 30.1]) for _ in range(chance.randrange(1, 8))] if odd(0.15) else (),
    )  # fmt: skip


def _random_consents(chance: random.Random) -> list[Given]:
    found: list[Given] = []
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        first = Given(
            days=chance.choice([1, 10, 400, 700, 729, 732, 900, -1 if chance.random() < 0.2 else 5]),
            purpose=chance.choice([PROMOTION] * 6 + ["newsletter"]),
            channel=chance.choice(["sms"] * 6 + ["email"]),
            interests=chance.choice([("skincare",), ("skincare", "laser"), ("laser",), ("body", "laser"), ()]),
            control=chance.choice(["unticked_box"] * 8 + ["preticked_box", "bundled_box", "spoken"]),
            needs_confirmation=chance.random() < 0.3,
            worded=chance.random() < 0.93,
            tied=chance.random() < 0.7,
        )
        found.append(first)
        for event in ("confirmed", "refreshed", "withdrawn", "expired", "invalidated"):
            if chance.random() < (0.5 if event == "confirmed" else 0.06):
                later = max(-2.0, first.days - chance.choice([0, 1, 300, 725, 735, 800]))
                found.append(Given(**{**vars(first), "event": event, "days": later}))
    return found


def _random_stop(chance: random.Random) -> Stop:
    scope = chance.choice(["ALL_CONTACT", "CHANNEL", "ALL_MARKETING", "CHANNEL_MARKETING", "INTEREST", "PURPOSE"])
    return Stop(
        scope=scope,
        channel=chance.choice(["sms", "sms", "email"]) if scope.startswith("CHANNEL") else None,
        interest=chance.choice(["skincare", "body"]) if scope == "INTEREST" else None,
        purpose=chance.choice([PROMOTION, "event"]) if scope == "PURPOSE" else None,
        by=chance.choice(["contact", "address", "alias"]),
        lifted=chance.random() < 0.15,
    )
