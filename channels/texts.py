"""Text from outside, made fit to be stored: PostgreSQL keeps neither NUL nor lone surrogates. Never cuts silently."""

from __future__ import annotations

REPLACEMENT = "\ufffd"


def storable(text: str) -> str:
    """The text with each NUL and each lone surrogate replaced by U+FFFD; the same object where nothing was odd."""
    if "\0" in text:
        text = text.replace("\0", REPLACEMENT)
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        text = "".join(REPLACEMENT if "\ud800" <= c <= "\udfff" else c for c in text)
    return text
