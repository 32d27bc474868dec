"""WeChat on the practice phone: the double with what `doubles.Double` asks for on top. It adds no protocol of its own."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final

from aiohttp import web

from channels.sandbox import wechat_api, wechat_payloads
from channels.sandbox.doubles import Act, Button, CannotDo, Diary, Do, Item, Note, Person, Standing
from channels.sandbox.values import Rule, Trouble
from channels.sandbox.wechat import WeChatDouble
from channels.sandbox.wechat_payloads import SentByWeChat
from hub.model.message import Account
from hub.model.sealed import Sealed

ABILITIES: Final = frozenset({Do.WRITE, Do.FILE, Do.LOCATION, Do.PRESS, Do.MENU, Do.FOLLOW, Do.UNFOLLOW})
MENU: Final = (Button(text="咨询 Ask us", payload="ASK"), Button(text="营业时间 Hours", payload="HOURS"))
FORGER: Final = Sealed("a-token-nobody-has")
LAST_KEPT: Final = 1000

Pair = tuple[str, str]  # the account's app id, and the person's open id


class WeChatOnPhone(WeChatDouble):
    """WeChat with a diary, notes and the panel's troubles."""

    name = "wechat"
    title = "WeChat"
    offers = frozenset(
        {
            Trouble.SLOW,
            Trouble.SERVER_ERROR,
            Trouble.CREDENTIALS,
            Trouble.THROTTLED,
            Trouble.HANG,
            Trouble.FORGED,
            Trouble.TRIPLE,
            Trouble.PUSH_LATE,
        }
    )

    def __init__(self, *, public_url: str = "", web_url: str = "") -> None:
        super().__init__(public_url=public_url, web_url=web_url)
        self.diary = Diary()
        self.owned: dict[str, Account] = {}
        self._last: OrderedDict[Pair, Callable[[], Awaitable[list[int]]]] = OrderedDict()

    @property
    def accounts(self) -> Sequence[Account]:
        """The accounts it was given with `own`."""
        return list(self.owned.values())

    def own(self, account: Account) -> None:
        """Serve this account, and show it on the phone."""
        super().own(account)
        self.owned[account.id] = account

    def abilities(self, account: Account) -> frozenset[Do]:
        """What a follower can do."""
        return ABILITIES

    def menu(self, account: Account) -> Sequence[Button]:
        """The account's own menu."""
        return MENU

    def thread(self, account: Account, person: Person) -> Sequence[Item]:
        """What the person sees there, oldest first."""
        return self.diary.between(pair_of(account, person.handle(account.channel)))

    def notes(self, account: Account, person: Person) -> Sequence[Note]:
        """What was done or seen about the two, and about everybody."""
        pair = pair_of(account, person.handle(account.channel))
        return [note for note in self.diary.notes if note.pair in (None, pair)]

    async def act(self, account: Account, person: Person, act: Act) -> list[int]:
        """The person does something. Raises CannotDo for what WeChat has not."""
        if act.do not in ABILITIES:
            raise CannotDo("WeChat has no such thing.")
        openid = person.handle(account.channel)
        pair = pair_of(account, openid)
        if act.do is Do.FOLLOW:
            self._note("Followed the account", "From its page", pair)
            return await self.patient_follows(account, openid)
        if act.do is Do.UNFOLLOW:
            self._note("Stopped following the account", "Nothing reaches this person any more", pair)
            return await self.patient_leaves(account, openid)
        files = tuple(file.mime for file in act.files)
        item = Item(
            id=secrets.token_hex(8), at=self.clock(), mine=True, text=act.text, standing=Standing.SENDING, files=files, place=act.place
        )
        self.diary.add(pair, item)
        self.changes.notify()
        answers = await self._said(account, openid, act)
        item.standing = Standing.STORED if 200 in answers else Standing.REFUSED
        self.changes.notify()
        return answers

    async def _said(self, account: Account, openid: str, act: Act) -> list[int]:
        if act.do is Do.PRESS:
            return await self.patient_presses(account, openid, act.payload)
        if act.do is Do.LOCATION and act.place is not None:
            north, east = act.place
            self.wrote(account, openid)
            place = {"Location_X": north, "Location_Y": east, "Scale": 15, "Label": "London"}
            return await self.push(account, wechat_payloads.message(account, openid, "location", at=self.clock(), **place), openid)
        media = [(file.mime, file.content) for file in act.files]
        return (await self.patient_writes(account, openid, act.text, media=media))[1]

    async def again(self, account: Account, person: Person) -> list[int]:
        """Deliver the person's last event once more. Raises CannotDo when there is none."""
        last = self._last.get(pair_of(account, person.handle(account.channel)))
        if last is None:
            raise CannotDo("Write a message first.")
        return await last()

    async def push(self, account: Account, content: str, openid: str = "", *, copies: int = 1) -> list[int]:
        """As the double's own, with the panel's troubles before it."""
        pair, usual = pair_of(account, openid), super().push
        self._last[pair] = lambda: usual(account, content, openid)
        while len(self._last) > LAST_KEPT:
            self._last.popitem(last=False)
        if self._take(Trouble.FORGED) is not None:
            forger = replace(account, secrets={**account.secrets, "token": FORGER})
            status, _ = await self.post(account, wechat_payloads.sealed(forger, content, at=self.clock(), openid=openid))
            self._note("A message with a wrong signature was tried", f"The hub answered {status or 'nothing'}", pair, alarm=True)
            return [status]
        if (rule := self._take(Trouble.PUSH_LATE)) is not None:
            await asyncio.sleep(rule.wait_s)
        answers = await usual(account, content, openid, copies=copies)
        if len(answers) > 1:
            told = ", ".join(str(status or "nothing") for status in answers)
            self._note(f"Delivered {len(answers)} times at once", f"The hub answered {told}", pair, alarm=True)
        return answers

    def accept(self, message: SentByWeChat) -> None:
        """Take a message on, and show it at once: WeChat tells nobody when it was read."""
        text = message.body or ("Template" if message.how == "template" else "")
        files = ("image",) if message.fields.get("msgtype") == "image" else ()
        shown = Item(id=message.sid, at=self.clock(), mine=False, text=text, standing=Standing.DELIVERED, files=files)
        self.diary.add((message.app_id, message.to), shown)
        super().accept(message)

    @property
    def slow_s(self) -> float:
        """How long each answer takes just now."""
        rule = next((rule for rule in self.troubles.standing() if rule.trouble is Trouble.SLOW), None)
        return rule.wait_s if rule is not None else self._slow_s

    @slow_s.setter
    def slow_s(self, seconds: float) -> None:
        self._slow_s = seconds

    def routes(self) -> list[web.RouteDef]:
        """WeChat's API inside a larger application."""
        return wechat_api.routes(self)

    def _take(self, kind: Trouble) -> Rule | None:
        return self.troubles.take(frozenset({kind}), to="", sender="")

    def _note(self, title: str, detail: str, pair: Pair, *, alarm: bool = False) -> None:
        self.diary.notes.append(Note(at=self.clock(), title=title, detail=detail, pair=pair, alarm=alarm))
        self.changes.notify()


def pair_of(account: Account, openid: str) -> Pair:
    """The account and the person, as WeChat knows both."""
    return str(account.options.get("app_id", "")), openid
