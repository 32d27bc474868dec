"""The MIME tree of a mail, split within bounds.

One view of the structure serves everything: reading, bounces and complaints. The tree is cut from the outside in, each
level with one linear search, so that a hostile mail costs at most `depth` passes over its bytes. What lies too deep or
comes too late stays whole, as one opaque leaf.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from channels.mail import charset, headers
from channels.mail.bounds import Field, Limits, check_size, read_fields

OPAQUE = "application/octet-stream"
# Ordinary mail nests three deep, so its bytes are searched three times; this many times the mail is searched at most.
_SCANS = 4
_MOST_UU_LINES = 600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part: its fields, its type, and either children or a body.

    content_type: lower-cased; "text/plain" where none is given (RFC 2045 §5.2). opaque: a rest that was not taken
    apart because a bound was reached; its body is the raw source.
    """

    fields: tuple[Field, ...]
    content_type: str
    type_parameters: Mapping[str, str]
    disposition: str = ""
    disposition_parameters: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    children: tuple[Part, ...] = ()
    opaque: bool = False

    def raw(self, name: str) -> tuple[bytes, ...]:
        """Every value of the field `name` (lower case), topmost first."""
        return tuple(f.value for f in self.fields if f.name == name)

    def text(self, name: str) -> str:
        """The first value of the field, on one line, not decoded; "" when absent."""
        return next((headers.clean(headers.raw_text(f.value)) for f in self.fields if f.name == name), "")

    @property
    def file_name(self) -> str:
        return self.disposition_parameters.get("filename") or self.type_parameters.get("name") or ""

    def walk(self) -> Iterator[Part]:
        """This part and everything below it, in reading order."""
        stack = [self]
        while stack:
            part = stack.pop()
            yield part
            stack.extend(reversed(part.children))

    def content(self) -> bytes:
        """The body with its transfer encoding taken off. An unknown encoding leaves it as it is."""
        if self.opaque:
            return self.body
        encoding = self.text("content-transfer-encoding").lower().partition(";")[0].strip()
        if encoding == "base64":
            return headers.base64_bytes(self.body)
        if encoding == "quoted-printable":
            return binascii.a2b_qp(self.body)
        if encoding in ("x-uuencode", "uuencode", "x-uue", "uue"):
            return _uudecoded(self.body)
        return self.body

    def decoded(self, most: int) -> PartText:
        """The body as text, from at most its first `most` bytes."""
        content = self.content()
        label = self.type_parameters.get("charset") or (_meta_charset(content) if self.content_type == "text/html" else None)
        found = charset.decode(_whole_characters(content, most), label)
        return PartText(unix(found.text), found.guessed, len(content) > most)


@dataclass(frozen=True, slots=True)
class PartText:
    """The text of a part with unix line ends; guessed: against or without its charset label; cut: not all of it."""

    text: str
    guessed: bool
    cut: bool


def _meta_charset(content: bytes) -> str | None:
    """The charset an HTML body names itself, where its part names none."""
    found = re.search(rb"""<meta[^<>]{0,200}charset\s{0,4}=\s{0,4}["']?([A-Za-z0-9_:-]{2,40})""", content[:2048], re.I)
    return found[1].decode("ascii") if found else None


def _whole_characters(content: bytes, most: int) -> bytes:
    """At most `most` bytes, cut at a line end, or at least not inside a UTF-8 character."""
    if len(content) <= most:
        return content
    line_end = content.rfind(b"\n", max(0, most - 4096), most)
    if line_end != -1:
        return content[: line_end + 1]
    while most > 0 and content[most] & 0xC0 == 0x80:
        most -= 1
    return content[:most]


