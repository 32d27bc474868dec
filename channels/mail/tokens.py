"""Signed addresses and links: reply+…, bounce+… and unsubscribe tokens. Pure; keys are passed in.

Base32 in lower case, because some relays fold the case of a local part. Several keys may stand side by side: the first
signs, all verify, so a key is rotated without losing the addresses that are out in the world.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from hub.model.sealed import Sealed

_MAC_BYTES = 10  # 80 bits: 16 characters of base32
_UNSUBSCRIBE_MAC_BYTES = 18
_MOST_LOCAL_PART = 64  # RFC 5321 §4.5.3.1.1
_ID = re.compile(r"[a-z0-9_-]{1,40}")
_LOCAL = re.compile(r"(reply|bounce)\+([a-z0-9_-]{1,40})\.([a-z2-7]{16})", re.I)
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,80}")


class Purpose(StrEnum):
    """What an address stands for; the value is signed with the id, so one kind never passes for the other."""

    REPLY = "reply"
    BOUNCE = "bounce"


_SIGNED_PREFIX = {Purpose.REPLY: "conv:", Purpose.BOUNCE: "out:"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenKeys:
    """Secrets, newest first. Raises ValueError when there is none: an unset secret refuses, it never opens."""

    secrets: tuple[Sealed[bytes], ...]

    def __post_init__(self) -> None:
        if not self.secrets or any(not key.reveal() for key in self.secrets):
            raise ValueError("a token key is empty or missing")


def short_id(value: UUID) -> str:
    """A UUID as 26 characters of lower-case base32, which survive case folding."""
    return base64.b32encode(value.bytes).decode("ascii").rstrip("=").lower()


def from_short_id(text: str) -> UUID | None:
    """The UUID behind `short_id`; None when it is not one."""
    try:
        return UUID(bytes=base64.b32decode(text.upper() + "=" * (-len(text) % 8)))
    except ValueError:
        return None


def sign_address(purpose: Purpose, token_id: str, domain: str, keys: TokenKeys) -> str:
    """`reply+<id>.<mac>@domain`, channels.md §12. Raises ValueError for an id that would not survive the journey."""
    if not _ID.fullmatch(token_id):
        raise ValueError("token ids are 1 to 40 of a-z, 0-9, _ and -")
    local = f"{purpose}+{token_id}.{_mac(purpose, token_id, keys.secrets[0])}"
    if len(local) > _MOST_LOCAL_PART:
        raise ValueError("the local part would exceed 64 octets")
    return f"{local}@{domain}"


def open_address(address: str, domains: Sequence[str], keys: TokenKeys) -> tuple[Purpose, str] | None:
    """The purpose and id of an address we signed; None for any other address, a foreign domain or a wrong MAC."""
    local, _, domain = address.strip().rpartition("@")
    if domain.lower().rstrip(".") not in {d.lower() for d in domains}:
        return None
    found = _LOCAL.fullmatch(local)
    if found is None:
        return None
    purpose, token_id, claimed = Purpose(found[1].lower()), found[2].lower(), found[3].lower().encode("ascii")
    # Every key is tried, whichever matches, so that time tells nothing.
    matches = [hmac.compare_digest(_mac(purpose, token_id, key).encode("ascii"), claimed) for key in keys.secrets]
    return (purpose, token_id) if any(matches) else None


def _mac(purpose: Purpose, token_id: str, key: Sealed[bytes]) -> str:
    digest = hmac.digest(key.reveal(), (_SIGNED_PREFIX[purpose] + token_id).encode("ascii"), "sha256")
    return base64.b32encode(digest[:_MAC_BYTES]).decode("ascii").lower()


def unsubscribe_mac(person: str, list_name: str, key: Sealed[bytes]) -> str:
    """24 characters of URL-safe base64 over `v1|person:…|list:…`, channels.md §12."""
    digest = hmac.digest(key.reveal(), f"v1|person:{person}|list:{list_name}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest[:_UNSUBSCRIBE_MAC_BYTES]).decode("ascii")


def sign_unsubscribe(person: str, list_name: str, keys: TokenKeys) -> str:
    """`<payload>.<mac>` for a one-click link; the payload names person and list by id, base64 so that it is opaque
    to the eye. It does not expire (RFC 8058 asks that old mails can be unsubscribed from).

    Raises ValueError for names outside letters, digits, dot, dash and underscore.
    """
    if not (_NAME.fullmatch(person) and _NAME.fullmatch(list_name)):
        raise ValueError("person and list are ids, not text")
    payload = base64.urlsafe_b64encode(f"{person}|{list_name}".encode("ascii")).decode("ascii").rstrip("=")
    return f"{payload}.{unsubscribe_mac(person, list_name, keys.secrets[0])}"


def open_unsubscribe(token: str, keys: TokenKeys) -> tuple[str, str] | None:
    """(person, list) of a token we signed; None for anything else. Never raises."""
    payload, dot, claimed = token.strip().partition(".")
    if not dot or len(token) > 400 or not token.isascii():
        return None
    try:
        person, bar, list_name = (
            base64.b64decode(payload + "=" * (-len(payload) % 4), altchars=b"-_", validate=True).decode("ascii").partition("|")
        )
    except ValueError:
        return None
    if not bar or not (_NAME.fullmatch(person) and _NAME.fullmatch(list_name)):
        return None
    matches = [
        hmac.compare_digest(unsubscribe_mac(person, list_name, key).encode("ascii"), claimed.encode("ascii")) for key in keys.secrets
    ]
    return (person, list_name) if any(matches) else None
