"""Signing in, the one-time link, and what each role may open."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hub.desks.account import throttle
from hub.store import staff
from hub.store.pool import Pool
from tests.integration.web.conftest import PASSWORD, Browser, Hire
from tests.world import StandingClock

EMAIL = "priya@fenwicklane.example"


async def link_for(pool: Pool, clock: StandingClock, role: str = "administrator") -> str:
    async with pool.acquire() as conn:
        staff_id = await staff.add_staff(conn, email=EMAIL, name="Administrator", role=role, now=clock())
        return await staff.create_link(conn, staff_id, now=clock())


async def test_the_first_visit_sets_name_and_password_and_lands_in_the_inbox(browser: Browser, pool: Pool, clock: StandingClock) -> None:
    token = await link_for(pool, clock)
    response, page = await browser.get(f"/welcome/{token}")
    assert response.url.path == "/welcome"
    assert "Also work in the inbox" in page
    response, page = await browser.post("/welcome", name="Priya Nair", password=PASSWORD, inbox="on")
    assert (response.status, response.url.path) == (200, "/inbox")
    assert "Priya Nair" in page


async def test_a_link_works_once(browser: Browser, pool: Pool, clock: StandingClock) -> None:
    token = await link_for(pool, clock)
    await browser.get(f"/welcome/{token}")
    await browser.post("/welcome", name="Priya", password=PASSWORD)
    response, page = await browser.get(f"/welcome/{token}")
    assert response.status == 410
    assert "This link has ended" in page


async def test_a_link_ends_after_a_day(browser: Browser, pool: Pool, clock: StandingClock) -> None:
    token = await link_for(pool, clock)
    clock.forward(hours=24)
    response, _ = await browser.get(f"/welcome/{token}")
    assert response.status == 410


async def test_an_administrator_who_did_not_join_the_inbox_reads_nothing(browser: Browser, pool: Pool, clock: StandingClock) -> None:
    await browser.get(f"/welcome/{await link_for(pool, clock)}")
    response, _ = await browser.post("/welcome", name="Priya", password=PASSWORD)
    assert response.url.path == "/account"
    response, _ = await browser.get("/inbox")
    assert response.status == 403


async def test_a_short_password_is_refused_and_the_link_still_works(browser: Browser, pool: Pool, clock: StandingClock) -> None:
    await browser.get(f"/welcome/{await link_for(pool, clock)}")
    response, page = await browser.post("/welcome", name="Priya", password="short")
    assert response.status == 422
    assert "Use at least 12 characters" in page
    response, _ = await browser.post("/welcome", name="Priya", password=PASSWORD, inbox="on")
    assert response.url.path == "/inbox"


async def test_the_right_password_signs_in_and_goes_on(browser: Browser, hire: Hire) -> None:
    await hire()
    response, _ = await browser.post("/sign-in", email=EMAIL.upper(), password=PASSWORD, next="/inbox?view=mine")
    assert (response.status, str(response.url.relative())) == (200, "/inbox?view=mine")


@pytest.mark.parametrize("email", [EMAIL, "nobody@fenwicklane.example"])
async def test_unknown_and_wrong_get_one_answer(browser: Browser, hire: Hire, email: str) -> None:
    await hire()
    response, page = await browser.post("/sign-in", email=email, password="not the password at all")
    assert response.status == 401
    assert "That address and password do not belong together." in page


@pytest.mark.parametrize("onward", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "javascript:alert(1)"])
async def test_signing_in_never_leads_to_another_site(browser: Browser, hire: Hire, onward: str) -> None:
    await hire()
    response, _ = await browser.post("/sign-in", follow=False, email=EMAIL, password=PASSWORD, next=onward)
    assert (response.status, response.headers["Location"]) == (303, "/")


async def test_guessing_is_slowed_down_also_for_addresses_nobody_has(browser: Browser, hire: Hire, clock: StandingClock) -> None:
    await hire()
    for email in (EMAIL, "nobody@fenwicklane.example"):
        for _ in range(throttle.PER_ACCOUNT):
            response, _ = await browser.post("/sign-in", email=email, password="x")
            assert response.status == 401
        response, _ = await browser.post("/sign-in", email=email, password=PASSWORD)
        assert response.status == 429
    clock.forward(minutes=16)
    response, _ = await browser.post("/sign-in", email=EMAIL, password=PASSWORD)
    assert response.status == 200


async def test_a_session_ends_after_twelve_idle_hours_and_use_keeps_it(signed_in: Browser, clock: StandingClock) -> None:
    for _ in range(3):
        clock.forward(hours=11)
        response, _ = await signed_in.get("/inbox")
        assert response.url.path == "/inbox"
    clock.forward(hours=12)
    response, _ = await signed_in.get("/inbox")
    assert response.url.path == "/sign-in"


async def test_signing_out_ends_the_session_on_the_server(signed_in: Browser, pool: Pool) -> None:
    await signed_in.post("/sign-out")
    assert await pool.fetchval("SELECT count(*) FROM staff_session") == 0


async def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(browser: Browser, hire: Hire) -> None:
    await hire()
    response, _ = await browser.post("/sign-in", follow=False, email=EMAIL, password=PASSWORD)
    cookie = response.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


async def test_tokens_and_passwords_are_kept_as_hashes_only(signed_in: Browser, pool: Pool) -> None:
    row = await pool.fetchrow("SELECT s.password_hash, x.token_hash FROM staff s JOIN staff_session x ON x.staff_id = s.id")
    assert row["password_hash"].startswith("$argon2id$")
    assert len(row["token_hash"]) == 32


async def test_a_new_link_ends_the_one_before(browser: Browser, pool: Pool, clock: StandingClock) -> None:
    first = await link_for(pool, clock)
    async with pool.acquire() as conn:
        member = await staff.by_email(conn, EMAIL)
        assert member is not None
        await staff.create_link(conn, member.id, now=clock() + timedelta(minutes=1))
    response, _ = await browser.get(f"/welcome/{first}")
    assert response.status == 410


@pytest.mark.parametrize("role", ["marketing", "administrator", "auditor"])
async def test_roles_without_messages_open_no_thread(browser: Browser, hire: Hire, role: str) -> None:
    await hire(role)
    await browser.post("/sign-in", email=EMAIL, password=PASSWORD)
    some_id = "01a20661-3df3-789d-9b8d-06dfa9077d5a"
    for path in (
        "/inbox",
        f"/inbox/{some_id}",
        f"/inbox/{some_id}/person",
        f"/inbox/{some_id}/messages",
        f"/inbox/rows/{some_id}",
        "/live",
    ):
        response, _ = await browser.get(path)
        assert response.status == 403, path


async def test_what_happened_at_the_door_is_in_the_audit_log(signed_in: Browser, pool: Pool) -> None:
    await signed_in.post("/sign-in", email=EMAIL, password="wrong password here")
    await signed_in.post("/sign-out")
    actions = [r["action"] for r in await pool.fetch("SELECT action FROM audit_event WHERE action LIKE 'staff.%' ORDER BY id")]
    assert actions == ["staff.login", "staff.failed", "staff.logout"]