def unix(text: str) -> str:
    """Unix line ends, and no NUL, which no database keeps."""
    return text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A whole mail. cut: header bytes set aside by a bound. notes: short constants, each told once."""

    root: Part
    cut: tuple[bytes, ...]
    notes: tuple[str, ...]


def split(raw: bytes, limits: Limits) -> Tree:
    """Take a mail apart. Raises MailTooLarge, and nothing else, whatever the bytes are."""
    check_size(raw, limits)
    if b"\n" not in raw:
        raw = raw.replace(b"\r", b"\n")
    splitter = _Splitter(raw, limits)
    root = splitter.part(_start(raw), len(raw), 0, "text/plain")
    return Tree(root=root, cut=tuple(splitter.cut), notes=tuple(dict.fromkeys(splitter.notes)))


def _start(raw: bytes) -> int:
    """Skip what stores put in front of a mail: empty lines, a byte order mark, an mbox line."""
    lead = re.compile(rb"(?:\xef\xbb\xbf)?[\r\n]{0,16}(?:>?From [^\r\n]{0,998}\r?\n)?").match(raw)
    return lead.end() if lead else 0


class _Splitter:
    """Carries the running count of parts through the descent."""

    def __init__(self, raw: bytes, limits: Limits) -> None:
        self.raw = raw
        self.limits = limits
        self.parts = 0
        self.scanned = 0
        self.cut: list[bytes] = []
        self.notes: list[str] = []

    def part(self, start: int, end: int, depth: int, default_type: str) -> Part:
        self.parts += 1
        block = read_fields(self.raw, start, end, self.limits)
        self.cut.extend(block.cut)
        self.notes.extend(block.notes)
        main, parameters = self._parameters(block.fields, "content-type")
        disposition, disposition_parameters = self._parameters(block.fields, "content-disposition")
        content_type = main if re.fullmatch(r"[^\s/]+/[^\s/]+", main) else default_type
        children: tuple[Part, ...] = ()
        if content_type.startswith("multipart/"):
            boundary = parameters.get("boundary", "").encode("utf-8", "surrogatepass").rstrip()
            self.scanned += end - block.body_start
            if depth >= self.limits.depth or self.scanned > _SCANS * len(self.raw):
                self.notes.append("too_deep")
                return self._opaque(block.body_start, end, block.fields)
            children = self._children(boundary, block.body_start, end, depth, content_type) if boundary else ()
            if not children:
                self.notes.append("multipart_without_parts")
                content_type = "text/plain"
        return Part(
            fields=block.fields,
            content_type=content_type,
            type_parameters=parameters,
            disposition=disposition,
            disposition_parameters=disposition_parameters,
            body=b"" if children else self.raw[block.body_start : end],
            children=children,
        )

    def _parameters(self, fields: tuple[Field, ...], name: str) -> tuple[str, Mapping[str, str]]:
        value = next((f.value for f in fields if f.name == name), b"")
        return headers.parameters(value, self.limits) if value else ("", {})

    def _opaque(self, start: int, end: int, fields: tuple[Field, ...] = ()) -> Part:
        return Part(fields=fields, content_type=OPAQUE, type_parameters={}, body=self.raw[start:end], opaque=True)

    def _children(self, boundary: bytes, start: int, end: int, depth: int, parent: str) -> tuple[Part, ...]:
        """The parts between the boundary lines, then the text outside them if it says something."""
        default = "message/rfc822" if parent == "multipart/digest" else "text/plain"
        found: list[Part] = []
        lines = _boundaries(self.raw, boundary, start, end)
        current = next(lines, None)
        before = self.raw[start : current[0]] if current else b""
        while current is not None and not current[2]:
            if self.parts >= self.limits.parts:
                self.notes.append("too_many_parts")
                return (*found, self._opaque(current[1], end))
            following = next(lines, None)
            found.append(self.part(current[1], following[0] if following else end, depth + 1, default))
            current = following
        after = self.raw[current[1] : end] if current else b""
        return (*found, *(self._outside(text) for text in (before, after) if found and text.strip() and not _says_nothing(text)))

    def _outside(self, text: bytes) -> Part:
        """Text before the first or after the last part: a list server's footer or a lost part, kept either way."""
        self.notes.append("text_outside_parts")
        return Part(
            fields=(), content_type="text/plain", type_parameters={"name": "text-outside-parts.txt"}, disposition="attachment", body=text
        )


def _says_nothing(text: bytes) -> bool:
    """The sentence old programs put in front of the first part."""
    return len(text) < 400 and (b"MIME" in text or b"multi-part" in text.lower())


def _boundaries(raw: bytes, boundary: bytes, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
    """Boundary lines as (end of the part before, start of what follows, is it the closing one), RFC 2046 §5.1.1.

    The search runs inside the regular expression engine: a mail full of near misses must not cost a step of ours each.
    """
    line = rb"--" + re.escape(boundary) + rb"(--)?[ \t]{0,80}\r?(?=\n|\Z)"
    at = max(start - 1, 0)
    first = re.compile(line).match(raw, start, end)
    if first:
        yield start, min(first.end() + 1, end), bool(first[1])
        if first[1]:
            return
        at = first.end()
    for found in re.compile(rb"\n" + line).finditer(raw, at, end):
        before = found.start() - (1 if raw[found.start() - 1 : found.start()] == b"\r" else 0)
        yield max(before, start), min(found.end() + 1, end), bool(found[1])
        if found[1]:
            return


def _uudecoded(data: bytes) -> bytes:
    """Uuencoded text, as some old programs still send it; as it stands when it is none, or absurdly many lines."""
    if data.count(b"\n") > _MOST_UU_LINES:
        return data
    out = bytearray()
    for line in data.split(b"\n"):
        if line.startswith((b"begin ", b"end")) or not line.strip():
            continue
        try:
            out += binascii.a2b_uu(line)
        except binascii.Error:
            return data
    return bytes(out)
