"""Files on disk: found by the hash of their content, encrypted at rest, written whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hub.model.sealed import Sealed

_NONCE = 12
_GOING = ".going"
_DIGEST = re.compile(r"[0-9a-f]{64}")
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
        if _touched(path):
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

    def delete(self, digest: bytes, *, put_before: float) -> bool:
        """Delete a file nobody refers to; False where it was put again since `put_before` (seconds since 1970), and stays.

        It is moved aside before it is looked at: whoever puts it from then on writes it anew, so none is lost between
        the look and the deletion.
        """
        path = self._path(digest)
        aside = path.with_name(f".{path.name}{_GOING}")
        try:
            path.rename(aside)
        except FileNotFoundError:
            return True
        if aside.stat().st_mtime < put_before:
            aside.unlink()
            return True
        aside.rename(path)  # the same content, should somebody have written it meanwhile
        return False

    def unused(self, *, put_before: float) -> Iterator[bytes]:
        """Digests of the files that were last put before a time: those of which a row must know by now."""
        for path in self._folder.glob("??/*"):
            if path.name.endswith(_GOING):
                self._put_back(path, put_before)
            elif _DIGEST.fullmatch(path.name) and path.stat().st_mtime < put_before:
                yield bytes.fromhex(path.name)

    def _put_back(self, aside: Path, before: float) -> None:
        """A crash left it moved aside and undecided: it is itself again, and looked at like any other."""
        with contextlib.suppress(FileNotFoundError):
            if aside.stat().st_ctime < before:
                aside.rename(aside.with_name(aside.name.removeprefix(".").removesuffix(_GOING)))

    def _path(self, digest: bytes) -> Path:
        name = digest.hex()
        return self._folder / name[:2] / name


def _touched(path: Path) -> bool:
    """Whether the file is there; if so it counts as put just now, so that nobody deletes it under us."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True
