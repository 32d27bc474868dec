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

import secrets
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from aiohttp import web

from channels.sandbox import api
from channels.sandbox.doubles import Act, CannotDo, Do, Item, Person, Standing
from channels.sandbox.provider import STANDINGS, Pair, ProviderDouble, utc_now
from channels.sandbox.sender import Retry, WebhookSender
from channels.sandbox.values import OptOutMode, Rule, SentMessage, Trouble, WrittenMessage
from hub.model.address import Channel
from hub.model.message import Account

# Twilio's default keywords: the whole message, whatever its case (channels.md §4).
STOP_WORDS: Final = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
START_WORDS: Final = frozenset({"START", "YES", "UNSTOP"})
CONFIRMATIONS: Final = {
    "STOP": "You have successfully been unsubscribed. You will not receive any more messages from this number. Reply START to resubscribe.",
    "START": "You have successfully been re-subscribed to messages from this number. Reply HELP for help. Reply STOP to unsubscribe.",
}
ABILITIES: Final = {
    Channel.SMS: frozenset({Do.WRITE, Do.FILE}),
    Channel.WHATSAPP: frozenset({Do.WRITE, Do.FILE, Do.LOCATION, Do.PRESS, Do.REPLY}),
}
STRANGER: Final = "0" * 32  # a token nobody has: what an attacker signs with


