"""Reading a form somebody sent: text fields only, as text the database can keep. What cannot be read is a 400, never a 500."""

from __future__ import annotations

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

# Bytes, character sets and multipart bodies nobody can read.
_UNREADABLE = (ValueError, LookupError, AssertionError, RuntimeError, HttpProcessingError)


async def fields(request: web.Request) -> dict[str, str]:
    """The fields by name, the last of equal names; files are left out, NUL and lone surrogates replaced.

    Raises HTTPBadRequest for a body that is no form, HTTPRequestEntityTooLarge beyond the application's limit.
    """
    try:
        sent = await request.post()
    except _UNREADABLE as error:
        raise web.HTTPBadRequest from error
    return {name: storable(value) for name, value in sent.items() if isinstance(value, str)}


def storable(text: str) -> str:
    """The text with the characters no text column holds replaced by U+FFFD."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode() if _odd(text) else text


def _odd(text: str) -> bool:
    return "\0" in text or any("\ud800" <= c <= "\udfff" for c in text)
