"""The link that confirms a consent: a signed consent id, nothing else. Pure.

It names nobody, works for the one consent, and works once: whether the consent is still open is asked of the store when it
is used. Opening it confirms nothing; mail scanners open every link (policy §8.1).
"""

from __future__ import annotations

import base64
import binascii
import hmac
from uuid import UUID

from hub.model.sealed import Sealed

_LONGEST = 120


def issue(consent_id: UUID, key: Sealed[str]) -> str:
    """The token for one consent; fit for a URL."""
    return _text(consent_id.bytes + _sign(consent_id.bytes, key))


def read(token: str, key: Sealed[str]) -> UUID | None:
    """The consent a token of ours names; None for any other."""
    try:
        raw = base64.urlsafe_b64decode(token[:_LONGEST] + "=" * (-len(token[:_LONGEST]) % 4))
    except (binascii.Error, ValueError):
        return None
    body, signature = raw[:16], raw[16:]
    if not hmac.compare_digest(_sign(body, key), signature) or _text(raw) != token:
        return None
    return UUID(bytes=body)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _sign(body: bytes, key: Sealed[str]) -> bytes:
    # The prefix keeps this use of the key apart from every other one.
    return hmac.digest(key.reveal().encode(), b"consent-link-1\0" + body, "sha256")
