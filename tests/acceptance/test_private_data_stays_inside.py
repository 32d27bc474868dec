"""Sentinel names, numbers, texts, tokens and secrets go through every flow; none is found outside the database (P6)."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import aiohttp

from channels.sandbox.values import Trouble
from hub import public, wordings
from hub.model.address import Channel
from tests.acceptance.clinic import Clinic
from tests.acceptance.day import Day
from tests.acceptance.hub_command import hub
from tests.acceptance.sinks import Listener, failed_jobs, held_by_valkey, leaks
from tests.acceptance.test_setup_up import LINK
from tests.world import SMS, WHATSAPP

NAME, WORD, ANSWER, MAIL, TOKEN = "quillfeatherstone", "plughxyzzy", "frobnicatorium", "quillmail", "tokensentinel"
PASSWORD = "passwordsentinel-4471"
PHONE, FORM_PHONE = "+447712345678", "+447712345679"
DIGITS = ("7712345678", "7712345679", "7712 345678", "7712 345679")
HOOK = f"/webhooks/{WHATSAPP}"


class Pages:
    """Asks for pages and keeps every answer that tells of an error, and every address it was sent to."""

    def __init__(self, day: Day) -> None:
        self._day = day
        self.errors: list[bytes] = []
        self.browser = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), headers={"Origin": day.clinic.url})

    async def ask(self, method: str, path: str, **fields: str) -> int:
        data = urlencode(fields).encode() if fields else None
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if fields else {}
        url = self._day.clinic.url + path
        async with self.browser.request(method, url, data=data, headers=headers, allow_redirects=False) as answer:
            body = await answer.read()
            self.errors.append(answer.headers.get("Location", "").encode())
            if answer.status >= 400:
                self.errors.append(body)
            return answer.status


async def patients(day: Day) -> None:
    """Webhooks with all that is private, taken in, refused and broken; files that cannot be fetched."""
    more = {"ProfileName": NAME, "NumMedia": "1", "MediaContentType0": "image/jpeg"}
    urls = (f"https://evil.example/{TOKEN}", f"{day.double.base_url}/2010-04-01/{TOKEN}", f"http://127.0.0.1:1/{TOKEN}", f"ftp://{TOKEN}")
    for url in urls:
        letter = day.letter(PHONE, f"My {WORD} hurts")
        letter.fields.update(more, MediaUrl0=url)
        assert await day.post(letter) == 200
    await day.quiet()
    letter = day.letter(PHONE, f"{WORD} again", ProfileName=NAME)
    body = urlencode(letter.fields).encode()
    answers = [
        await day.post_raw(HOOK, body, {"X-Twilio-Signature": TOKEN}),
        await day.post_raw(f"/webhooks/{TOKEN}", body, {}),
        await day.post_raw(f"{HOOK}/status/{TOKEN}", body, {}),
        await day.post_raw(f"{HOOK}?x={TOKEN}", body + b"&a=" + WORD.encode() * 200_000, {}),
        await day.post_fields(HOOK, {"MessageSid": f"../{TOKEN}", "Body": WORD}, day.account(WHATSAPP)),
    ]
    assert [(status, said) for status, said in answers] == [(403, b""), (404, b""), (403, b""), (413, b""), (400, b"")]


async def form(day: Day, pages: Pages) -> None:
    """The contact form, taken in and refused."""
    settings = day.clinic.settings
    site = public.site_of(settings, wordings.load(settings.config_dir / "wordings"))
    assert site is not None
    typed = {"name": NAME, "phone": FORM_PHONE, "email": f"{MAIL}@fenwicklane.example", "message": f"About my {WORD}", "reply": "sms"}
    token = site.token("en", datetime.now(UTC) - timedelta(seconds=10))
    assert await pages.ask("POST", "/enquire", **typed, form_token=token, submission_id=secrets.token_hex(8)) == 303


async def staff(day: Day, pages: Pages) -> None:
    """Answers that leave, are refused, and fail in every way; a confirmation of a stop."""
    replies = {await day.replies(PHONE, f"About your {ANSWER} then")}
    await day.quiet()
    for trouble in (Trouble.REFUSED, Trouble.SERVER_ERROR, Trouble.DROP_AFTER, Trouble.HANG):
        await day.writes(PHONE, f"{WORD}, still", ProfileName=NAME)
        day.double.trouble(trouble)
        replies.add(await day.replies(PHONE, f"{ANSWER} {trouble}"))
        await day.quiet()
    await day.writes(PHONE, f"STOP {WORD}", ProfileName=NAME)
    await day.writes(PHONE, "STOP")
    await day.quiet()
    assert {"failed"} < set((await day.statuses(replies)).values())


async def a_job_that_fails(day: Day) -> None:
    """A row nobody can read makes a job fail over what is in it."""
    await day.writes(FORM_PHONE, "Hello", account=SMS)
    [conversation] = await day.rows(
        "SELECT v.id FROM conversation v JOIN message m ON m.conversation_id = v.id WHERE m.channel = 'sms' AND m.body = 'Hello' "
        "AND m.contact_id IN (SELECT contact_id FROM identity WHERE address = $1)",
        FORM_PHONE,
    )
    later = datetime.now(UTC) + timedelta(hours=1)
    message = await day.replies(FORM_PHONE, "Good morning", channel=Channel.SMS, at=later)
    assert conversation["id"] == await day.value("SELECT conversation_id FROM message WHERE id = $1", message)
    before = failed_jobs(day.clinic)
    await day.rows("UPDATE message SET channel = $2, send_after = now() WHERE id = $1", message, f"{WORD}{NAME}")

    async def failed() -> bool:
        return failed_jobs(day.clinic) > before

    await day.until(failed, what="a failed job")
    await day.rows("UPDATE message SET status = 'cancelled' WHERE id = $1", message)


async def pages_of_staff(day: Day, pages: Pages) -> str:
    """Signing in wrongly and rightly, and pages that are not there; the session's token."""
    for email in (f"{MAIL}@fenwicklane.example", f"{MAIL}\0", f"{MAIL}\x85"):
        assert await pages.ask("POST", "/sign-in", email=email, password=PASSWORD) < 500
    # That form is shown again with the address that was typed, to the one who typed it; the password is not.
    pages.errors = [page.replace(f'value="{MAIL}'.encode(), b"") for page in pages.errors]
    for path in (f"/{WORD}", f"/welcome/{TOKEN}", f"/enquire?x={TOKEN}", f"/static/{WORD}/{NAME}.css"):
        assert await pages.ask("GET", path) < 500
    added = await asyncio.to_thread(hub, "staff", "add", f"{MAIL}@fenwicklane.example", "--name", NAME, env=day.clinic.processes["web"].env)
    link = LINK.search(added.out)
    assert link is not None, added.err
    assert await pages.ask("GET", f"/welcome/{link[1]}") == 303
    assert await pages.ask("POST", "/welcome", name=NAME, password=PASSWORD) == 303
    cookies = {c.key: c.value for c in pages.browser.cookie_jar}
    assert await pages.ask("GET", "/inbox") == 200
    for path in (f"/inbox/{WORD}", "/inbox/00000000-0000-7000-8000-000000000000"):
        assert await pages.ask("GET", path) == 404
    assert await pages.ask("POST", "/inbox/00000000-0000-7000-8000-000000000000/reply", text=ANSWER, channel="sms") == 403  # no CSRF token
    return cookies["hub_session"] + "\n" + link[1]


