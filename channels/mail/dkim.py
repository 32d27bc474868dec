"""DKIM signatures (RFC 6376): rsa-sha256, relaxed/relaxed. Signing only; verdicts on inbound mail come from our server."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from hub.model.sealed import Sealed

# Signed where present. Both list headers must be covered for one-click to count (RFC 8058 §4); From is named once more
# than it occurs, so that a second one added on the way breaks the signature (RFC 6376 §8.15).
SIGNED_HEADERS = (
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "reply-to",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "auto-submitted",
)
_WHITESPACE = re.compile(rb"[ \t]+")
_TRAILING = re.compile(rb" (?=\r\n|\Z)")


@dataclass(frozen=True, slots=True, kw_only=True)
class DkimSigner:
    """One signing identity. Raises ValueError through `load` for a key that is not RSA of at least 2048 bits."""

    domain: str
    selector: str
    key: Sealed[RSAPrivateKey]

    @classmethod
    def load(cls, *, domain: str, selector: str, pem: Sealed[bytes]) -> DkimSigner:
        key = load_pem_private_key(pem.reveal(), password=None)
        if not isinstance(key, RSAPrivateKey) or key.key_size < 2048:
            raise ValueError("DKIM needs an RSA key of at least 2048 bits")
        if not re.fullmatch(r"[a-z0-9.-]{1,253}", domain) or not re.fullmatch(r"[A-Za-z0-9._-]{1,63}", selector):
            raise ValueError("DKIM domain or selector is not a name")
        return cls(domain=domain, selector=selector, key=Sealed(key))

    def sign(self, mail: bytes, now: datetime) -> bytes:
        """The mail with its DKIM-Signature in front. `mail` has CRLF line ends and its header block whole."""
        head, _, body = mail.partition(b"\r\n\r\n")
        fields = _fields(head + b"\r\n")
        names = [name for name in SIGNED_HEADERS if name in fields]
        body_hash = b64encode(hashlib.sha256(relaxed_body(body)).digest()).decode("ascii")
        unsigned = (
            f"v=1; a=rsa-sha256; c=relaxed/relaxed; d={self.domain}; s={self.selector};\r\n"
            f"\tt={int(now.timestamp())}; h={_names([*names, 'from'])};\r\n\tbh={body_hash};\r\n\tb="
        )
        data = b"".join(relaxed_header(name.encode(), fields[name]) + b"\r\n" for name in names)
        data += relaxed_header(b"dkim-signature", unsigned.encode("ascii"))
        signature = b64encode(self.key.reveal().sign(data, padding.PKCS1v15(), SHA256())).decode("ascii")
        folded = "\r\n\t ".join(signature[i : i + 72] for i in range(0, len(signature), 72))
        return f"DKIM-Signature: {unsigned}{folded}\r\n".encode("ascii") + mail


def _names(names: list[str]) -> str:
    """The h= list, folded after colons where whitespace is allowed."""
    return ":\r\n\t ".join(":".join(names[i : i + 5]) for i in range(0, len(names), 5))


def _fields(head: bytes) -> dict[str, bytes]:
    """The last value of each field, folds included: our own mail has each signed field once."""
    out = {}
    for found in re.finditer(rb"([!-9;-~]+):((?:[^\r]|\r\n[ \t])*)\r\n", head):
        out[found[1].decode("ascii").lower()] = found[2]
    return out


def relaxed_header(name: bytes, value: bytes) -> bytes:
    """RFC 6376 §3.4.2."""
    return name.lower() + b":" + _WHITESPACE.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ")


def relaxed_body(body: bytes) -> bytes:
    """RFC 6376 §3.4.4: runs of blanks become one space, none at line ends, no empty lines at the end."""
    text = _TRAILING.sub(b"", _WHITESPACE.sub(b" ", body)).rstrip(b"\r\n")
    return text + b"\r\n" if text else b""
