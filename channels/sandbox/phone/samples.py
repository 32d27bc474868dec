"""The files a person on the practice phone can send: made here, so that nobody's picture is needed."""

from __future__ import annotations

import struct
import zlib
from typing import Final

from channels.sandbox.doubles import File

_SIZE: Final = 96
_PDF: Final = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _picture() -> bytes:
    """A small PNG that fades from one tone to another."""
    rows = b"".join(b"\0" + b"".join(bytes((200 - y, 180 - x // 2, 160)) for x in range(_SIZE)) for y in range(_SIZE))
    header = struct.pack(">IIBBBBB", _SIZE, _SIZE, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


FILES: Final = {
    "photo": File(name="photo.png", mime="image/png", content=_picture()),
    "document": File(name="referral.pdf", mime="application/pdf", content=_PDF),
}
PLACE: Final = (51.5194, -0.1449)  # a square in London
