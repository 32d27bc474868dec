"""Signed webhooks by the thousand, made before the clock starts."""

from __future__ import annotations

import itertools
from urllib.parse import urlencode
from uuid import uuid4

from twilio.request_validator import RequestValidator

from bench.load import post
from hub.model.ids import AccountId
from hub.settings import Settings

_serial = itertools.count(1)


def whatsapp_webhook(settings: Settings, *, phone: str, text: str, path: str = "/webhooks/whatsapp-sandbox") -> bytes:
    """One inbound WhatsApp message as Twilio posts and signs it."""
    account = settings.accounts[AccountId("whatsapp-sandbox")]
    fields = {
        "MessageSid": f"SM{next(_serial):032x}",
        "AccountSid": str(account.options["account_sid"]),
        "From": f"whatsapp:{phone}",
        "To": f"whatsapp:{account.sender}",
        "Body": text,
        "NumMedia": "0",
        "MessageType": "text",
        "ProfileName": "Amy",
        "WaId": phone.lstrip("+"),
    }
    validator = RequestValidator(account.secrets["auth_token"].reveal())
    signature = validator.compute_signature(f"{account.public_url}{path}", fields)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
    return post(path, urlencode(fields).encode(), headers)


def sms_webhook(settings: Settings, *, phone: str, text: str) -> bytes:
    """One inbound SMS as Twilio posts and signs it."""
    account = settings.accounts[AccountId("sms-sandbox")]
    sid = f"SM{uuid4().hex}"
    fields = {
        "MessageSid": sid,
        "AccountSid": str(account.options["account_sid"]),
        "From": phone,
        "To": account.sender,
        "Body": text,
        "NumMedia": "0",
    }
    path = f"/webhooks/{account.id}"
    signature = RequestValidator(account.secrets["auth_token"].reveal()).compute_signature(f"{account.public_url}{path}", fields)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
    return post(path, urlencode(fields).encode(), headers)


def phone(n: int) -> str:
    """The nth made-up mobile number."""
    return f"+4477{n:08}"


TEXTS = (
    "Hello, do you do lip filler?",
    "What are your opening hours on Saturday?",
    "Thank you, see you on Tuesday at 3",
    "stop please, thanks",
)


def conversation(settings: Settings, count: int, *, people: int, path: str = "/webhooks/whatsapp-sandbox") -> list[bytes]:
    """`count` messages of `people` senders; one in fifty is a stop."""
    return [
        whatsapp_webhook(settings, phone=phone(n % people), text=TEXTS[3] if n % 50 == 49 else TEXTS[n % 3], path=path)
        for n in range(count)
    ]
