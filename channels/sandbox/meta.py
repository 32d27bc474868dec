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
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from aiohttp import web

from channels.sandbox import meta_acts, meta_api, meta_payloads
from channels.sandbox.doubles import Act, Button, Do, Item, Person, Standing
from channels.sandbox.meta_sender import MetaSender
from channels.sandbox.provider import STANDINGS, Pair, ProviderDouble, utc_now
from channels.sandbox.values import Rule, Trouble
from hub.model.address import Channel
from hub.model.message import Account

FAILURE: Final = 131026
OUTSIDE_WINDOW: Final = 131047
STRANGER: Final = "0" * 32  # an app secret nobody has: what an attacker signs with

SentByMeta = meta_payloads.SentByMeta


class MetaDouble(ProviderDouble[SentByMeta]):
    """One app with one token, and whatever numbers and pages the hub's accounts name.

    statuses: whether statuses, deliveries, reads and echoes are sent. pace: multiplies every delay; 0 for none. window: how
    long after a person's last message free answers pass; None for always. web_url: where the hub is really reached, when
    that is not its public URL (`public_url`). unread: channels where nothing is read until the person says so. clock: aware UTC.
    """

    name = "meta"
    title = "Meta"
    offers = frozenset(Trouble)
    delays: ClassVar = {"sent": 0.1, "delivered": 0.4, "failed": 0.4, "read": 1.2}

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
        unread: frozenset[Channel] = frozenset(),
        keep: int = 20_000,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        super().__init__(statuses=statuses, pace=pace, window=window, keep=keep, clock=clock)
        self.app_secret, self.access_token, self.unread = app_secret, access_token, unread
        self.fresh: dict[str, str] = {}  # media id -> the one path it can be fetched at just now
        self.dead_addresses = 0  # how many of the next addresses given out have died already
        self.digests: dict[str, str] = {}  # media id -> a wrong digest to tell
        self.nodes: dict[str, Account] = {}  # node -> the hub's account that hears of it
        self._secrets: dict[str, tuple[str, str]] = {}  # node -> the app secret and token of an account with its own
        self._sender = MetaSender(reach=(public_url, web_url) if public_url and web_url else None)
        self._batches: dict[str, tuple[list[Mapping[str, Any]], asyncio.Future[list[int]]]] = {}

    # -- for tests, benches and the practice phone

    def own(self, account: Account) -> None:
        """Let an account have an app and a token of its own: those in its secrets."""
        node = meta_payloads.node_of(account)
        self._secrets[node] = account.secrets["app_secret"].reveal(), account.secrets["access_token"].reveal()
        self.owned[account.id] = account
        self.hears(account)

    def secrets_of(self, node: str) -> tuple[str, str]:
        """The app secret that signs for what sends, and the token that may send as it."""
        return self._secrets.get(node, (self.app_secret, self.access_token))

    def knows(self, token: str) -> bool:
        """Whether a token is anybody's here; files may be fetched with each."""
        return token == self.access_token or any(token == known for _, known in self._secrets.values())

    def hears(self, account: Account) -> None:
        """Report what becomes of this account's messages to its webhook."""
        self.nodes[meta_payloads.node_of(account)] = account

    def pair_of(self, account: Account, handle: str) -> Pair:
        """What sends, and the person; Meta writes numbers without their plus."""
        return meta_payloads.node_of(account), handle.removeprefix("+")

    def abilities(self, account: Account) -> frozenset[Do]:
        """What a person can do on WhatsApp, Messenger or Instagram."""
        return meta_acts.ABILITIES[account.channel]

    def menu(self, account: Account) -> Sequence[Button]:
        """What is offered to press at any time."""
        return meta_acts.MENUS[account.channel]

    async def act(self, account: Account, person: Person, act: Act) -> list[int]:
        """The person does something. Raises CannotDo for what the channel has not."""
        return await meta_acts.carry_out(self, account, person, act)

    async def patient_writes(
        self, account: Account, from_: str, text: str, *, media: Sequence[tuple[str, bytes]] = (), copies: int = 1
    ) -> tuple[str, list[int]]:
        """A person writes to an account of the hub: the id of the (last) message, and the HTTP status of each copy.

        from_: E.164 for WhatsApp, the platform's id elsewhere. media: type and bytes; WhatsApp sends one message per file.
        """
        kept = [(mime, self.keep_media(content, mime)) for mime, content in media]
        items = meta_payloads.written(account, from_, text, kept, at=self.clock(), media_url=self.media_url)
        shown = Item(
            id=meta_payloads.last_id(items),
            at=self.clock(),
            mine=True,
            text=text,
            standing=Standing.SENDING,
            files=tuple(mime for mime, _ in media),
        )
        return shown.id, await self.happens(account, from_, items, shown=shown, copies=copies)

    async def happens(
        self, account: Account, from_: str, items: Sequence[Mapping[str, Any]], *, shown: Item | None = None, copies: int = 1
    ) -> list[int]:
        """A person did something: tell the hub. shown: the message it is, if it is one; then the window opens again."""
        self.hears(account)
        pair = self.pair_of(account, from_)
        if shown is not None:
            self.last_written[pair] = self.clock()
            self.diary.add(pair, shown)

        async def deliver(times: int, forged: bool) -> list[int]:
            return await self.push(account, items, copies=times, secret=STRANGER if forged else "")

        return await self.tell(pair, deliver, item=shown, copies=copies)

    async def push(
        self, account: Account, items: Sequence[Mapping[str, Any]], *, copies: int = 1, tail: str = "", secret: str = ""
    ) -> list[int]:
        """Post items of the envelope (`entry[]` members made by `meta_payloads`) in one delivery; HTTP status of each copy.

        secret: what to sign with instead of the app's own.
        """
        batch = self.troubles.take(frozenset({Trouble.PUSH_BATCHED}), to="", sender="")
        if batch is not None and not secret and not tail:
            return await self._batched(account, items, batch.wait_s)
        url = f"{account.public_url}/webhooks/{account.id}{tail}"
        own, _ = self.secrets_of(meta_payloads.node_of(account))
        return await self._sender.post(url, meta_payloads.envelope(account, items), secret or own, copies=copies)

    async def _batched(self, account: Account, items: Sequence[Mapping[str, Any]], wait_s: float) -> list[int]:
        """Wait for more, and let all of it go in one request; each caller gets that request's answer."""
        waiting = self._batches.get(account.id)
        if waiting is not None:
            waiting[0].extend(items)
            return await asyncio.shield(waiting[1])
        answer: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()
        gathered = list(items)
        self._batches[account.id] = gathered, answer
        try:
            await asyncio.sleep(wait_s)
            del self._batches[account.id]
            url, (own, _) = f"{account.public_url}/webhooks/{account.id}", self.secrets_of(meta_payloads.node_of(account))
            answers = await self._sender.post(url, meta_payloads.envelope(account, gathered), own)
            answer.set_result(answers)
        finally:
            if not answer.done():
                self._batches.pop(account.id, None)
                answer.set_result([])
        self.note(f"{len(gathered)} events came in one request", f"The hub answered {answers[0] or 'nothing'}", alarm=True)
        return answers

    async def handshake(self, account: Account, verify_token: str, challenge: str = "1158201444") -> tuple[int, str]:
        """What Meta does when the webhook's address is saved: the hub's status and answer."""
        return await self._sender.handshake(f"{account.public_url}/webhooks/{account.id}", verify_token, challenge)

    # -- media

    def keep_media(self, content: bytes, mime: str) -> str:
        """Hold a file; its id."""
        media_id = str(secrets.randbelow(10**15) + 10**15)
        self.keep_file(media_id, mime, content)
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

    def shown(self, message: SentByMeta) -> Item:
        """A message of the hub's as the person will see it."""
        return Item(
            id=message.sid,
            at=self.clock(),
            mine=False,
            text=message.body,
            standing=STANDINGS.get(message.status, Standing.ACCEPTED),
            files=message.files,
            buttons=meta_payloads.buttons_of(message),
            target=message.answers,
        )

    def failure_of(self, message: SentByMeta, rule: Rule | None) -> int | None:
        """The code of what was asked for, or of a window that is shut, which only WhatsApp tells this way."""
        account = self.nodes.get(message.node)
        whatsapp = account is not None and account.channel is Channel.WHATSAPP
        late = whatsapp and message.free and self.window_shut(message.node, message.to)
        if rule is not None and rule.trouble is Trouble.UNDELIVERED:
            return rule.code or (OUTSIDE_WINDOW if late else FAILURE)
        return OUTSIDE_WINDOW if late else None

    def words_of(self, message: SentByMeta, *, failing: bool) -> list[str]:
        """Meta's statuses, in their order. Messenger and Instagram say nothing of what does not arrive."""
        account = self.nodes.get(message.node)
        if failing:
            return ["sent", "failed"] if account is not None and account.channel is Channel.WHATSAPP else []
        waits = account is not None and account.channel in self.unread
        return ["sent", "delivered"] if waits else ["sent", "delivered", "read"]

    async def report(self, message: SentByMeta, word: str, code: int | None) -> None:
        """Tell the account that hears of what sent this; nobody where none does."""
        if (account := self.nodes.get(message.node)) is not None:
            copies = 3 if self.troubles.take(frozenset({Trouble.TRIPLE}), to=message.to, sender=message.node) else 1
            await self.push(account, [meta_payloads.report(account, message, word, at=self.clock(), code=code)], copies=copies)

    # -- serving

    def sending(self) -> AbstractAsyncContextManager[object]:
        return self._sender

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        return await meta_api.handle(self, request)

    def routes(self) -> list[web.RouteDef]:
        """The Graph API inside a larger application."""
        return [web.route("*", path, self.handle) for path in (r"/v{version:[0-9]+\.[0-9]+}/{tail:.+}", "/whatsapp_business/{tail:.+}")]
