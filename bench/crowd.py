"""A large clinic in a minute: people by the million, written set by set, each with what a form would have left behind.

The people are made by number, so that a run can be repeated. Two consents each, given with their address: news by SMS
about two subjects, and the newsletter by email. One in twenty has stopped something. Writes past the triggers and keys
that watch single rows; the kept state of the consents is compared with `consent_state_of` on a sample of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from bench.requests import phone
from hub.campaigns import acts
from hub.model.address import Address, AddressClass, Channel
from hub.model.campaign import Draft, Purpose
from hub.model.ids import AccountId, CampaignId, uuid7
from hub.model.sealed import Sealed
from hub.settings import Settings
from hub.store import staff
from hub.store.pool import Connection

ADULT = date(1990, 5, 1)
BODY = "{clinic}: news for {first_name} from our skin specialists. A consultation comes first. {stop_line}"

# {n}: the person's number. Ids that grow with time, as the hub makes them.
_ID = (
    "(lpad(to_hex(1700000000000 + {n} * 60), 12, '0') || '7' || substr(md5('{kind}' || {n}), 1, 3) || '8'"
    " || substr(md5('{kind}' || {n}), 4, 15))::uuid"
)
_PHONE = "('+4477' || lpad({n}::text, 8, '0'))"
_HASH = "sha256(convert_to('bench' || " + _PHONE + ", 'UTF8'))"
_GIVEN = "($1::timestamptz - make_interval(days => 10 + ({n} * 7) % 760))"
_INTERESTS = "CASE ({n} * 5 / 3) % 10 WHEN 0 THEN '{{laser,skincare}}' WHEN 1 THEN '{{body,skincare}}' WHEN 2 THEN '{{events,skincare}}' \
WHEN 3 THEN '{{skincare,laser}}' WHEN 4 THEN '{{skincare,events}}' WHEN 5 THEN '{{laser,body}}' WHEN 6 THEN '{{laser,skincare}}' \
WHEN 7 THEN '{{skincare,body}}' WHEN 8 THEN '{{body,events}}' ELSE '{{laser,events}}' END::text[]"
_STOP = "CASE ({n} / 20) % 4 WHEN 0 THEN 'ALL_CONTACT' WHEN 1 THEN 'CHANNEL' WHEN 2 THEN 'ALL_MARKETING' ELSE 'CHANNEL_MARKETING' END"


def _sql(text: str) -> str:
    for name, part in (("ID", _ID), ("PHONE", _PHONE), ("HASH", _HASH), ("GIVEN", _GIVEN), ("INTERESTS", _INTERESTS), ("STOP", _STOP)):
        kinds = ("contact", "identity", "sms", "email", "stop") if name == "ID" else ("",)
        for kind in kinds:
            text = text.replace(
                f"<{name}{':' + kind if kind else ''}>",
                part.replace("{n}", "n").replace("{kind}", kind).replace("{{", "{").replace("}}", "}"),
            )
    return text


_EVENTS = """
INSERT INTO consent_event (id, consent_id, contact_id, event, purpose, channel, address_hash, interests, occurred_at, recorded_at, source,
                           wording_id, wording_version, wording_locale, wording_hash, control, needs_confirmation, actor)
SELECT <ID:{channel}>, <ID:{channel}>, <ID:contact>, 'given', '{purpose}', '{channel}', <HASH>, <INTERESTS>, <GIVEN>, <GIVEN>, 'form',
       'bench', 1, 'en', '\\x00', 'unticked_box', n % 40 = 7, 'person' FROM generate_series($2::int, $3::int) n
"""
_STATES = """
INSERT INTO consent_state (consent_id, contact_id, purpose, channel, address_hash, interests, health_relevance, given_at, confirmed, proven,
                           ended, wording, first, alone, held)
SELECT <ID:{channel}>, <ID:contact>, '{purpose}', '{channel}', <HASH>, <INTERESTS>, false, <GIVEN>, n % 40 <> 7, true, false, 'bench@1/en',
       <ID:{channel}> < <ID:{other}>, true,
       CASE WHEN <ID:{channel}> < <ID:{other}> THEN '{{email,email/newsletter,sms,sms/promotion}}'::text[] ELSE '{{}}' END
