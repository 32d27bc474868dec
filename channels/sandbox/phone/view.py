"""What the practice phone shows, computed from the doubles and from what the hub tells of itself. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from channels.sandbox.doubles import Button, Do, Double, Item, Note, Person, Standing
from hub.model.address import Channel
from hub.model.message import Account

SHOWN: Final = 60  # bubbles of a thread
ON_SCREEN: Final = frozenset({Standing.DELIVERED, Standing.READ, Standing.LOST})
NAMES: Final = {
    Channel.WHATSAPP: ("WhatsApp", "c-wa"),
    Channel.SMS: ("SMS", "c-sms"),
    Channel.MESSENGER: ("Messenger", "c-ms"),
    Channel.INSTAGRAM: ("Instagram", "c-ig"),
    Channel.WECHAT: ("WeChat", "c-wc"),
    Channel.EMAIL: ("E-mail", "c-email"),
}
ORDER: Final = tuple(NAMES)
KINDS: Final = {"image": "Photo", "video": "Video", "audio": "Voice message"}
SIGNS: Final = ("👍", "❤️", "😢")
# What a channel allows with any message: one's own, and the clinic's.
WITH_OWN: Final = (Do.EDIT, Do.TAKE_BACK)
WITH_THEIRS: Final = (Do.REPLY, Do.REACT)
# What a channel allows at any time, and how the page calls it.
ANY_TIME: Final = {
    Do.READ: ("Mark as read", "i-tick2"),
    Do.LOCATION: ("Share where I am", "i-flag"),
    Do.STOP_NEWS: ("Stop promotions", "i-stop"),
    Do.RESUME_NEWS: ("Allow promotions", "i-door"),
    Do.FOLLOW: ("Follow", "i-door"),
    Do.UNFOLLOW: ("Stop following", "i-stop"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLine:
    """One thing the hub did, or (alarm) the trouble it met. icon: a drawing's name without its "i-".

    steps: what it proves of the exercise, if anything: "answered", "stopped", "refused", "closed:<channel>" or
    "open:<channel>", where "*" is every channel. wish: a person's wish was followed.
    """

    at: datetime
    icon: str
    title: str
    detail: str
    steps: tuple[str, ...] = ()
    wish: bool = False
    alarm: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """One channel of the phone: an account of the hub, and the double that plays its provider."""

    account: Account
    double: Double


@dataclass(frozen=True, slots=True, kw_only=True)
class Bubble:
    """One message. acts: what can be done with it here. quoted: the words it answers."""

    item: Item
    time: str
    acts: frozenset[Do]
    quoted: str = ""

    @property
    def files(self) -> list[str]:
        """What each file is, in a word; its name where it has one."""
        return [KINDS.get(file.partition("/")[0], "Document" if "/" in file else file.capitalize()) for file in self.item.files]

    @property
    def lost(self) -> str:
        """Why a message of the hub never arrived: the provider's code."""
        return (self.item.code or "unknown") if self.item.standing is Standing.LOST else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """One channel of the phone. rim: "full" when the person wrote there, "stop" when the hub closed it, else "none"."""

    key: str
    name: str
    drawing: str
    current: bool
    rim: str
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """Which steps of "Try this" are done."""

    asked: bool
    answered: bool
    stopped: bool
    refused: bool
    wrote_again: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """What the sheet above the writing line offers. plain: acts that need no more words, as (act, words, drawing)."""

    menu: Sequence[Button]
    files: bool
    story: bool
    plain: Sequence[tuple[Do, str, str]]

    @property
    def any(self) -> bool:
        return bool(self.menu or self.files or self.story or self.plain)


def apps(doubles: Sequence[Double]) -> list[App]:
    """Every channel the doubles play, in the phone's order."""
    found = [App(account=account, double=double) for double in doubles for account in double.accounts if account.channel in NAMES]
    return sorted(found, key=lambda app: ORDER.index(app.account.channel))


