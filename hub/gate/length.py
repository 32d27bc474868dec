"""Whether a text fits into one message of a channel. Asked where it is written, so that nothing is queued that cannot leave. Pure."""

from __future__ import annotations

from hub.gate.parts import longest
from hub.gate.routes import capabilities
from hub.model.message import Account


def too_long(account: Account | None, text: str) -> str:
    """A sentence, without a stop, saying by how much the text is too long for the account; "" where it fits.

    Some providers count bytes of UTF-8, where a Chinese character is three. Without an account there is nothing to measure by.
    """
    if account is None:
        return ""
    able = capabilities(account)
    if able.max_text_bytes is not None and (used := len(text.encode("utf-8", "surrogatepass"))) > able.max_text_bytes:
        return f"The text takes {used:,} bytes and this channel carries {able.max_text_bytes:,}. Shorten it, or send it in parts"
    if len(text) > (most := longest(able)):
        return f"The text has {len(text):,} characters and this channel carries {most:,}. Shorten it, or send it in parts"
    return ""
