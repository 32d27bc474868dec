"""Twilio's form bodies: every field kept, blanks too, for the signature covers them. Knows no meaning of any field."""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl

from hub.model.message import RawRequest

FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"
MAX_FIELDS: Final = 1000


def content_type(request: RawRequest) -> str:
    """The media type without its parameters, lower-cased."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


# Verified and parsed in one go, so the last body is decoded once; no other is kept.
@lru_cache(maxsize=1)
def fields(body: bytes) -> tuple[tuple[str, str], ...]:
    """Names and values in the order they came. Raises ValueError beyond MAX_FIELDS.

    Bytes that are no UTF-8 become U+FFFD; a signature over other bytes then does not match.
    """
    return tuple(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MAX_FIELDS))
