"""Forms from elsewhere, headers, error pages, readiness."""

from __future__ import annotations

import asyncio
import io

import pytest
from aiohttp import web

from tests.integration.web.conftest import PASSWORD, Browser, Hire

# What patients open is guarded by signatures and tokens of its own.
PATIENTS = ("/webhooks/", "/enquire", "/privacy", "/consent/", "/u/")
OPEN = {"/", "/sign-in", "/welcome", "/welcome/{token}", "/healthz", "/metrics", "/static/{fingerprint}/{name}"}


async def test_every_staff_route_is_guarded(browser: Browser) -> None:
    for route in browser.client.app.router.routes():
        path = route.resource.canonical if route.resource else ""
        if path.startswith(PATIENTS) or (path in OPEN and route.method != "POST"):
            continue
        assert getattr(route.handler, "guarded", False), f"{route.method} {path}"


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ({"Origin": "https://elsewhere.example"}, True),
        ({"Origin": "null"}, True),
        ({}, True),
        ({"Origin": "{own}"}, False),
    ],
)
async def test_a_form_that_is_not_ours_changes_nothing(signed_in: Browser, headers: dict[str, str], token: bool) -> None:
    sent = {name: value.replace("{own}", signed_in.origin) for name, value in headers.items()}
    data = {"csrf": signed_in.token if token else "guessed", "theme": "dark"}
    response = await signed_in.client.post("/account/theme", data=data, headers=sent, allow_redirects=False)
    assert response.status == 403


async def test_a_token_of_another_session_is_refused(browser: Browser, hire: Hire) -> None:
    await hire()
    tokens = []
    for _ in range(2):
        await browser.post("/sign-in", email="priya@fenwicklane.example", password=PASSWORD)
        await browser.get("/account")
        tokens.append(browser.token)
    response = await browser.client.post("/sign-out", data={"csrf": tokens[0]}, headers={"Origin": browser.origin}, allow_redirects=False)
    assert tokens[0] != tokens[1]
    assert response.status == 403


@pytest.mark.parametrize("path", ["/sign-in", "/nothing-here", "/inbox", "/healthz", "/static/x/nothing.css"])
async def test_every_answer_carries_the_strict_policy(browser: Browser, path: str) -> None:
    response, _ = await browser.get(path)
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; script-src 'self'")
    assert "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "aiohttp" not in response.headers["Server"]


async def test_error_pages_are_calm_and_say_nothing_about_the_inside(browser: Browser) -> None:
    response, page = await browser.get("/no-such-page-0177")
    assert response.status == 404
    assert "There is nothing here" in page
    assert "0177" not in page
    assert "Traceback" not in page


async def test_a_fault_shows_no_detail_and_a_webhook_gets_no_body(browser: Browser) -> None:
    async def broken(request: web.Request) -> web.Response:
        raise ValueError("the patient wrote 'sentinel'")

    async with _application_with(broken) as client:
        for path, body in (("/broken", "Something broke on our side"), ("/webhooks/broken", "")):
            response = await client.get(path)
            text = await response.text()
            assert response.status == 500
            assert "sentinel" not in text
            assert body in text
            assert bool(text) is bool(body)


def _application_with(handler: object) -> object:
    from pathlib import Path
    from types import SimpleNamespace

    from aiohttp.test_utils import TestClient, TestServer

    from hub.app import HERE, TEMPLATES
    from hub.web.errors import error_pages
    from hub.web.keys import PAGES, SETTINGS
    from hub.web.render import Pages
    from hub.web.static_files import StaticFiles

    app = web.Application(middlewares=[error_pages])
    app[SETTINGS] = SimpleNamespace(clinic=SimpleNamespace(trading_name="Fenwick Lane Clinic"))  # type: ignore[assignment]
    app[PAGES] = Pages({"web": Path(TEMPLATES["web"])}, static=StaticFiles(HERE / "web" / "static"))
    app.router.add_get("/broken", handler)  # type: ignore[arg-type]
    app.router.add_get("/webhooks/broken", handler)  # type: ignore[arg-type]
    return TestClient(TestServer(app))


