"""A loopback double of Twilio: its REST API for messages and media, and what it would then do (channels.md §3-§5, §11).

    double = TwilioDouble("AC…", "token")
    async with double.serve(port=0):
        account options: api_base_url = double.base_url, media_host = double.media_host, sandbox = true
        await double.patient_writes(account, "+447700900123", "Hello")
        double.trouble(Trouble.THROTTLED, to="+447700900123")
        double.sent

`python -m channels.sandbox.twilio --port 4010` serves it alone. It keeps what it was sent, up to a bound, and counts
sends per message of ours, so that "exactly once" can be checked. It never talks to any but the hub's own webhooks.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from aiohttp import web

from channels.sandbox import api
from channels.sandbox.sender import Retry, WebhookSender
from channels.sandbox.values import AT_DELIVERY, Changes, OptOutMode, Rule, SentMessage, Trouble, Troubles, WrittenMessage
from hub.model.address import Channel
from hub.model.message import Account

# Twilio's default keywords: the whole message, whatever its case (channels.md §4).
STOP_WORDS: Final = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
START_WORDS: Final = frozenset({"START", "YES", "UNSTOP"})
CONFIRMATIONS: Final = {
    "STOP": "You have successfully been unsubscribed. You will not receive any more messages from this number. Reply START to resubscribe.",
    "START": "You have successfully been re-subscribed to messages from this number. Reply HELP for help. Reply STOP to unsubscribe.",
}
# Seconds after the create at which each status comes, at pace 1.
DELAYS: Final = {"queued": 0.02, "sent": 0.15, "delivered": 0.5, "undelivered": 0.5, "read": 1.6}
KEEP_COUNTS: Final = 1_000_000
MAX_MEDIA_KEPT: Final = 200


class TwilioDouble:
    """One provider account.

    web_url: where the hub is really reached, when that is not its public URL (`public_url`). statuses: whether callbacks
    are sent. pace: multiplies every delay; 0 for none. keep: how many messages are kept. clock: aware UTC.
    """

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        *,
        public_url: str = "",
        web_url: str = "",
        statuses: bool = True,
        pace: float = 1.0,
        opt_out: OptOutMode = OptOutMode.OFF,
        window: timedelta | None = None,
        retry: Retry | None = None,
        keep: int = 20_000,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.account_sid, self.auth_token = account_sid, auth_token
        self.statuses, self.pace, self.opt_out, self.window = statuses, pace, opt_out, window
        self.base_url = ""
        self.messages: OrderedDict[str, SentMessage] = OrderedDict()
        self.written: deque[WrittenMessage] = deque(maxlen=keep)
        self.counts: OrderedDict[str, int] = OrderedDict()  # our message id -> creates accepted
        self.creates = 0
        self.media: OrderedDict[str, tuple[str, bytes]] = OrderedDict()
        self.changes = Changes()
        self.troubles = Troubles()
        self.blocked: set[tuple[str, str]] = set()  # (our sender, the person)
        self.closing = asyncio.Event()
        self.clock = clock
        self.last_written: dict[tuple[str, str], datetime] = {}
        self._keep = keep
        self._tokens: dict[str, str] = {}  # our sender -> the token of the subaccount that owns it
        self._sender = WebhookSender(reach=(public_url, web_url) if public_url and web_url else None, retry=retry)
        self._tasks: set[asyncio.Task[Any]] = set()

    # -- for tests, benches and the practice phone

    @property
    def sent(self) -> list[SentMessage]:
        """What was accepted, oldest first, the last `keep` of it."""
        return list(self.messages.values())

    @property
    def media_host(self) -> str:
        """Host and port, for the account option of the same name."""
        return self.base_url.removeprefix("http://")

    def own(self, account: Account) -> None:
        """Let an account's sender belong to a subaccount with that account's own token."""
        prefix = "whatsapp:" if account.channel is Channel.WHATSAPP else ""
        self._tokens[prefix + account.sender.removeprefix(prefix)] = account.secrets["auth_token"].reveal()

    def token_of(self, sender: str) -> str:
        """The token that signs for, and may send from, one of our senders."""
        return self._tokens.get(sender, self.auth_token)

    def knows(self, token: str) -> bool:
        return token == self.auth_token or token in self._tokens.values()

    def sends_of(self, message_id: object) -> int:
        """How many creates were accepted for one message of ours."""
        return self.counts.get(str(message_id), 0)

    def doubled(self) -> list[str]:
        """Our message ids that were accepted more than once."""
        return [message_id for message_id, count in self.counts.items() if count > 1]

    def trouble(
        self,
        kind: Trouble,
        *,
        to: str | None = None,
        sender: str | None = None,
        times: int | None = 1,
        code: int | None = None,
        wait_s: float = 1.0,
    ) -> None:
        """Ask for trouble. to, sender: None for anybody. times: None for ever. wait_s: Retry-After, or how late."""
        self.troubles.add(Rule(trouble=kind, to=to, sender=sender, left=times, code=code, wait_s=wait_s))

    async def patient_writes(
        self,
        account: Account,
        from_: str,
        text: str,
        *,
        media: Sequence[tuple[str, bytes]] = (),
        fields: Mapping[str, str] | None = None,
        copies: int = 1,
    ) -> WrittenMessage:
        """A person writes to an account of the hub. from_: E.164. media: type and bytes. fields: more form fields.

        Returns when the hub has answered; `answers` holds the HTTP status of each copy, 0 where none came.
        """
        whatsapp = account.channel is Channel.WHATSAPP
        prefix = "whatsapp:" if whatsapp else ""
        sender, to = prefix + from_.removeprefix(prefix), prefix + account.sender.removeprefix(prefix)
        sid = ("MM" if media else "SM") + secrets.token_hex(16)
        form = {"MessageSid": sid, "SmsSid": sid, "SmsMessageSid": sid, "AccountSid": self.account_sid, "From": sender, "To": to}
        form |= {"Body": text, "NumMedia": str(len(media)), "NumSegments": "1", "SmsStatus": "received", "ApiVersion": "2010-04-01"}
        if whatsapp:
            kind = media[0][0].partition("/")[0] if media else "text"
            form |= {"MessageType": kind, "WaId": from_.removeprefix("whatsapp:+").removeprefix("+"), "ProfileName": "Practice"}
        for index, (mime, content) in enumerate(media):
            form |= {f"MediaUrl{index}": self._keep_media(sid, mime, content), f"MediaContentType{index}": mime}
        form |= self._provider_stop(text, sender, to)
        written = WrittenMessage(
            sid=sid, account_id=account.id, sender=sender, to=to, body=text, at=self.clock(), fields=form | dict(fields or {})
        )
        self.written.append(written)
        self.last_written[(to, sender)] = written.at
        self.changes.notify()
        await self.deliver(written, f"{account.public_url}/webhooks/{account.id}", copies=copies)
        return written

    async def deliver(self, written: WrittenMessage, url: str, *, copies: int = 1) -> None:
        """Post a person's message to the hub, again if it was posted before."""
        if self.troubles.take(frozenset({Trouble.TRIPLE}), to=written.to, sender=written.sender):
            copies = 3
        answers = await self._sender.post(url, written.fields, self.token_of(written.to), copies=copies)
        written.answers.extend(answers)
        if any(200 <= status < 300 for status in answers):
            written.state = "stored"
        elif written.state == "sending":
            written.state = "refused"
        self.changes.notify()

    def _provider_stop(self, text: str, sender: str, to: str) -> dict[str, str]:
        word = text.strip().upper()
        if self.opt_out is OptOutMode.OFF or word not in STOP_WORDS | START_WORDS:
            return {}
        kind = "STOP" if word in STOP_WORDS else "START"
        if kind == "STOP":
            self.blocked.add((to, sender))
        else:
            self.blocked.discard((to, sender))
        self._remember(self.new_message({"To": sender, "From": to, "Body": CONFIRMATIONS[kind]}, status="delivered"))
        return {"OptOutType": kind} if self.opt_out is OptOutMode.ADVANCED else {}

    def _keep_media(self, sid: str, mime: str, content: bytes) -> str:
        path = f"/2010-04-01/Accounts/{self.account_sid}/Messages/{sid}/Media/ME{secrets.token_hex(16)}"
        self.media[path] = (mime, content)
        while len(self.media) > MAX_MEDIA_KEPT:
            self.media.popitem(last=False)
        return self.base_url + path

    # -- accepting and reporting

    def new_message(self, form: Mapping[str, str], *, status: str = "queued", media_urls: tuple[str, ...] = ()) -> SentMessage:
        """A message as the provider would make it of a create request."""
        return SentMessage(
            sid=("MM" if media_urls else "SM") + secrets.token_hex(16),
            sender=form.get("From", ""),
            to=form.get("To", ""),
            body=form.get("Body", ""),
            media_urls=media_urls,
            content_sid=form.get("ContentSid", ""),
            callback=form.get("StatusCallback", ""),
            created_at=self.clock(),
            status=status,
        )

    def accept(self, message: SentMessage) -> Coroutine[Any, Any, None] | None:
        """Take a message on. What must happen before the answer goes out is returned, to be awaited by the caller."""
        self.creates += 1
        self._remember(message)
        if (ours := message.message_id) is not None:
            self.counts[ours] = self.counts.get(ours, 0) + 1
            if len(self.counts) > KEEP_COUNTS:
                self.counts.popitem(last=False)
        rule = self.troubles.take(AT_DELIVERY, to=message.to, sender=message.sender)
        if not self.statuses:
            return None
        report = self._report(message, rule)
        if rule is not None and rule.trouble is Trouble.EARLY:
            return report
        self._spawn(report)
        return None

    def _remember(self, message: SentMessage) -> None:
        self.messages[message.sid] = message
        if len(self.messages) > self._keep:
            self.messages.popitem(last=False)
        self.changes.notify()

    async def _report(self, message: SentMessage, rule: Rule | None) -> None:
        """Send the statuses of one message, each at its time."""
        trouble = rule.trouble if rule else None
        if trouble is Trouble.SILENT:
            return
        if rule and trouble is Trouble.LATE:
            await asyncio.sleep(rule.wait_s)
        code = self._failure(message, rule)
        words = ["queued", "sent", "undelivered" if code else "delivered"]
        if message.to.startswith("whatsapp:") and not code:
            words.append("read")
        if trouble is Trouble.REORDERED:
            words.reverse()
        elapsed = 0.0
        for word in words:
            due = DELAYS[word] * self.pace
            if trouble is not Trouble.EARLY and due > elapsed:
                await asyncio.sleep(due - elapsed)
                elapsed = due
            message.error_code = code if word == "undelivered" else None
            message.status = word if trouble is not Trouble.REORDERED else words[0]
            self.changes.notify()
            await self._callback(message, word)

    def _failure(self, message: SentMessage, rule: Rule | None) -> int | None:
        if rule is not None and rule.trouble is Trouble.UNDELIVERED:
            return rule.code or 30003
        if self.window is None or not message.to.startswith("whatsapp:") or message.content_sid:
            return None
        last = self.last_written.get((message.sender, message.to))
        return 63016 if last is None or self.clock() - last > self.window else None

    async def _callback(self, message: SentMessage, word: str) -> None:
        if not message.callback:
            return
        form = {"MessageSid": message.sid, "SmsSid": message.sid, "MessageStatus": word, "SmsStatus": word}
        form |= {"AccountSid": self.account_sid, "From": message.sender, "To": message.to, "ApiVersion": "2010-04-01"}
        if word == "undelivered" and message.error_code:
            form["ErrorCode"] = str(message.error_code)
        if message.to.startswith("whatsapp:"):
            form["ChannelPrefix"] = "whatsapp"
            if word == "read":
                form["EventType"] = "READ"
        triple = self.troubles.take(frozenset({Trouble.TRIPLE}), to=message.to, sender=message.sender)
        await self._sender.post(message.callback, form, self.token_of(message.sender), copies=3 if triple else 1)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Wait until every status under way has been sent."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    # -- serving

    @asynccontextmanager
    async def open(self, base_url: str) -> AsyncIterator[None]:
        """Run without a server of its own: `api.handle` is mounted elsewhere, at `base_url`."""
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
    async def serve(self, port: int = 0, host: str = "127.0.0.1") -> AsyncIterator[TwilioDouble]:
        """Serve on a port of its own; 0 takes a free one."""
        server = web.Server(lambda request: api.handle(self, request), access_log=None, keepalive_timeout=75)
        runner = web.ServerRunner(server, shutdown_timeout=0.5)
        await runner.setup()
        try:
            site = web.TCPSite(runner, host, port)
            await site.start()
            bound = runner.addresses[0]
            async with self.open(f"http://{bound[0]}:{bound[1]}"):
                yield self
        finally:
            await runner.cleanup()


if __name__ == "__main__":
    from channels.sandbox.alone import main

    main()