FROM generate_series($2::int, $3::int) n
"""
_CONSENTS = (("sms", "promotion"), ("email", "newsletter"))
_STATEMENTS = (
    "INSERT INTO address (hash, key_id, kind, created_at) SELECT <HASH>, 1, 'phone', $1 FROM generate_series($2::int, $3::int) n",
    """
    INSERT INTO contact (id, display_name, locale, birth_date, age_confirmed, deceased, created_at)
    SELECT <ID:contact>, (ARRAY['Amy','Bo','Chen','Dana','Eve','Finn','Gita'])[1 + n % 7] || ' Fenn', 'en', date '1960-01-01' + n % 15000,
           n % 50 <> 3, n % 1000 = 11, $1
    FROM generate_series($2::int, $3::int) n
    """,
    """
    INSERT INTO identity (id, contact_id, channel, address_hash, address, country, verified, created_at, last_seen_at)
    SELECT <ID:identity>, <ID:contact>, 'sms', <HASH>, <PHONE>, CASE WHEN n % 100 = 9 THEN 'FR' ELSE 'GB' END, true, $1, $1
    FROM generate_series($2::int, $3::int) n
    """,
    *(_EVENTS.format(channel=channel, purpose=purpose) for channel, purpose in _CONSENTS),
    *(
        _STATES.format(channel=channel, purpose=purpose, other=other)
        for (channel, purpose), (other, _) in zip(_CONSENTS, _CONSENTS[::-1], strict=True)
    ),
    """
    INSERT INTO suppression (id, address_hash, key_id, contact_id, scope, channel, occurred_at, recorded_at, source)
    SELECT <ID:stop>, <HASH>, 1, <ID:contact>, <STOP>, CASE WHEN <STOP> LIKE 'CHANNEL%' THEN 'sms' END, $1, $1, 'message'
    FROM generate_series($2::int, $3::int) n WHERE n % 20 = 0
    """,
)
_DIFFERENT = """
SELECT count(*) FROM (SELECT * FROM before EXCEPT SELECT * FROM consent_state WHERE contact_id = ANY($1)) d
"""


async def crowd(conn: Connection, people: int, *, now: datetime) -> None:
    """Put `people` people on file. Raises SystemExit when the state written is not what their consents amount to."""
    await conn.execute(
        "INSERT INTO wording (id, version, locale, text, text_hash, valid_from) VALUES ('bench', 1, 'en', 'Yes', '\\x00', $1)", now
    )
    for statement in _STATEMENTS:
        async with conn.transaction():
            # every row refers to one made a moment ago; looking each of them up again would take minutes
            await conn.execute("SET LOCAL session_replication_role = replica")
            await conn.execute("SET LOCAL maintenance_work_mem = '256MB'")
            await conn.execute(_sql(statement), now, 1, people, timeout=600)
    await conn.execute("VACUUM ANALYZE", timeout=600)
    await _check_sample(conn)


async def agreed(conn: Connection, settings: Settings, people: int, *, now: datetime) -> None:
    """Put people on file who all agreed to news about skincare by SMS, under the hashes a webhook would find them by."""
    await conn.execute(
        "INSERT INTO wording (id, version, locale, text, text_hash, valid_from) VALUES ('bench', 1, 'en', 'Yes', '\\x00', $1)", now
    )
    given = now - timedelta(days=10)
    for start in range(0, people, 20_000):
        rows = [(uuid7(), uuid7(), phone(n)) for n in range(start, min(people, start + 20_000))]
        hashes = [settings.hasher.hash(Address(kind=AddressClass.PHONE, value=Sealed(number))) for _, _, number in rows]
        both = list(zip(rows, hashes, strict=True))
        async with conn.transaction():
            await _copy(conn, "address", "hash key_id kind created_at", [(h, settings.hasher.key_id, "phone", now) for h in hashes])
            await _copy(
                conn,
                "contact",
                "id display_name birth_date age_confirmed created_at",
                [(c, "Amy Fenn", ADULT, True, now) for c, _, _ in rows],
            )
            await _copy(
                conn, "identity", "id contact_id channel address_hash address country verified created_at last_seen_at",
                [(i, c, "sms", h, number, "GB", True, now, now) for (c, i, number), h in both],
            )  # fmt: skip
            await _copy(
                conn, "consent_event", "id consent_id contact_id event purpose channel address_hash interests occurred_at recorded_at"
                " source wording_id wording_version wording_locale wording_hash control needs_confirmation actor",
                [
                    (uuid7(), uuid7(), c, "given", "promotion", "sms", h, ["skincare"], given, given, "form", "bench", 1, "en", b"\0",
                     "unticked_box", False, "person")
                    for (c, _, _), h in both
                ],
            )  # fmt: skip
    await conn.execute("VACUUM ANALYZE", timeout=600)


async def _copy(conn: Connection, table: str, columns: str, rows: Sequence[tuple[object, ...]]) -> None:
    await conn.copy_records_to_table(table, records=rows, columns=columns.split())


async def campaign_of(conn: Connection, settings: Settings, *, now: datetime) -> CampaignId:
    """News about skincare by SMS, written by one colleague, approved by another, and begun; its list is not written yet."""
    draft = Draft(
        name="Winter",
        purpose=Purpose.PROMOTION,
        channel=Channel.SMS,
        account_id=AccountId("sms-sandbox"),
        interests=("skincare",),
        body=BODY,
    )
    async with conn.transaction():
        writer, approver = [
            await staff.add_staff(conn, email=f"{name}{uuid7()}@clinic.example", name=name, role="marketing", now=now)
            for name in ("jo", "sam")
        ]
        campaign_id = await acts.create(conn, draft, by=writer, now=now, settings=settings)
        await acts.approve(conn, campaign_id, by=approver, seen=acts.approval_hash(draft), now=now, settings=settings)
        await acts.start(conn, campaign_id, by=f"staff:{approver}", now=now)
    return campaign_id


async def _check_sample(conn: Connection) -> None:
    async with conn.transaction():
        some = [r["id"] for r in await conn.fetch("SELECT id FROM contact ORDER BY md5(id::text) LIMIT 2000")]
        await conn.execute("CREATE TEMP TABLE before ON COMMIT DROP AS SELECT * FROM consent_state LIMIT 0")
        await conn.execute("INSERT INTO before SELECT * FROM consent_state WHERE contact_id = ANY($1)", some)
        await conn.execute("SELECT consent_state_of($1)", some)
        if await conn.fetchval(_DIFFERENT, some):
            raise SystemExit("the people made for this bench do not hold together")
