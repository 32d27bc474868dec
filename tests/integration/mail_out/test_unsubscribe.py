"""Leaving by link and by one click: at once, everywhere, without a cookie; looking at the link changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from channels.mail.account import token_keys
from channels.mail.tokens import sign_unsubscribe
from hub.model.address import Address, AddressClass, Channel
from hub.model.ids import ContactId, IdentityId, uuid7
from hub.model.sealed import Sealed
from hub.public import unsubscribe
from hub.settings import Settings
from hub.store.people import NewContact, NewIdentity, add_people
from hub.store.pool import Pool
from tests.integration.mail_out.letters import AMY, NOW, account
from tests.integration.public.site import public_app

Client = TestClient[web.Request, web.Application]
ONE_CLICK = b"List-Unsubscribe=One-Click"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def client(pool: Pool, settings: Settings) -> AsyncIterator[Client]:
    own = account()
    there = replace(settings, accounts={**settings.accounts, own.id: own})
    async with public_app(pool, there, lambda: NOW) as app:
        unsubscribe.add_to(app)
        async with TestClient(TestServer(app)) as opened:
            yield opened


@pytest.fixture
async def amy(pool: Pool, settings: Settings) -> ContactId:
    """Somebody with a mail address and a mobile number."""
    contact = ContactId(uuid7())
    found = []
    for channel, kind, value in (
        (Channel.EMAIL, AddressClass.EMAIL, AMY),
        (Channel.SMS, AddressClass.PHONE, "+447700900123"),
    ):
        address = Address(kind=kind, value=Sealed(value))
        found.append(
            NewIdentity(
                id=IdentityId(uuid7()),
                contact_id=contact,
                channel=channel,
                address_hash=settings.hasher.hash(address),
                address_kind=kind,
                key_id=settings.hasher.key_id,
                aliases=(),
                address=address.value,
                country="GB",
                verified=True,
                seen_at=NOW,
            )
        )
    async with pool.acquire() as conn, conn.transaction():
        await add_people(conn, [NewContact(id=contact, display_name=None, locale="en", birth_date=None, created_at=NOW)], found)
    return contact


def link(person: ContactId) -> str:
    return f"/u/{sign_unsubscribe(str(person), 'news', token_keys(account()))}"


async def stopped(pool: Pool) -> set[tuple[str, str | None, str]]:
    async with pool.acquire() as conn:
        rows = await conn.fetch("SELECT DISTINCT scope, channel, source FROM suppression WHERE lifted_at IS NULL")
    return {(r["scope"], r["channel"], r["source"]) for r in rows}


async def test_looking_at_the_link_changes_nothing(client: Client, pool: Pool, amy: ContactId) -> None:
    for method in ("GET", "HEAD"):
        answer = await client.request(method, link(amy))
        assert answer.status == 200
    assert await stopped(pool) == set()


async def test_one_click_ends_all_news_at_once_by_every_address(client: Client, pool: Pool, amy: ContactId) -> None:
    answer = await client.post(link(amy), data=ONE_CLICK, headers=FORM, allow_redirects=False)
    assert answer.status == 200
    assert "Set-Cookie" not in answer.headers
    assert await stopped(pool) == {("ALL_MARKETING", None, "one_click"), ("CHANNEL_MARKETING", "email", "one_click")}
    async with pool.acquire() as conn:
        reached = await conn.fetchval("SELECT count(DISTINCT address_hash) FROM suppression WHERE scope = 'ALL_MARKETING'")
    assert reached == 2


async def test_one_click_as_multipart_counts_and_pressing_again_says_the_same(client: Client, pool: Pool, amy: ContactId) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
    told = []
    for _ in range(3):
        answer = await client.post(link(amy), data=body, headers={"Content-Type": "multipart/form-data; boundary=b"})
        told.append((answer.status, await answer.text()))
    assert len(set(told)) == 1
    assert len(await stopped(pool)) == 2


@pytest.mark.parametrize(
    ("choice", "scopes"),
    [
        ("news", {("ALL_MARKETING", None), ("CHANNEL_MARKETING", "email")}),
        ("list", {("CHANNEL_MARKETING", "email")}),
        ("all", {("ALL_CONTACT", None)}),
    ],
)
async def test_the_page_ends_exactly_what_was_chosen(
    client: Client, pool: Pool, amy: ContactId, choice: str, scopes: set[tuple[str, str | None]]
) -> None:
    answer = await client.post(link(amy), data={"end": choice})
    assert answer.status == 200
    assert "Done" in await answer.text()
    assert {(scope, channel) for scope, channel, _ in await stopped(pool)} == scopes
    assert {source for *_, source in await stopped(pool)} == {"unsubscribe_page"}


async def test_a_link_that_is_none_gets_the_same_pages_and_does_nothing(client: Client, pool: Pool, amy: ContactId) -> None:
    forged = link(amy)[:-2] + "AA"
    for data in (b"end=news", ONE_CLICK):
        told = set()
        for path in (link(ContactId(uuid7())), forged):
            answer = await client.post(path, data=data, headers=FORM)
            told.add((answer.status, (await answer.text()).replace(path, "")))
        assert len(told) == 1
    assert await stopped(pool) == set()


async def test_a_body_that_asks_for_nothing_changes_nothing(client: Client, pool: Pool, amy: ContactId) -> None:
    for data, headers in ((b"", FORM), (b"end=everything", FORM), (b"x" * 9000, FORM), (b"{}", {"Content-Type": "application/json"})):
        answer = await client.post(link(amy), data=data, headers=headers)
        assert answer.status == 400
    assert await stopped(pool) == set()


async def test_an_old_link_works_again_for_somebody_who_agreed_again(client: Client, pool: Pool, amy: ContactId) -> None:
    await client.post(link(amy), data=ONE_CLICK, headers=FORM)
    async with pool.acquire() as conn:
        await conn.execute("UPDATE suppression SET lifted_at = now(), lifted_by = 'consent'")
    await client.post(link(amy), data=ONE_CLICK, headers=FORM)
    assert len(await stopped(pool)) == 2


async def test_guesses_are_slowed_and_real_links_are_not(client: Client, pool: Pool, amy: ContactId) -> None:
    statuses = [(await client.post(f"/u/guess{n}", data=ONE_CLICK, headers=FORM)).status for n in range(40)]
    assert statuses[0] == 200
    assert statuses[-1] == 429
    assert (await client.post(link(amy), data=ONE_CLICK, headers=FORM)).status == 200
    assert len(await stopped(pool)) == 2


async def test_the_link_stays_out_of_the_journal(client: Client, pool: Pool, amy: ContactId) -> None:
    await client.post(link(amy), data=ONE_CLICK, headers=FORM)
    async with pool.acquire() as conn:
        kept = [*await conn.fetch("SELECT * FROM inbound_event"), *await conn.fetch("SELECT * FROM audit_event")]
    assert len(kept) > 1
    assert link(amy).removeprefix("/u/") not in repr(kept)
