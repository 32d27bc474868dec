"""Building mail that leaves: compiled once per text, filled per recipient. Pure; ids, times and tokens are passed in.

Every value is cleaned of line ends before it comes near a header, so a name typed into a form can add no header. Bodies
are quoted-printable: its segments can be encoded one by one and joined with soft line breaks, which is what makes a
campaign's mail one join of bytes instead of a walk through an object tree.
"""

from __future__ import annotations

import binascii
import hashlib
import html as html_entities
import re
from base64 import b64encode
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import quote
from uuid import UUID

from hub.model.address import canonical_email
from hub.model.sealed import Sealed

_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]+")
_SLOT = re.compile(r"\{\{\s*([a-z][a-z0-9_]{0,40})\s*\}\}")
_PLAIN_WORDS = re.compile(r"[ !-~]*\Z")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*\Z")
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}\Z")
# Nearly every address: nothing in it to make canonical, so nothing is tried.
_PLAIN_ADDRESS = re.compile(
    r"(?=[^@]{1,64}@)(?=.{3,250}\Z)[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}\Z"
)
# In clear only to this machine, where the sandbox is.
_URL = re.compile(r"(?:https://|http://(?:127\.0\.0\.1|localhost)(?=[:/]))[!-;=?-~]{1,1500}\Z")
_MESSAGE_ID = re.compile(r"[^<>\s\x00-\x1f\x7f]{1,900}\Z")
_MOST_REFERENCES = 20
_FOLD_AT = 76
# "=_" cannot occur in quoted-printable or base64 text, so no content can hold the boundary.
_BOUNDARY_MARK = "=_hub"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribe:
    """The two ways of List-Unsubscribe (RFC 2369, RFC 8058): exactly one https link, and a mailto with the token."""

    url: str
    mailto: str
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundFile:
    """A file to send along. Hold the sum under 18 MB: base64 adds 37%, and many receivers stop at 25 MB."""

    name: Sealed[str]
    mime_type: str
    content: Sealed[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What all recipients share. slots: names that may stand as {{name}} in subject, text and html; texts written by
    staff have none, so that braces stay braces. sender_name, sender: the clinic. instance: our X-Hub-Instance."""

    sender_name: str
    sender: str
    subject: Sealed[str]
    text: Sealed[str]
    html: Sealed[str] | None = None
    slots: frozenset[str] = frozenset()
    instance: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What one recipient gets of their own. message_id, in_reply_to, references: without angle brackets.

    values: one per slot of the layout. automatic: an acknowledgement or bot answer, marked so that no robot answers
    it (RFC 3834 §5). date: aware.
    """

    to: Sealed[str]
    message_id: str
    date: datetime
    to_name: Sealed[str] | None = None
    reply_to: str | None = None
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    unsubscribe: Unsubscribe | None = None
    values: Mapping[str, Sealed[str]] = field(default_factory=dict)
    automatic: bool = False
    files: tuple[OutboundFile, ...] = ()


def outbound_message_id(row: UUID, domain: str) -> str:
    """The Message-ID of an outbox row: always the same, so a resend is folded by receivers and found in look-ups."""
    return f"ob-{row.hex}@{domain}"


def thread(previous: Sequence[str], answered: str) -> tuple[str, ...]:
    """References for an answer (RFC 5322 §3.6.4), at most 20: the first one and the latest ones."""
    ids = tuple(dict.fromkeys([*(r for r in previous if r != answered), answered]))
    return ids if len(ids) <= _MOST_REFERENCES else (ids[0], *ids[1 - _MOST_REFERENCES :])


def one_line(text: str) -> str:
    """Text fit for a header: line ends and control characters become one space."""
    return _CONTROL.sub(" ", text.encode("utf-8", "replace").decode("utf-8")).strip()


def build(layout: Layout, delivery: Delivery) -> bytes:
    """One mail with CRLF line ends. Raises ValueError for an address, id or link that cannot stand in a mail."""
    return CompiledMail(layout).fill(delivery)


class CompiledMail:
    """A layout taken apart once; `fill` joins the pieces for one recipient.

    Raises ValueError where the layout's sender is no address, and KeyError from `fill` when a slot has no value:
    a mail that says "Dear {{name}}" never leaves.
    """

    def __init__(self, layout: Layout) -> None:
        self._subject = _pieces(one_line(layout.subject.reveal()), layout.slots)
        self._text = _encoded_pieces(layout.text.reveal(), layout.slots)
        self._html = _encoded_pieces(layout.html.reveal(), layout.slots) if layout.html is not None else None
        digest = hashlib.sha256(layout.text.reveal().encode("utf-8", "replace")).hexdigest()[:24]
        self._boundary = f"{_BOUNDARY_MARK}{digest}"
        fixed = [_header("From", _mailbox(layout.sender_name, layout.sender)), "MIME-Version: 1.0\r\n"]
        if layout.instance:
            fixed.append(_header("X-Hub-Instance", _words(one_line(layout.instance), len("X-Hub-Instance: "))))
        if layout.language:
            fixed.append(_header("Content-Language", _words(one_line(layout.language), len("Content-Language: "))))
        self._fixed = "".join(fixed)

    def fill(self, delivery: Delivery) -> bytes:
        """The mail for one recipient, as bytes with CRLF line ends, ASCII throughout, no line over 998 octets."""
        values = {name: value.reveal() for name, value in delivery.values.items()}
        subject = one_line("".join(values[p.name] if isinstance(p, _Slot) else p for p in self._subject))
        head = self._fixed + _header("Subject", _words(subject, len("Subject: "))) + "".join(_own_headers(delivery))
        plain = _part("text/plain; charset=utf-8", _joined(self._text, values, escape=False))
        body = plain
        if self._html is not None:
            rich = _part("text/html; charset=utf-8", _joined(self._html, values, escape=True))
            body = _multipart("alternative", f"{self._boundary}a", [plain, rich])
        if delivery.files:
            body = _multipart("mixed", f"{self._boundary}m", [body, *(_file(f) for f in delivery.files)])
        return head.encode("ascii") + body


@dataclass(frozen=True, slots=True)
class _Slot:
    name: str


def _pieces(text: str, slots: Collection[str]) -> list[str | _Slot]:
    """The text cut at its slots; braces that name no slot stay text."""
    out: list[str | _Slot] = []
    at = 0
    for found in _SLOT.finditer(text):
        if found[1] in slots:
            out += [text[at : found.start()], _Slot(found[1])]
            at = found.end()
    return [*out, text[at:]]


def _encoded_pieces(text: str, slots: Collection[str]) -> list[bytes | _Slot]:
    return [p if isinstance(p, _Slot) else _quoted_printable(p) for p in _pieces(text, slots) if p]


def _quoted_printable(text: str) -> bytes:
    """RFC 2045 §6.7, one segment. A segment that ends inside a line ends in a soft break, so the next one starts at
    the margin, whatever it is."""
    data = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").encode("utf-8", "replace")
    # A line that begins with "From " is changed by some stores, which would break a signature.
    encoded = re.sub(rb"^From ", b"=46rom ", binascii.b2a_qp(data, istext=True), flags=re.MULTILINE)
    return encoded if not encoded or encoded.endswith(b"\n") else encoded + b"=\n"


def _joined(pieces: Sequence[bytes | _Slot], values: Mapping[str, str], *, escape: bool) -> bytes:
    out = []
    for piece in pieces:
        if isinstance(piece, _Slot):
            value = values[piece.name]
            out.append(_quoted_printable(html_entities.escape(value) if escape else value))
        else:
            out.append(piece)
    return b"".join(out).removesuffix(b"=\n").replace(b"\n", b"\r\n")


def _part(content_type: str, body: bytes) -> bytes:
    return f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n".encode("ascii") + body + b"\r\n"


def _multipart(kind: str, boundary: str, parts: Sequence[bytes]) -> bytes:
    mark = f"--{boundary}".encode("ascii")
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n'.encode("ascii")
    return head + b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"


def _file(file: OutboundFile) -> bytes:
    kind = file.mime_type if re.fullmatch(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,80}", file.mime_type) else "application/octet-stream"
    name = quote(one_line(file.name.reveal())[-80:], safe="")
    data = b64encode(file.content.reveal())
    lines = b"\r\n".join(data[i : i + 76] for i in range(0, len(data), 76))
    head = (
        f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment;\r\n filename*=utf-8''{name}\r\n\r\n"
    )
    return head.encode("ascii") + lines + b"\r\n"


def _own_headers(delivery: Delivery) -> list[str]:
    name = delivery.to_name.reveal() if delivery.to_name is not None else ""
    out = [
        _header("To", _mailbox(name, delivery.to.reveal())),
        _header("Date", format_datetime(delivery.date)),
        _header("Message-ID", _bracketed(delivery.message_id)),
    ]
    if delivery.reply_to is not None:
        out.append(_header("Reply-To", _mailbox("", delivery.reply_to)))
    if delivery.in_reply_to is not None:
        out.append(_header("In-Reply-To", _bracketed(delivery.in_reply_to)))
    if delivery.references:
        out.append(_header("References", "\r\n ".join(_bracketed(r) for r in delivery.references)))
    if delivery.unsubscribe is not None:
        out += _list_headers(delivery.unsubscribe)
    if delivery.automatic:
        out += ["Auto-Submitted: auto-replied\r\n", "X-Auto-Response-Suppress: All\r\n"]
    return out


def _list_headers(unsubscribe: Unsubscribe) -> list[str]:
    """RFC 8058 §3.1. The link is never folded: some receivers read it line by line."""
    if not _URL.match(unsubscribe.url) or len(unsubscribe.url) > 900:
        raise ValueError("the unsubscribe link must be https and printable")
    mailto = f"mailto:{header_address(unsubscribe.mailto)}?subject={quote(unsubscribe.token, safe='')}"
    return [f"List-Unsubscribe: <{unsubscribe.url}>,\r\n <{mailto}>\r\n", "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"]


def _header(name: str, value: str) -> str:
    return f"{name}: {value}\r\n"


def _bracketed(message_id: str) -> str:
    if not _MESSAGE_ID.match(message_id) or not message_id.isascii():
        raise ValueError("a message id holds neither spaces nor angle brackets")
    return f"<{message_id}>"


def header_address(address: str) -> str:
    """An address as it may stand in a header. Raises ValueError; local parts beyond ASCII would need SMTPUTF8."""
    if _PLAIN_ADDRESS.match(address):
        return address
    local, _, domain = canonical_email(address).rpartition("@")
    typed = address.strip().rpartition("@")[0]
    if not _LOCAL_PART.match(local) or not re.fullmatch(r"[a-z0-9.-]{1,253}", domain):
        raise ValueError("not an address we can send to")
    return f"{typed}@{domain}"  # the local part as typed: some servers tell cases apart


def _mailbox(name: str, address: str) -> str:
    name = one_line(name)[:200]
    if not name:
        return header_address(address)
    if not _PLAIN_WORDS.match(name) or "=?" in name:
        return f"{_words(name, 10, always=True)}\r\n <{header_address(address)}>"
    quoted = name if _ATOMS.match(name) else '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{quoted}\r\n <{header_address(address)}>" if len(quoted) > 40 else f"{quoted} <{header_address(address)}>"


def _words(text: str, column: int, *, always: bool = False) -> str:
    """A header text: as it is where it is short plain ASCII, else in encoded words of at most 75 (RFC 2047 §2)."""
    if not always and _PLAIN_WORDS.match(text) and "=?" not in text:
        if column + len(text) <= _FOLD_AT:
            return text
        if max(map(len, text.split(" "))) < _FOLD_AT and "  " not in text:
            return _folded(text.split(" "), column)
    out: list[str] = []
    pending = b""
    for char in text:
        encoded = char.encode("utf-8", "replace")
        if len(pending) + len(encoded) > 42:
            out.append(pending.decode("utf-8"))
            pending = b""
        pending += encoded
    out.append(pending.decode("utf-8"))
    return "\r\n ".join(f"=?utf-8?b?{b64encode(chunk.encode('utf-8')).decode('ascii')}?=" for chunk in out)


def _folded(words: Sequence[str], column: int) -> str:
    lines, line = [], ""
    for word in words:
        if line and column + len(line) + 1 + len(word) > _FOLD_AT:
            lines.append(line)
            line, column = word, 1
        else:
            line = f"{line} {word}" if line else word
    return "\r\n ".join([*lines, line])
