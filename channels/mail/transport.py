"""Handing mail to our mail server: a small pool of persistent connections on aiosmtplib (channels.md §2.3).

Never sends twice by itself. Until the server has asked for the mail nothing has left; from then on, no answer means that the
outcome is unknown. Nothing travels in clear, except to a loopback server of the sandbox.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aiosmtplib import SMTP, SMTPException, SMTPResponseException
from aiosmtplib.protocol import SMTPProtocol

from channels.errors import MediaRefused, NotSent, OutcomeUnknown
from channels.mail.outgoing import SEND, security, signer_of
from hub.model.message import Account, MediaRef, OutboundMessage, ProviderRequest, ProviderResponse, SendResult
from hub.model.sealed import Sealed

CONNECTIONS: Final = 8
PER_CONNECTION: Final = 100  # mails before a connection is replaced; big receivers cut off at about that many
IDLE_S: Final = 20.0  # an idle connection is closed after this, before the server closes it on us
ASK_AFTER_S: Final = 2.0  # one that was idle for longer is asked whether it is still there
CONNECT_S: Final = 15.0
COMMAND_S: Final = 30.0
BODY_S: Final = 120.0  # RFC 5321 §4.5.3.2.6 allows ten minutes; who waits longer than this is told "unknown"
_DOT: Final = re.compile(rb"^\.", re.MULTILINE)
_LOST = (SMTPException, OSError, ValueError)


@dataclass(slots=True)
class _Line:
    """One open connection. used: mails handed over it. idle_since: of the loop's clock."""

    smtp: SMTP
    used: int = 0
    idle_since: float = 0.0
    largest: int = 0  # bytes the server takes; 0 where it did not say


