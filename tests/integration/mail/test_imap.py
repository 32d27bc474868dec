"""A real IMAP server (Dovecot) on loopback: IDLE, numbering that changes, nothing marked as read, refused log-ins."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from imap_tools import MailBoxUnencrypted

from channels.email import ADAPTER
from channels.mail import webhook
from hub.intake import Intake
from hub.intake.compose import tools
from hub.model.message import RawRequest
from hub.settings import Settings
from hub.store.pool import Connection, Pool
from tests.integration.mail.letters import DOMAIN, MAIL, RawTalk, account, letter, mail_process, texts
from tests.world import StandingClock
from workers.mail import watch
from workers.mail.process import utc_now
from workers.mail.watch import Pace

DOVECOT = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin:/usr/local/sbin")
pytestmark = pytest.mark.skipif(DOVECOT is None, reason="Dovecot is not installed (apt: dovecot-imapd): IMAP is not tested")
QUICK = Pace(look_every_s=600.0, first_wait_s=0.05, longest_wait_s=0.2, refused_s=0.2)
CONFIG = """
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/log
protocols = imap
listen = 127.0.0.1
ssl = {ssl}
disable_plaintext_auth = no
auth_mechanisms = plain{mechanisms}
default_login_user = {user}
default_internal_user = {user}
default_internal_group = {group}
mail_location = maildir:{home}/mail
mail_uid = {user}
mail_gid = {group}
first_valid_uid = 1
{more}
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={home}
}}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {tls_port}
    ssl = yes
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""


@dataclass(frozen=True)
class Server:
    port: int
    home: Path
    tls_port: int = 0

    @property
    def options(self) -> dict[str, str | int]:
        return {"imap_host": "127.0.0.1", "imap_port": self.port, "imap_security": "none", "imap_user": "hello"}

    def box(self) -> MailBoxUnencrypted:
        box = MailBoxUnencrypted("127.0.0.1", self.port, timeout=10)
        box.login("hello", "secret")
        return box

    def put(self, *raws: bytes) -> None:
        with self.box() as box:
            for raw in raws:
                box.append(raw, "INBOX")

    def renumber(self) -> None:
        """As a mailbox that was moved to another server: the same mails under another UIDVALIDITY."""
        for name in ("dovecot-uidlist", "dovecot.index", "dovecot.index.log", "dovecot.index.cache"):
            (self.home / "mail" / name).unlink(missing_ok=True)
        for path in self.home.glob("mail/dovecot-uidvalidity*"):
            path.unlink()


@pytest.fixture
def server() -> Iterator[Server]:
    """Dovecot without TLS, with one password."""
    with dovecot() as opened:
        yield opened


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def dovecot(*, ssl: str = "no", mechanisms: str = "", more: str = "", tls_port: int = 0) -> Iterator[Server]:
    """Dovecot as a child of this test, as the ordinary user we are; as root it runs its parts as nobody.

    mechanisms, more: added to those for a password, and to the configuration.
    """
    assert DOVECOT
    version = subprocess.run([DOVECOT, "--version"], capture_output=True, check=True, text=True).stdout
    if not version.startswith("2.3"):
        pytest.skip(f"This Dovecot reads another configuration than 2.3 does: {version.split()[0]}")
    root = os.geteuid() == 0
    user = "nobody" if root else pwd.getpwuid(os.geteuid()).pw_name
    port = free_port()
    home = Path(f"/tmp/hubdc{os.getpid()}-{port}")  # noqa: S108 - the paths of its sockets must be short
    (home / "mail").mkdir(parents=True)
    group = subprocess.run(["id", "-gn", user], capture_output=True, check=True, text=True).stdout.strip()
    (home / "dovecot.conf").write_text(
        CONFIG.format(home=home, user=user, group=group, port=port, ssl=ssl, mechanisms=mechanisms, more=more, tls_port=tls_port)
    )
    if root:
        for path in (home, home / "mail"):
            shutil.chown(path, user, group)
    child = subprocess.Popen([DOVECOT, "-F", "-c", str(home / "dovecot.conf")], stderr=subprocess.PIPE)
    try:
        _wait_for(port, child)
        yield Server(port, home, tls_port)
    finally:
        child.terminate()
        child.communicate(timeout=10)
        shutil.rmtree(home, ignore_errors=True)


