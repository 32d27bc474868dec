"""Reading a contact form's body: three encodings, one shape. Values are cleaned and bounded, never judged here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl

import msgspec

from hub.model.message import RawRequest

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
JSON = "application/json"
ACCEPTED = frozenset({URLENCODED, MULTIPART, JSON})

_MOST_FIELDS = 200
# C0 and C1 controls but tab and line feed, and lone surrogates: PostgreSQL cannot keep the first of them, UTF-8 the last.
_UNKEEPABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_LISTS = {"reply", "news", "interest"}
_KNOWN = _LISTS | {"name", "email", "phone", "message", "birth_date", "submission_id", "form_token", "website", "page_url", "adult"}
# The names JSON callers use, for the names of the HTML fields.
_JSON_NAMES = {"interests": "interest", "preferred_channel": "reply"}


class NotAForm(ValueError):
    """The body is not what its content type says; names the field or the rule, never its value."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one submission: every value cleaned of controls and trimmed, several values where boxes share a name."""

    values: dict[str, list[str]]
    files: int = 0

    def one(self, name: str) -> str:
        """The first value, or the empty string."""
        return next(iter(self.values.get(name, ())), "")

    def all(self, name: str) -> tuple[str, ...]:
        """Every distinct, non-empty value in order."""
        return tuple(dict.fromkeys(v for v in self.values.get(name, ()) if v))


def content_type(request: RawRequest) -> str:
    """The media type without its parameters, lower-cased."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def read(request: RawRequest) -> Fields:
    """Raises NotAForm for a body that is not what its content type says, or of another type (answer 415)."""
    kind = content_type(request)
    if kind == URLENCODED:
        return _collect(_urlencoded(request.body))
    if kind == MULTIPART:
        return _multipart(request)
    if kind == JSON:
        return _collect(_json(request.body))
    raise NotAForm("content-type")


def _urlencoded(body: bytes) -> Iterator[tuple[str, str]]:
    try:
        text = body.decode("utf-8", "replace")
        yield from parse_qsl(text, keep_blank_values=True, encoding="utf-8", errors="replace", max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise NotAForm("too many fields") from error


def _multipart(request: RawRequest) -> Fields:
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode("utf-8", "surrogateescape")
    parts = BytesParser(policy=HTTP).parsebytes(head + request.body).get_payload()
    if not isinstance(parts, list) or len(parts) > _MOST_FIELDS:
        raise NotAForm("multipart")
    named = [(str(name), part) for part in parts if isinstance(part, Message) and (name := _name(part))]
    files = [part for _, part in named if part.get_filename()]
    texts = [(name, part) for name, part in named if not part.get_filename()]
    return Fields(_collect((name, _text(part)) for name, part in texts).values, files=len(files))


def _name(part: Message) -> str | None:
    value = part.get_param("name", header="content-disposition")
    return value if isinstance(value, str) else None


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def _json(body: bytes) -> Iterator[tuple[str, str]]:
    try:
        document = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise NotAForm("json") from error
    if not isinstance(document, dict):
        raise NotAForm("json")
    for key, value in document.items():
        if key == "consent":
            yield from _consent_object(value)
            continue
        name = str(_JSON_NAMES.get(key, key))
        if isinstance(value, str):
            yield name, value
        elif name in _LISTS and isinstance(value, list) and all(isinstance(v, str) for v in value):
            yield from ((name, v) for v in value)
        elif name in _KNOWN and value is not None:
            raise NotAForm(name)


def _consent_object(value: object) -> Iterator[tuple[str, str]]:
    """`{"marketing_sms": true}` for the box "sms" (channels.md §1). Anything but true is no."""
    if not isinstance(value, dict):
        raise NotAForm("consent")
    for key, ticked in value.items():
        if key.startswith("marketing_") and ticked is True:
            yield "news", key.removeprefix("marketing_")


def _collect(pairs: Iterator[tuple[str, str]]) -> Fields:
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        clean = _UNKEEPABLE.sub("", value.replace("\r\n", "\n").replace("\r", "\n")).strip()
        if name in _KNOWN:
            values.setdefault(name, []).append(clean)
    return Fields(values)
