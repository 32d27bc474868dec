"""Which country an address says it is in, and what is taken of one that says nothing."""

from __future__ import annotations

import pytest

from hub.intake.country import country_of, country_of_typed
from hub.model.address import Address, AddressClass
from hub.model.sealed import Sealed


def mail(value: str) -> Address:
    return Address(kind=AddressClass.EMAIL, value=Sealed(value))


def phone(value: str) -> Address:
    return Address(kind=AddressClass.PHONE, value=Sealed(value))


@pytest.mark.parametrize(
    ("address", "country"),
    [("amy@patient.co.uk", "GB"), ("amy@PATIENT.UK", "GB"), ("amy@patient.cn", "CN"), ("amy@patient.com", None), ("amy@patient.c0", None)],
)
def test_a_mail_domain_under_a_country_names_it(address: str, country: str | None) -> None:
    assert country_of(mail(address)) == country


@pytest.mark.parametrize(
    ("address", "beside", "country"),
    [
        ("amy@patient.com", None, "GB"),
        ("amy@patient.com", "+447700900123", "GB"),
        ("amy@patient.com", "+8613912345678", "CN"),
        ("amy@patient.com", "+999123", None),  # a phone nobody can place is no sign of home
        ("amy@patient.cn", "+447700900123", "CN"),
    ],
)
def test_a_typed_address_is_where_its_domain_or_its_phone_is_else_at_home(address: str, beside: str | None, country: str | None) -> None:
    assert country_of_typed(mail(address), phone=phone(beside) if beside else None) == country