def _wait_for(port: int, child: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        if child.poll() is not None:
            pytest.fail(f"Dovecot did not start: {child.stderr.read().decode() if child.stderr else ''}")
        try:
            with MailBoxUnencrypted("127.0.0.1", port, timeout=5) as box:
                box.login("hello", "secret", initial_folder=None)
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail("Dovecot did not answer")


async def until(conn: Connection, wanted: list[str], within_s: float = 30.0) -> None:
    end = time.monotonic() + within_s
    while await texts(conn) != wanted and time.monotonic() < end:  # noqa: ASYNC110 - another process acts
        await asyncio.sleep(0.05)
    assert await texts(conn) == wanted


async def reached(conn: Connection, uid: int, within_s: float = 30.0) -> None:
    end = time.monotonic() + within_s
    while await conn.fetchval("SELECT uid FROM mail_cursor") != uid and time.monotonic() < end:  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.05)
    assert await conn.fetchval("SELECT uid FROM mail_cursor") == uid


async def test_a_mailbox_is_read_once_by_idle_and_never_marked(server: Server, settings: Settings, pool: Pool, conn: Connection) -> None:
    clock = StandingClock(utc_now())
    await asyncio.to_thread(server.put, letter("First", message_id="1@x"))
    async with mail_process(settings, pool, clock, QUICK, **server.options):
        await until(conn, ["First"])
        await asyncio.to_thread(server.put, letter("Second", message_id="2@x"))
        await until(conn, ["First", "Second"])  # IDLE told: the next look is ten minutes away
        await reached(conn, 2)
    await asyncio.to_thread(server.put, letter("Third", message_id="3@x"))
    await asyncio.to_thread(server.renumber)
    async with mail_process(settings, pool, clock, QUICK, **server.options):  # begins where it stood; under new numbers, with repeats
        await until(conn, ["First", "Second", "Third"])
        await reached(conn, 3)
    assert await conn.fetchval("SELECT count(*) FROM inbound_event") == 3
    with await asyncio.to_thread(server.box) as box:
        assert not any("\\Seen" in m.flags for m in box.fetch(mark_seen=False))


async def test_a_store_that_is_away_and_a_mail_too_big_hold_nothing_up(
    server: Server, settings: Settings, pool: Pool, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "GREATEST", 20_000)
    await asyncio.to_thread(server.put, letter("x" * 30_000, message_id="1@x"), letter("After", message_id="2@x"))
    await conn.execute("ALTER TABLE inbound_event RENAME TO away")
    async with mail_process(settings, pool, StandingClock(utc_now()), QUICK, **server.options):
        await asyncio.sleep(0.5)
        assert await conn.fetchval("SELECT count(*) FROM mail_cursor") == 0
        await conn.execute("ALTER TABLE away RENAME TO inbound_event")
        await until(conn, ["After"])
        await reached(conn, 2)
    assert await conn.fetchrow("SELECT uid, reason FROM mail_passed_over") == (1, "too_big")


async def test_a_refused_login_is_told_and_does_not_spin(
    server: Server, settings: Settings, pool: Pool, conn: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {**server.options, "imap_auth": "xoauth2", "imap_oauth_command": "echo a-token"}
    async with mail_process(settings, pool, StandingClock(utc_now()), QUICK, **options):
        await asyncio.sleep(0.6)
    said = capsys.readouterr().out
    assert 1 <= said.count("imap.login_refused") <= 4
    assert "a-token" not in said


async def test_the_three_ways_in_make_one_message(server: Server, settings: Settings, pool: Pool, conn: Connection) -> None:
    clock, raw, ours = StandingClock(utc_now()), letter(), account()
    await asyncio.to_thread(server.put, b"Received: by mx\r\n" + raw)
    async with mail_process(settings, pool, clock, QUICK, lmtp_listen="127.0.0.1:0", **server.options) as places:
        await until(conn, ["How much is lip filler?"])
        spoken = await asyncio.to_thread(RawTalk, places["mail:lmtp"])
        await asyncio.to_thread(spoken.greet)
        assert (await asyncio.to_thread(spoken.mail, raw, [f"hello@{DOMAIN}"]))[-1].startswith("250")
        spoken.close()
    form = (
        b'--B\r\nContent-Disposition: form-data; name="envelope"\r\n\r\n{"to":["hello@clinic.example"],"from":"amy@example.org"}\r\n'
        b'--B\r\nContent-Disposition: form-data; name="email"; filename="m.eml"\r\n\r\n' + raw + b"\r\n--B--\r\n"
    )
    intake = Intake(pool, tools(settings), clock=clock)
    for kind, body in (("message/rfc822", raw), ("multipart/form-data; boundary=B", form)):
        sign = webhook.sign("a webhook key of the tests", body, at=int(clock().timestamp()))
        request = RawRequest(
            method="POST",
            path_and_query=f"/webhooks/{MAIL}",
            headers={"content-type": kind, "x-mail-signature": sign},
            body=body,
            received_at=clock(),
        )
        ADAPTER.verify(request, ours, clock())
        accepted = await intake.accept(request, ours, ADAPTER.parse(request, ours))
        assert (accepted.new, accepted.repeated) == (0, 1)
    await intake.close()
    assert await texts(conn) == ["How much is lip filler?"]
