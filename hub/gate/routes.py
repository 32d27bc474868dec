"""Which account carries a message, and what it can do."""

from __future__ import annotations

from collections.abc import Mapping

from channels.registry import ADAPTERS
from hub.model.address import Channel
from hub.model.ids import AccountId
from hub.model.message import Account, Capabilities


def account_for(accounts: Mapping[AccountId, Account], channel: Channel, *, prefer: str | None) -> Account | None:
    """The account for an answer on `channel`: the conversation's own where it fits, else the first that carries it."""
    own = accounts.get(AccountId(prefer)) if prefer else None
    if own is not None and own.channel is channel:
        return own
    return next((a for a in accounts.values() if a.channel is channel and a.outbound), None)


def capabilities(account: Account) -> Capabilities:
    """What the account's adapter declares."""
    return ADAPTERS[account.adapter].capabilities


def window_messages(account: Account | None) -> int | None:
    """Free messages within the reply window: as the account's option says, else as its adapter declares; None: no such number."""
    declared = capabilities(account).reply_window_messages if account else None
    given = account.options.get("window_messages") if account else None
    return given if declared is not None and type(given) is int and given >= 0 else declared


def route_ok(account: Account | None) -> bool:
    """Whether anything may leave here: outbound declared, switched on, and its processor registered (policy R36)."""
    return account is not None and account.outbound and bool(account.processor) and capabilities(account).outbound
