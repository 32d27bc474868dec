"""Did WeChat sign this request, and just now? And the set-up handshake. Nothing is deciphered before (channels.md §8).

https://developers.weixin.qq.com/doc/offiaccount/Basic_Information/Access_Overview.html. The plain `signature` does not cover
the body: whoever has seen one address could write any message. So bodies must be sealed (safe mode), and `msg_signature`
over the sealed text is what counts; a plain body is let in only where the account's option `plain_mode` says so.
"""

from __future__ import annotations

import hmac
import re
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl

from channels.errors import BadSignature
from channels.wechat.crypto import opened, signature
from hub.model.message import Account, Outcome, RawRequest, Reply

# For building an account: what must be set before anything is let in or sent.
REQUIRED_SECRETS: Final = ("token", "aes_key", "app_secret")
TOKENS: Final = ("token", "token_previous")
FRESH_S: Final = 600  # WeChat repeats within 15 s; clocks differ
XML: Final = "text/xml"
_SEALED: Final = re.compile(rb"<Encrypt>\s*(?:<!\[CDATA\[([A-Za-z0-9+/]+={0,2})\]\]>|([A-Za-z0-9+/]+={0,2}))\s*</Encrypt>")
_STAMP: Final = re.compile(r"[0-9]{1,11}")
_ECHO: Final = re.compile(r"[A-Za-z0-9+/=_-]{1,512}")
MAX_NONCE: Final = 128


def verify(request: RawRequest, account: Account, now: datetime) -> None:
    """Raise BadSignature unless WeChat signed this request within FRESH_S, and its body with it."""
    try:
        genuine = _genuine(request, account, now)
    except Exception:
        # No cause is chained: it might carry what was sent.
        raise BadSignature(account.id) from None
    if not genuine:
        raise BadSignature(account.id)


def _genuine(request: RawRequest, account: Account, now: datetime) -> bool:
    query = query_of(request)
    stamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
    if not _STAMP.fullmatch(stamp) or abs(now.timestamp() - int(stamp)) > FRESH_S or not 0 < len(nonce) <= MAX_NONCE:
        return False
    if request.method == "GET":
        echo = query.get("echostr", "")
        named = "msg_signature" if "msg_signature" in query else "signature"
        covered = (echo,) if named == "msg_signature" else ()
        return _ECHO.fullmatch(echo) is not None and _signed(query.get(named, ""), account, stamp, nonce, *covered)
    if request.method != "POST" or request.headers.get("content-type", "").partition(";")[0].strip().lower() != XML:
        return False
    sealed = sealed_part(request.body)
    if sealed is not None:
        return _signed(query.get("msg_signature", ""), account, stamp, nonce, sealed.decode("ascii"))
    if account.options.get("plain_mode") is not True or query.get("encrypt_type", "raw") != "raw" or not request.body:
        return False
    return _signed(query.get("signature", ""), account, stamp, nonce)


def _signed(claimed: str, account: Account, *parts: str) -> bool:
    given = claimed.encode("utf-8", "surrogateescape")
    tokens = [found.reveal() for name in TOKENS if (found := account.secrets.get(name)) is not None and found.reveal()]
    # Bytes on both sides: compare_digest raises TypeError on non-ASCII text.
    return bool(given) and any(hmac.compare_digest(signature(token, *parts).encode(), given) for token in tokens)


def query_of(request: RawRequest) -> dict[str, str]:
    """The query. Of it only what was signed may be relied on: `openid` is not."""
    query = request.path_and_query.partition("?")[2]
    return dict(parse_qsl(query, keep_blank_values=True, max_num_fields=20, errors="surrogateescape"))


def sealed_part(body: bytes) -> bytes | None:
    """The sealed text of a body in safe or compatible mode; None where there is none, or more than one.

    What else stands there is not covered by the signature, so it is not even looked at.
    """
    found = _SEALED.search(body)
    if found is None or body.count(b"<Encrypt>") != 1:
        return None
    return found[1] or found[2]


def nonce(request: RawRequest) -> str:
    """The name of a request whose signature does not cover its body (plain mode); "" for any other."""
    if request.method != "POST" or sealed_part(request.body) is not None:
        return ""
    query = query_of(request)
    return f"{query.get('timestamp', '')}:{query.get('nonce', '')}:{query.get('signature', '')}"[:300]


def echo_of(request: RawRequest, account: Account) -> bytes | None:
    """What a verified handshake wants to hear: its own word, opened first where it came sealed. None where it cannot be opened."""
    query = query_of(request)
    echo = query.get("echostr", "").encode("ascii", "replace")
    if "msg_signature" not in query:
        return echo
    found = opened(echo, account)
    return found if found is not None and _ECHO.fullmatch(found.decode("ascii", "replace")) else None


def handshake(request: RawRequest, account: Account) -> Reply:
    """The answer to a verified set-up challenge, as plain text."""
    return Reply(status=200, body=echo_of(request, account) or b"")


def reply(request: RawRequest, outcome: Outcome) -> Reply:
    """An empty answer: WeChat takes it as "received", shows the person nothing and does not come again."""
    return Reply(status=200)