async def test_static_files_are_kept_for_a_year_under_their_fingerprint(browser: Browser) -> None:
    _, page = await browser.get("/sign-in")
    path = page.split('rel="stylesheet" href="')[1].split('"')[0]
    response, css = await browser.get(path)
    assert "immutable" in response.headers["Cache-Control"]
    assert "--canvas" in css
    stale, _ = await browser.get("/static/000000000000/tokens.css")
    assert stale.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("name", ["../../app.py", "..%2f..%2fapp.py", "/etc/passwd", "tokens.css/../../keys.py"])
async def test_no_file_outside_the_folder_is_served(browser: Browser, name: str) -> None:
    response, text = await browser.get(f"/static/x/{name}")
    assert response.status == 404
    assert "import" not in text


async def test_a_page_carries_only_the_drawings_it_uses(browser: Browser) -> None:
    _, page = await browser.get("/sign-in")
    assert page.count("<symbol ") == 1
    assert 'id="i-eye"' in page


async def test_no_page_holds_inline_style_or_script(signed_in: Browser) -> None:
    for path in ("/inbox", "/account", "/sign-in", "/welcome"):
        _, page = await signed_in.get(path)
        assert " style=" not in page
        assert "<style" not in page
        assert "onclick" not in page
        assert page.count("<script") == page.count('<script type="module" src="/static/')


async def test_ready_means_the_database_answers(browser: Browser) -> None:
    response, text = await browser.get("/healthz")
    assert (response.status, text) == (200, "ok\n")


async def test_metrics_are_for_this_machine_and_name_routes_not_paths(browser: Browser) -> None:
    await browser.get("/welcome/secret-token-0177")
    response, text = await browser.get("/metrics")
    assert response.status == 200
    assert 'route="/welcome/{token}"' in text
    assert "secret-token-0177" not in text
    passed_on, _ = await browser.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"})
    assert passed_on.status == 404


async def test_the_theme_is_an_attribute_set_from_a_cookie(signed_in: Browser) -> None:
    _, page = await signed_in.post("/account/theme", theme="dark")
    assert '<html lang="en" data-theme="dark">' in page
    _, page = await signed_in.post("/account/theme", theme="neon")
    assert '<html lang="en">' in page


async def test_a_slow_sign_in_holds_nobody_else_up(browser: Browser, hire: Hire) -> None:
    await hire()
    slow = asyncio.gather(*(browser.post("/sign-in", email=f"{n}@x.example", password="wrong password") for n in range(6)))
    response, _ = await browser.get("/healthz")
    assert response.status == 200
    assert not slow.done()
    assert {r.status for r, _ in await slow} == {401}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"\xff\xfe\x00=\x00", "application/x-www-form-urlencoded"),
        (b"email=a&password=b", "application/x-www-form-urlencoded; charset=no-such"),
        (b"email=%00%ff%ed%a0%80&password=%00", "application/x-www-form-urlencoded"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"--x\r\nbroken", "multipart/form-data"),
        (b"{}", "application/json"),
        (b"email=" + b"x" * 2_000_000, "application/x-www-form-urlencoded"),
    ],
)
async def test_a_form_nobody_can_read_is_refused_and_never_a_fault(browser: Browser, body: bytes, content_type: str) -> None:
    headers = {"Origin": browser.origin, "Content-Type": content_type}
    response = await browser.client.post("/sign-in", data=io.BytesIO(body), headers=headers)
    assert response.status in (400, 401, 413)


@pytest.mark.parametrize(
    "query",
    [
        "view=nonsense",
        "before=x",
        "before=99999999999999999_x",
        "before=1.1_01a20661-3df3-789d-9b8d-06dfa9077d5a",
        "did=x",
        "sent=x",
        "via=%00",
        "%ff=%ff",
    ],
)
async def test_an_odd_address_shows_a_plain_page(signed_in: Browser, query: str) -> None:
    response, _ = await signed_in.get(f"/inbox?{query}")
    assert response.status == 200
