"""What the contract suite needs to know of each adapter: an account, how the provider signs, a genuine body, a message
to send, and the double it is sent to."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

from twilio.request_validator import RequestValidator

from channels import (
    email,
    form_token,
    instagram_meta,
    messenger_meta,
    sms_twilio,
    web_form,
    wechat_official,
    whatsapp_meta,
    whatsapp_twilio,
)
from channels.mail import webhook
from channels.sandbox import wechat_payloads
from channels.sandbox.meta import MetaDouble
from channels.sandbox.twilio import TwilioDouble
from channels.sandbox.wechat import WeChatDouble
from channels.wechat.signature import sealed_part
from hub.model.address import Address, AddressClass, Channel
from hub.model.ids import AccountId, MessageId, uuid7
from hub.model.message import Account, Adapter, OutboundMessage, RawRequest
from hub.model.sealed import Sealed

NOW = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)
PUBLIC_URL = "https://hub.example.org"
ACCOUNT_SID = "AC00000000000000000000000000000001"
TOKEN = "0123456789abcdef0123456789abcdef"
FORM_KEY = "form-token-key-of-the-contract-suite"
BACKEND_KEY = "backend-key-of-the-contract-suite"
FORM_TYPE = "application/x-www-form-urlencoded"

AnyDouble = TwilioDouble | MetaDouble | WeChatDouble
Double = AbstractAsyncContextManager[AnyDouble]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """signature_header: lower case; signature_query: where the signature stands in the address instead. names_messages: whether
    the provider gives a message an id, and takes ours. meaning: what of a body the signature covers; two bodies that mean the same are one
    delivery. stale: a request signed too long ago, where the protocol signs a time. words: provider words of ours to map.
    """

    adapter: Adapter
    account: Account
    path: str
    body: bytes
    signature_header: str
    sign: Callable[[bytes, str], RawRequest]
    meaning: Callable[[bytes], object]
    stale: RawRequest | None = None
    outbound: OutboundMessage | None = None
    double: Callable[[], Double] | None = None
    secrets: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    signature_query: str = ""
    names_messages: bool = True

    def request(self, body: bytes | None = None, path: str | None = None) -> RawRequest:
        """A genuine request."""
        return self.sign(self.body if body is None else body, path or self.path)

    def signature_of(self, request: RawRequest) -> str:
        """What the provider claims."""
        if self.signature_query:
            return dict(parse_qsl(request.path_and_query.partition("?")[2]))[self.signature_query]
        return request.headers[self.signature_header]

    def with_signature(self, request: RawRequest, claimed: str | None) -> RawRequest:
        """The request under another signature; None leaves it out."""
        if not self.signature_query:
            kept = {name: value for name, value in request.headers.items() if name != self.signature_header}
            return replace(request, headers=kept if claimed is None else {**kept, self.signature_header: claimed})
        path, _, query = request.path_and_query.partition("?")
        pairs = [(name, value) for name, value in parse_qsl(query) if name != self.signature_query]
        pairs += [] if claimed is None else [(self.signature_query, claimed)]
        return replace(request, path_and_query=f"{path}?{urlencode(pairs, errors='surrogateescape')}")

    def at(self, double: AnyDouble) -> Account:
        """The account, pointed at a double."""
        options = dict(self.account.options) | {"api_base_url": double.base_url, "media_host": double.media_host, "sandbox": True}
        return replace(self.account, options=options)


def raw(path: str, body: bytes, headers: Mapping[str, str], at: datetime = NOW) -> RawRequest:
    return RawRequest(method="POST", path_and_query=path, headers=headers, body=body, received_at=at)


def twilio_account(kind: str, channel: Channel, sender: str, **options: Any) -> Account:
    return Account(
        id=AccountId(channel.value),
        adapter=kind,
        channel=channel,
        sender=sender,
        public_url=PUBLIC_URL,
        secrets={"auth_token": Sealed(TOKEN), "auth_token_secondary": Sealed("secondary-" + TOKEN)},
        options={"account_sid": ACCOUNT_SID} | options,
        processor="twilio",
    )


def sign_twilio(body: bytes, path: str, token: str = TOKEN, content_type: str = FORM_TYPE) -> RawRequest:
    """Sign a form body as Twilio does: every field, blanks too."""
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True):
        values.setdefault(name, []).append(value)
    signature = RequestValidator(token).compute_signature(PUBLIC_URL + path, _Multi(values))
    return raw(path, body, {"content-type": content_type, "x-twilio-signature": signature})


class _Multi(dict[str, list[str]]):
    def getall(self, name: str) -> list[str]:
        return self[name]


def twilio_meaning(body: bytes) -> object:
    """The string Twilio signs after the URL: names and distinct values, sorted, run together."""
    pairs = set(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    return "".join(name + value for name, value in sorted(pairs))


def sign_form(body: bytes, path: str, at: datetime = NOW) -> RawRequest:
    """Sign as a website's own back end does."""
    stamp = str(int(at.timestamp()))
    digest = hmac.new(BACKEND_KEY.encode(), stamp.encode() + b"." + body, "sha256").hexdigest()
    return raw(path, body, {"content-type": FORM_TYPE, "x-form-signature": f"t={stamp},v1={digest}"})


