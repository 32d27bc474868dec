"""The contact form from the page to the rows: taken once, refused kindly, nothing agreed to that was not ticked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeAlias

import pytest
from aiohttp import FormData
from aiohttp.test_utils import TestClient, TestServer

from hub.public import Limits
from hub.public.limits import Rate
from hub.settings import Settings
from hub.store.pool import Pool
from tests.integration.public.site import ORIGIN, hidden, public_app
from tests.world import StandingClock

Client: TypeAlias = TestClient[Any, Any]
Fill: TypeAlias = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
async def limits() -> Limits:
    return Limits()


@pytest.fixture
async def client(pool: Pool, settings: Settings, clock: StandingClock, limits: Limits) -> AsyncIterator[Client]:
    accounts = {
        i: replace(a, public_url=ORIGIN, options={"allowed_origins": "https://clinic.example"}) for i, a in settings.accounts.items()
    }
    here = replace(settings, public_url=ORIGIN, accounts=accounts)
    async with public_app(pool, here, clock, limits=limits) as app, TestClient(TestServer(app)) as opened:
        yield opened


@pytest.fixture
def fill(client: Client, clock: StandingClock) -> Fill:
    """Open the form and fill it as a person would, in 30 seconds."""

    async def fill(lang: str = "en", **changes: Any) -> dict[str, Any]:
        html = await (await client.get(f"/enquire?lang={lang}")).text()
        clock.forward(seconds=30)
        base = {
            "form_token": hidden(html, "form_token"),
            "submission_id": hidden(html, "submission_id"),
            "name": "Amy O'Neil",
            "email": "amy@example.org",
            "phone": "07700 900123",
            "message": "Do you open on Saturdays?",
            "website": "",
        }
        return base | changes

    return fill


async def send(client: Client, fields: dict[str, Any], *, origin: str = ORIGIN, path: str = "/enquire?lang=en") -> Any:
    data = FormData()
    for name, value in fields.items():
        for one in value if isinstance(value, list) else [value]:
            data.add_field(name, one)
    return await client.post(path, data=data, headers={"Origin": origin}, allow_redirects=False)


async def count(pool: Pool, table: str) -> int:
    return int(await pool.fetchval(f"SELECT count(*) FROM {table}"))


async def test_a_question_is_stored_before_the_thanks(client: Client, fill: Fill, pool: Pool) -> None:
    answer = await send(client, await fill())
    assert (answer.status, answer.headers["Location"]) == (303, "/enquire/thanks?lang=en")
    row = await pool.fetchrow("SELECT m.body, c.display_name FROM message m JOIN contact c ON c.id = m.contact_id")
    assert (row["body"], row["display_name"]) == ("Do you open on Saturdays?", "Amy O'Neil")
    assert await count(pool, "consent_event") == 0


async def test_a_double_click_is_one_question(client: Client, fill: Fill, pool: Pool) -> None:
    fields = await fill()
    assert [(await send(client, fields)).status for _ in range(3)] == [303] * 3
    assert await count(pool, "message") == 1


async def test_ticked_boxes_are_stored_as_the_sentence_shown_in_its_language(client: Client, fill: Fill, pool: Pool) -> None:
    answer = await send(client, await fill(lang="zh", news=["email", "whatsapp"], interest=["laser", "events"]), path="/enquire?lang=zh")
    assert answer.status == 303
    rows = await pool.fetch(
        "SELECT e.channel, e.interests, e.control, e.needs_confirmation, w.text, e.notice_version, e.ip_truncated"
        " FROM consent_event e JOIN wording w ON (w.id, w.version, w.locale) = (e.wording_id, e.wording_version, e.wording_locale)"
        " AND w.text_hash = e.wording_hash ORDER BY e.channel"
    )
    assert [(r["channel"], r["interests"], r["control"], r["needs_confirmation"]) for r in rows] == [
        ("email", ["laser", "events"], "unticked_box", True),
        ("whatsapp", ["laser", "events"], "unticked_box", True),
    ]
    assert rows[0]["text"].startswith("是的，请就我勾选的内容给我发送电子邮件资讯。\n")
    assert rows[0]["notice_version"] == "privacy_notice@1"
    assert rows[0]["ip_truncated"] == "127.0.0.0/24"


async def test_a_fault_is_told_at_its_field_and_the_text_is_kept(client: Client, fill: Fill, pool: Pool) -> None:
    answer = await send(client, await fill(phone="07700 9003", message='A "quoted" <question>', reply=["sms"]))
    html = await answer.text()
    assert answer.status == 400
    assert "2 digits seem to be missing." in html
    assert "A &#34;quoted&#34; &lt;question&gt;" in html
    assert 'value="07700 9003"' in html
    assert 'name="reply" value="sms" checked' in html
    assert await count(pool, "message") == 0


async def test_the_mended_form_goes_through_at_once(client: Client, fill: Fill, pool: Pool) -> None:
    fields = await fill(phone="07700 9003")
    html = await (await send(client, fields)).text()
    again = fields | {"phone": "07700 900123", "form_token": hidden(html, "form_token")}
    assert hidden(html, "submission_id") == fields["submission_id"]
    assert (await send(client, again)).status == 303
    assert await count(pool, "message") == 1


async def test_a_consent_box_is_never_shown_ticked_not_even_again(client: Client, fill: Fill) -> None:
    html = await (await send(client, await fill(message="", news=["email"], interest=["laser"]))).text()
    assert 'name="interest" value="laser" checked' in html
    boxes = [part for part in html.split("<input") if 'name="news"' in part]
    assert len(boxes) == 3
    assert not any("checked" in box.partition(">")[0] for box in boxes)
    assert "please tick them again" in html


async def test_a_form_left_open_too_long_is_shown_again_with_its_text(client: Client, fill: Fill, clock: StandingClock) -> None:
    fields = await fill()
    clock.forward(hours=25)
    answer = await send(client, fields)
    html = await answer.text()
    assert answer.status == 403
    assert "Do you open on Saturdays?" in html
    assert (await send(client, fields | {"form_token": hidden(html, "form_token")})).status == 303


async def test_a_strange_site_is_refused_and_stores_nothing(client: Client, fill: Fill, pool: Pool) -> None:
    assert (await send(client, await fill(), origin="https://evil.example")).status == 403
    assert await count(pool, "message") == 0


async def test_a_robot_that_fills_the_hidden_field_is_thanked_and_leaves_nothing(client: Client, fill: Fill, pool: Pool) -> None:
    answer = await send(client, await fill(website="https://spam.example"))
    assert (answer.status, answer.headers["Location"]) == (303, "/enquire/thanks?lang=en")
    assert (await count(pool, "message"), await count(pool, "inbound_event")) == (0, 0)


async def script(client: Client, body: dict[str, Any], origin: str = "https://clinic.example") -> Any:
    return await client.post("/enquire", json=body, headers={"Origin": origin})


async def test_a_listed_sites_script_shows_the_form_and_hands_it_in(client: Client, clock: StandingClock, pool: Pool) -> None:
    shown = await (await client.get("/enquire/form.json?lang=en", headers={"Origin": "https://clinic.example"})).json()
    clock.forward(seconds=30)
    body = {
        "form_token": shown["form_token"],
        "email": "amy@example.org",
        "message": "Hello",
        "consent": {"marketing_email": True},
        "interests": [shown["interests"][0]["id"]],
    }
    answer = await script(client, body)
    assert (answer.status, await answer.json()) == (202, {"ok": True})
    assert answer.headers["Access-Control-Allow-Origin"] == "https://clinic.example"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    stored = await pool.fetchval(
        "SELECT w.text FROM consent_event e"
        " JOIN wording w ON (w.id, w.version, w.locale) = (e.wording_id, e.wording_version, e.wording_locale)"
    )
    assert shown["consents"][0]["text"] == stored


async def test_script_gets_its_faults_by_field(client: Client, fill: Fill) -> None:
    answer = await script(client, {"form_token": (await fill())["form_token"], "email": "nonsense", "message": "Hello"})
    assert answer.status == 400
    assert (await answer.json())["problems"].keys() == {"email"}


async def test_only_listed_sites_are_told_they_may(client: Client) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    listed = await client.options("/enquire", headers={"Origin": "https://clinic.example", **asked})
    other = await client.options("/enquire", headers={"Origin": "https://evil.example", **asked})
    assert (listed.status, listed.headers["Access-Control-Allow-Methods"]) == (204, "POST")
    assert "Access-Control-Allow-Origin" not in other.headers
    assert "Origin" in other.headers["Vary"]


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/octet-stream"])
async def test_other_types_are_refused_with_415(client: Client, kind: str) -> None:
    assert (await client.post("/enquire", data=b"x", headers={"Origin": ORIGIN, "Content-Type": kind})).status == 415


async def test_a_body_beyond_the_cap_is_refused_unread(client: Client, fill: Fill, pool: Pool) -> None:
    assert (await send(client, await fill(message="x" * 300_000))).status == 413
    assert await count(pool, "message") == 0


class TestLimits:
    @pytest.fixture
    async def limits(self) -> Limits:
        return Limits(per_network=Rate(burst=4, every_s=60), per_address=Rate(burst=2, every_s=600))

    async def test_one_address_is_limited_and_the_text_kept(self, client: Client, fill: Fill, clock: StandingClock) -> None:
        answers = [await send(client, await fill(message=f"Question {n}", submission_id=f"s{n}")) for n in range(3)]
        assert [a.status for a in answers] == [303, 303, 429]
        assert "Question 2" in await answers[2].text()
        assert answers[2].headers["Retry-After"] == "300"
        clock.forward(minutes=10)
        assert (await send(client, await fill(message="Later"))).status == 303

    async def test_one_network_is_limited_whatever_it_sends(self, client: Client, fill: Fill, clock: StandingClock) -> None:
        fields = await fill(message="")
        assert [(await send(client, fields)).status for _ in range(5)] == [400, 400, 400, 400, 429]
        clock.forward(seconds=60)
        assert (await send(client, fields)).status == 400


async def test_nothing_public_sets_a_cookie_or_loads_from_elsewhere(client: Client, fill: Fill) -> None:
    for path in ("/enquire", "/enquire/zh", "/enquire/thanks", "/privacy", "/privacy?lang=zh"):
        answer = await client.get(path)
        html = await answer.text()
        assert answer.status == 200
        assert "Set-Cookie" not in answer.headers
        assert "<script" not in html
        assert "style=" not in html
        assert "//" not in html.replace("http://www.w3.org", "").replace("<!doctype", "").partition("<body>")[0]
    assert "Set-Cookie" not in (await send(client, await fill())).headers


@pytest.mark.parametrize(
    ("path", "accept", "lang"),
    [
        ("/enquire", "zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans"),
        ("/enquire", "fr;q=1, en;q=0.5, zh;q=0.9", "zh-Hans"),
        ("/enquire", "zh;q=0, en", "en"),
        ("/enquire", "", "en"),
        ("/enquire", ";;;,,q=", "en"),
        ("/enquire/zh", "en", "zh-Hans"),
        ("/enquire?lang=zh-CN", "en", "zh-Hans"),
        ("/enquire?lang=xx", "zh", "en"),
    ],
)
async def test_the_page_speaks_the_language_asked_for(client: Client, path: str, accept: str, lang: str) -> None:
    answer = await client.get(path, headers={"Accept-Language": accept})
    assert f'<html lang="{lang}"' in await answer.text()


async def test_the_notice_names_the_controller_and_its_version(client: Client, settings: Settings) -> None:
    html = await (await client.get("/privacy?lang=en")).text()
    clinic = settings.clinic
    for word in (
        clinic.legal_name,
        clinic.company_number,
        clinic.regulator_number,
        clinic.data_addresses[0],
        "Version 1",
        "1 November 2026",
    ):
        assert word in html
    assert "{" not in html.partition("<main>")[2]


async def test_a_store_that_is_down_is_told_and_the_text_kept(client: Client, fill: Fill, pool: Pool) -> None:
    fields = await fill()
    await pool.close()
    answer = await send(client, fields)
    assert answer.status == 503
    assert "Do you open on Saturdays?" in await answer.text()


async def test_the_forms_age_is_counted_from_when_it_was_shown(client: Client, fill: Fill, clock: StandingClock) -> None:
    fields = await fill()
    clock.now -= timedelta(seconds=29)
    assert (await send(client, fields)).status == 403