async def while_the_database_is_away(day: Day, pages: Pages) -> None:
    day.clinic.kill("postgres")
    answers = await asyncio.gather(
        *(day.post(day.letter(PHONE, WORD, ProfileName=NAME)) for _ in range(5)), *(pages.ask("GET", "/inbox") for _ in range(3))
    )
    assert set(answers) <= {200, 500, 503}
    await day.rows("SELECT 1")


def secrets_of(clinic: Clinic) -> list[str]:
    """The house's keys and every account's, as they stand in the data folder."""
    lines = (clinic.data / "secrets.toml").read_text().splitlines()
    found = [line.split('"')[1].removeprefix("1:") for line in lines if '"' in line]
    assert len(found) >= 4
    return found


async def test_no_private_word_or_secret_is_found_in_logs_valkey_measurements_addresses_or_error_pages(clinic: Clinic, day: Day) -> None:
    pages = Pages(day)
    with Listener(clinic) as valkey:
        try:
            await patients(day)
            await form(day, pages)
            await staff(day, pages)
            tokens = await pages_of_staff(day, pages)
            await while_the_database_is_away(day, pages)
            await day.quiet()
            await a_job_that_fails(day)
            await day.quiet()
        finally:
            await pages.browser.close()
        async with day.session.get(f"{clinic.url}/metrics") as answer:
            measured = await answer.read()
    sinks = {name: said.encode() for name, said in clinic.logs().items()}
    sinks |= {"valkey, told": valkey.heard(), "valkey, held": held_by_valkey(clinic), "metrics": measured}
    sinks |= {"error pages": b"\n".join(pages.errors)}

    # It can fail: the words are where they belong, the sinks are those in use, and a planted word is found.
    for table, column, word in (("contact", "display_name", NAME), ("message", "body", WORD), ("message", "body", ANSWER)):
        assert await day.value(f"SELECT count(*) FROM {table} WHERE {column} LIKE '%{word}%'") > 0
    assert await day.value("SELECT count(*) FROM identity WHERE address LIKE '%7712345678' OR address LIKE $1", f"{MAIL}%") >= 2
    assert await day.value("SELECT count(*) FROM attachment WHERE state = 'refused'") >= 4
    assert b"deliver:whatsapp-sandbox" in sinks["valkey, told"]
    assert b"webhook.refused" in sinks["web"]
    assert b"hub_http_requests" in measured
    assert len(pages.errors) > 20
    assert leaks({"planted": json.dumps({"x": f"a{WORD.upper()}b"}).encode()}, [WORD]) == [("planted", WORD)]

    private = [NAME, WORD, ANSWER, MAIL, TOKEN, PASSWORD, *DIGITS, *tokens.split(), *secrets_of(clinic)]
    assert leaks(sinks, private) == []
    assert os.environ.get("HUB_SECRET_KEY") is None
