"""Rows of a list brought along, read from CSV or JSON lines one at a time and checked. No database, whole files never in memory.

A row that cannot be used becomes a sentence that never repeats what stood in it.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import phonenumbers

from hub.model.address import Address, AddressClass, Channel, canonical_email
from hub.model.consent import Control
from hub.model.permission import Scope
from hub.model.sealed import Sealed

BOUGHT = re.compile(r"\b(bought|purchased?|rented|broker|scraped|harvested|third[- ]party|lead[- ]?gen|list provider)\b", re.IGNORECASE)
PURPOSES = frozenset({"promotion", "newsletter", "event", "ads_match"})
_WORDING = re.compile(r"(?P<id>[\w-]+)@(?P<version>\d{1,6})/(?P<locale>[\w-]+)")


class BadRow(Exception):
    """The row cannot be used; the message says why and repeats nothing of it."""


Fields = Mapping[str, str]


def read(path: Path) -> Iterator[tuple[int, Fields | BadRow]]:
    """(row number as an editor shows it, fields), one at a time; `.jsonl` and `.ndjson` are JSON lines, all else CSV."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        if path.suffix.lower() in (".jsonl", ".ndjson"):
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, _json(line)
            return
        reader = csv.DictReader(lines)
        try:
            for row in reader:
                yield reader.line_num, {(k or "").strip().lower(): (v or "").strip() for k, v in row.items() if isinstance(v, str | None)}
        except csv.Error:
            yield reader.line_num, BadRow("The file cannot be read as CSV from here on.")


def _json(line: str) -> Fields | BadRow:
    try:
        found = json.loads(line)
    except ValueError:
        return BadRow("This line is no JSON.")
    if not isinstance(found, dict):
        return BadRow("This line is no JSON object.")
    return {
        str(k).strip().lower(): ";".join(map(str, v)) if isinstance(v, list) else "" if v is None else str(v).strip()
        for k, v in found.items()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRow:
    """One suppression. said_at: None where the list gives no date."""

    address: Address
    scope: Scope
    channel: Channel | None
    interest: str | None
    purpose: str | None
    said_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRow:
    """One consent as the list claims it. wording: (id, version, locale). complete: everything a proof needs was given."""

    purpose: str
    channel: Channel
    interests: tuple[str, ...]
    given_at: datetime | None
    source: str
    wording: tuple[str, int, str] | None
    control: Control
    confirmed_at: datetime | None
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    addresses: tuple[tuple[Channel, Address], ...]
    name: Sealed[str] | None
    locale: str | None
    birth_date: date | None
    consent: ConsentRow | None


def stop(row: Fields) -> StopRow:
    """Raises BadRow."""
    addresses = _addresses(row)
    if len(addresses) != 1:
        raise BadRow("A suppression needs exactly one address, in email, phone or address.")
    try:
        scope = Scope((row.get("scope") or Scope.ALL_MARKETING).upper())
    except ValueError:
        raise BadRow("The scope is not one of " + ", ".join(Scope) + ".") from None
    channel = _channel(row.get("channel", ""))
    needs = {
        Scope.CHANNEL: channel,
        Scope.CHANNEL_MARKETING: channel,
        Scope.INTEREST: row.get("interest"),
        Scope.PURPOSE: row.get("purpose"),
    }
    if scope in needs and not needs[scope]:
        raise BadRow(f"The scope {scope} needs its {scope.partition('_')[0].lower()}.")
    return StopRow(
        address=addresses[0][1],
        scope=scope,
        channel=channel if scope in (Scope.CHANNEL, Scope.CHANNEL_MARKETING) else None,
        interest=row.get("interest") if scope is Scope.INTEREST else None,
        purpose=row.get("purpose") if scope is Scope.PURPOSE else None,
        said_at=_time(row.get("date", "")),
    )


def person(row: Fields) -> PersonRow:
    """Raises BadRow."""
    addresses = _addresses(row)
    if not addresses:
        raise BadRow("A contact needs an address, in email or phone.")
    birth = _time(row.get("birth_date", ""))
    return PersonRow(
        addresses=addresses,
        name=Sealed(row["name"][:200]) if row.get("name") else None,
        locale=row.get("locale") or None,
        birth_date=birth.date() if birth else None,
        consent=_consent(row, addresses) if any(v for k, v in row.items() if k.startswith("consent_")) else None,
    )


def _consent(row: Fields, addresses: tuple[tuple[Channel, Address], ...]) -> ConsentRow:
    purpose, named = row.get("consent_purpose", ""), _channel(row.get("consent_channel", ""))
    if purpose not in PURPOSES:
        raise BadRow("consent_purpose is not one of " + ", ".join(sorted(PURPOSES)) + ".")
    given_at, source = _time(row.get("consent_date", "")), row.get("consent_source", "")
    wording = _WORDING.fullmatch(row.get("consent_wording", ""))
    control = row.get("consent_control", "")
    if control and control not in set(Control):
        raise BadRow("consent_control is not one of " + ", ".join(Control) + ".")
    return ConsentRow(
        purpose=purpose,
        channel=named or addresses[0][0],
        interests=tuple(i.strip() for i in row.get("consent_interests", "").split(";") if i.strip()),
        given_at=given_at,
        source=f"import:{source[:100] or 'unknown'}",
        wording=(wording["id"], int(wording["version"]), wording["locale"]) if wording else None,
        control=Control(control) if control else Control.PRETICKED_BOX,  # not known is taken as the worst
        confirmed_at=_time(row.get("consent_confirmed", "")),
        complete=None not in (named, given_at, wording) and bool(source) and bool(control),
    )


def _addresses(row: Fields) -> tuple[tuple[Channel, Address], ...]:
    either = row.get("address", "")
    email = row.get("email") or (either if "@" in either else "")
    number = row.get("phone") or (either if either and "@" not in either else "")
    found: list[tuple[Channel, Address]] = []
    if email:
        try:
            found.append((Channel.EMAIL, Address(kind=AddressClass.EMAIL, value=Sealed(canonical_email(email)))))
        except ValueError:
            raise BadRow("The e-mail address is none.") from None
    if number:
        found.append((Channel.SMS, Address(kind=AddressClass.PHONE, value=Sealed(_e164(number)))))
    return tuple(found)


def _e164(text: str) -> str:
    try:
        number = phonenumbers.parse(text, "GB") if len(text) <= 60 else None
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise BadRow("The phone number is none; write it with its country, like +44.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _channel(text: str) -> Channel | None:
    try:
        return Channel(text.lower()) if text else None
    except ValueError:
        raise BadRow("The channel is not one of " + ", ".join(Channel) + ".") from None


def _time(text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadRow("A date is not written as 2026-11-24 or 2026-11-24T10:00:00Z.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
