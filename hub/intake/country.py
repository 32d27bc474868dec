"""Which country an address belongs to, where it says so."""

from __future__ import annotations

from functools import lru_cache

import phonenumbers

from hub.model.address import Address, AddressClass


def country_of(address: Address) -> str | None:
    """ISO 3166 alpha-2 of a phone's region; None where the address names no country."""
    if address.kind is AddressClass.PHONE:
        return _region(address.value.reveal())
    if address.kind is AddressClass.WHATSAPP_USER:
        prefix = address.value.reveal().rpartition(":")[2][:2]  # "GB.1349…": the country part of the user id
        return prefix if prefix.isalpha() and prefix.isupper() else None
    return None


@lru_cache(maxsize=4096)
def _region(e164: str) -> str | None:
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return None
    # A number in no known range still carries its country's code.
    region = phonenumbers.region_code_for_number(number) or phonenumbers.region_code_for_country_code(number.country_code or 0)
    return region if region.isalpha() and region != "ZZ" else None
