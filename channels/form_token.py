"""The contact form's token: a signed statement of what one rendered form showed, and when.

It is the form's CSRF token, its minimum and maximum age, and the proof behind each consent: a submission can only
agree to wordings, subjects and a privacy notice that this very form put on the screen (policy R2, R12, R13).
It carries no personal data and is not secret.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from hub.model.address import Channel
from hub.model.message import Attestation
from hub.model.sealed import Sealed

_LONGEST = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownConsent:
    """One consent box as shown, unticked."""

    channel: Channel
    purpose: str
    wording_id: str
    wording_version: int
    locale: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FormShown:
    """What the form showed. issued_at: aware UTC, whole seconds. interests: the ids of the subjects offered."""

    form_id: str
    issued_at: datetime
    locale: str
    notice_version: str
    consents: tuple[ShownConsent, ...]
    interests: tuple[str, ...]
    adult: Attestation | None = None  # the box "I am 18 or over", unticked; None where the form showed none


class _Payload(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    form_id: str
    issued_at: int
    locale: str
    notice_version: str
    consents: list[tuple[str, str, str, int, str]]
    interests: list[str]
    adult: tuple[str, int, str] | None = None


def issue(shown: FormShown, key: Sealed[str]) -> str:
    """The token for one rendered form."""
    payload = _Payload(
        shown.form_id,
        int(shown.issued_at.timestamp()),
        shown.locale,
        shown.notice_version,
        [(c.channel, c.purpose, c.wording_id, c.wording_version, c.locale) for c in shown.consents],
        list(shown.interests),
        (shown.adult.wording_id, shown.adult.wording_version, shown.adult.locale) if shown.adult else None,
    )
    body = base64.urlsafe_b64encode(msgspec.json.encode(payload)).rstrip(b"=")
    return f"{body.decode()}.{_sign(body, key)}"


def read(token: str, key: Sealed[str]) -> FormShown:
    """What was shown. Raises ValueError, telling nothing, for a token this key did not sign."""
    body, _, signature = token[:_LONGEST].encode("utf-8", "surrogatepass").partition(b".")
    if not hmac.compare_digest(_sign(body, key).encode(), signature):
        raise ValueError("form token")
    try:
        p = msgspec.json.decode(base64.urlsafe_b64decode(body + b"=" * (-len(body) % 4)), type=_Payload)
        shown = tuple(
            ShownConsent(channel=Channel(c), purpose=purpose, wording_id=wording, wording_version=version, locale=locale)
            for c, purpose, wording, version, locale in p.consents
        )
    except (msgspec.MsgspecError, binascii.Error, ValueError) as error:
        raise ValueError("form token") from error
    return FormShown(
        form_id=p.form_id,
        issued_at=datetime.fromtimestamp(p.issued_at, UTC),
        locale=p.locale,
        notice_version=p.notice_version,
        consents=shown,
        interests=tuple(p.interests),
        adult=Attestation(wording_id=p.adult[0], wording_version=p.adult[1], locale=p.adult[2]) if p.adult else None,
    )


def _sign(body: bytes, key: Sealed[str]) -> str:
    # The prefix keeps this use of the key apart from every other one.
    digest = hmac.digest(key.reveal().encode(), b"form-token-1\0" + body, "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
