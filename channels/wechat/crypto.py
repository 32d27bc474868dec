"""The envelope of WeChat's safe mode: AES-256-CBC around a length, the XML and the app id (channels.md §8). Pure.

The cipher is wechatpy's. Its reading of what was deciphered is not used: it neither checks the padding nor takes text that
was cut in the middle of a character, and it tells errors apart by kind.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from hub.model.message import Account

if TYPE_CHECKING:
    from collections.abc import Iterator

KEYS: Final = ("aes_key", "aes_key_previous")  # while a key is being changed, what was sent under the one before still counts
BLOCK: Final = 32
_KEY: Final = re.compile(r"[A-Za-z0-9+/]{43}")
_PREFIX, _LENGTH = 16, 4


def signature(*parts: str) -> str:
    """Hex SHA-1 over the sorted parts run together: (token, timestamp, nonce), or those and the sealed text."""
    joined = "".join(sorted(parts)).encode("utf-8", "surrogateescape")
    return hashlib.sha1(joined, usedforsecurity=False).hexdigest()  # the provider's choice, not ours


def app_id(account: Account) -> str:
    """The app id that every envelope carries."""
    return str(account.options.get("app_id", ""))


def faults(account: Account) -> list[str]:
    """What of an account's app id and keys cannot work."""
    found = [] if app_id(account) else ["needs its app_id among the options: the AppID of WeChat's basic configuration, wx…"]
    odd = [name for name in KEYS if (key := account.secrets.get(name)) is not None and not _KEY.fullmatch(key.reveal())]
    return found + [f"needs 43 letters and digits as its {name}: WeChat's EncodingAESKey, as it stands there" for name in odd]


def opened(sealed: bytes, account: Account) -> bytes | None:
    """What an envelope holds: deciphered by the present key or the one before; None where neither fits this account."""
    expected = app_id(account).encode()
    if not expected:
        return None
    return next((found for key in _keys(account) if (found := _opened(sealed, key, expected)) is not None), None)


def _opened(sealed: bytes, key: str, expected: bytes) -> bytes | None:
    try:
        raw = base64.b64decode(sealed, validate=True)
    except binascii.Error:
        return None
    if not raw or len(raw) % 16:
        return None
    plain: bytes = _crypto(key).cipher.decrypt(raw)
    padding = plain[-1]
    if not 1 <= padding <= BLOCK or len(plain) < _PREFIX + _LENGTH + padding or plain[-padding:] != bytes([padding]) * padding:
        return None
    end = _PREFIX + _LENGTH + int.from_bytes(plain[_PREFIX : _PREFIX + _LENGTH], "big")
    return plain[_PREFIX + _LENGTH : end] if plain[end:-padding] == expected else None


def sealed(text: str, account: Account) -> str:
    """An envelope of our own, under the present key. Raises ValueError where the account has no usable key."""
    key = next(_keys(account), None)
    if key is None:
        raise ValueError("no key")
    encrypted: bytes = _crypto(key).encrypt(text, app_id(account))
    return encrypted.decode("ascii")


def _keys(account: Account) -> Iterator[str]:
    for name in KEYS:
        if (found := account.secrets.get(name)) is not None and _KEY.fullmatch(found.reveal()):
            yield found.reveal()


@lru_cache(maxsize=64)
def _crypto(key: str) -> Any:
    """wechatpy's cipher for one EncodingAESKey; imported here, when something is to be opened or sealed."""
    from wechatpy.crypto import PrpCrypto

    class Crypto(PrpCrypto):  # type: ignore[misc]  # the SDK ships no types
        """The prefix is all that tells two envelopes of one text apart, so it is really random, unlike the SDK's own."""

        def get_random_string(self) -> str:
            return secrets.token_hex(_PREFIX // 2)

    return Crypto(base64.b64decode(key + "="))
