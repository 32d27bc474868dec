"""Addresses as keys: canonical forms and the keyed hash that suppressions are found by.

Plain hashes are forbidden (policy §6): phone numbers are enumerable. The hash is HMAC-SHA-256 over the address
class and the canonical address under a secret pepper, so it outlives the erasure of the address itself.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from hub.model.sealed import Sealed


class Channel(StrEnum):
    """The medium a message travels on; `ads` is export only and never carries a message."""

    WEB_FORM = "web_form"
    EMAIL = "email"
    SMS = "sms"
    WHATSAPP = "whatsapp"
    WECHAT = "wechat"
    MESSENGER = "messenger"
    INSTAGRAM = "instagram"
    ADS = "ads"


class AddressClass(StrEnum):
    """What kind of string an address is. SMS and WhatsApp share `phone`, so one stop finds both."""

    PHONE = "phone"
    EMAIL = "email"
    WHATSAPP_USER = "whatsapp_user"  # business-scoped user id, where the phone number is hidden
    WECHAT = "wechat"
    MESSENGER = "messenger"
    INSTAGRAM = "instagram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One address. `value` is canonical already: E.164 for phones, see `canonical_email` for mail, the
    platform's own id prefixed `account:` elsewhere (such ids mean nothing outside their account)."""

    kind: AddressClass
    value: Sealed[str]


# Mailboxes known to ignore dots in the local part.
_DOTLESS_DOMAINS = frozenset({"gmail.com", "googlemail.com"})


def canonical_email(text: str) -> str:
    """Trimmed, lower-cased, domain in IDNA ASCII form (policy §6).

    Raises ValueError when there is no single `@` with something on either side.
    """
    local, at, domain = text.strip().lower().rpartition("@")
    if not at or not local or not domain or "@" in local or any(c.isspace() for c in local + domain):
        raise ValueError("not an email address")
    try:
        ascii_domain = domain.encode("idna").decode("ascii") if not domain.isascii() else domain
    except UnicodeError as error:
        raise ValueError("not an email address") from error
    return f"{local}@{ascii_domain}"


def folded_email(canonical: str) -> str:
    """The second form a suppression is looked up by: no +tag, and no dots where the mailbox ignores them."""
    local, _, domain = canonical.rpartition("@")
    local = local.partition("+")[0] or local
    if domain in _DOTLESS_DOMAINS:
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pepper:
    """One HMAC key. Rotation adds a newer one in front; older ones stay for look-up (policy §6)."""

    key_id: int
    secret: Sealed[bytes]


class AddressHasher:
    """Keyed hashes of addresses under every pepper in use, newest first."""

    def __init__(self, peppers: Sequence[Pepper]) -> None:
        if not peppers:
            raise ValueError("at least one pepper is needed: without it no stop could be kept")
        self._peppers = tuple(peppers)

    @property
    def key_id(self) -> int:
        """The id of the pepper new rows are written under."""
        return self._peppers[0].key_id

    def hash(self, address: Address) -> bytes:
        """The 32-byte hash new rows are written under."""
        return self._digest(self._peppers[0], address.kind, address.value.reveal())

    def hashes(self, address: Address) -> tuple[bytes, ...]:
        """Every hash a suppression of this address may lie under: each pepper, and for mail both forms."""
        value = address.value.reveal()
        forms = [value]
        if address.kind is AddressClass.EMAIL and (folded := folded_email(value)) != value:
            forms.append(folded)
        return tuple(self._digest(p, address.kind, form) for p in self._peppers for form in forms)

    def each(self, address: Address) -> tuple[bytes, ...]:
        """The hash under every pepper, newest first: where the address itself may be on file, and no form of it."""
        return tuple(self._digest(p, address.kind, address.value.reveal()) for p in self._peppers)

    def keyed(self, address: Address) -> dict[bytes, int]:
        """As `hashes`, each with the id of its pepper."""
        per_pepper = len(found := self.hashes(address)) // len(self._peppers)
        return {digest: self._peppers[n // per_pepper].key_id for n, digest in enumerate(found)}

    def proofs(self) -> dict[int, bytes]:
        """Key id -> a digest that shows whether a key is the one used before, newest first. Tells nothing else about it."""
        return {p.key_id: hmac.digest(p.secret.reveal(), b"pepper\0proof", "sha256") for p in self._peppers}

    @staticmethod
    def _digest(pepper: Pepper, kind: AddressClass, value: str) -> bytes:
        # NUL cannot occur in an address, so class and value cannot run into each other.
        message = f"{kind}\0{value}".encode("utf-8", "surrogatepass")
        return hmac.digest(pepper.secret.reveal(), message, "sha256")
