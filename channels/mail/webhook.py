"""Mail that a provider posts: raw MIME as the body, or in a field of a multipart form with the envelope beside it.

Signed by us and the provider's forwarding script alike: `X-Mail-Signature: t=<unix seconds>,v1=<hex>`, the HMAC-SHA256 of
`<t>.<raw body>` under the account's `webhook_key`. Nothing is decoded before that holds. Headers are not signed, so an envelope
counts only where it stands in the body.
"""

from __future__ import annotations

import hmac
import json
import re
from datetime import datetime

from channels.errors import BadPayload, BadSignature
from channels.mail.site import Envelope
from hub.model.message import Account, RawRequest

SIGNATURE_HEADER = "x-mail-signature"
KEYS = ("webhook_key", "webhook_key_secondary")
WINDOW_S = 300
RAW_TYPES = frozenset({"message/rfc822", "message/global"})
# What providers call the field with the raw mail, and those with the envelope.
MAIL_FIELDS = ("mail", "email", "body-mime", "message", "raw", "mime")
SENDER_FIELDS = ("sender", "mail_from", "envelope_from")
RECIPIENT_FIELDS = ("recipient", "rcpt_to", "envelope_to")
MOST_FIELDS = 100
_LONGEST_FIELD = 64 * 1024
_NAME = re.compile(rb'(?i)\bname="?([^";\r\n]{1,100})')
_BOUNDARY = re.compile(r";\s*boundary=(?:\"([!-!#-~ ]{1,100})\"|([!-!#-:<-~]{1,100}))", re.I)
_TOKEN = re.compile(r"[^\s,;<>\"']+@[^\s,;<>\"']+")


def verify(request: RawRequest, account: Account, now: datetime) -> None:
    """Raise BadSignature unless somebody who holds the account's key signed exactly these bytes within WINDOW_S seconds."""
    parts = dict(part.strip().split("=", 1) for part in request.headers.get(SIGNATURE_HEADER, "").split(",") if "=" in part)
    stamp, claimed = parts.get("t", ""), parts.get("v1", "").encode("utf-8", "surrogateescape")
    if not (stamp.isascii() and stamp.isdigit()) or len(stamp) > 15 or abs(now.timestamp() - int(stamp)) > WINDOW_S:
        raise BadSignature(account.id)
    keys = [key.reveal().encode() for name in KEYS if (key := account.secrets.get(name)) is not None and key.reveal()]
    matches = [hmac.compare_digest(_digest(key, stamp, request.body), claimed) for key in keys]
    if not any(matches) or _shape(request) is None:
        raise BadSignature(account.id)


def _digest(key: bytes, stamp: str, body: bytes) -> bytes:
    made = hmac.new(key, stamp.encode() + b".", "sha256")
    made.update(body)
    return made.hexdigest().encode()


def sign(key: str, body: bytes, *, at: int) -> str:
    """The header's value, for whoever posts mail to us. at: unix seconds."""
    return f"t={at},v1={_digest(key.encode(), str(at), body).decode()}"


def mail_in(request: RawRequest, account: Account) -> tuple[bytes, Envelope]:
    """The raw mail of a request, with the envelope where one came along. Raises BadPayload."""
    boundary = _shape(request)
    if boundary is None:
        raise BadPayload(account.id, "content_type")
    if not boundary:
        return request.body, Envelope()
    fields = _fields(request.body, boundary)
    raw = next((fields[name] for name in MAIL_FIELDS if name in fields), None)
    if raw is None:
        raise BadPayload(account.id, "mail")
    return raw, _envelope(fields)


def _shape(request: RawRequest) -> bytes | None:
    """The boundary of a form, b"" where the body is the mail itself, None for anything else."""
    kind, _, rest = request.headers.get("content-type", "")[:500].partition(";")
    if kind.strip().lower() in RAW_TYPES:
        return b""
    found = _BOUNDARY.search(";" + rest) if kind.strip().lower() == "multipart/form-data" else None
    return (found[1] or found[2]).encode() if found else None


def _fields(body: bytes, boundary: bytes) -> dict[str, bytes]:
    """The fields of a form, the first of each name. One pass; a part without a name is passed over."""
    mark = b"--" + boundary
    found: dict[str, bytes] = {}
    at = body.find(mark)
    for _ in range(MOST_FIELDS):
        start = at + len(mark)
        end = body.find(b"\r\n" + mark, start) if at >= 0 else -1
        if end < 0:
            break
        head_end = body.find(b"\r\n\r\n", start, end)
        named = _NAME.search(body, start, head_end) if 0 <= head_end <= start + 4096 else None
        if named:
            found.setdefault(named[1].decode("utf-8", "replace").lower(), body[head_end + 4 : end])
        at = end + 2
    return found


def _envelope(fields: dict[str, bytes]) -> Envelope:
    """What SMTP said, from one JSON field (`{"from": …, "to": […]}`) or from fields of its own."""
    if "envelope" in fields:
        try:
            told = json.loads(fields["envelope"][:_LONGEST_FIELD])
        except (ValueError, RecursionError):
            told = {}
        if isinstance(told, dict):
            return Envelope(sender=_one(told.get("from")), recipients=_many(told.get("to")))
    sender = next((_text(fields[name]).strip() for name in SENDER_FIELDS if name in fields), None)
    listed = next((_text(fields[name]) for name in RECIPIENT_FIELDS if name in fields), "")
    return Envelope(sender=_one(sender), recipients=tuple(_TOKEN.findall(listed)))


def _one(value: object) -> str | None:
    return value.strip().strip("<>")[:320] if isinstance(value, str) else None


def _many(value: object) -> tuple[str, ...]:
    return tuple(v for v in value if isinstance(v, str))[:200] if isinstance(value, list) else tuple(_TOKEN.findall(str(value or "")))


def _text(value: bytes) -> str:
    return value[:_LONGEST_FIELD].decode("utf-8", "replace")