def outbound(kind: AddressClass, value: str, text: str = "Hello, yes, our doctors do.") -> OutboundMessage:
    return OutboundMessage(id=MessageId(uuid7()), to=Address(kind=kind, value=Sealed(value)), text=Sealed(text))


SMS_BODY = urlencode(
    {
        "MessageSid": "SM00000000000000000000000000000001",
        "AccountSid": ACCOUNT_SID,
        "From": "+447700900123",
        "To": "+447700900456",
        "Body": "Hi, do you do lip filler? £",
        "NumMedia": "0",
        "NumSegments": "1",
    }
).encode()
WHATSAPP_BODY = urlencode(
    {
        "MessageSid": "SM00000000000000000000000000000002",
        "AccountSid": ACCOUNT_SID,
        "From": "whatsapp:+447700900123",
        "To": "whatsapp:+447700900456",
        "WaId": "447700900123",
        "ProfileName": "Meiling 陈",
        "MessageType": "text",
        "Body": "Hello, do you do lip filler?",
        "NumMedia": "0",
    }
).encode()

FORM_ACCOUNT = Account(
    id=AccountId("site"),
    adapter="web_form",
    channel=Channel.WEB_FORM,
    sender="site",
    public_url=PUBLIC_URL,
    secrets={"form_token_key": Sealed(FORM_KEY), "backend_key": Sealed(BACKEND_KEY)},
    options={},
    processor="self",
)
FORM_TOKEN = form_token.issue(
    form_token.FormShown(
        form_id="enquire", issued_at=NOW - timedelta(minutes=2), locale="en-GB", notice_version="notice-1", consents=(), interests=()
    ),
    Sealed(FORM_KEY),
)
FORM_BODY = urlencode(
    {
        "form_token": FORM_TOKEN,
        "submission_id": "0b7c5a6e-8f0c-4a53-9d0e-5f3c7f7f1a10",
        "name": "Amy O'Neil",
        "email": "amy@example.org",
        "message": "How much is lip filler?",
        "website": "",
    }
).encode()

APP_SECRET = "app-secret-0001"
ACCESS_TOKEN = "EAATOKEN"
META_SECRETS = (APP_SECRET, ACCESS_TOKEN, "verify-token-0001")


def meta_account(kind: str, channel: Channel, sender: str, **options: Any) -> Account:
    return Account(
        id=AccountId(f"{channel.value}-meta"),
        adapter=kind,
        channel=channel,
        sender=sender,
        public_url=PUBLIC_URL,
        secrets={"app_secret": Sealed(APP_SECRET), "access_token": Sealed(ACCESS_TOKEN), "verify_token": Sealed("verify-token-0001")},
        options=options,
        processor="meta",
    )


def sign_meta(body: bytes, path: str, secret: str = APP_SECRET) -> RawRequest:
    """Sign the raw bytes as Meta does."""
    digest = hmac.new(secret.encode(), body, "sha256").hexdigest()
    return raw(path, body, {"content-type": "application/json", "x-hub-signature-256": f"sha256={digest}"})


def meta_double() -> Double:
    return MetaDouble(APP_SECRET, ACCESS_TOKEN, statuses=False).serve()


