"""Where fetched and delivered mail goes in: read, then stored, and only then acknowledged by whoever brought it."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from channels.email import parse
from channels.errors import BadPayload
from channels.mail.events import unreadable
from hub.intake import Intake
from hub.model.message import Account, ChannelEvent, RawRequest

log = structlog.get_logger("mail")

LARGE = 65_536  # bytes of a mail that is read in a thread
AT_ONCE = 2  # large mails read side by side
_UNFIT = re.compile(r"[\x00-\x20\x7f<>]")


class MailDoor:
    """The way in of one mail process."""

    def __init__(self, intake: Intake, clock: Callable[[], datetime]) -> None:
        self._intake, self._clock = intake, clock
        self._large = asyncio.Semaphore(AT_ONCE)

    async def take(
        self,
        account: Account,
        raw: bytes,
        *,
        sender: str | None = None,
        recipients: Sequence[str] = (),
        received_at: datetime | None = None,
    ) -> None:
        """Store one mail; returns after the commit. sender: of the envelope, "" for `<>`, None where nobody told.

        Raises IntakeFull and StoreUnavailable: nothing was stored, try again. A mail that cannot be read is kept whole.
        """
        request = RawRequest(
            method="POST",
            path_and_query=f"/webhooks/{account.id}",
            headers={"content-type": "message/rfc822"},
            body=traced(raw, sender, recipients),
            received_at=received_at or self._clock(),
        )
        await self._intake.accept(request, account, await self._read(request, account))

    async def _read(self, request: RawRequest, account: Account) -> Sequence[ChannelEvent]:
        try:
            if len(request.body) <= LARGE:
                return parse(request, account)
            async with self._large:
                return await asyncio.to_thread(parse, request, account)
        except BadPayload as refusal:
            log.warning("mail.unreadable", account=account.id, fault=refusal.constant)
        except Exception as fault:  # the reader raises nothing; should it ever, the mail is kept and its neighbours go on
            log.error("mail.unreadable", account=account.id, fault=type(fault).__name__)
        return unreadable(account, f"unreadable:{hashlib.sha256(request.body).hexdigest()}")


def traced(raw: bytes, sender: str | None, recipients: Sequence[str]) -> bytes:
    """The mail with its envelope in trace fields on top, as every final delivery writes them (RFC 5321 §4.4)."""
    lines = [] if sender is None else [f"Return-Path: <{_UNFIT.sub('', sender)}>"]
    lines += [f"Delivered-To: {_UNFIT.sub('', recipient)}" for recipient in recipients]
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8", "replace") + raw
