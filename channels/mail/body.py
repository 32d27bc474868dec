"""From the MIME tree to what staff see: the text, what of it is new, the HTML, and the files.

Nothing is thrown away: a part that is not shown as text is a file, and so is every rest that a bound cut off.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

from channels.mail import charset, headers, html, visible
from channels.mail.bounds import Limits
from channels.mail.parts import OPAQUE, Part, Tree, unix
from channels.mail.values import MailAttachment
from hub.model.sealed import Sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """Plain values for the reader: text whole, own words, what to show first, HTML as sent, files, oddities."""

    text: str
    own: str
    visible: str
    html: str | None
    attachments: tuple[MailAttachment, ...]
    notes: tuple[str, ...]
    guessed: bool


_FILE_TEXT_TYPES = frozenset(
    {"text/calendar", "text/vcard", "text/x-vcard", "text/directory", "text/csv", "text/css", "text/xml", "text/rfc822-headers"}
)
_PGP_INLINE = "-----BEGIN PGP MESSAGE-----"
_STUB_LENGTH = 600
_STUB = re.compile(
    r"html|view (?:this|the) (?:e-?mail|message)|in (?:your|a) browser|does(?: not|n't) (?:support|show|display)|im browser|"
    r"navigateur|navegador|浏览器|瀏覽器",
    re.I,
)


def read_body(tree: Tree, limits: Limits, markers: tuple[str, ...]) -> Body:
    """Read every part once. Never raises."""
    collector = _Collector(limits, text_left=limits.text_chars, html_left=2 * limits.html_bytes)
    collector.notes.extend(tree.notes)
    collector.read(tree.root)
    if tree.cut:
        collector.add_file("cut-headers.txt", b"\n".join(tree.cut), "not_taken_apart")
    return collector.body(markers)


@dataclass(slots=True)
class _Collector:
    limits: Limits
    texts: list[str] = field(default_factory=list)  # converted HTML still carries its quotation marks
    htmls: list[str] = field(default_factory=list)
    files: list[MailAttachment] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    fallback: list[bytes] = field(default_factory=list)
    guessed: bool = False
    text_left: int = 0
    html_left: int = 0

    def read(self, part: Part) -> None:
        """Depth is bounded by the splitter, so this may recurse."""
        if not part.children:
            self._leaf(part)
        elif part.content_type == "multipart/alternative":
            self._alternative(part)
        else:
            unreadable = "pgp" if part.content_type == "multipart/encrypted" else ""
            for child in part.children:
                if unreadable:
                    self._file(child, unreadable)
                else:
                    self.read(child)

    def _leaf(self, part: Part) -> None:
        spent = (self.html_left if part.content_type == "text/html" else self.text_left) <= 0
        if part.opaque or spent or not _is_shown(part, first=not self.texts):
            self._file(part)
        elif part.content_type == "text/html":
            self._html(part)
        else:
            self.texts.append(self._plain(part))

    def _alternative(self, part: Part) -> None:
        """Plain text where it says what the HTML says; else the HTML. Everything else in it is a file."""
        plain = next((c for c in part.children if c.content_type == "text/plain" and _is_shown(c, first=True)), None)
        rich = [c for c in part.children if c is not plain and any(leaf.content_type == "text/html" for leaf in c.walk())]
        others = [c for c in part.children if c is not plain and c not in rich[-1:]]
        chosen = rich[-1] if rich else None
        if plain is not None and chosen is not None:
            before = (len(self.texts), len(self.htmls))
            self.read(chosen)
            text = self._plain(plain)
            if _is_stub(text, "\n".join(self.texts[before[0] :])):
                if text.strip():
                    self.notes.append("plain_part_says_nothing")
                    self._file(plain)
            else:
                self.texts[before[0] :] = [text]
        else:
            for child in (plain, chosen):
                if child is not None:
                    self.read(child)
        for child in others:
            if child.children and plain is None and chosen is None:
                self.read(child)
            else:
                for leaf in child.walk():
                    if not leaf.children:
                        self._file(leaf)

    def _decode(self, part: Part, most: int, note: str) -> str:
        """The text of a part, at most `most` characters; a part beyond that is kept as a file too."""
        found = part.decoded(4 * most)
        self.guessed = self.guessed or found.guessed
        if found.cut or len(found.text) > most:
            self.notes.append(note)
            self._file(part)
        return found.text[:most]

    def _plain(self, part: Part) -> str:
        text = _flowed(part, self._decode(part, self.text_left, "text_cut"))
        self.text_left -= len(text)
        return text

    def _html(self, part: Part) -> None:
        source = self._decode(part, min(self.limits.html_bytes, self.html_left), "html_too_large")
        self.html_left -= len(source)
        self.htmls.append(source)
        text = html.to_text(source, self.limits)
        if not html.without_marks(text).strip() and source.strip():
            text = html.bare_text(source)
        self.texts.append(text)

    def _file(self, part: Part, unreadable: str = "") -> None:
        content = part.content()
        if part.opaque and part.content_type == OPAQUE:
            self.add_file("rest-of-message.eml", content, "not_taken_apart")
            self.fallback.append(content)
            return
        self.files.append(_attachment(part, content, unreadable))

    def add_file(self, name: str, content: bytes, unreadable: str = "") -> None:
        self.files.append(
            MailAttachment(
                name=Sealed(name),
                declared_type=OPAQUE,
                sniffed_type="",
                size=len(content),
                sha256=hashlib.sha256(content).hexdigest(),
                content=Sealed(content),
                unreadable=unreadable,
            )
        )

    def body(self, markers: tuple[str, ...]) -> Body:
        if not any(html.without_marks(t).strip() for t in self.texts) and self.fallback:
            rest = self.fallback[0][: self.limits.text_chars]
            self.texts = [unix(charset.decode(rest, None).text)]
        marked = "\n\n".join(t.strip("\n") for t in self.texts if t.strip())
        if _PGP_INLINE in marked:
            self.notes.append("pgp_inline")
        if len(marked) > self.limits.text_chars:
            self.notes.append("text_cut")
            self.add_file("full-text.txt", html.without_marks(marked).encode("utf-8", "replace"))
            marked = marked[: self.limits.text_chars]
        text = html.without_marks(marked)
        folded = visible.fold(html.without_quotes(marked), markers)
        return Body(
            text=text,
            own=folded.own,
            visible=folded.own or text.strip(),
            html="\n".join(self.htmls) or None,
            attachments=tuple(self.files),
            notes=tuple(dict.fromkeys(self.notes)),
            guessed=self.guessed,
        )


def _is_shown(part: Part, *, first: bool) -> bool:
    """Whether a leaf is text to read rather than a file. A named text that is not marked as attachment is read when
    nothing came before it: some programs name their body."""
    if not part.content_type.startswith("text/") or part.content_type in _FILE_TEXT_TYPES or part.disposition == "attachment":
        return False
    return first or not part.file_name


def _is_stub(plain: str, rich: str) -> bool:
    """A plain part that only says that there is an HTML part (channels.md §2.1)."""
    words, rich = plain.strip(), html.without_marks(rich).strip()
    if not words or not rich:
        return not words
    return len(words) < _STUB_LENGTH and bool(_STUB.search(words)) and " ".join(words.split()) not in " ".join(rich.split())


def _flowed(part: Part, text: str) -> str:
    """Undo soft line breaks (RFC 3676) outside quotations; the signature delimiter is a hard line."""
    if part.content_type != "text/plain" or part.type_parameters.get("format", "").lower() != "flowed":
        return text
    joiner = "" if part.type_parameters.get("delsp", "").lower() == "yes" else " "
    out: list[str] = []
    pending: list[str] = []
    for raw_line in text.split("\n"):
        line = raw_line[1:] if raw_line.startswith(" ") else raw_line
        soft = line.endswith(" ") and line != "-- " and not line.startswith(">")
        if pending and line.startswith(">"):
            out.append(joiner.join(pending))
            pending = []
        pending.append(line.rstrip(" ") if soft else line)
        if not soft:
            out.append(joiner.join(pending) if line != "-- " else "\n".join(pending))
            pending = []
    return "\n".join([*out, joiner.join(pending)] if pending else out)


_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF8", "image/gif"),
    (0, b"%PDF-", "application/pdf"),
    (8, b"WEBP", "image/webp"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypheix", "image/heic"),
    (4, b"ftypmif1", "image/heif"),
    (4, b"ftypqt", "video/quicktime"),
    (4, b"ftyp", "video/mp4"),
    (0, b"BM", "image/bmp"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (0, b"{\\rtf", "application/rtf"),
    (0, b"MZ", "application/x-msdownload"),
    (0, b"\x7fELF", "application/x-elf"),
    (0, b"\x78\x9f\x3e\x22", "application/ms-tnef"),
    (0, b"OggS", "audio/ogg"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"BEGIN:VCALENDAR", "text/calendar"),
    (0, b"BEGIN:VCARD", "text/vcard"),
    (0, b"-----BEGIN PGP MESSAGE", "application/pgp-encrypted"),
)


def sniff(content: bytes) -> str:
    """The type the first bytes show, "" when they show none. The name and the sender's word count for nothing."""
    found = next((kind for offset, magic, kind in _MAGIC if content.startswith(magic, offset)), "")
    if not found and re.match(rb"\s{0,64}(?:<!doctype html|<html|<script)", content[:200], re.I):
        return "text/html"
    return found


def _attachment(part: Part, content: bytes, unreadable: str) -> MailAttachment:
    sniffed = sniff(content)
    return MailAttachment(
        name=Sealed(_name(part)),
        declared_type=part.content_type,
        sniffed_type=sniffed,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        content=Sealed(content),
        inline=part.disposition == "inline" or (part.disposition != "attachment" and bool(part.text("content-id"))),
        content_id=part.text("content-id").strip("<>") or None,
        unreadable=unreadable or _unreadable(part, sniffed),
    )


def _unreadable(part: Part, sniffed: str) -> str:
    if "application/ms-tnef" in (part.content_type, sniffed) or part.content_type == "application/vnd.ms-tnef":
        return "tnef"
    if part.content_type in ("application/pkcs7-mime", "application/x-pkcs7-mime"):
        return "smime"
    return "pgp" if "application/pgp-encrypted" in (part.content_type, sniffed) else ""


def _name(part: Part) -> str:
    """A bare file name: no folders, no control characters, at most 200 characters; nested mails take their subject."""
    name = re.split(r"[\\/]", headers.clean(part.file_name))[-1].strip(". ")
    if not name and part.content_type == "message/rfc822":
        return "message.eml"
    return name[-200:] or "file"