CLOUD_VALUE = {
    "messaging_product": "whatsapp",
    "metadata": {"display_phone_number": "447700900456", "phone_number_id": "PN1"},
    "contacts": [{"profile": {"name": "Amy", "username": "amy.o"}, "wa_id": "447700900123", "user_id": "GB.13491208655302741918"}],
    "messages": [
        {
            "from": "447700900123",
            "from_user_id": "GB.13491208655302741918",
            "id": "wamid.A1",
            "timestamp": "1760000000",
            "type": "text",
            "text": {"body": "Hi, do you do lip filler? £"},
        }
    ],
}
CLOUD_BODY = json.dumps(
    {"object": "whatsapp_business_account", "entry": [{"id": "WABA1", "changes": [{"field": "messages", "value": CLOUD_VALUE}]}]}
).encode()


def direct_body(kind: str, ours: str, person: str, mid: str) -> bytes:
    """A plain text of Messenger or Instagram."""
    said = {
        "sender": {"id": person},
        "recipient": {"id": ours},
        "timestamp": 1760000000100,
        "message": {"mid": mid, "text": "Hi, do you do lip filler? £"},
    }
    return json.dumps({"object": kind, "entry": [{"id": ours, "time": 1760000000123, "messaging": [said]}]}).encode()


WECHAT_APP, WECHAT_TOKEN, WECHAT_KEY = "wx0000000000000001", "hubtoken", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
WECHAT_SECRET = "wechat-app-secret-0001"
WECHAT_ACCOUNT = Account(
    id=AccountId("wechat"),
    adapter="wechat_official",
    channel=Channel.WECHAT,
    sender="gh_clinic",
    public_url=PUBLIC_URL,
    secrets={"token": Sealed(WECHAT_TOKEN), "aes_key": Sealed(WECHAT_KEY), "app_secret": Sealed(WECHAT_SECRET)},
    options={"app_id": WECHAT_APP},
    processor="tencent",
)
WECHAT_BODY = (
    "<xml><ToUserName><![CDATA[gh_clinic]]></ToUserName><FromUserName><![CDATA[oUSER000000000000000000000001]]></FromUserName>"
    "<CreateTime>1760000000</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[你好]]></Content>"
    "<MsgId>24000000000000001</MsgId></xml>"
).encode()


def sign_wechat(body: bytes, path: str, at: datetime = NOW) -> RawRequest:
    """Seal the XML as WeChat does in safe mode, with wechatpy's cipher; what is no text comes as half a character would."""
    push = wechat_payloads.sealed(WECHAT_ACCOUNT, body.decode("utf-8", "replace"), at=at)
    return raw(f"{path.partition('?')[0]}?{push.query}", push.body, {"content-type": "text/xml"}, at)


def wechat_double() -> Double:
    double = WeChatDouble(counting=False)
    double.own(WECHAT_ACCOUNT)
    return double.serve()


TWILIO_SECRETS = (TOKEN,)


def twilio_double() -> Double:
    return TwilioDouble(ACCOUNT_SID, TOKEN, statuses=False).serve()


MAIL_KEY, ADDRESS_KEY = "webhook-key-of-the-contract-suite", "address-key-of-the-contract-suite"
MAIL_ACCOUNT = Account(
    id=AccountId("mail"),
    adapter="email",
    channel=Channel.EMAIL,
    sender="hello@clinic.example",
    public_url=PUBLIC_URL,
    secrets={"address_key": Sealed(ADDRESS_KEY), "webhook_key": Sealed(MAIL_KEY)},
    options={"signed_domains": "in.clinic.example", "data_addresses": "data@clinic.example", "stop_addresses": "stop@clinic.example"},
    processor="mail-provider",
)
MAIL_BODY = b"""From: Amy O'Neil <amy@example.org>\r
To: hello@clinic.example\r
Subject: Lips\r
Date: Tue, 24 Nov 2026 10:59:00 +0000\r
Message-ID: <a1@example.org>\r
\r
How much is lip filler?\r
"""


def sign_mail(body: bytes, path: str, at: datetime = NOW) -> RawRequest:
    stamp = int(at.timestamp())
    headers = {"content-type": "message/rfc822", webhook.SIGNATURE_HEADER: webhook.sign(MAIL_KEY, body, at=stamp)}
    return RawRequest(method="POST", path_and_query=path, headers=headers, body=body, received_at=NOW)


