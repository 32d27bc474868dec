"""The LMTP and SMTP listeners, on aiosmtpd. One answer per accepted recipient, in order, after the commit (channels.md §2.1).

Never a relay: only our own mailboxes and addresses we signed are accepted. Nothing of a conversation is logged.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from dataclasses import dataclass
from typing import Any

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP

from channels.mail.account import mailboxes, site_of
from channels.mail.tokens import open_address
from hub.intake import IntakeFull, StoreUnavailable
from hub.model.message import Account
from workers.mail.door import MailDoor

log = structlog.get_logger("mail")

MOST_RECIPIENTS = 100
MOST_CONNECTIONS = 64
QUIET_S = 300.0  # RFC 5321 §4.5.3.2.7
GREATEST = 40 * 1024 * 1024 - 65_536  # what the reader takes, less the trace fields
_END = b"\r\n.\r\n"
_LINE = 4096
_RESULTS = re.compile(rb"(?im)^(Authentication-Results[ \t]*:)")

Status = str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How one listener behaves. most_bytes: of one mail. border: mail comes from strangers, so results of checks that stand in it
    are theirs and count for nothing."""

    most_bytes: int = GREATEST
    most_connections: int = MOST_CONNECTIONS
    border: bool = False
    tls: ssl.SSLContext | None = None


class Mailroom:
    """What both protocols ask of us (aiosmtpd's handler)."""

    def __init__(self, account: Account, door: MailDoor, rules: Rules) -> None:
        self.rules = rules
        self._account, self._door = account, door
        self._boxes, self._site = frozenset(mailboxes(account)), site_of(account)
        self.open = 0

    def knows(self, address: str) -> bool:
        """Whether mail to this address is ours to take."""
        if address.lower() in self._boxes:
            return True
        return self._site.keys is not None and open_address(address, self._site.domains, self._site.keys) is not None

    async def handle_RCPT(self, _server: object, _session: object, envelope: Any, address: str, _options: object) -> Status:  # noqa: N802
        """Accept or refuse one recipient."""
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        if not self.knows(address):
            return "550 5.1.1 No such mailbox here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def take(self, envelope: Any) -> Status:
        """Store the mail; what to answer for every recipient."""
        raw = bytes(envelope.content)
        if self.rules.border:
            raw = without_results(raw)
        sender = str(envelope.mail_from or "").strip("<>")
        try:
            await self._door.take(self._account, raw, sender=sender, recipients=tuple(envelope.rcpt_tos))
        except (IntakeFull, StoreUnavailable):
            return "451 4.3.0 Not stored: please try again later"
        return "250 2.0.0 Stored"

    async def handle_exception(self, error: Exception) -> Status:
        """A fault of ours is no reason to give a mail back."""
        log.error("mail.listener_fault", account=self._account.id, fault=type(error).__name__)
        return "451 4.3.0 Please try again later"


def without_results(raw: bytes) -> bytes:
    """The mail with foreign Authentication-Results renamed, as a border must (RFC 8601 §5)."""
    head, blank, rest = raw.partition(b"\r\n\r\n")
    return _RESULTS.sub(rb"X-Foreign-\1", head) + blank + rest


class _Conversation:
    """What both protocols do otherwise than aiosmtpd: mail is read in one piece, and there is a limit to callers."""

    line_length_limit = _LINE  # of commands; a mail's lines may be longer
    event_handler: Mailroom
    transport: Any
    envelope: Any
    _reader: Any
    push: Any
    _set_post_data_state: Any
    check_helo_needed: Any
    _counted = False

    def connection_made(self, transport: Any) -> None:
        room = self.event_handler
        if not self._counted and room.open >= room.rules.most_connections:
            transport.write(b"421 4.3.2 Too many connections: please try again later\r\n")
            transport.close()
            return
        room.open += not self._counted
        self._counted = True
        super().connection_made(transport)  # type: ignore[misc]

    def connection_lost(self, error: Exception | None) -> None:
        if not self._counted:
            return
        self._counted = False
        self.event_handler.open -= 1
        super().connection_lost(error)  # type: ignore[misc]

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802
        """Take a whole mail, however long its lines are; lines and bytes beyond the limit are read and forgotten."""
        if await self.check_helo_needed():
            return
        if not self.envelope.rcpt_tos or arg:
            await self.push("501 5.5.4 Syntax: DATA" if arg else "503 5.5.1 Error: need RCPT command")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        content = await self._content()
        recipients = len(self.envelope.rcpt_tos)
        self.envelope.content = content
        status = await self.event_handler.take(self.envelope) if content is not None else "552 5.3.4 Too much mail data"
        self._set_post_data_state()
        await self.push("\r\n".join([status] * self.answers(recipients)))

    def answers(self, recipients: int) -> int:
        """How many answers a mail to so many gets."""
        return 1

    async def _content(self) -> bytes | None:
        """The mail without its transparency dots; None when it was too big."""
        reader, most = self._reader, self.event_handler.rules.most_bytes
        reader._buffer[:0] = b"\r\n"  # so that a mail without a line ends like any other
        before, reader._limit = reader._limit, most + len(_END)
        whole = True
        try:
            while True:
                try:
                    data = await reader.readuntil(_END)
                    break
                except asyncio.LimitOverrunError as over:
                    whole = False
                    await reader.readexactly(over.consumed)
        finally:
            reader._limit = before
        return data[:-3].replace(b"\r\n.", b"\r\n")[2:] if whole else None


class _Lmtp(_Conversation, LMTP):
    """LMTP (RFC 2033)."""

    def answers(self, recipients: int) -> int:
        return recipients


class _Smtp(_Conversation, SMTP):
    """SMTP, for mail that comes from elsewhere."""


async def listen(kind: str, where: tuple[str, int] | str, room: Mailroom) -> asyncio.Server:
    """Open a listener. kind: "lmtp" or "smtp". where: host and port, or the path of a unix socket. Raises OSError."""
    loop = asyncio.get_running_loop()
    protocol = _Lmtp if kind == "lmtp" else _Smtp

    def make() -> Any:
        return protocol(
            room,
            data_size_limit=room.rules.most_bytes,
            enable_SMTPUTF8=True,
            hostname="localhost" if kind == "lmtp" else None,
            ident="ready",
            tls_context=room.rules.tls,
            timeout=QUIET_S,
            loop=loop,
        )

    if isinstance(where, str):
        return await loop.create_unix_server(make, path=where)
    return await loop.create_server(make, host=where[0], port=where[1], start_serving=True)
