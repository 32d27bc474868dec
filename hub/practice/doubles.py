"""The doubles of this sandbox: one of each provider that an account marked `sandbox` has. A new double is one line of MAKERS."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from channels.sandbox.doubles import Double
from channels.sandbox.mail import MailDouble
from channels.sandbox.meta import MetaDouble
from channels.sandbox.twilio import TwilioDouble
from channels.sandbox.wechat_phone import WeChatOnPhone
from hub.model.address import Channel
from hub.model.message import Account
from hub.settings import Settings

READ_BY_HAND: Final = frozenset({Channel.MESSENGER, Channel.INSTAGRAM})


def doubles_of(settings: Settings) -> list[Double]:
    """The doubles, each with its accounts. Empty when no account is the sandbox's, or none can be played."""
    ours = [account for account in settings.accounts.values() if account.options.get("sandbox") is True]
    found = []
    for adapters, make in MAKERS.items():
        accounts = [account for account in ours if account.adapter in adapters]
        if accounts:
            found.append(make(accounts, settings))
    return found


def _twilio(accounts: Sequence[Account], settings: Settings) -> Double:
    first = accounts[0]
    double = TwilioDouble(
        str(first.options.get("account_sid", "")),
        first.secrets["auth_token"].reveal(),
        public_url=settings.public_url,
        web_url=web_url(settings),
    )
    for account in accounts:
        double.own(account)
    return double


def _meta(accounts: Sequence[Account], settings: Settings) -> Double:
    secrets = accounts[0].secrets
    double = MetaDouble(
        secrets["app_secret"].reveal(),
        secrets["access_token"].reveal(),
        public_url=settings.public_url,
        web_url=web_url(settings),
        unread=READ_BY_HAND,
    )
    for account in accounts:
        double.own(account)
    return double


def _wechat(accounts: Sequence[Account], settings: Settings) -> Double:
    double = WeChatOnPhone(public_url=settings.public_url, web_url=web_url(settings))
    for account in accounts:
        double.own(account)
    return double


def _mail(accounts: Sequence[Account], settings: Settings) -> Double:
    double = MailDouble(public_url=settings.public_url, web_url=web_url(settings), smtp_port=int(accounts[0].options.get("smtp_port", 0)))
    for account in accounts:
        double.own(account)
    return double


def web_url(settings: Settings) -> str:
    """Where the hub is really reached from here."""
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104  compared, not bound
    return f"http://{host}:{settings.port}"


MAKERS: Final[Mapping[frozenset[str], Callable[[Sequence[Account], Settings], Double]]] = {
    frozenset({"sms_twilio", "whatsapp_twilio"}): _twilio,
    frozenset({"whatsapp_meta", "messenger_meta", "instagram_meta"}): _meta,
    frozenset({"wechat_official"}): _wechat,
    frozenset({"email"}): _mail,
}