class TwilioDouble(ProviderDouble[SentMessage]):
    """One provider account.

    web_url: where the hub is really reached, when that is not its public URL (`public_url`). statuses: whether callbacks
    are sent. pace: multiplies every delay; 0 for none. keep: how many messages are kept. clock: aware UTC.
    """

    name = "twilio"
    title = "Twilio"
    offers = frozenset(Trouble) - {Trouble.PUSH_BATCHED}  # Twilio makes one request of each message
    delays: ClassVar = {"queued": 0.02, "sent": 0.15, "delivered": 0.5, "undelivered": 0.5, "read": 1.6}

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
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        super().__init__(statuses=statuses, pace=pace, window=window, keep=keep, clock=clock)
        self.account_sid, self.auth_token, self.opt_out = account_sid, auth_token, opt_out
        self.creates = 0
        self.blocked: set[Pair] = set()  # (our sender, the person)
        self.written: OrderedDict[str, SentMessage] = OrderedDict()  # what people wrote, as its list shows it
        self._tokens: dict[str, str] = {}  # our sender -> the token of the subaccount that owns it
        self._sender = WebhookSender(reach=(public_url, web_url) if public_url and web_url else None, retry=retry)

    # -- for tests, benches and the practice phone

    def own(self, account: Account) -> None:
        """Let an account's sender belong to a subaccount with that account's own token."""
        ours, _ = self.pair_of(account, "")
        self._tokens[ours] = account.secrets["auth_token"].reveal()
        self.owned[account.id] = account

    def token_of(self, sender: str) -> str:
        """The token that signs for, and may send from, one of our senders."""
        return self._tokens.get(sender, self.auth_token)

    def knows(self, token: str) -> bool:
        return token == self.auth_token or token in self._tokens.values()

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
        pair = ours, theirs = self.pair_of(account, from_)
        sid = ("MM" if media else "SM") + secrets.token_hex(16)
        form = {"MessageSid": sid, "SmsSid": sid, "SmsMessageSid": sid, "AccountSid": self.account_sid, "From": theirs, "To": ours}
        form |= {"Body": text, "NumMedia": str(len(media)), "NumSegments": "1", "SmsStatus": "received", "ApiVersion": "2010-04-01"}
        if account.channel is Channel.WHATSAPP:
            kind = media[0][0].partition("/")[0] if media else "text"
            form |= {"MessageType": kind, "WaId": theirs.removeprefix("whatsapp:+"), "ProfileName": "Practice"}
        for index, (mime, content) in enumerate(media):
            form |= {f"MediaUrl{index}": self._keep_media(sid, mime, content), f"MediaContentType{index}": mime}
        form |= self._provider_stop(text, theirs, ours) | dict(fields or {})
        item = self.diary.add(pair, _item(sid, text, media, form, at=self.clock()))
        self.last_written[pair] = item.at
        self._list_written(sid, form, at=item.at)
        url = f"{account.public_url}/webhooks/{account.id}"

        async def deliver(times: int, forged: bool) -> list[int]:
            return await self._sender.post(url, form, STRANGER if forged else self.token_of(ours), copies=times)

        return WrittenMessage(sid=sid, fields=form, answers=await self.tell(pair, deliver, item=item, copies=copies))

    def abilities(self, account: Account) -> frozenset[Do]:
        """What a person can do by SMS, or by WhatsApp behind Twilio."""
        return ABILITIES[account.channel]

    def pair_of(self, account: Account, handle: str) -> Pair:
        """Both numbers, with the mark Twilio puts before those of WhatsApp."""
        prefix = "whatsapp:" if account.channel is Channel.WHATSAPP else ""
        return prefix + account.sender.removeprefix(prefix), prefix + handle.removeprefix(prefix)

    async def act(self, account: Account, person: Person, act: Act) -> list[int]:
        """The person does something. Raises CannotDo for what the channel has not."""
        if act.do not in self.abilities(account) | {Do.WRITE}:
            raise CannotDo(f"{account.channel} behind Twilio has no such thing.")
        fields = {"ProfileName": person.name} if account.channel is Channel.WHATSAPP else {}
        if act.do is Do.PRESS:
            fields |= {"ButtonText": act.text, "ButtonPayload": act.payload, "MessageType": "button"}
        elif act.do is Do.LOCATION and act.place is not None:
            fields |= {"Latitude": str(act.place[0]), "Longitude": str(act.place[1]), "MessageType": "location"}
        if act.target:
            found = self.diary.find(self.pair_of(account, person.number), act.target)
            fields |= {"OriginalRepliedMessageSid": found.id, "OriginalRepliedMessageSender": self.pair_of(account, person.number)[0]}
        files = [(file.mime, file.content) for file in act.files]
        return (await self.patient_writes(account, person.number, act.text, media=files, fields=fields)).answers

    def _provider_stop(self, text: str, sender: str, to: str) -> dict[str, str]:
        word = text.strip().upper()
        if self.opt_out is OptOutMode.OFF or word not in STOP_WORDS | START_WORDS:
            return {}
        kind = "STOP" if word in STOP_WORDS else "START"
        if kind == "STOP":
            self.blocked.add((to, sender))
        else:
            self.blocked.discard((to, sender))
        self.remember(self.new_message({"To": sender, "From": to, "Body": CONFIRMATIONS[kind]}, status="delivered"))
        return {"OptOutType": kind} if self.opt_out is OptOutMode.ADVANCED else {}

    def _list_written(self, sid: str, form: Mapping[str, str], *, at: datetime) -> None:
        urls = tuple(form[f"MediaUrl{index}"] for index in range(int(form["NumMedia"])))
        self.written[sid] = SentMessage(
            sid=sid,
            sender=form["From"],
            to=form["To"],
            body=form["Body"],
            media_urls=urls,
            content_sid="",
            callback="",
            created_at=at,
            status="received",
        )
        if len(self.written) > self._keep:
            self.written.popitem(last=False)

    def _keep_media(self, sid: str, mime: str, content: bytes) -> str:
        path = f"/2010-04-01/Accounts/{self.account_sid}/Messages/{sid}/Media/ME{secrets.token_hex(16)}"
        self.keep_file(path, mime, content)
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
        return super().accept(message)

    def shown(self, message: SentMessage) -> Item:
        """A message of the hub's as the person will see it."""
        standing = STANDINGS.get(message.status, Standing.ACCEPTED)
        text = message.body or (f"Template {message.content_sid}" if message.content_sid else "")
        files = tuple("file" for _ in message.media_urls)
        return Item(id=message.sid, at=message.created_at, mine=False, text=text, standing=standing, files=files)

    def words_of(self, message: SentMessage, *, failing: bool) -> list[str]:
        """Twilio's statuses, in their order; only WhatsApp tells of reading."""
        if failing:
            return ["queued", "sent", "undelivered"]
        return ["queued", "sent", "delivered", *(["read"] if message.to.startswith("whatsapp:") else [])]

    def failure_of(self, message: SentMessage, rule: Rule | None) -> int | None:
        """The code of what was asked for, or of a WhatsApp window that is shut."""
        if rule is not None and rule.trouble is Trouble.UNDELIVERED:
            return rule.code or 30003
        if self.window is None or not message.to.startswith("whatsapp:") or message.content_sid:
            return None
        last = self.last_written.get(message.pair)
        return 63016 if last is None or self.clock() - last > self.window else None

    async def report(self, message: SentMessage, word: str, code: int | None) -> None:
        """Post one status to the message's own callback address."""
        message.error_code = code
        if not message.callback:
            return
        form = {"MessageSid": message.sid, "SmsSid": message.sid, "MessageStatus": word, "SmsStatus": word}
        form |= {"AccountSid": self.account_sid, "From": message.sender, "To": message.to, "ApiVersion": "2010-04-01"}
        if code:
            form["ErrorCode"] = str(code)
        if message.to.startswith("whatsapp:"):
            form["ChannelPrefix"] = "whatsapp"
            if word == "read":
                form["EventType"] = "READ"
        triple = self.troubles.take(frozenset({Trouble.TRIPLE}), to=message.to, sender=message.sender)
        await self._sender.post(message.callback, form, self.token_of(message.sender), copies=3 if triple else 1)

    # -- serving

    def sending(self) -> AbstractAsyncContextManager[object]:
        return self._sender

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        return await api.handle(self, request)

    def routes(self) -> list[web.RouteDef]:
        """The REST API inside a larger application."""
        return [web.route("*", "/2010-04-01/{tail:.*}", self.handle)]


def _item(sid: str, text: str, media: Sequence[tuple[str, bytes]], form: Mapping[str, str], *, at: datetime) -> Item:
    place = (float(form["Latitude"]), float(form["Longitude"])) if "Latitude" in form else None
    return Item(
        id=sid,
        at=at,
        mine=True,
        text=text,
        standing=Standing.SENDING,
        files=tuple(mime for mime, _ in media),
        place=place,
        target=form.get("OriginalRepliedMessageSid", ""),
    )


if __name__ == "__main__":
    from channels.sandbox.alone import main

    main()
