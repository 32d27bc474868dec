"""The mail server of the sandbox: takes the hub's mail over real SMTP, and misbehaves when asked. Loopback only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from aiosmtpd.smtp import SMTP, Envelope, Session

from channels.sandbox.values import Rule, Trouble, Troubles

LARGEST: Final = 25 * 1024 * 1024
REFUSED_AT_RCPT: Final = {550: "550 5.1.1 No such user here", 552: "552 5.2.2 Mailbox full", 554: "554 5.7.1 Message refused by policy"}
AT_RCPT: Final = frozenset({Trouble.REFUSED, Trouble.THROTTLED, Trouble.DROP_BEFORE, Trouble.SERVER_ERROR, Trouble.CREDENTIALS})
AT_BODY: Final = frozenset({Trouble.DROP_AFTER, Trouble.HANG, Trouble.SLOW, Trouble.SERVER_ERROR_AFTER, Trouble.STOPPED})

Take = Callable[[str, str, bytes], Awaitable[None]]


class MailServer:
    """Answers the hub's SMTP. take: called with envelope sender, recipient and the mail, before the answer is given."""

    def __init__(self, troubles: Troubles, take: Take, closing: asyncio.Event) -> None:
        self._troubles, self._take, self._closing = troubles, take, closing
        self.connections = 0

    @asynccontextmanager
    async def serve(self, port: int, host: str = "127.0.0.1") -> AsyncIterator[int]:
        """Listen; the port, which is a free one where 0 was asked for. Raises OSError where it is taken."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self._connection, host, port)
        try:
            yield int(server.sockets[0].getsockname()[1])
        finally:
            self._closing.set()
            server.close()

    def _connection(self) -> SMTP:
        self.connections += 1
        return SMTP(self, hostname="mail.sandbox.example", data_size_limit=LARGEST, ident="sandbox", enable_SMTPUTF8=False)

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:  # noqa: N802
        """aiosmtpd asks this at RCPT TO."""
        rule = self._rule(AT_RCPT, address)
        if rule is not None:
            return self._refusal(server, rule)
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    def _refusal(self, server: SMTP, rule: Rule) -> str:
        if rule.trouble is Trouble.DROP_BEFORE:
            _drop(server)
            return "421 4.3.2 Closing"
        if rule.trouble is Trouble.THROTTLED:
            return "451 4.7.1 Greylisted, please try again in 5 minutes"
        if rule.trouble is Trouble.SERVER_ERROR:
            return "421 4.3.2 Service shutting down"
        if rule.trouble is Trouble.CREDENTIALS:
            return "530 5.7.0 Authentication required"
        return REFUSED_AT_RCPT.get(rule.code or 550, f"{rule.code} refused")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """aiosmtpd asks this once the whole mail is here."""
        to, content = envelope.rcpt_tos[0], envelope.original_content or b""
        rule = self._rule(AT_BODY, to)
        if rule is not None and rule.trouble is Trouble.STOPPED:
            return "554 5.7.1 Message refused by policy"
        mail_from = envelope.mail_from or ""
        await self._take("" if mail_from == "<>" else mail_from, to, content)
        if rule is None:
            return "250 2.0.0 OK queued"
        if rule.trouble is Trouble.SERVER_ERROR_AFTER:
            return "451 4.3.0 Try again later"
        if rule.trouble is Trouble.DROP_AFTER:
            _drop(server)
        elif rule.trouble is Trouble.SLOW:
            await asyncio.sleep(rule.wait_s)
        else:
            await self._closing.wait()
        return "250 2.0.0 OK queued"

    def _rule(self, among: frozenset[Trouble], to: str) -> Rule | None:
        return self._troubles.take(among, to=to, sender="")


def _drop(server: Any) -> None:
    """The line is cut without another word."""
    if server.transport is not None:
        server.transport.abort()
