"""Mails, an account and a small clinic for the tests of mail coming in."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from channels.mail.account import token_keys
from channels.mail.tokens import Purpose, short_id, sign_address
from hub.intake import Intake
from hub.intake.compose import tools
from hub.model.address import Channel
from hub.model.ids import AccountId
from hub.model.message import Account
from hub.model.sealed import Sealed
from hub.settings import Settings
from hub.store.pool import Connection, Pool
from workers.mail.door import MailDoor
from workers.mail.process import serving
from workers.mail.watch import Pace

DOMAIN = "clinic.example"
DATE = "Tue, 24 Nov 2026 10:59:00 +0000"
PASSED = "Authentication-Results: mx.clinic.example; dmarc=pass header.from=example.org\r\n"
MAIL = AccountId("mail")


def account(**options: str | int | float | bool) -> Account:
    return Account(
        id=MAIL,
        adapter="email",
        channel=Channel.EMAIL,
        sender=f"hello@{DOMAIN}",
        public_url="https://hub.example.org",
        secrets={
            "address_key": Sealed("an address key of the tests"),
            "webhook_key": Sealed("a webhook key of the tests"),
            "imap_password": Sealed("secret"),
        },
        options={
            "signed_domains": f"in.{DOMAIN}",
            "authserv_ids": "mx.clinic.example",
            "data_addresses": f"data@{DOMAIN},data@other.example",
            "stop_addresses": f"stop@{DOMAIN},stop@other.example",
            **options,
        },
        processor="sandbox",
    )


def with_mail(settings: Settings, **options: str | int | float | bool) -> Settings:
    """The clinic with an e-mail account beside its others."""
    return replace(settings, accounts={**settings.accounts, MAIL: account(**options)})


def letter(
    text: str = "How much is lip filler?",
    *,
    sender: str = "Amy <amy@example.org>",
    to: str = f"hello@{DOMAIN}",
    subject: str = "Lips",
    message_id: str = "1@example.org",
    trusted: bool = False,
    head: str = "",
) -> bytes:
    results = PASSED if trusted else ""
    return (
        f"{results}From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nDate: {DATE}\r\nMessage-ID: <{message_id}>\r\n{head}"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + text + "\r\n"
    ).encode()


def signed(purpose: Purpose, row: UUID) -> str:
    return sign_address(purpose, short_id(row), f"in.{DOMAIN}", token_keys(account()))


@asynccontextmanager
async def open_door(settings: Settings, pool: Pool, clock: Callable[[], datetime]) -> AsyncIterator[MailDoor]:
    intake = Intake(pool, tools(settings), clock=clock)
    try:
        yield MailDoor(intake, clock)
    finally:
        await intake.close()


@asynccontextmanager
async def mail_process(
    settings: Settings, pool: Pool, clock: Callable[[], datetime], pace: Pace | None = None, **options: str | int | float | bool
) -> AsyncIterator[Mapping[str, tuple[str, int] | str]]:
    """The mail process's own parts, in this one."""
    async with serving(with_mail(settings, **options), pool, clock=clock, pace=pace) as places:
        yield places


async def texts(conn: Connection) -> list[str]:
    return [r["body"] for r in await conn.fetch("SELECT body FROM message WHERE direction = 'inbound' ORDER BY id")]


async def scopes(conn: Connection) -> set[tuple[str, str | None, bool, bool]]:
    """(scope, channel, names an address, names a person) of what stands."""
    rows = await conn.fetch(
        "SELECT scope, channel, address_hash IS NOT NULL AS a, contact_id IS NOT NULL AS c FROM suppression WHERE lifted_at IS NULL"
    )
    return {(r["scope"], r["channel"], r["a"], r["c"]) for r in rows}


class RawTalk:
    """A conversation by hand: the standard library's LMTP client reads one answer where LMTP gives several."""

    def __init__(self, place: tuple[str, int] | str) -> None:
        if isinstance(place, str):
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                self._socket.connect(place)
            except OSError:
                self._socket.close()
                raise
            self._socket.settimeout(20)
        else:
            self._socket = socket.create_connection(place, timeout=20)
        self._file = self._socket.makefile("rb")

    def line(self) -> str:
        return self._file.readline().decode().rstrip("\r\n")

    def answer(self) -> str:
        """One whole answer, its last line."""
        while (line := self.line())[3:4] == "-":
            pass
        return line

    def say(self, line: str) -> str:
        self._socket.sendall(line.encode() + b"\r\n")
        return self.answer()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def greet(self, word: str = "LHLO") -> str:
        self.answer()
        return self.say(f"{word} tests.example")

    def mail(self, raw: bytes, recipients: list[str], *, sender: str = "amy@example.org") -> list[str]:
        """Answers to each recipient, then one for each accepted."""
        self.say(f"MAIL FROM:<{sender}>")
        said = [self.say(f"RCPT TO:<{r}>") for r in recipients]
        if not any(s.startswith("250") for s in said):
            return said
        assert self.say("DATA").startswith("354")
        self.send(raw.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        return [*said, *(self.answer() for s in said if s.startswith("250"))]

    def close(self) -> None:
        self._file.close()
        self._socket.close()