class MailTransport:
    """One account's way to its mail server. at_once: mails under way at the same time, one on each connection."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._most = int(account.options.get("smtp_per_connection", PER_CONNECTION))
        self._idle: list[_Line] = []
        self.at_once = int(account.options.get("smtp_connections", CONNECTIONS))
        self._slots = asyncio.Semaphore(self.at_once)

    async def send(self, request: ProviderRequest) -> ProviderResponse:
        """Hand one mail over, once. Raises NotSent where the server never asked for it, OutcomeUnknown where its answer is missing."""
        if request.operation != SEND:
            raise NotSent(self._account.id, "operation")
        fields = request.fields.reveal()
        mail, sender, recipient = fields["mail"], str(fields["sender"]), str(fields["recipient"])
        if not isinstance(mail, bytes):
            raise NotSent(self._account.id, "operation")
        async with self._slots:
            line = await self._line()
            if isinstance(line, ProviderResponse):
                return line
            try:
                answer = await self._converse(line, sender, recipient, mail)
            except BaseException:
                line.smtp.close()
                raise
            await self._give_back(line)
        body = {**answer.body.reveal(), "message_id": str(fields["message_id"])}
        return ProviderResponse(status=answer.status, body=Sealed(body))

    async def _converse(self, line: _Line, sender: str, recipient: str, mail: bytes) -> ProviderResponse:
        smtp = line.smtp
        if line.largest and len(mail) > line.largest:
            return _answer(552, "size", "")
        # As bytes of our own: `render` has checked both addresses, and the client's way of taking addresses apart costs more than
        # all the rest of its work.
        size = f" SIZE={len(mail)}" if line.largest else ""
        refusal = await self._asked(line, "mail", f"MAIL FROM:<{sender}>{size}") or await self._asked(
            line, "rcpt", f"RCPT TO:<{recipient}>"
        )
        if refusal is not None:
            return await self._start_over(line, refusal)
        try:
            go_on = await smtp.execute_command(b"DATA", timeout=COMMAND_S)
        except _LOST:
            raise NotSent(self._account.id, "dropped") from None
        if go_on.code != 354:
            return await self._start_over(line, _answer(go_on.code, "data", go_on.message))
        line.used += 1
        return await self._hand_over(smtp, mail)

    async def _hand_over(self, smtp: SMTP, mail: bytes) -> ProviderResponse:
        """The mail itself. From the first byte on, only the server's answer tells what became of it."""
        protocol = smtp.protocol
        if not isinstance(protocol, SMTPProtocol):
            raise NotSent(self._account.id, "dropped")
        try:
            protocol.write(_DOT.sub(b"..", mail) + (b".\r\n" if mail.endswith(b"\r\n") else b"\r\n.\r\n"))
            done = await protocol.read_response(timeout=BODY_S)
        except _LOST:
            raise OutcomeUnknown(self._account.id, "dropped") from None
        return _answer(done.code, "sent" if done.code == 250 else "body", done.message)

    async def _asked(self, line: _Line, stage: str, command: str) -> ProviderResponse | None:
        """The server's refusal of a command, None where it agrees."""
        try:
            answer = await line.smtp.execute_command(command.encode("ascii"), timeout=COMMAND_S)
        except SMTPResponseException as refusal:
            return _answer(refusal.code, stage, refusal.message)
        except _LOST:
            raise NotSent(self._account.id, "dropped") from None
        return None if 200 <= answer.code < 300 else _answer(answer.code, stage, answer.message)

    async def _start_over(self, line: _Line, refusal: ProviderResponse) -> ProviderResponse:
        """Take back what was begun, so that the connection serves the next mail."""
        try:
            await line.smtp.rset(timeout=COMMAND_S)
        except _LOST:
            line.smtp.close()
        return refusal

    async def _line(self) -> _Line | ProviderResponse:
        """A connection that is there: an idle one, or a new one. The answer of a server that would not have us."""
        now = asyncio.get_running_loop().time()
        while self._idle:
            line = self._idle.pop()
            if line.smtp.is_connected and now - line.idle_since < IDLE_S and await self._still_there(line, now):
                return line
            line.smtp.close()
        smtp = self._new()
        try:
            await smtp.connect(timeout=CONNECT_S)
            if (refusal := await self._log_in(smtp)) is not None:
                smtp.close()
                return refusal
        except SMTPResponseException as refused:
            smtp.close()
            return _answer(refused.code, "connect" if refused.code < 500 else "auth", refused.message)
        except _LOST:
            smtp.close()
            raise NotSent(self._account.id, "not_connected") from None
        except BaseException:
            smtp.close()
            raise
        size = smtp.esmtp_extensions.get("size", "")
        return _Line(smtp, largest=int(size) if size.isdecimal() else 0)

    def _new(self) -> SMTP:
        options, tls = self._account.options, security(self._account)
        return SMTP(
            hostname=str(options["smtp_host"]),
            port=int(options.get("smtp_port", 465 if tls == "tls" else 587)),
            use_tls=tls == "tls",
            start_tls=tls == "starttls",
            timeout=COMMAND_S,
            local_hostname=str(options.get("smtp_hello", "")) or self._account.sender.rpartition("@")[2] or "localhost",
            cert_bundle=str(options["smtp_ca_file"]) if options.get("smtp_ca_file") else None,
        )

    async def _log_in(self, smtp: SMTP) -> ProviderResponse | None:
        user, secrets = str(self._account.options.get("smtp_user", "")), self._account.secrets
        try:
            if (token := secrets.get("smtp_access_token")) is not None:
                await smtp.auth_xoauth2(user, token.reveal())
            elif (password := secrets.get("smtp_password")) is not None:
                await smtp.login(user, password.reveal())
            elif smtp.is_ehlo_or_helo_needed:
                await smtp.ehlo()
        except SMTPResponseException as refusal:
            return _answer(refusal.code, "auth" if refusal.code >= 500 else "connect", refusal.message)
        return None

    async def _still_there(self, line: _Line, now: float) -> bool:
        if now - line.idle_since < ASK_AFTER_S:
            return True
        try:
            await line.smtp.noop(timeout=5)
        except _LOST:
            return False
        return True

    async def _give_back(self, line: _Line) -> None:
        if not line.smtp.is_connected:
            return
        if line.used >= self._most:
            await _leave(line.smtp)
            return
        line.idle_since = asyncio.get_running_loop().time()
        self._idle.append(line)

    async def close(self) -> None:
        """Say goodbye on every idle connection."""
        lines, self._idle = self._idle, []
        await asyncio.gather(*(_leave(line.smtp) for line in lines))

    async def fetch_media(self, media: MediaRef, max_bytes: int) -> bytes:
        """Files come along with mail; there is none to fetch."""
        raise MediaRefused(self._account.id, "host")

    async def look_up(self, message: OutboundMessage, since: datetime) -> SendResult | None:
        """A mail server cannot be asked what became of a mail."""
        return None


def _answer(status: int, stage: str, text: str) -> ProviderResponse:
    return ProviderResponse(status=status, body=Sealed({"stage": stage, "text": text[:2000]}))


async def _leave(smtp: SMTP) -> None:
    with suppress(*_LOST):
        await smtp.quit(timeout=2)
    smtp.close()


@asynccontextmanager
async def open_transport(account: Account) -> AsyncIterator[MailTransport]:
    """The transport, with its connections closed at the end. Raises ValueError for a key or a security that cannot be."""
    signer_of(account)
    if account.options.get("smtp_host"):
        security(account)
    transport = MailTransport(account)
    try:
        yield transport
    finally:
        await transport.close()
