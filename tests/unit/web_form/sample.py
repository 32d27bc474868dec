"""A form as shown, and submissions of it, for the tests of the contact form."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec

from channels.form_token import FormShown, ShownConsent, issue
from hub.model.address import Channel
from hub.model.ids import AccountId
from hub.model.message import Account, RawRequest
from hub.model.sealed import Sealed

NOW = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)
KEY = Sealed("form-key-for-tests")
BACKEND_KEY = "backend-key-for-tests"
ORIGIN = "https://hub.clinic.example"
ACCOUNT = Account(
    id=AccountId("form"),
    adapter="web_form",
    channel=Channel.WEB_FORM,
    sender="",
    public_url=ORIGIN,
    secrets={"form_token_key": KEY, "backend_key": Sealed(BACKEND_KEY)},
    options={"allowed_origins": "https://clinic.example, https://www.clinic.example:8443"},
    processor="",
    outbound=False,
)
FORM_TYPE = "application/x-www-form-urlencoded"


def shown(*, age: timedelta = timedelta(seconds=40), locale: str = "en") -> FormShown:
    return FormShown(
        form_id="main",
        issued_at=NOW - age,
        locale=locale,
        notice_version="privacy_notice@1",
        consents=tuple(
            ShownConsent(channel=c, purpose="newsletter", wording_id=f"consent_{c}", wording_version=1, locale=locale)
            for c in (Channel.EMAIL, Channel.SMS, Channel.WHATSAPP)
        ),
        interests=("laser", "body"),
    )


def token(**options: Any) -> str:
    return issue(shown(**options), KEY)


def fields(**changes: Any) -> dict[str, Any]:
    base = {
        "name": "Amy O'Neil",
        "email": "Amy@Example.org",
        "phone": "07700 900123",
        "message": "How much is a consultation?",
        "submission_id": "0b7c5a6e-8f0c-4a53-9d0e-5f3c7f7f1a10",
        "website": "",
        "form_token": token(),
    }
    return {k: v for k, v in (base | changes).items() if v is not None}


def request(body: bytes, content_type: str = FORM_TYPE, **headers: str | None) -> RawRequest:
    given = {"content-type": content_type, "origin": ORIGIN} | {k.replace("_", "-"): v for k, v in headers.items()}
    return RawRequest(
        method="POST",
        path_and_query="/enquire",
        headers={k: v for k, v in given.items() if v is not None},
        body=body,
        received_at=NOW,
        remote_ip="203.0.113.77",
    )


def posted(headers: dict[str, str | None] | None = None, **changes: Any) -> RawRequest:
    return request(urlencode(fields(**changes), doseq=True).encode(), **(headers or {}))


def as_json(headers: dict[str, str | None] | None = None, **changes: Any) -> RawRequest:
    return request(msgspec.json.encode(fields(**changes)), "application/json", **(headers or {}))


def as_multipart(*extra: str, **changes: Any) -> RawRequest:
    parts = [f'Content-Disposition: form-data; name="{k}"\r\n\r\n{v}' for k, v in fields(**changes).items()]
    body = "".join(f"--xYx\r\n{p}\r\n" for p in (*parts, *extra)) + "--xYx--\r\n"
    return request(body.encode(), "multipart/form-data; boundary=xYx")


def signed(raw: RawRequest, *, at: datetime = NOW, key: str = BACKEND_KEY) -> dict[str, str | None]:
    """Headers of a site's back end for this body: signed, and without an Origin."""
    stamp = str(int(at.timestamp()))
    digest = hmac.new(key.encode(), stamp.encode() + b"." + raw.body, "sha256").hexdigest()
    return {"origin": None, "x_form_signature": f"t={stamp},v1={digest}"}
