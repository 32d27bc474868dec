"""How much of a mail is read, and the header scanner that keeps to it.

Every mail passes here first, as bytes. The scanner is linear and never raises on content: what exceeds a bound is
cut and set aside, so that the reader can keep it as an attachment and tell staff. It never decodes anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


class MailTooLarge(ValueError):
    """The mail exceeds `Limits.total_bytes`; refused unread (SMTP 552 5.3.4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The bounds of one mail (channels.md §2.1). Sizes in bytes unless the name says otherwise.

    html_bytes, html_elements: beyond them an HTML body is shown as bare text, and the whole is kept as a file.
    text_chars: how much text is shown; the rest is kept as a file.
    """

    total_bytes: int = 40 * 1024 * 1024
    header_block_bytes: int = 256 * 1024
    header_bytes: int = 16 * 1024
    headers: int = 400
    encoded_words: int = 400
    parameters: int = 60
    addresses: int = 200
    references: int = 100
    parts: int = 200
    depth: int = 20
    html_bytes: int = 512 * 1024
    html_elements: int = 20_000
    text_chars: int = 500_000


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Field:
    """One header field as it stood: name lower-cased, value raw (folds included), without the final line end."""

    name: str
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldBlock:
    """The header fields of one part.

    body_start: offset of the first body byte. cut: what was set aside, in order; empty for ordinary mail.
    """

    fields: tuple[Field, ...]
    body_start: int
    cut: tuple[bytes, ...] = ()
    notes: tuple[str, ...] = ()


_NAME = re.compile(rb"([!-9;-~]{1,128})[ \t]*:")
_FIELD_END = re.compile(rb"\n(?![ \t])")
_BLANK_LINE = re.compile(rb"\n\r?\n")


def check_size(raw: bytes, limits: Limits) -> None:
    """Raise MailTooLarge for a mail beyond the bound; nothing else of it has been read by then."""
    if len(raw) > limits.total_bytes:
        raise MailTooLarge(f"mail of {len(raw)} bytes, at most {limits.total_bytes}")


def read_fields(raw: bytes, start: int, end: int, limits: Limits) -> FieldBlock:
    """The header fields of the part in raw[start:end].

    The block ends at the first blank line or, as the standard library has it, at the first line that is neither a
    field nor a continuation. Fields beyond the bounds are skipped to the blank line and handed back in `cut`.
    """
    fields: list[Field] = []
    cut: list[bytes] = []
    notes: list[str] = []
    pos = start
    stop = min(end, start + limits.header_block_bytes)
    while pos < end:
        blank = _blank_at(raw, pos, end)
        if blank:
            return FieldBlock(fields=tuple(fields), body_start=pos + blank, cut=tuple(cut), notes=tuple(notes))
        if pos >= stop or len(fields) >= limits.headers:
            body = _after_blank_line(raw, pos, end)
            cut.append(raw[pos:body])
            notes.append("headers_cut")
            return FieldBlock(fields=tuple(fields), body_start=body, cut=tuple(cut), notes=tuple(notes))
        name = _NAME.match(raw, pos, end)
        if name is None:
            notes.append("no_blank_line_after_headers")
            break
        found = _FIELD_END.search(raw, name.end(), end)
        value_end, following = (found.start(), found.end()) if found else (end, end)
        value = raw[name.end() : min(value_end, name.end() + limits.header_bytes)]
        if value_end - name.end() > limits.header_bytes:
            cut.append(raw[pos:value_end])
            notes.append("header_cut")
        fields.append(Field(name[1].decode("ascii").lower(), value.rstrip(b"\r")))
        pos = following
    return FieldBlock(fields=tuple(fields), body_start=pos, cut=tuple(cut), notes=tuple(notes))


def _blank_at(raw: bytes, pos: int, end: int) -> int:
    """The length of the empty line that begins at pos; 0 when there is none."""
    if raw.startswith(b"\n", pos, end):
        return 1
    return 2 if raw.startswith(b"\r\n", pos, end) else 0


def _after_blank_line(raw: bytes, pos: int, end: int) -> int:
    found = _BLANK_LINE.search(raw, max(pos - 1, 0), end)
    return found.end() if found else end
