"""Encrypted ways in: the SMTP listener's STARTTLS, IMAP over TLS and STARTTLS, and a log-in by token that is taken."""

from __future__ import annotations

import asyncio
import json
import shutil
import smtplib
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import mkdtemp
from urllib.parse import parse_qs, urlsplit

import pytest

from hub.settings import Settings
from hub.store.pool import Connection, Pool
from tests.integration.mail.certificates import write_certificate
from tests.integration.mail.letters import DOMAIN, letter, mail_process, texts
from tests.integration.mail.test_imap import DOVECOT, QUICK, Server, dovecot, free_port, until
from tests.world import StandingClock
from workers.mail.process import utc_now

HELLO = f"hello@{DOMAIN}"
needs_dovecot = pytest.mark.skipif(DOVECOT is None, reason="Dovecot is not installed (apt: dovecot-imapd): IMAP is not tested")


@pytest.fixture
def certificate() -> Iterator[Path]:
    folder = Path(mkdtemp(prefix="hubtls"))  # not below a folder that only its owner may enter: Dovecot reads it too
    folder.chmod(0o755)
    yield write_certificate(folder)
    shutil.rmtree(folder)


@pytest.fixture
def tokens() -> Iterator[str]:
    """Where Dovecot asks whose token it was given."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given = parse_qs(urlsplit(self.path).query).get("access_token") == ["good-token"]
            self.send_response(200 if given else 401)
            self.end_headers()
            self.wfile.write(json.dumps({"email": "hello"} if given else {"error": "invalid_token"}).encode())

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}/?access_token="
        http.shutdown()
        thread.join()


@pytest.fixture
def tls_server(certificate: Path, tokens: str) -> Iterator[Server]:
    config = certificate.parent / "oauth2.conf"
    config.write_text(f"tokeninfo_url = {tokens}\nusername_attribute = email\n")
    more = (
        f"ssl_cert = <{certificate}\nssl_key = <{certificate}\n"
        f"passdb {{\n  driver = oauth2\n  mechanisms = xoauth2\n  args = {config}\n}}\n"
    )
    with dovecot(ssl="yes", mechanisms=" xoauth2", more=more, tls_port=free_port()) as server:
        yield server


@needs_dovecot
async def test_mail_is_fetched_over_tls_by_token_and_over_starttls_by_password(
    tls_server: Server, certificate: Path, settings: Settings, pool: Pool, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    clock = StandingClock(utc_now())
    await asyncio.to_thread(tls_server.put, letter("By token", message_id="1@x"))
    by_token: dict[str, str | int] = {
        "imap_security": "tls",
        "imap_port": tls_server.tls_port,
        "imap_auth": "xoauth2",
        "imap_oauth_command": "echo good-token",
    }
    async with mail_process(settings, pool, clock, QUICK, **{**tls_server.options, **by_token}):
        await until(conn, ["By token"])
    await asyncio.to_thread(tls_server.put, letter("By password", message_id="2@x"))
    async with mail_process(settings, pool, clock, QUICK, **{**tls_server.options, "imap_security": "starttls"}):
        await until(conn, ["By token", "By password"])


@needs_dovecot
async def test_a_server_whose_certificate_nobody_vouches_for_is_told_nothing(
    tls_server: Server, settings: Settings, pool: Pool, conn: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    await asyncio.to_thread(tls_server.put, letter("Never", message_id="1@x"))
    options = {**tls_server.options, "imap_security": "tls", "imap_port": tls_server.tls_port}
    async with mail_process(settings, pool, StandingClock(utc_now()), QUICK, **options):
        await asyncio.sleep(0.5)
    said = capsys.readouterr().out
    assert "SSLCertVerificationError" in said
    assert "imap.watching" not in said
    assert await texts(conn) == []


async def test_the_smtp_listener_takes_mail_after_starttls(
    certificate: Path, settings: Settings, pool: Pool, clock: StandingClock, conn: Connection
) -> None:
    def send(place: tuple[str, int]) -> None:
        context = ssl.create_default_context(cafile=str(certificate))
        with smtplib.SMTP(*place, timeout=10) as client:
            client.ehlo()
            assert client.has_extn("starttls")
            client.starttls(context=context)
            client.ehlo()
            client.sendmail("amy@example.org", [HELLO], letter("Over TLS"))

    async with mail_process(settings, pool, clock, smtp_listen="127.0.0.1:0", smtp_certificate=str(certificate)) as places:
        place = places["mail:smtp"]
        assert not isinstance(place, str)
        await asyncio.to_thread(send, place)
    assert await texts(conn) == ["Over TLS"]
