"""A loopback double of Meta: the Graph API for messages and media, and the sender of its webhooks (channels.md §6, §7, §11).

    double = MetaDouble("app-secret", "EAATOKEN")
    async with double.serve(port=0):
        account options: api_base_url = double.base_url, media_host = double.media_host, sandbox = true
        await double.patient_writes(account, "+447700900123", "Hello")
        double.trouble(Trouble.THROTTLED, to="447700900123")
        double.sent

It signs for real, escapes non-ASCII as Meta does, and sends in batches, twice, late and in the wrong order when asked. It
never talks to any but the hub's own webhooks.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from aiohttp import web

from channels.sandbox import meta_api, meta_payloads
from channels.sandbox.meta_sender import MetaSender
from channels.sandbox.values import AT_DELIVERY, Changes, Rule, Trouble, Troubles
from hub.model.address import Channel
from hub.model.message import Account

# Seconds after the send at which each report comes, at pace 1.
DELAYS: Final = {"sent": 0.1, "delivered": 0.4, "failed": 0.4, "read": 1.2}
FAILURE: Final = 131026
OUTSIDE_WINDOW: Final = 131047
MAX_MEDIA_KEPT: Final = 200

SentByMeta = meta_payloads.SentByMeta


class MetaDouble:
    """One app with one token, and whatever numbers and pages the hub's accounts name.

    statuses: whether statuses, deliveries, reads and echoes are sent. pace: multiplies every delay; 0 for none. window: how
    long after a person's last message free answers pass; None for always. web_url: where the hub is really reached, when
    that is not its public URL (`public_url`). clock: aware UTC.
    """

    def __init__(
        self,
        app_secret: str,
        access_token: str,
        *,
        public_url: str = "",
        web_url: str = "",
        statuses: bool = True,
        pace: float = 1.0,
        window: timedelta | None = None,
        keep: int = 20_000,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.app_secret, self.access_token = app_secret, access_token
        self.statuses, self.pace, self.window, self.clock = statuses, pace, window, clock
        self.base_url = ""
        self.messages: OrderedDict[str, SentByMeta] = OrderedDict()
        self.counts: OrderedDict[str, int] = OrderedDict()  # our message id -> sends accepted
        self.media: OrderedDict[str, tuple[str, bytes]] = OrderedDict()  # id -> type and content
        self.fresh: dict[str, str] = {}  # media id -> the one path it can be fetched at just now
        self.last_written: dict[tuple[str, str], datetime] = {}  # what sends, and the person as the API spells them
        self.dead_addresses = 0  # how many of the next addresses given out have died already
        self.digests: dict[str, str] = {}  # media id -> a wrong digest to tell
        self.changes = Changes()
        self.troubles = Troubles()
        self.closing = asyncio.Event()
        self.accounts: dict[str, Account] = {}  # node -> the hub's account that hears of it
        self._keep = keep
        self._secrets: dict[str, tuple[str, str]] = {}  # node -> the app secret and token of an account with its own
        self._sender = MetaSender(reach=(public_url, web_url) if public_url and web_url else None)
        self._tasks: set[asyncio.Task[Any]] = set()

    # -- for tests, benches and the practice phone

    @property
    def sent(self) -> list[SentByMeta]:
        """What was accepted, oldest first, the last `keep` of it."""
        return list(self.messages.values())

    @property
    def media_host(self) -> str:
        """Host and port, for the account option of the same name."""
        return self.base_url.removeprefix("http://")

    def sends_of(self, message_id: object) -> int:
        """How many sends were accepted for one message of ours."""
        return self.counts.get(str(message_id), 0)

    def own(self, account: Account) -> None:
        """Let an account have an app and a token of its own: those in its secrets."""
        node = meta_payloads.node_of(account)
        self._secrets[node] = account.secrets["app_secret"].reveal(), account.secrets["access_token"].reveal()
        self.hears(account)

    def secrets_of(self, node: str) -> tuple[str, str]:
        """The app secret that signs for what sends, and the token that may send as it."""
        return self._secrets.get(node, (self.app_secret, self.access_token))

    def knows(self, token: str) -> bool:
        """Whether a token is anybody's here; files may be fetched with each."""
        return token == self.access_token or any(token == known for _, known in self._secrets.values())

    def hears(self, account: Account) -> None:
        """Report what becomes of this account's messages to its webhook."""
        self.accounts[meta_payloads.node_of(account)] = account

    def trouble(self, kind: Trouble, *, to: str | None = None, times: int | None = 1, code: int | None = None, wait_s: float = 1.0) -> None:
        """Ask for trouble. to: as the API spells it, None for anybody. times: None for ever. wait_s: Retry-After, or how late."""
        self.troubles.add(Rule(trouble=kind, to=to, left=times, code=code, wait_s=wait_s))

    async def patient_writes(
        self, account: Account, from_: str, text: str, *, media: Sequence[tuple[str, bytes]] = (), copies: int = 1
    ) -> tuple[str, list[int]]:
        """A person writes to an account of the hub: the id of the (last) message, and the HTTP status of each copy.

        from_: E.164 for WhatsApp, the platform's id elsewhere. media: type and bytes; WhatsApp sends one message per file.
        """
        self.hears(account)
        self.last_written[meta_payloads.node_of(account), from_.removeprefix("+")] = self.clock()
        kept = [(mime, self.keep_media(content, mime)) for mime, content in media]
        items = meta_payloads.written(account, from_, text, kept, at=self.clock(), media_url=self.media_url)
        return meta_payloads.last_id(items), await self.push(account, items, copies=copies)

    async def push(self, account: Account, items: Sequence[Mapping[str, Any]], *, copies: int = 1, tail: str = "") -> list[int]:
        """Post items of the envelope (`entry[]` members made by `meta_payloads`) in one delivery; HTTP status of each copy."""
        if self.troubles.take(frozenset({Trouble.TRIPLE}), to="", sender=""):
            copies = 3
        url = f"{account.public_url}/webhooks/{account.id}{tail}"
        secret, _ = self.secrets_of(meta_payloads.node_of(account))
        return await self._sender.post(url, meta_payloads.envelope(account, items), secret, copies=copies)

    async def handshake(self, account: Account, verify_token: str, challenge: str = "1158201444") -> tuple[int, str]:
        """What Meta does when the webhook's address is saved: the hub's status and answer."""
        return await self._sender.handshake(f"{account.public_url}/webhooks/{account.id}", verify_token, challenge)

    # -- media

    def keep_media(self, content: bytes, mime: str) -> str:
        """Hold a file; its id."""
        media_id = str(secrets.randbelow(10**15) + 10**15)
        self.media[media_id] = (mime, content)
        while len(self.media) > MAX_MEDIA_KEPT:
            self.media.popitem(last=False)
        return media_id

    def media_url(self, media_id: str) -> str:
        """A new address of a file; the one before it stops working, as Meta's do after minutes."""
        path = f"/whatsapp_business/attachments/{secrets.token_hex(8)}"
        if self.dead_addresses:
            self.dead_addresses -= 1
        else:
            self.fresh[media_id] = path
        return self.base_url + path

    def media_at(self, path: str) -> tuple[str, bytes] | None:
        """The file that is to be had at a path just now."""
        return next((self.media[media_id] for media_id, known in self.fresh.items() if known == path and media_id in self.media), None)

    def describe(self, media_id: str) -> dict[str, Any] | None:
        """What the API says of a file."""
        if media_id not in self.media:
            return None
        mime, content = self.media[media_id]
        return {
            "messaging_product": "whatsapp",
            "url": self.media_url(media_id),
            "mime_type": mime,
            "sha256": self.digests.get(media_id) or hashlib.sha256(content).hexdigest(),
            "file_size": len(content),
            "id": media_id,
        }

    # -- accepting and reporting

    def window_shut(self, node: str, to: str) -> bool:
        """Whether a free answer to this person comes too late."""
        last = self.last_written.get((node, to))
        return self.window is not None and (last is None or self.clock() - last > self.window)

    def accept(self, message: SentByMeta) -> Coroutine[Any, Any, None] | None:
        """Take a message on. What must happen before the answer goes out is returned, to be awaited by the caller."""
        self.messages[message.sid] = message
        if len(self.messages) > self._keep:
            self.messages.popitem(last=False)
        if message.message_id:
            self.counts[message.message_id] = self.counts.get(message.message_id, 0) + 1
        self.changes.notify()
        rule = self.troubles.take(AT_DELIVERY, to=message.to, sender=message.node)
        account = self.accounts.get(message.node)
        if not self.statuses or account is None or (rule and rule.trouble is Trouble.SILENT):
            return None
        report = self._report(account, message, rule)
        if rule is not None and rule.trouble is Trouble.EARLY:
            return report
        task = asyncio.create_task(report)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return None

    async def _report(self, account: Account, message: SentByMeta, rule: Rule | None) -> None:
        """Send the reports of one message, each at its time."""
        trouble = rule.trouble if rule else None
        if rule and trouble is Trouble.LATE:
            await asyncio.sleep(rule.wait_s)
        late = message.free and self.window_shut(message.node, message.to)
        failing = account.channel is Channel.WHATSAPP and (late or trouble is Trouble.UNDELIVERED)
        words = ["sent", "failed"] if failing else ["sent", "delivered", "read"]
        if trouble is Trouble.REORDERED:
            words.reverse()
        elapsed = 0.0
        for word in words:
            due = DELAYS[word] * self.pace
            if trouble is not Trouble.EARLY and due > elapsed:
                await asyncio.sleep(due - elapsed)
                elapsed = due
            message.status = word
            code = (rule.code if rule and rule.code else OUTSIDE_WINDOW if late else FAILURE) if word == "failed" else None
            await self.push(account, [meta_payloads.report(account, message, word, at=self.clock(), code=code)])
            self.changes.notify()

    async def settled(self) -> None:
        """Wait until every report under way has been sent."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    # -- serving

    @asynccontextmanager
    async def open(self, base_url: str) -> AsyncIterator[None]:
        """Run without a server of its own: `meta_api.handle` is mounted elsewhere, at `base_url`."""
        self.base_url = base_url
        async with self._sender:
            try:
                yield
            finally:
                self.closing.set()
                for task in self._tasks:
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)

    @asynccontextmanager
    async def serve(self, port: int = 0, host: str = "127.0.0.1") -> AsyncIterator[MetaDouble]:
        """Serve on a port of its own; 0 takes a free one."""
        server = web.Server(lambda request: meta_api.handle(self, request), access_log=None, keepalive_timeout=75)
        runner = web.ServerRunner(server, shutdown_timeout=0.5)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
            bound = runner.addresses[0]
            async with self.open(f"http://{bound[0]}:{bound[1]}"):
                yield self
        finally:
            await runner.cleanup()
