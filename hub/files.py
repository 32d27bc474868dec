"""Files on disk: found by the hash of their content, encrypted at rest, written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hub.model.sealed import Sealed

_NONCE = 12
# First bytes that settle what a file is, whatever the sender claims.
SIGNATURES = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"OggS", "audio/ogg"),
    (b"#!AMR", "audio/amr"),
    (b"ID3", "audio/mpeg"),
    (b"BEGIN:VCARD", "text/vcard"),
)
# Claimed types kept when the bytes say nothing; anything else is shown as an unknown file.
HARMLESS = frozenset({"text/plain", "text/vcard", "text/x-vcard", "audio/mpeg", "audio/mp4", "video/mp4", "video/3gpp", "image/heic"})


def sniff(data: bytes, claimed: str) -> str:
    """The media type by content; the sender's word counts only where the content is silent and the type harmless."""
    for prefix, mime_type in SIGNATURES:
        if data.startswith(prefix):
            return mime_type
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:8] == b"ftyp":
        return "image/heic" if data[8:12] in (b"heic", b"heix", b"mif1") else "video/mp4"
    plain = claimed.partition(";")[0].strip().lower()
    return plain if plain in HARMLESS else "application/octet-stream"


class FileStore:
    """A folder of encrypted files (AES-256-GCM), each named by the SHA-256 of its plain content."""

    def __init__(self, folder: Path, secret_key: Sealed[bytes]) -> None:
        self._folder = folder
        key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"enquiry-hub files v1").derive(secret_key.reveal())
        self._cipher = AESGCM(key)

    def put(self, data: bytes) -> bytes:
        """Store the content; its digest. Storing it again changes nothing."""
        digest = hashlib.sha256(data).digest()
        path = self._path(digest)
        if path.exists():
            return digest
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        nonce = secrets.token_bytes(_NONCE)
        sealed = nonce + self._cipher.encrypt(nonce, data, digest)
        temporary = path.with_name(f".{secrets.token_hex(8)}")
        with temporary.open("wb") as file:
            file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
        return digest

    def get(self, digest: bytes) -> bytes:
        """The content. Raises FileNotFoundError, or InvalidTag when the file was tampered with."""
        sealed = self._path(digest).read_bytes()
        return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], digest)

    def _path(self, digest: bytes) -> Path:
        name = digest.hex()
        return self._folder / name[:2] / name
