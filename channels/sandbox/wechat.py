"""A loopback double of WeChat: the API of an official account, and the sender of its sealed pushes (channels.md §8, §11).

    double = WeChatDouble()
    async with double.serve(port=0):
        account options: api_base_url = double.base_url, media_host = double.media_host, sandbox = true
        double.own(account)
        await double.patient_writes(account, "oU1", "你好")
        await double.patient_leaves(account, "oU1")
        double.trouble(Trouble.THROTTLED, to="oU1")
        double.sent

It seals with wechatpy, comes three times when nobody answers within five seconds, gives tokens that expire, counts the five
messages of 48 hours, and never talks to any but the hub's own webhooks.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import aiohttp
from aiohttp import web

from channels.sandbox import wechat_api, wechat_payloads
from channels.sandbox.values import Changes, Rule, Trouble, Troubles
from channels.sandbox.wechat_payloads import SentByWeChat
from hub.model.message import Account

TRIES: Final = 3
PATIENCE_S: Final = 5.0
WINDOW: Final = timedelta(hours=48)
QUOTA: Final = 5
FAILED: Final = 0  # in place of an HTTP status: no answer, or none in time
MAX_MEDIA_KEPT: Final = 200
KINDS: Final = {"image": "image", "audio": "voice", "video": "video"}


class WeChatDouble:
    """One WeChat, with whatever official accounts the hub has there.

    patience_s: how long it waits for an answer before it comes again. counting: whether the window and its five messages are
    enforced. lasts_s: how long a token lives. web_url: where the hub is really reached, when that is not its public URL
    (`public_url`). clock: aware UTC.
    """

    def __init__(
        self,
        *,
        public_url: str = "",
        web_url: str = "",
        patience_s: float = PATIENCE_S,
        counting: bool = True,
        lasts_s: int = 7200,
        keep: int = 20_000,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.patience_s, self.counting, self.lasts_s, self.clock = patience_s, counting, lasts_s, clock
        self.base_url = ""
        self.messages: OrderedDict[str, SentByWeChat] = OrderedDict()
        self.counts: OrderedDict[str, int] = OrderedDict()  # our message id -> templates accepted
        self.media: OrderedDict[str, tuple[str, bytes]] = OrderedDict()  # id -> type and content
        self.secrets: dict[str, str] = {}  # app id -> app secret
        self.tokens: dict[str, str] = {}  # app id -> the token that is good
        self.expired: set[str] = set()
        self.token_calls: list[bool] = []  # whether each asked for a fresh one by force
        self.calls: list[str] = []  # every path that was called
        self.left: dict[tuple[str, str], tuple[datetime, int]] = {}  # app id and person: when they wrote, and what is left
        self.gone: set[str] = set()  # who does not follow
        self.named: dict[tuple[str, str], str] = {}  # person and client_msg_id -> the template message it was
        self.slow_s = 0.0
        self.rest_s = 0.0  # how long it rests before it comes again
        self.changes, self.troubles = Changes(), Troubles()
        self.closing = asyncio.Event()
        self._keep, self._reach = keep, (public_url, web_url) if public_url and web_url else None
        self._session: aiohttp.ClientSession | None = None

    # -- for tests, benches and the practice phone

    @property
    def sent(self) -> list[SentByWeChat]:
        """What was accepted, oldest first, passive answers too; the last `keep` of it."""
        return list(self.messages.values())

    @property
    def media_host(self) -> str:
        """Host and port, for the account option of the same name."""
        return self.base_url.removeprefix("http://")

    def sends_of(self, message_id: object) -> int:
        """How many template messages were accepted under one id of ours; no other message carries one."""
        return self.counts.get(str(message_id), 0)

    def own(self, account: Account) -> None:
        """Serve this account: its app id and secret may ask for tokens from now on."""
        self.secrets[str(account.options.get("app_id", ""))] = account.secrets["app_secret"].reveal()

    def trouble(self, kind: Trouble, *, to: str | None = None, times: int | None = 1, code: int | None = None, wait_s: float = 1.0) -> None:
        """Ask for trouble. to: a person's openid, None for anybody. times: None for ever. code: another errcode."""
        self.troubles.add(Rule(trouble=kind, to=to, left=times, code=code, wait_s=wait_s))

    def expire_tokens(self) -> None:
        """Every token given out so far is good for nothing."""
        self.expired |= set(self.tokens.values())
        self.tokens.clear()

    async def patient_writes(
        self, account: Account, from_: str, text: str, *, media: Sequence[tuple[str, bytes]] = (), copies: int = 1
    ) -> tuple[str, list[int]]:
        """A person writes: the XML of the (last) message, and the HTTP status of each copy. Opens the window again."""
        kept = [(KINDS.get(mime.partition("/")[0], "image"), mime, self.keep_media(content, mime)) for mime, content in media]
        pushes = [
            wechat_payloads.message(account, from_, kind, at=self.clock(), MediaId=media_id, Format=mime.rpartition("/")[2])
            for kind, mime, media_id in kept
        ]
        if text or not pushes:
            pushes.append(wechat_payloads.message(account, from_, "text", at=self.clock(), Content=text))
        self.wrote(account, from_)
        answers: list[int] = []
        for content in pushes:
            answers = await self.push(account, content, from_, copies=copies)
        return pushes[-1], answers

    async def patient_presses(self, account: Account, from_: str, key: str, *, copies: int = 1) -> list[int]:
        """A person presses a menu item: a minute for three messages, which the double counts as its window does."""
        return await self._happens(account, from_, "CLICK", copies, EventKey=key)

    async def patient_follows(self, account: Account, from_: str, scene: str = "", *, copies: int = 1) -> list[int]:
        """A person begins to follow, by a code where `scene` names one."""
        self.gone.discard(from_)
        more = {"EventKey": f"qrscene_{scene}", "Ticket": secrets.token_hex(8)} if scene else {"EventKey": ""}
        return await self._happens(account, from_, "subscribe", copies, **more)

    async def patient_leaves(self, account: Account, from_: str, *, copies: int = 1) -> list[int]:
        """A person stops following: nothing reaches them any more."""
        self.gone.add(from_)
        return await self._happens(account, from_, "unsubscribe", copies, EventKey="")

    async def template_ended(self, account: Account, to: str, msgid: str, status: str = "success") -> list[int]:
        """Tell what became of a template message."""
        return await self._happens(account, to, "TEMPLATESENDJOBFINISH", 1, MsgID=msgid, Status=status)

    async def _happens(self, account: Account, from_: str, name: str, copies: int, **fields: object) -> list[int]:
        return await self.push(account, wechat_payloads.event(account, from_, name, at=self.clock(), **fields), from_, copies=copies)

    def wrote(self, account: Account, from_: str) -> None:
        """A person wrote: the window opens, with all its messages."""
        self.left[str(account.options.get("app_id", "")), from_] = self.clock(), QUOTA

    async def push(self, account: Account, content: str, openid: str = "", *, copies: int = 1) -> list[int]:
        """Post one push, sealed afresh for each copy; each comes up to three times. The status of each copy's last try."""
        if self.troubles.take(frozenset({Trouble.TRIPLE}), to="", sender=""):
            copies = 3
        if (rule := self.troubles.take(frozenset({Trouble.LATE}), to=openid, sender="")) is not None:
            await asyncio.sleep(rule.wait_s)
        return list(await asyncio.gather(*(self._tries(account, content, openid) for _ in range(copies))))

    async def handshake(self, account: Account, echo: str = "4823847923") -> tuple[int, str]:
        """What WeChat does when the server's address is saved: the hub's status and answer."""
        query = wechat_payloads.handshake(account, echo, at=self.clock())
        async with self._opened().get(self._target(account, query), allow_redirects=False) as answer:
            return answer.status, await answer.text()

    async def _tries(self, account: Account, content: str, openid: str) -> int:
        status = FAILED
        for tried in range(TRIES):
            await asyncio.sleep(self.rest_s if tried else 0)
            push = wechat_payloads.sealed(account, content, at=self.clock(), openid=openid)
            status, answer = await self.post(account, push)
            if status == 200 and self._hears(account, openid, answer):
                return status
        return status

    async def post(self, account: Account, push: wechat_payloads.Push) -> tuple[int, bytes]:
        """One post of one push: status and answer, FAILED where there was none in time."""
        try:
            async with (
                asyncio.timeout(self.patience_s),
                self._opened().post(
                    self._target(account, push.query), data=push.body, headers={"Content-Type": "text/xml"}, allow_redirects=False
                ) as answer,
            ):
                return answer.status, await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError):
            return FAILED, b""

    def _hears(self, account: Account, openid: str, answer: bytes) -> bool:
        """Whether an answer is one WeChat understands; a passive one is shown to the person."""
        try:
            told = wechat_payloads.opened(account, answer)
        except Exception:
            return False
        if told is not None:
            app_id = str(account.options.get("app_id", ""))
            sid, body = secrets.token_hex(8), str(told.get("Content") or "")
            self.accept(SentByWeChat(sid=sid, app_id=app_id, to=openid, body=body, message_id="", how="passive", fields=dict(told)))
        return True

    # -- what the API does

    def token_for(self, app_id: str, *, fresh: bool) -> tuple[str, int]:
        """The token of an account and how long it lasts: the same one to everybody, unless a fresh one is asked for."""
        if fresh and app_id in self.tokens:
            self.expired.add(self.tokens.pop(app_id))
        if app_id not in self.tokens:
            self.tokens[app_id] = secrets.token_urlsafe(60)
        return self.tokens[app_id], self.lasts_s

    def whose(self, token: str) -> str | None:
        """The account a token is good for; None where it is nobody's."""
        return next((app_id for app_id, good in self.tokens.items() if good == token), None)

    def refusal(self, app_id: str, to: str) -> tuple[int, str] | None:
        """Why a customer-service message may not go to this person just now; one of the window's messages is used where it may."""
        if to in self.gone:
            return 43004, "require subscribe"
        if not self.counting:
            return None
        wrote, left = self.left.get((app_id, to), (None, 0))
        if wrote is None or self.clock() - wrote > WINDOW:
            return 45015, "response out of time limit or subscription is canceled"
        if left <= 0:
            return 45047, "out of response count limit"
        self.left[app_id, to] = wrote, left - 1
        return None

    def accept(self, message: SentByWeChat) -> None:
        """Take a message on."""
        self.messages[message.sid] = message
        if len(self.messages) > self._keep:
            self.messages.popitem(last=False)
        if message.message_id:
            self.counts[message.message_id] = self.counts.get(message.message_id, 0) + 1
        self.changes.notify()

    def keep_media(self, content: bytes, mime: str) -> str:
        """Hold a file; its id."""
        media_id = secrets.token_urlsafe(32)
        self.media[media_id] = (mime, content)
        while len(self.media) > MAX_MEDIA_KEPT:
            self.media.popitem(last=False)
        return media_id

    # -- serving

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the double is not open")
        return self._session

    def _target(self, account: Account, query: str) -> Any:
        from yarl import URL

        url = f"{account.public_url}/webhooks/{account.id}"
        if self._reach is not None and url.startswith(self._reach[0]):
            url = self._reach[1] + url[len(self._reach[0]) :]
        return URL(f"{url}?{query}", encoded=True)

    @asynccontextmanager
    async def open(self, base_url: str) -> AsyncIterator[None]:
        """Run without a server of its own: `wechat_api.handle` is mounted elsewhere, at `base_url`."""
        self.base_url = base_url
        async with aiohttp.ClientSession(trust_env=False, cookie_jar=aiohttp.DummyCookieJar()) as self._session:
            try:
                yield
            finally:
                self.closing.set()

    @asynccontextmanager
    async def serve(self, port: int = 0, host: str = "127.0.0.1") -> AsyncIterator[WeChatDouble]:
        """Serve on a port of its own; 0 takes a free one."""
        server = web.Server(lambda request: wechat_api.handle(self, request), access_log=None, keepalive_timeout=75)
        runner = web.ServerRunner(server, shutdown_timeout=0.5)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
            bound = runner.addresses[0]
            async with self.open(f"http://{bound[0]}:{bound[1]}"):
                yield self
        finally:
            await runner.cleanup()
