"""What the WeChat double says, as values: pushes as XML, sealed by wechatpy's own cipher, and what was accepted. No I/O."""

from __future__ import annotations

import hashlib
import itertools
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode
from xml.sax.saxutils import escape

import xmltodict  # type: ignore[import-untyped]  # comes with wechatpy; ships no types

from hub.model.message import Account

PLAIN: Final = frozenset({"CreateTime", "MsgId", "MsgID", "Location_X", "Location_Y", "Scale", "Latitude", "Longitude", "Precision"})
_numbers = itertools.count(24_000_000_000_000_000)


@dataclass(slots=True, kw_only=True)
class SentByWeChat:
    """One message the double accepted. message_id: the hub's own, which only templates carry. how: "service", "template", "passive"."""

    sid: str
    app_id: str
    to: str
    body: str
    message_id: str
    how: str
    fields: dict[str, Any] = field(repr=False)
    status: str = "accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """One push, ready to be posted: the query that signs it, and the body."""

    query: str
    body: bytes


def head(account: Account, from_: str, at: datetime) -> dict[str, object]:
    """What every push begins with."""
    return {"ToUserName": account.sender, "FromUserName": from_, "CreateTime": int(at.timestamp())}


def message(account: Account, from_: str, kind: str, *, at: datetime, **fields: object) -> str:
    """A message of a person as XML, with an id of its own."""
    return xml(head(account, from_, at) | {"MsgType": kind, **fields, "MsgId": next(_numbers)})


def event(account: Account, from_: str, name: str, *, at: datetime, **fields: object) -> str:
    """An event as XML; events have no id."""
    return xml(head(account, from_, at) | {"MsgType": "event", "Event": name, **fields})


def xml(fields: dict[str, object]) -> str:
    """Fields as WeChat writes them: words as character data, numbers bare, a dict or a list of them one level deeper."""
    return "<xml>" + "".join(_element(name, value) for name, value in fields.items()) + "</xml>"


def _element(name: str, value: object) -> str:
    if isinstance(value, list):
        return "".join(_element(name, item) for item in value)
    if isinstance(value, dict):
        return f"<{name}>" + "".join(_element(inner, item) for inner, item in value.items()) + f"</{name}>"
    if name in PLAIN:
        return f"<{name}>{escape(str(value))}</{name}>"
    return f"<{name}><![CDATA[{str(value).replace(']]>', ']]]]><![CDATA[>')}]]></{name}>"


def crypto_of(account: Account) -> Any:
    """wechatpy's own cipher and signer for an account."""
    from wechatpy.crypto import WeChatCrypto

    return WeChatCrypto(account.secrets["token"].reveal(), account.secrets["aes_key"].reveal(), str(account.options.get("app_id", "")))


def sealed(account: Account, content: str, *, at: datetime, openid: str = "") -> Push:
    """A push in safe mode."""
    stamp, nonce = str(int(at.timestamp())), secrets.token_hex(5)
    envelope = xmltodict.parse(crypto_of(account).encrypt_message(content, nonce, stamp))["xml"]
    body = xml({"ToUserName": account.sender, "Encrypt": envelope["Encrypt"]})
    query = {"signature": sign(account, stamp, nonce), "timestamp": stamp, "nonce": nonce}
    if openid:
        query["openid"] = openid
    query |= {"encrypt_type": "aes", "msg_signature": envelope["MsgSignature"]}
    return Push(query=urlencode(query), body=body.encode())


def plain(account: Account, content: str, *, at: datetime, openid: str = "") -> Push:
    """A push in plain mode, whose signature does not cover the body."""
    stamp, nonce = str(int(at.timestamp())), secrets.token_hex(5)
    query = {"signature": sign(account, stamp, nonce), "timestamp": stamp, "nonce": nonce, "openid": openid}
    return Push(query=urlencode(query), body=content.encode())


def handshake(account: Account, echo: str, *, at: datetime) -> str:
    """The query of the set-up challenge."""
    stamp, nonce = str(int(at.timestamp())), secrets.token_hex(5)
    return urlencode({"signature": sign(account, stamp, nonce), "timestamp": stamp, "nonce": nonce, "echostr": echo})


def sign(account: Account, *parts: str) -> str:
    """The plain signature: hex SHA-1 over the sorted token and parts."""
    joined = "".join(sorted((account.secrets["token"].reveal(), *parts)))
    return hashlib.sha1(joined.encode(), usedforsecurity=False).hexdigest()


def opened(account: Account, answer: bytes) -> dict[str, str] | None:
    """The passive answer in the body of a webhook's answer, opened as WeChat would; None where it is empty or none."""
    if not answer or answer == b"success":
        return None
    found = xmltodict.parse(answer)["xml"]
    if "Encrypt" in found:
        content = crypto_of(account).decrypt_message(found, found["MsgSignature"], found["TimeStamp"], found["Nonce"])
        found = xmltodict.parse(content)["xml"]
    return dict(found)
