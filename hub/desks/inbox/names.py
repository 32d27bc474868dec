"""What we call somebody: the name they gave, else their address as people write it. Pure."""

from __future__ import annotations

from functools import lru_cache

import phonenumbers

from hub.model.address import Channel
from hub.model.sealed import Sealed

NAMELESS = "Somebody without a name"
# Where a platform's own id is all we have, it says nothing to anybody: its last figures only tell two people apart.
_ON = {Channel.MESSENGER: "Messenger", Channel.INSTAGRAM: "Instagram", Channel.WECHAT: "WeChat", Channel.WHATSAPP: "WhatsApp"}
SOMEBODY = "Somebody"


def display_name(name: Sealed[str] | None, address: Sealed[str] | None, channel: Channel | None = None) -> Sealed[str]:
    """The name they gave, else their address, else "Somebody on Instagram, …123", else that we know neither."""
    if name is not None:
        return name
    if address is None:
        return Sealed(NAMELESS)
    plain = address.reveal()
    if not is_opaque(plain):
        return Sealed(shown_address(plain))
    where = f" on {_ON[channel]}" if channel in _ON else ""
    return Sealed(f"{SOMEBODY}{where}, …{plain[-3:]}")


def is_opaque(address: str) -> bool:
    """Whether it is a platform's own id, kept as "account:id", and neither a number nor a mail address."""
    return ":" in address and "@" not in address


@lru_cache(maxsize=1024)
def shown_address(address: str) -> str:
    """A phone number in groups, "+44 7700 900162"; a platform's id without our account before it; anything else as it is."""
    if is_opaque(address):
        return address.partition(":")[2]
    if not address.startswith("+"):
        return address
    try:
        number = phonenumbers.parse(address, None)
    except phonenumbers.NumberParseException:
        return address
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def first_name(name: str) -> str:
    """What lines call somebody: the first word of a name; the whole of a name in Han, of an address, or of none."""
    words = name.split()
    if not words or "@" in name or name.startswith("+") or name == NAMELESS:
        return name
    return words[0]


def initials(name: str) -> str:
    """One or two letters for a face: "PN"; the surname's character where the name is in Han; a number's last digits."""
    han = [c for c in name if _is_han(c)]
    if han:
        return han[0]
    if name.startswith(("+", f"{SOMEBODY} on ")):
        return name[-2:]
    words = name.split()
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper() if words else "?"


def language(text: str, locale: str | None) -> str | None:
    """The `lang` of somebody's words, where it can be told: Han text is Chinese; other text is as the person's locale says."""
    if any("\u3040" <= c <= "\u30ff" for c in text):
        return "ja"
    if any(map(_is_han, text)):
        return locale if locale and locale.startswith("zh") else "zh"
    return locale if locale and not locale.startswith("zh") else None


def _is_han(character: str) -> bool:
    return "\u4e00" <= character <= "\u9fff" or "\u3400" <= character <= "\u4dbf"
