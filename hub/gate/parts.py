"""Long texts on a channel that carries short ones: cut at word ends into several messages, kept in order (channels.md §4). Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from channels.segments import plain_punctuation
from hub.gate.routes import capabilities
from hub.model.message import Account, Capabilities

MOST: Final = 4  # messages one text becomes
# Later parts wait for the one before to be sent; the clock lets them go, and this is only "not by yourself".
HELD: Final = timedelta(days=36_500)


def longest(able: Capabilities) -> int:
    """Characters one text may have on a channel."""
    return able.max_text * MOST if able.splits_text else able.max_text


def parts(text: str, account: Account | None) -> list[str]:
    """The messages a text becomes: itself where it fits, or where the channel does not take texts in parts.

    Measured as it will leave, in plain punctuation. A word longer than a message is cut through.
    """
    if account is None or not capabilities(account).splits_text:
        return [text]
    most, rest, found = capabilities(account).max_text, plain_punctuation(text), list[str]()
    if len(rest) <= most:
        return [text]
    while len(rest) > most:
        end = max(rest.rfind(" ", most // 2, most + 1), rest.rfind("\n", most // 2, most + 1))
        end = end if end > 0 else most
        found.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [part for part in (*found, rest) if part] or [text]
