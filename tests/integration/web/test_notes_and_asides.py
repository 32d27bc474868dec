"""Notes, conversations put aside and files, through the pages themselves."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from hub.desks.inbox.asides import disposition
from hub.files import FileStore
from hub.model.message import MediaRef
from hub.model.sealed import Sealed
from hub.settings import Settings
from hub.store import attachments, snooze
from tests.integration.web.conftest import PASSWORD, Browser, Hire
from tests.world import StandingClock, World


async def test_a_note_stands_in_the_thread_and_nowhere_else(signed_in: Browser, clinic: World) -> None:
    await clinic.writes("Hello")
    conversation = await clinic.conversation()
    await signed_in.get(f"/inbox/{conversation}")
    response, page = await signed_in.post(f"/inbox/{conversation}/note", text="Asked twice. <b>Careful</b>")
    assert response.status == 200
    note = page.split('class="notice-note"')[1].split("</div>")[0]
    assert "Priya Nair" in note
    assert "only staff see this" in note
    assert "&lt;b&gt;Careful&lt;/b&gt;" in note
    assert await clinic.value("SELECT count(*) FROM message WHERE direction = 'outbound' AND kind = 'RPL'") == 0
    assert await clinic.value("SELECT class FROM note") == "health"
    assert await clinic.value("SELECT action FROM audit_event WHERE object LIKE 'note:%'") == "note.added"


async def test_an_empty_note_and_one_in_no_conversation_are_refused(signed_in: Browser, clinic: World) -> None:
    await clinic.writes("Hello")
    conversation = await clinic.conversation()
    response, _ = await signed_in.post(f"/inbox/{conversation}/note", text="  ")
    assert response.status == 400
    response, _ = await signed_in.post(f"/inbox/{UUID(int=7)}/note", text="To nobody")
    assert response.status == 404


async def test_what_is_put_aside_leaves_the_list_and_comes_back_by_itself(signed_in: Browser, clinic: World, clock: StandingClock) -> None:
    await clinic.writes("Hello, laser?")
    conversation = await clinic.conversation()
    await signed_in.get(f"/inbox/{conversation}")
    _, page = await signed_in.post(f"/inbox/{conversation}/snooze", until="tomorrow")
    assert "Put aside until tomorrow 08:00" in page or "Put aside until Wed 08:00" in page
    assert "Hello, laser?" not in (await signed_in.get("/inbox"))[1]
    assert "Hello, laser?" in (await signed_in.get("/inbox?view=snoozed"))[1]
    async with clinic.pool.acquire() as conn:
        assert await snooze.wake_due(conn, now=clock()) == []
        clock.forward(days=1)
        assert await snooze.wake_due(conn, now=clock()) == [conversation]
    await signed_in.post("/sign-in", email="priya@fenwicklane.example", password=PASSWORD)  # a night has ended the session
    assert "Hello, laser?" in (await signed_in.get("/inbox"))[1]
    assert await clinic.value("SELECT unread FROM conversation") == 1


async def test_a_person_who_writes_brings_their_conversation_back(signed_in: Browser, clinic: World) -> None:
    await clinic.writes("Hello")
    conversation = await clinic.conversation()
    await signed_in.get(f"/inbox/{conversation}")
    await signed_in.post(f"/inbox/{conversation}/snooze", until="reply")
    assert await clinic.value("SELECT snoozed_at IS NOT NULL AND snoozed_until IS NULL FROM conversation")
    await clinic.writes("Are you there?")
    assert await clinic.value("SELECT snoozed_at FROM conversation") is None


async def _with_a_file(clinic: World, settings: Settings, data: bytes, mime: str, name: str) -> tuple[str, UUID]:
    await clinic.writes("See this", media=(MediaRef(url=Sealed("https://media.example/1"), mime_type=mime, file_name=Sealed(name)),))
    found = await clinic.value("SELECT id FROM attachment")
    assert isinstance(found, UUID)
    digest = FileStore(settings.data_dir / "files", settings.secret_key).put(data)
    async with clinic.pool.acquire() as conn:
        await attachments.stored(conn, found, mime_type=mime, size=len(data), sha256=digest)
    return f"/inbox/{await clinic.conversation()}/files/{found}", found


async def test_a_file_is_handed_out_as_an_attachment_that_can_do_nothing(signed_in: Browser, clinic: World, web_settings: Settings) -> None:
    address, id = await _with_a_file(clinic, web_settings, b"<script>alert(1)</script>", "text/plain", 'x"\r\nSet-Cookie: a=b.html')
    response = await signed_in.client.get(address)
    assert await response.read() == b"<script>alert(1)</script>"
    assert response.headers["Content-Disposition"].startswith("attachment; ")
    assert "Set-Cookie" not in response.headers
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert await clinic.value("SELECT object FROM audit_event WHERE action = 'attachment.viewed'") == f"attachment:{id}"
    assert f'href="{address}"' in (await signed_in.get(address.split("/files/")[0]))[1]


async def test_a_file_is_kept_from_those_who_may_not_read_and_from_other_conversations(
    browser: Browser, hire: Hire, clinic: World, web_settings: Settings
) -> None:
    address, id = await _with_a_file(clinic, web_settings, b"%PDF-1", "application/pdf", "a.pdf")
    await hire("marketing", email="m@fenwicklane.example", name="Mo")
    await browser.post("/sign-in", email="m@fenwicklane.example", password=PASSWORD)
    assert (await browser.client.get(address)).status == 403
    await hire()
    await browser.post("/sign-in", email="priya@fenwicklane.example", password=PASSWORD)
    assert (await browser.client.get(f"/inbox/{UUID(int=5)}/files/{id}")).status == 404
    assert (await browser.client.get(address)).status == 200
    settings = replace(web_settings, data_dir=web_settings.data_dir)
    path = FileStore(settings.data_dir / "files", settings.secret_key)._path(await clinic.value("SELECT sha256 FROM attachment"))  # type: ignore[arg-type]
    path.write_bytes(b"tampered with, and long enough to be read")
    assert (await browser.client.get(address)).status == 404
    path.unlink()


def test_a_file_name_cannot_leave_its_header() -> None:
    told = disposition('a"b\r\nX: 1/../../é.pdf', "application/pdf")
    assert "\r" not in told
    assert told.count('"') == 2
    assert told.endswith("%C3%A9.pdf")
    assert disposition("", "image/png").startswith('attachment; filename="file.png"')
