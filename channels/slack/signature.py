"""Did Slack sign exactly these bytes, lately? Nothing of the body is decoded here (channels.md §9).

Source: https://docs.slack.dev/authentication/verifying-requests-from-slack. `v0=` and the hex HMAC-SHA256 of
`v0:{timestamp}:{raw body}` under the signing secret. Two secrets may be good at once, while one is being replaced.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from channels.errors import BadSignature
from hub.model.sealed import Sealed

SIGNATURE_HEADER: Final = "x-slack-signature"
TIME_HEADER: Final = "x-slack-request-timestamp"
WINDOW_S: Final = 300


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[Sealed[str]], now: datetime) -> None:
    """Raise BadSignature unless one of the secrets signed this body within five minutes of now. headers: lower-cased names."""
    try:
        genuine = _genuine(headers, body, secrets, now)
    except Exception:
        # A time that is no number, a header that is no text: a refusal, never a 500. No cause is chained.
        raise BadSignature("slack") from None
    if not genuine:
        raise BadSignature("slack")


def _genuine(headers: Mapping[str, str], body: bytes, secrets: Sequence[Sealed[str]], now: datetime) -> bool:
    at, claimed = headers.get(TIME_HEADER, ""), headers.get(SIGNATURE_HEADER, "").encode("utf-8", "surrogateescape")
    if not (at.isascii() and at.isdigit() and len(at) <= 12) or abs(now.timestamp() - int(at)) > WINDOW_S:
        return False
    found = [hmac.compare_digest(signature(at, body, s.reveal()), claimed) for s in secrets if s.reveal()]
    return any(found)


def signature(at: str, body: bytes, secret: str) -> bytes:
    """The header value for a body sent at this Unix time in seconds."""
    return b"v0=" + hmac.digest(secret.encode(), b"v0:" + at.encode() + b":" + body, "sha256").hex().encode()
