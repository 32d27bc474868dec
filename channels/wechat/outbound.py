"""What leaves for WeChat, as values, and what its answers mean (channels.md §8). Pure.

A text counts in bytes, not characters: 2048 of them are 682 Chinese characters. Nothing is ever split or cut.
"""

from __future__ import annotations

import json
import re
import secrets
from typing import Final
from urllib.parse import urlsplit

from channels.errors import CannotExpress
from channels.texts import storable
from channels.wechat.crypto import sealed, signature
from channels.wechat.signature import XML, sealed_part
from channels.wechat.tables import ERRORS, VALUE_LIMITS, WAIT_S
from hub.model.address import AddressClass
from hub.model.message import Account, OutboundMessage, ProviderRequest, ProviderResponse, RawRequest, Reply, SendCode, SendResult
from hub.model.sealed import Sealed

SEND: Final = "message/custom/send"
TEMPLATE: Final = "message/template/send"
MAX_TEXT_BYTES: Final = 2048
_TEMPLATE_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
_FIELD: Final = re.compile(r"([a-z_]{1,30})[0-9]{0,3}")
_CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def render(message: OutboundMessage, account: Account) -> ProviderRequest:
    """The send request. Raises CannotExpress: "not_wechat", "foreign_user", "too_long", "too_many_files", "no_caption", "empty",
    and for templates "template_name", "parameter".

    A template carries our own id: WeChat drops the second of two with the same within ten minutes.
    """
    to = _openid(message, account)
    if message.template_id:
        return ProviderRequest(operation=TEMPLATE, fields=Sealed(_template(message, account, to)))
    if message.media_urls:
        return ProviderRequest(operation=SEND, fields=Sealed({"touser": to, **_picture(message, account)}))
    return ProviderRequest(operation=SEND, fields=Sealed({"touser": to, "msgtype": "text", "text": {"content": _text(message, account)}}))


def _openid(message: OutboundMessage, account: Account) -> str:
    if message.to.kind is not AddressClass.WECHAT:
        raise CannotExpress(account.id, "not_wechat")
    owner, _, openid = message.to.value.reveal().rpartition(":")
    if owner != account.id or not openid:
        raise CannotExpress(account.id, "foreign_user")  # the id means nothing to another account
    return openid


def _text(message: OutboundMessage, account: Account) -> str:
    text = storable(message.text.reveal())
    if not text.strip():
        raise CannotExpress(account.id, "empty")
    if len(text.encode()) > MAX_TEXT_BYTES:
        raise CannotExpress(account.id, "too_long")
    return text


def _picture(message: OutboundMessage, account: Account) -> dict[str, object]:
    """A picture, which the transport hands to WeChat first: `url` becomes a media id there."""
    if len(message.media_urls) > 1:
        raise CannotExpress(account.id, "too_many_files")
    if message.text.reveal().strip():
        raise CannotExpress(account.id, "no_caption")
    return {"msgtype": "image", "image": {"url": message.media_urls[0].reveal()}}


def _template(message: OutboundMessage, account: Account, to: str) -> dict[str, object]:
    named = message.template_id or ""
    if not _TEMPLATE_ID.fullmatch(named):
        raise CannotExpress(account.id, "template_name")
    data: dict[str, object] = {}
    fields: dict[str, object] = {"touser": to, "template_id": named, "client_msg_id": str(message.id), "data": data}
    for name, value in message.template_variables:
        words = storable(value.reveal())
        if name == "url":
            if urlsplit(words).scheme != "https":
                raise CannotExpress(account.id, "parameter")
            fields["url"] = words
            continue
        found = _FIELD.fullmatch(name)
        if found is None or not words.strip() or len(words) > VALUE_LIMITS.get(found[1], 200):
            raise CannotExpress(account.id, "parameter")
        data[name] = {"value": words}
    return fields


def encode(fields: object) -> bytes:
    """The bytes of a call: real UTF-8, since WeChat shows `\\u` escapes as they stand."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def interpret(response: ProviderResponse) -> SendResult:
    """The fate of a send. Every refusal is a 200 with an errcode; anything else leaves the outcome unknown.

    A customer-service message is given no id; a template message is.
    """
    body = response.body.reveal()
    code = body.get("errcode")
    if response.status != 200 or type(code) is not int:
        return SendResult(code=SendCode.OUTCOME_UNKNOWN, error_code=str(response.status) if response.status != 200 else "no_code")
    if code == 0:
        named = body.get("msgid")
        return SendResult(code=SendCode.ACCEPTED, provider_message_id=str(named)[:64] if type(named) in (int, str) and named else None)
    told = str(code) if abs(code) < 10**9 else "unknown"
    known = ERRORS.get(code, SendCode.REJECTED)
    wait = (response.retry_after_s or WAIT_S.get(code)) if known is SendCode.THROTTLED else None
    return SendResult(code=known, error_code=told, retry_after_s=wait)


def answer(message: OutboundMessage, request: RawRequest, account: Account) -> Reply:
    """The message as the answer to the push it answers (a "passive reply"), sealed where the push was.

    Raises CannotExpress as `render`, and "no_passive" for what such an answer cannot be.
    """
    if message.template_id or message.media_urls:
        raise CannotExpress(account.id, "no_passive")
    stamp = int(request.received_at.timestamp())
    xml = (
        f"<xml><ToUserName>{_cdata(_openid(message, account))}</ToUserName><FromUserName>{_cdata(account.sender)}</FromUserName>"
        f"<CreateTime>{stamp}</CreateTime><MsgType><![CDATA[text]]></MsgType><Content>{_cdata(_text(message, account))}</Content></xml>"
    )
    if sealed_part(request.body) is not None:
        xml = _envelope(xml, stamp, account)
    return Reply(status=200, content_type=XML, body=xml.encode())


def _envelope(xml: str, stamp: int, account: Account) -> str:
    nonce, content = secrets.token_hex(8), sealed(xml, account)
    signed = signature(account.secrets["token"].reveal(), str(stamp), nonce, content)
    return (
        f"<xml><Encrypt>{_cdata(content)}</Encrypt><MsgSignature>{_cdata(signed)}</MsgSignature>"
        f"<TimeStamp>{stamp}</TimeStamp><Nonce>{_cdata(nonce)}</Nonce></xml>"
    )


def _cdata(text: str) -> str:
    """The text as character data: the sign that would end it is split, so that nobody's words break out (channels.md §8)."""
    return "<![CDATA[" + _CONTROLS.sub("\ufffd", text).replace("]]>", "]]]]><![CDATA[>") + "]]>"