def thread(app: App, person: Person, zone: tzinfo) -> list[Bubble]:
    """The last messages between a person and an account, oldest first; what is not delivered yet is not on the screen."""
    items = [item for item in app.double.thread(app.account, person) if item.mine or item.standing in ON_SCREEN]
    abilities, words = app.double.abilities(app.account), {item.id: item.text for item in items}
    return [_bubble(item, abilities, words, zone) for item in sorted(items, key=lambda item: item.at)[-SHOWN:]]


def _bubble(item: Item, abilities: frozenset[Do], words: dict[str, str], zone: tzinfo) -> Bubble:
    usual = frozenset(WITH_OWN if item.mine else WITH_THEIRS) & abilities
    if item.mine and not item.text:
        usual -= {Do.EDIT}
    acts = frozenset() if item.taken_back else usual | item.acts
    return Bubble(item=item, time=item.at.astimezone(zone).strftime("%H:%M"), acts=acts, quoted=words.get(item.target, ""))


def extras(app: App) -> Extras:
    """What can be done on this channel besides writing."""
    abilities = app.double.abilities(app.account)
    return Extras(
        menu=app.double.menu(app.account) if Do.MENU in abilities else (),
        files=Do.FILE in abilities,
        story=Do.STORY in abilities,
        plain=[(do, *ANY_TIME[do]) for do in ANY_TIME if do in abilities],
    )


def tabs(all_apps: Sequence[App], chosen: App, person: Person, lines: Sequence[LedgerLine]) -> list[Tab]:
    """The phone's channels; each mark tells how the hub stands to the person there."""
    first = {app.account.channel: app for app in reversed(all_apps)}
    return [_tab(app, app is chosen, person, lines, first=first[app.account.channel] is app) for app in all_apps]


def _tab(app: App, current: bool, person: Person, lines: Sequence[LedgerLine], *, first: bool) -> Tab:
    channel = app.account.channel
    name, drawing = NAMES[channel]
    # The newest line that speaks of this channel decides.
    known = {f"closed:{channel}", f"open:{channel}", "closed:*"}
    told = next((step for line in lines for step in line.steps if step in known), "")
    if told.startswith("closed:"):
        rim, words = "stop", "asked to stop"
    elif any(item.mine and item.standing is Standing.STORED for item in app.double.thread(app.account, person)):
        rim, words = "full", "invited"
    else:
        rim, words = "none", "not invited"
    shown = name if first else f"{name} {app.double.title}"  # a second account on a channel is told by its provider
    return Tab(key=app.account.id, name=shown, drawing=drawing, current=current, rim=rim, told=f"{shown}: {words}")


def exercise(all_apps: Sequence[App], person: Person, lines: Sequence[LedgerLine]) -> Exercise:
    """How far the person playing has come."""
    items = [item for app in all_apps for item in app.double.thread(app.account, person)]
    wrote = [item.at for item in items if item.mine and item.standing is Standing.STORED]
    stopped = [line.at for line in lines if "stopped" in line.steps]
    return Exercise(
        asked=bool(wrote),
        answered=any("answered" in line.steps for line in lines),
        stopped=bool(stopped),
        refused=any("refused" in line.steps for line in lines),
        wrote_again=bool(stopped) and any(at > max(stopped) for at in wrote),
    )


def ledger(lines: Sequence[LedgerLine], all_apps: Sequence[App], person: Person, limit: int) -> list[LedgerLine]:
    """What the hub did, and between it what the providers did or saw; newest first."""
    noted = {id(note): note for app in all_apps for note in app.double.notes(app.account, person)}
    merged = [*lines, *(_noted(note) for note in noted.values())]
    return sorted(merged, key=lambda line: line.at, reverse=True)[:limit]


def _noted(note: Note) -> LedgerLine:
    return LedgerLine(at=note.at, icon="alert" if note.alarm else "info", title=note.title, detail=note.detail, alarm=note.alarm)
