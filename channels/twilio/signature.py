"""Did Twilio sign exactly this request? Decided before anything of the body is believed (channels.md §3).

Source: https://www.twilio.com/docs/usage/webhooks/webhooks-security. The HMAC itself is the SDK's. The URL is the
configured public base plus the raw path and query, never taken from Host or X-Forwarded headers. No time is signed, so
replays are caught by the unique MessageSid.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from twilio.request_validator import (  # type: ignore[import-untyped]  # the SDK ships no types
    HMAC_SHA1,
    HMAC_SHA256,
    RequestValidator,
    get_signature_algorithm,
)

from channels.errors import BadSignature
from channels.twilio.form import FORM, JSON, content_type, fields
from hub.model.message import Account, RawRequest

SIGNATURE_HEADER: Final = "x-twilio-signature"
SETTINGS_HEADER: Final = "x-twilio-webhooks-signature-settings"


def verify(request: RawRequest, account: Account, now: datetime) -> None:
    """Raise BadSignature unless one of the account's own keys signed this URL and these fields.

    Whatever else goes wrong on the way is a refusal too: the SDK's validator raises on odd input.
    """
    try:
        genuine = _genuine(request, account)
    except Exception:
        # No cause is chained: the SDK's own exceptions carry what was sent.
        raise BadSignature(account.id) from None
    if not genuine:
        raise BadSignature(account.id)


def _genuine(request: RawRequest, account: Account) -> bool:
    claimed = request.headers.get(SIGNATURE_HEADER, "")
    if not claimed or not claimed.isascii() or request.method != "POST" or not request.path_and_query.startswith("/"):
        return False
    kind = content_type(request)
    if kind == FORM:
        form = _Fields(fields(request.body))
        return any(_signed_form(secret, algorithm, request, account, form, claimed) for secret, algorithm in _keys(request, account))
    if kind == JSON and "bodySHA256=" in request.path_and_query:
        url, text = account.public_url + request.path_and_query, request.body.decode()
        return any(_validator(secret).validate(url, text, claimed, algorithm) for secret, algorithm in _keys(request, account))
    return False


def _signed_form(secret: str, algorithm: str, request: RawRequest, account: Account, form: _Fields, claimed: str) -> bool:
    """As the validator's own `validate`, but comparing in constant time and asking for the second spelling only if needed."""
    return any(
        hmac.compare_digest(_validator(secret).compute_signature(base + request.path_and_query, form, algorithm), claimed)
        for base in _spellings(account.public_url)
    )


@lru_cache(maxsize=64)
def _spellings(public_url: str) -> tuple[str, ...]:
    """The base as configured, and with the default port written or left out: Twilio is not constant in this."""
    parts = urlsplit(public_url)
    netloc = parts.netloc.removesuffix(f":{parts.port}") if parts.port else f"{parts.netloc}:{443 if parts.scheme == 'https' else 80}"
    return public_url, urlunsplit(parts._replace(netloc=netloc))


def _keys(request: RawRequest, account: Account) -> Iterator[tuple[str, str]]:
    """The secrets that may have signed this, each with its algorithm. A header alone never picks a key.

    Shared-key signatures (public beta) count only where `shared_key_id` and the secret `shared_key` are configured.
    """
    settings = request.headers.get(SETTINGS_HEADER)
    if settings is None:
        for name in ("auth_token", "auth_token_secondary"):
            if (secret := account.secrets.get(name)) is not None and secret.reveal():
                yield secret.reveal(), HMAC_SHA1
        return
    shared, key_id = account.secrets.get("shared_key"), account.options.get("shared_key_id")
    named = {part.strip() for part in settings.split(",")}
    if shared is None or not shared.reveal() or not key_id or f"key={key_id}" not in named:
        return
    if get_signature_algorithm(settings) == HMAC_SHA256:
        yield shared.reveal(), HMAC_SHA256


class _Fields:
    """A form as the SDK's validator reads it: the names, and every value of a name."""

    def __init__(self, pairs: tuple[tuple[str, str], ...]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def getall(self, name: str) -> list[str]:
        return self._values[name]


@lru_cache(maxsize=64)
def _validator(secret: str) -> RequestValidator:
    return RequestValidator(secret)
