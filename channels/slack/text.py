"""Words to and from Slack's own mark-up. Outward nothing in a text can become a mention, a link or a style; inward the
mark-up becomes plain words a person outside can read. Pure.

Sources: https://docs.slack.dev/messaging/formatting-message-text (escaping, <@U…>, <#C…|name>, <!…>, <url|label>).
"""

from __future__ import annotations

import html
import re
from typing import Final

CUT: Final = "…"
_MARK: Final = re.compile(r"<([^<>\n]*)>")
_WORD_JOINER: Final = "\u2060"
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


def safe(text: str) -> str:
    """For mrkdwn and for the notification text: `&`, `<` and `>` escaped, every mark of style or link taken apart.

    The escape alone stops mentions and labelled links (channels.md §9). An invisible joiner after `@`, `:`, `.` between
    letters and the style marks keeps clients from making links, emoji and styles of what is left.
    """
    text = html.escape(_CONTROL.sub("", text), quote=False)
    return re.sub(r"(?<=\w)\.(?=\w)|[@#*_~`:|]", lambda m: m[0] + _WORD_JOINER, text)


def plain(text: str, most: int = 3000) -> str:
    """For plain_text objects, which show text as it is: what turns or hides the line is taken out, `&`, `<`, `>` are escaped.

    At most so many characters as Slack counts them, escapes included; what does not fit is cut, no escape torn.
    """
    text = _CONTROL.sub("", text)
    escaped = html.escape(text, quote=False)
    if len(escaped) <= most:
        return escaped
    kept, size = [], len(CUT)
    for character in text:
        one = html.escape(character, quote=False)
        size += len(one)
        if size > most:
            break
        kept.append(one)
    return "".join(kept) + CUT


def clip(text: str, most: int) -> str:
    """At most so many characters, the cut marked; for text that is not escaped yet."""
    return text if len(text) <= most else text[: most - 1] + CUT


def to_plain(text: str) -> str:
    """What a colleague wrote, as the person outside shall read it: links as their address, mentions as names, escapes undone."""
    return _unescape(_MARK.sub(_one, text)).strip()


def _unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _one(found: re.Match[str]) -> str:
    inside, _, label = found[1].partition("|")
    if inside.startswith(("@", "#")):
        return f"{inside[0]}{label}" if label else "somebody" if inside[0] == "@" else "a channel"
    if inside.startswith("!"):
        return label or ""
    address = inside.removeprefix("mailto:").removeprefix("tel:")
    return address if not label or label == address or address.endswith(label) else f"{label} ({address})"


def mentions(text: str) -> bool:
    """Whether a colleague's words hold a mention of a person, a group or a channel, which nobody outside could follow."""
    return any(found[1].startswith(("@", "#", "!")) for found in _MARK.finditer(text))