SAMPLES: dict[str, Sample] = {
    "sms_twilio": Sample(
        adapter=sms_twilio.ADAPTER,
        account=twilio_account("sms_twilio", Channel.SMS, "+447700900456"),
        path="/webhooks/sms",
        body=SMS_BODY,
        signature_header="x-twilio-signature",
        sign=sign_twilio,
        meaning=twilio_meaning,
        outbound=outbound(AddressClass.PHONE, "+447700900123"),
        double=twilio_double,
        secrets=TWILIO_SECRETS,
    ),
    "whatsapp_twilio": Sample(
        adapter=whatsapp_twilio.ADAPTER,
        account=twilio_account("whatsapp_twilio", Channel.WHATSAPP, "whatsapp:+447700900456"),
        path="/webhooks/whatsapp",
        body=WHATSAPP_BODY,
        signature_header="x-twilio-signature",
        sign=sign_twilio,
        meaning=twilio_meaning,
        outbound=outbound(AddressClass.PHONE, "+447700900123"),
        double=twilio_double,
        secrets=TWILIO_SECRETS,
    ),
    "whatsapp_meta": Sample(
        adapter=whatsapp_meta.ADAPTER,
        account=meta_account("whatsapp_meta", Channel.WHATSAPP, "+447700900456", phone_number_id="PN1"),
        path="/webhooks/whatsapp-meta",
        body=CLOUD_BODY,
        signature_header="x-hub-signature-256",
        sign=sign_meta,
        meaning=lambda body: body,
        outbound=outbound(AddressClass.PHONE, "+447700900123"),
        double=meta_double,
        secrets=META_SECRETS,
    ),
    "messenger_meta": Sample(
        adapter=messenger_meta.ADAPTER,
        account=meta_account("messenger_meta", Channel.MESSENGER, "PAGE1"),
        path="/webhooks/messenger-meta",
        body=direct_body("page", "PAGE1", "PSID1", "m_1"),
        signature_header="x-hub-signature-256",
        sign=sign_meta,
        meaning=lambda body: body,
        outbound=outbound(AddressClass.MESSENGER, "messenger-meta:PSID1"),
        double=meta_double,
        secrets=META_SECRETS,
    ),
    "instagram_meta": Sample(
        adapter=instagram_meta.ADAPTER,
        account=meta_account("instagram_meta", Channel.INSTAGRAM, "IG1"),
        path="/webhooks/instagram-meta",
        body=direct_body("instagram", "IG1", "IGSID1", "ig_1"),
        signature_header="x-hub-signature-256",
        sign=sign_meta,
        meaning=lambda body: body,
        outbound=outbound(AddressClass.INSTAGRAM, "instagram-meta:IGSID1"),
        double=meta_double,
        secrets=META_SECRETS,
    ),
    "wechat_official": Sample(
        adapter=wechat_official.ADAPTER,
        account=WECHAT_ACCOUNT,
        path="/webhooks/wechat",
        body=WECHAT_BODY,
        signature_header="",
        signature_query="msg_signature",
        sign=sign_wechat,
        meaning=sealed_part,
        stale=sign_wechat(WECHAT_BODY, "/webhooks/wechat", NOW - timedelta(seconds=601)),
        outbound=outbound(AddressClass.WECHAT, "wechat:oUSER000000000000000000000001"),
        double=wechat_double,
        secrets=(WECHAT_TOKEN, WECHAT_KEY, WECHAT_SECRET),
        names_messages=False,
    ),
    "web_form": Sample(
        adapter=web_form.ADAPTER,
        account=FORM_ACCOUNT,
        path="/webhooks/site",
        body=FORM_BODY,
        signature_header="x-form-signature",
        sign=sign_form,
        meaning=lambda body: body,
        stale=sign_form(FORM_BODY, "/webhooks/site", NOW - timedelta(seconds=301)),
        secrets=(FORM_KEY, BACKEND_KEY),
    ),
    "email": Sample(
        adapter=email.ADAPTER,
        account=MAIL_ACCOUNT,
        path="/webhooks/mail",
        body=MAIL_BODY,
        signature_header=webhook.SIGNATURE_HEADER,
        sign=sign_mail,
        meaning=lambda body: body,
        stale=sign_mail(MAIL_BODY, "/webhooks/mail", NOW - timedelta(seconds=301)),
        secrets=(MAIL_KEY, ADDRESS_KEY),
    ),
}
