"""Which country an address belongs to, where it says so."""

from __future__ import annotations

from functools import lru_cache

import phonenumbers

from hub.model.address import Address, AddressClass

HOME = "GB"  # what a number typed without a country is read as (channels.md §1), and so is who typed it


def country_of_typed(address: Address, *, phone: Address | None) -> str | None:
    """The country of an address typed into a form: its own, else the phone's beside it, else that of the clinic's public.

    A person whose phone or mail domain names another country is there, and the judge sends no news to where no rules are set.
    """
    own = country_of(address)
    return own or (country_of(phone) if phone is not None else HOME)


def country_of(address: Address) -> str | None:
    """ISO 3166 alpha-2 of a phone's region or of a mail domain under a country's; None where the address names no country."""
    if address.kind is AddressClass.EMAIL:
        top = address.value.reveal().rpartition(".")[2].upper()
        return _DOMAINS.get(top, top) if len(top) == 2 and top.isascii() and top.isalpha() else None
    if address.kind is AddressClass.PHONE:
        return _region(address.value.reveal())
    if address.kind is AddressClass.WHATSAPP_USER:
        prefix = address.value.reveal().rpartition(":")[2][:2]  # "GB.1349…": the country part of the user id
        return prefix if prefix.isalpha() and prefix.isupper() else None
    return None


# Country codes of the domain names that differ from ISO 3166. A domain sold to everybody (.io, .me) says too much rather than too
# little: its people get no news, and are answered like all others.
_DOMAINS = {"UK": "GB"}


@lru_cache(maxsize=4096)
def _region(e164: str) -> str | None:
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return None
    # A number in no known range still carries its country's code.
    region = phonenumbers.region_code_for_number(number) or phonenumbers.region_code_for_country_code(number.country_code or 0)
    return region if region.isalpha() and region != "ZZ" else None
