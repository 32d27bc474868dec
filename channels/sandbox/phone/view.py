"""What the practice phone shows, computed from the double and from what the hub tells of itself. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from channels.sandbox.phone.people import Person
from channels.sandbox.twilio import TwilioDouble
from channels.sandbox.values import SentMessage, WrittenMessage
from hub.model.address import Channel
from hub.model.message import Account

SHOWN: Final = 60  # bubbles of a thread
ARRIVED: Final = frozenset({"delivered", "read"})
LOST: Final = frozenset({"undelivered", "failed"})
NAMES: Final = {Channel.WHATSAPP: ("WhatsApp", "c-wa"), Channel.SMS: ("SMS", "c-sms")}


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLine:
    """One thing the hub did. icon: a drawing's name without its "i-". step: what it proves of the exercise, if anything:
    "answered", "stopped", "refused", "closed:<channel>" or "open:<channel>". wish: a person's wish was followed."""

    at: datetime
    icon: str
    title: str
    detail: str
    steps: tuple[str, ...] = ()
    wish: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bubble:
    """One message. mine: the patient wrote it. tick: "sending", "stored", "refused" or "" for the hub's own."""

    at: datetime
    time: str
    text: str
    mine: bool
    tick: str = ""
    lost: str = ""  # why a message of the hub never arrived: the provider's code


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """One channel of the phone. rim: "full" when the person wrote there, "stop" when the hub closed it, else "none"."""

    channel: str
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


def address_on(account: Account, number: str) -> str:
    """A number as the provider spells it on this account's channel."""
    return f"whatsapp:{number}" if account.channel is Channel.WHATSAPP else number


def thread(double: TwilioDouble, account: Account, person: Person, zone: tzinfo) -> list[Bubble]:
    """The last messages between a person and an account, oldest first."""
    theirs, ours = address_on(account, person.number), address_on(account, account.sender.removeprefix("whatsapp:"))
    found = [_written(w, zone) for w in double.written if w.sender == theirs and w.to == ours]
    found += [_sent(m, zone) for m in double.messages.values() if m.to == theirs and m.sender == ours and m.status in ARRIVED | LOST]
    return sorted(found, key=lambda bubble: bubble.at)[-SHOWN:]


def _written(message: WrittenMessage, zone: tzinfo) -> Bubble:
    return Bubble(at=message.at, time=_clock(message.at, zone), text=message.body, mine=True, tick=message.state)


def _sent(message: SentMessage, zone: tzinfo) -> Bubble:
    lost = str(message.error_code or "unknown") if message.status in LOST else ""
    return Bubble(at=message.created_at, time=_clock(message.created_at, zone), text=message.body, mine=False, lost=lost)


def _clock(at: datetime, zone: tzinfo) -> str:
    return at.astimezone(zone).strftime("%H:%M")


def tabs(double: TwilioDouble, accounts: Sequence[Account], chosen: Account, person: Person, lines: Sequence[LedgerLine]) -> list[Tab]:
    """The phone's channels; each mark tells how the hub stands to the person there."""
    return [_tab(double, account, account is chosen, person, lines) for account in accounts]


def _tab(double: TwilioDouble, account: Account, current: bool, person: Person, lines: Sequence[LedgerLine]) -> Tab:
    name, drawing = NAMES[account.channel]
    theirs = address_on(account, person.number)
    # The newest line that speaks of this channel decides.
    told = next((s for line in lines for s in line.steps if s in (f"closed:{account.channel}", f"open:{account.channel}")), "")
    if told.startswith("closed:"):
        rim, words = "stop", "asked to stop"
    elif any(w.sender == theirs and w.state == "stored" for w in double.written):
        rim, words = "full", "invited"
    else:
        rim, words = "none", "not invited"
    return Tab(channel=account.channel.value, name=name, drawing=drawing, current=current, rim=rim, told=f"{name}: {words}")


def exercise(double: TwilioDouble, accounts: Sequence[Account], person: Person, lines: Sequence[LedgerLine]) -> Exercise:
    """How far the person playing has come."""
    theirs = {address_on(account, person.number) for account in accounts}
    wrote = [w.at for w in double.written if w.sender in theirs and w.state == "stored"]
    stopped = [line.at for line in lines if "stopped" in line.steps]
    return Exercise(
        asked=bool(wrote),
        answered=any("answered" in line.steps for line in lines),
        stopped=bool(stopped),
        refused=any("refused" in line.steps for line in lines),
        wrote_again=bool(stopped) and any(at > max(stopped) for at in wrote),
    )
