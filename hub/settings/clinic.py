"""config/clinic.toml, config/interests.toml and config/processors.toml, read into values."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable
from urllib.parse import urlsplit

from hub.model.address import canonical_email
from hub.settings.problems import Problems, Reader, Table
from hub.settings.values import Clinic, Interest, Processor


def read_clinic(table: Table, problems: Problems) -> Clinic:
    """The controller's identity. A blank field is a problem (policy R4); so is a single data@ address (policy D2)."""
    reader = Reader("clinic.toml", table, problems)
    clinic = Clinic(
        legal_name=reader.text("legal_name"),
        trading_name=reader.text("trading_name"),
        company_number=reader.text("company_number"),
        registered_in=reader.text("registered_in"),
        registered_office=reader.text("registered_office"),
        postal_address=reader.text("postal_address"),
        telephone=reader.text("telephone"),
        regulator_name=reader.text("regulator_name"),
        regulator_url=reader.text("regulator_url"),
        regulator_number=reader.text("regulator_number"),
        data_addresses=reader.texts("data_addresses"),
        stop_address=reader.text("stop_address"),
        time_zone=reader.text("time_zone"),
        locales=reader.texts("locales"),
    )
    _check_addresses(clinic, reader)
    if clinic.time_zone and clinic.time_zone not in zoneinfo.available_timezones():
        reader.problem("has a time_zone nobody knows: write it like Europe/London")
    if clinic.regulator_url and urlsplit(clinic.regulator_url).scheme != "https":
        reader.problem("has a regulator_url that does not begin with https://")
    reader.finish()
    return clinic


def _check_addresses(clinic: Clinic, reader: Reader) -> None:
    for address in (*clinic.data_addresses, clinic.stop_address):
        if address and not _is_email(address):
            reader.problem(f"has an address that is no e-mail address: {address}")
    if clinic.data_addresses and len(set(clinic.data_addresses)) < 2:
        reader.problem("has fewer than two data_addresses: both data@ addresses are needed")


def _is_email(text: str) -> bool:
    try:
        canonical_email(text)
    except ValueError:
        return False
    return True


def read_interests(table: Table, locales: Iterable[str], problems: Problems) -> tuple[Interest, ...]:
    """The subjects of news, each with a name in every language of the clinic."""
    top = Reader("interests.toml", table, problems)
    found = []
    for number, entry in enumerate(top.tables("interest"), start=1):
        reader = Reader(f"interests.toml, entry {number},", entry, problems)
        labels = Reader(f"interests.toml, entry {number}, labels", reader.raw("labels") or {}, problems)
        found.append(
            Interest(
                id=reader.text("id"),
                labels={locale: labels.text(locale) for locale in locales},
                health=reader.flag("health"),
            )
        )
        reader.finish()
        labels.finish()
    _refuse_doubles(top, [interest.id for interest in found])
    top.finish()
    return tuple(found)


def read_processors(table: Table, problems: Problems) -> tuple[Processor, ...]:
    """The register of processors (policy R36): nothing in an entry may be blank."""
    top = Reader("processors.toml", table, problems)
    found = []
    for number, entry in enumerate(top.tables("processor"), start=1):
        reader = Reader(f"processors.toml, entry {number},", entry, problems)
        found.append(
            Processor(
                id=reader.text("id"),
                name=reader.text("name"),
                role=reader.text("role"),
                purpose=reader.text("purpose"),
                data_classes=reader.texts("data_classes"),
                country=reader.text("country"),
                transfer_tool=reader.text("transfer_tool"),
                contract_date=reader.day("contract_date"),
            )
        )
        reader.finish()
    _refuse_doubles(top, [processor.id for processor in found])
    top.finish()
    return tuple(found)


def _refuse_doubles(reader: Reader, ids: list[str]) -> None:
    for one in dict.fromkeys(ids):
        if one and ids.count(one) > 1:
            reader.problem(f"gives the id {one} twice")
