"""Did Meta sign exactly these bytes? And the set-up handshake. Nothing of the body is decoded here (channels.md §6.1).

Source: https://developers.facebook.com/docs/graph-api/webhooks/getting-started. Meta escapes non-ASCII as \\u00e9 before it
signs, so only the raw bytes will do. No time is signed: replays are caught by the unique id of each event. The older
SHA-1 header is not looked at.
"""

from __future__ import annotations

import hmac
import re
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl

from channels.errors import BadSignature
from hub.model.message import Account, Outcome, RawRequest, Reply

SIGNATURE_HEADER: Final = "x-hub-signature-256"
# Any of these may have signed: a rotation overlaps, and apps with Instagram Login sign with a secret of their own.
APP_SECRETS: Final = ("app_secret", "app_secret_secondary", "instagram_app_secret")
# For building an account: what must be set before anything is let in or sent.
REQUIRED_SECRETS: Final = ("app_secret", "verify_token", "access_token")
JSON: Final = "application/json"
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_.-]{1,200}")


def verify(request: RawRequest, account: Account, now: datetime) -> None:
    """Raise BadSignature unless one of the account's app secrets signed this body, or a GET carries its verify token."""
    try:
        genuine = _handshake(request, account) if request.method == "GET" else _signed(request, account)
    except Exception:
        # No cause is chained: it might carry what was sent.
        raise BadSignature(account.id) from None
    if not genuine:
        raise BadSignature(account.id)


def _signed(request: RawRequest, account: Account) -> bool:
    claimed = request.headers.get(SIGNATURE_HEADER, "").encode("utf-8", "surrogateescape")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method != "POST" or kind != JSON or not claimed:
        return False
    return any(hmac.compare_digest(signature(request.body, secret), claimed) for secret in _secrets(account))


def signature(body: bytes, secret: str) -> bytes:
    """The header value for a body: `sha256=` and the hex HMAC-SHA256 of exactly these bytes."""
    return b"sha256=" + hmac.digest(secret.encode(), body, "sha256").hex().encode()


def appsecret_proof(access_token: str, secret: str) -> str:
    """Proves to Meta that the caller of a token also knows the app secret: hex HMAC-SHA256(secret, token)."""
    return hmac.digest(secret.encode(), access_token.encode(), "sha256").hex()


def _secrets(account: Account) -> list[str]:
    return [found.reveal() for name in APP_SECRETS if (found := account.secrets.get(name)) is not None and found.reveal()]


def _handshake(request: RawRequest, account: Account) -> bool:
    query = _query(request)
    expected = account.secrets.get("verify_token")
    if expected is None or not expected.reveal() or query.get("hub.mode") != "subscribe" or not _challenge(query):
        return False
    return hmac.compare_digest(expected.reveal().encode(), query.get("hub.verify_token", "").encode("utf-8", "surrogateescape"))


def _query(request: RawRequest) -> dict[str, str]:
    return dict(parse_qsl(request.path_and_query.partition("?")[2], keep_blank_values=True, max_num_fields=20))


def _challenge(query: dict[str, str]) -> str:
    challenge = query.get("hub.challenge", "")
    return challenge if _CHALLENGE.fullmatch(challenge) else ""


def reply(request: RawRequest, outcome: Outcome) -> Reply:
    """The challenge of a verified handshake as plain text; an empty 200 for everything else."""
    if request.method == "GET" and outcome is Outcome.HANDSHAKE:
        return Reply(status=200, body=_challenge(_query(request)).encode())
    return Reply(status=200)
