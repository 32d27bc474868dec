"""The looks of a mail we send: plain text with a footer, the same as simple HTML, and its subject. Pure.

No picture, no style sheet from elsewhere, nothing that tells us whether it was opened (policy §8.1).
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Final

# Filled in per person by `channels.mail.build`; the same names the content check knows.
UNSUBSCRIBE: Final = "{{unsubscribe_url}}"
_LINK: Final = re.compile(r"https?://[^\s<>\"'{}|\\^`]{1,2000}[^\s<>\"'{}|\\^`.,;:!?)\]，。；：！？）]")
_PARAGRAPH: Final = re.compile(r"\n{2,}")
# How mail programs begin the subject of an answer, so that it is not begun twice.
_ANSWER: Final = re.compile(
    r"\s*(?:(?:re|aw|sv|vs|antw|odp|ynt|rif|res|fwd?|wg|tr)\s*(?:\[\d{1,3}\])?\s*[:：]|(?:回复|回覆|答复|转发)\s*[:：])", re.I
)
_MOST_SUBJECT: Final = 200
_FRAME: Final = (
    '<!doctype html><html{lang}><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"></head>'
    '<body style="margin:0;padding:24px 16px;background:#ffffff;color:#1c1f23;'
    "font:16px/1.5 -apple-system,'Segoe UI',Roboto,'Noto Sans SC',sans-serif\">"
    '<div style="max-width:36em;margin:0 auto">{body}'
    '<div style="margin-top:32px;padding-top:12px;border-top:1px solid #d9dde2;color:#5b6470;font-size:13px">{footer}</div>'
    "</div></body></html>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail's words: as plain text, and the same as HTML."""

    text: str
    html: str


def footer(identity: str, *, marketing: bool, language: str = "en") -> str:
    """Who we are, and for news how to end them; the link's place is held by `UNSUBSCRIBE`. identity: lines of the clinic."""
    lines = [identity] if identity else []
    if marketing and language.startswith("zh"):
        lines.append(f"退订，或更改偏好设置，无需登录：{UNSUBSCRIBE}")
    elif marketing:
        lines.append(f"Unsubscribe, or manage your preferences, without signing in: {UNSUBSCRIBE}")
    return "\n".join(lines)


def letter(text: str, foot: str, *, language: str = "") -> Letter:
    """The text with its footer, in both looks."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    lang = f' lang="{html.escape(language)}"' if language else ""
    body = "".join(f'<p style="margin:0 0 16px">{_lines(part)}</p>' for part in _PARAGRAPH.split(plain))
    # A signature mark, as mail programs know it: what follows is not part of the answer when it is quoted.
    whole = f"{plain}\n\n-- \n{foot}\n" if foot else f"{plain}\n"
    return Letter(text=whole, html=_FRAME.format(lang=lang, body=body, footer=_lines(foot)))


def answer_subject(subject: str) -> str:
    """The subject of an answer to a mail: "Re: " once, whatever stood there before; "" where nothing is left of it."""
    bare = subject
    while (found := _ANSWER.match(bare)) is not None:
        bare = bare[found.end() :]
    bare = " ".join(bare.split())[:_MOST_SUBJECT]
    return f"Re: {bare}" if bare else ""


def _lines(text: str) -> str:
    """Text as HTML: escaped, its web addresses made into links, its lines kept."""
    out, at = [], 0
    for found in _LINK.finditer(text):
        address = html.escape(found[0])
        out += [html.escape(text[at : found.start()]), f'<a href="{address}" style="color:#0b5f73">{address}</a>']
        at = found.end()
    out.append(html.escape(text[at:]))
    shown = "".join(out).replace("\n", "<br>\n")
    return shown.replace(UNSUBSCRIBE, f'<a href="{UNSUBSCRIBE}" style="color:#0b5f73">{UNSUBSCRIBE}</a>')
