"""The two secrets of the house: the peppers that suppressions are found by, and the key that signs."""

from __future__ import annotations

import base64
import binascii

from hub.model.address import AddressHasher, Pepper
from hub.model.sealed import Sealed
from hub.settings.environment import Environment
from hub.settings.problems import Problems

PEPPER = "HUB_PEPPER"
SECRET_KEY = "HUB_SECRET_KEY"  # noqa: S105 - the name of a variable
_LEAST_BYTES = 32
_GREATEST_KEY_ID = 32767  # smallint in the database


def read_hasher(environment: Environment, problems: Problems) -> AddressHasher | None:
    """`keyid:base64`, newest first, separated by commas. None, with the problem noted, when that is not what is there."""
    text = environment.secret(PEPPER)
    if text is None:
        problems.add(_missing(PEPPER, 'a key id, a colon and 32 random bytes in base64, like "1:…"'))
        return None
    peppers = [_pepper(part.strip()) for part in text.split(",")]
    if any(pepper is None for pepper in peppers):
        problems.add(f"{PEPPER} must be written as keyid:base64, newest first, separated by commas, with at least 32 bytes in each.")
        return None
    known = [pepper for pepper in peppers if pepper is not None]
    if len({pepper.key_id for pepper in known}) != len(known):
        problems.add(f"{PEPPER} gives one key id twice.")
        return None
    return AddressHasher(known)


def read_secret_key(environment: Environment, problems: Problems) -> Sealed[bytes] | None:
    """At least 32 bytes in base64. None, with the problem noted, when that is not what is there."""
    text = environment.secret(SECRET_KEY)
    if text is None:
        problems.add(_missing(SECRET_KEY, "32 random bytes in base64"))
        return None
    secret = _decoded(text)
    if secret is None:
        problems.add(f"{SECRET_KEY} must be at least {_LEAST_BYTES} bytes in base64.")
        return None
    return Sealed(secret)


def _pepper(part: str) -> Pepper | None:
    number, _, encoded = part.partition(":")
    secret = _decoded(encoded)
    if secret is None or not (number.isascii() and number.isdigit() and 1 <= int(number) <= _GREATEST_KEY_ID):
        return None
    return Pepper(key_id=int(number), secret=Sealed(secret))


def _decoded(text: str) -> bytes | None:
    try:
        secret = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return secret if len(secret) >= _LEAST_BYTES else None


def _missing(name: str, what: str) -> str:
    return f"{name} is not set: give {what}, in {name} or in a file named by {name}_FILE."
