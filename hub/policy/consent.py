"""What a person's consent events amount to today (policy §5). Pure: events in, facts out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from itertools import groupby
from types import MappingProxyType
from uuid import UUID

from hub.model.address import Address, Channel
from hub.model.consent import ConsentAct, ConsentEvent, Control, WordingRef
from hub.model.ids import ContactId
from hub.model.message import ConsentGiven, FormEnquiry
from hub.model.permission import ConsentFacts

ADULT = 18
_NOBODY: Mapping[bytes, datetime] = MappingProxyType({})
_ENDS = frozenset({ConsentAct.WITHDRAWN, ConsentAct.EXPIRED, ConsentAct.INVALIDATED})
# Ways of saying yes that can prove anything; a box ticked for the person, or bundled with another thing, cannot.
_AFFIRMATIVE = frozenset({Control.UNTICKED_BOX, Control.NATIVE, Control.SPOKEN, Control.PAPER})


def months_after(at: datetime, months: int) -> datetime:
    """The same day `months` later, or the month's last day where it has no such day."""
    year, month = divmod(at.month - 1 + months, 12)
    year, month = at.year + year, month + 1
    last = (datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC) - datetime(year, month, 1, tzinfo=UTC)).days
    return at.replace(year=year, month=month, day=min(at.day, last))


def derive(
    events: Iterable[ConsentEvent], *, now: datetime, months: int = 24, written_from: Mapping[bytes, datetime] = _NOBODY
) -> tuple[ConsentFacts, ...]:
    """The consents of one person, one value each, oldest first.

    The latest refusal wins over every source: a withdrawal ends each consent to the same purpose and channel given
    at that moment or before. Only a new `given` stands again; confirming or refreshing an ended consent does not.
    written_from: address hash -> when the person last wrote from that address. A typed address proven so after the
    consent was given needs no further confirmation.
    Age is not judged here: `given_at` goes to the judge, which counts the months.
    """
    ordered = sorted(events, key=lambda e: (str(e.consent_id), e.occurred_at, e.event in _ENDS, str(e.id)))
    refused = _refusals(ordered)
    lives = [list(life) for _, life in groupby(ordered, key=lambda e: e.consent_id)]
    facts = [fact for life in lives if (fact := _one(life, now, months, refused, written_from))]
    return tuple(sorted(facts, key=lambda f: (f.given_at, f.id)))


def _refusals(events: Iterable[ConsentEvent]) -> dict[tuple[str, Channel], datetime]:
    """The newest withdrawal per purpose and channel."""
    newest: dict[tuple[str, Channel], datetime] = {}
    for e in events:
        if e.event is ConsentAct.WITHDRAWN:
            key = (e.purpose, e.channel)
            newest[key] = max(newest.get(key, e.occurred_at), e.occurred_at)
    return newest


def _one(
    life: list[ConsentEvent],
    now: datetime,
    months: int,
    refused: Mapping[tuple[str, Channel], datetime],
    written_from: Mapping[bytes, datetime],
) -> ConsentFacts | None:
    # A date in the future proves nothing about today; an ending counts whenever it is dated.
    given = next((e for e in reversed(life) if e.event is ConsentAct.GIVEN and e.occurred_at <= now), None)
    if given is None:
        return None
    refusal = refused.get((given.purpose, given.channel))
    ended = any(e.event in _ENDS and e.occurred_at >= given.occurred_at for e in life) or (
        refusal is not None and refusal >= given.occurred_at
    )
    return ConsentFacts(
        id=str(given.consent_id),
        purpose=given.purpose,
        channel=given.channel,
        interests=given.interests,
        given_at=_last_affirmative(life, given, now, months),
        confirmed=_confirmed(life, given, now, written_from),
        proven=given.wording is not None and given.control in _AFFIRMATIVE,
        ended=ended,
        wording=None if given.wording is None else str(given.wording),
        health_relevance=given.health_relevance,
    )


def _last_affirmative(life: list[ConsentEvent], given: ConsentEvent, now: datetime, months: int) -> datetime:
    """A refresh counts only while the consent was still alive: never after its time (policy §5)."""
    at = given.occurred_at
    for e in life:
        if e.event is ConsentAct.REFRESHED and at <= e.occurred_at <= min(now, months_after(at, months)):
            at = e.occurred_at
    return at


def _confirmed(life: list[ConsentEvent], given: ConsentEvent, now: datetime, written_from: Mapping[bytes, datetime]) -> bool:
    if not given.needs_confirmation:
        return True
    if any(e.event is ConsentAct.CONFIRMED and given.occurred_at <= e.occurred_at <= now for e in life):
        return True
    wrote_at = written_from.get(given.address_hash) if given.address_hash is not None else None
    return wrote_at is not None and given.occurred_at < wrote_at <= now


def age_on(day: date, birth_date: date) -> int:
    """Whole years; a person born on 29 February has the birthday on 1 March in other years."""
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))


def given_by_form(
    form: FormEnquiry,
    *,
    contact_id: ContactId,
    hash_address: Callable[[Address], bytes],
    text_hash: Callable[[ConsentGiven], bytes | None],
    new_id: Callable[[], UUID],
    occurred_at: datetime,
    recorded_at: datetime,
    attested: WordingRef | None = None,
) -> list[ConsentEvent]:
    """The events a form's ticked boxes become.

    Each needs confirmation, since typed addresses are unproven. From somebody who says they are under 18 the box is
    kept as invalid: the record shows it, nothing may be sent on it (policy §5, Minors).
    attested: the ticked "I am 18 or over", kept with each consent as the record of how age was known (policy §5, age_attested).
    text_hash: the hash of the registered wording, None when nobody knows it, which leaves the consent unproven.
    """
    minor = _is_minor(form, occurred_at.date())
    return [
        ConsentEvent(
            id=new_id(),
            consent_id=new_id(),
            contact_id=contact_id,
            event=ConsentAct.INVALIDATED if minor else ConsentAct.GIVEN,
            purpose=box.purpose,
            channel=box.channel,
            occurred_at=occurred_at,
            recorded_at=recorded_at,
            source=f"form:{form.form_id}",
            control=Control.UNTICKED_BOX,
            needs_confirmation=True,
            actor="person",
            address_hash=hash_address(address) if (address := _address_for(form, box.channel)) else None,
            interests=box.interests,
            wording=_wording(box, text_hash(box)),
            notice_version=form.notice_version,
            evidence_ref=form.submission_id,
            ip_truncated=form.ip_truncated,
            ua_family=form.user_agent_family,
            age_attested=None if attested is None else str(attested),
        )
        for box in form.consents
    ]


def _address_for(form: FormEnquiry, channel: Channel) -> Address | None:
    return form.phone if channel in (Channel.SMS, Channel.WHATSAPP) else form.email


def _wording(box: ConsentGiven, text_hash: bytes | None) -> WordingRef | None:
    if text_hash is None:
        return None
    return WordingRef(id=box.wording_id, version=box.wording_version, locale=box.locale, text_hash=text_hash)


def age_known(birth_date: date | None, *, attested: bool, today: date) -> bool:
    """Whether a form shows its writer to be an adult: a birth date says so, else the ticked attestation (policy R44).

    A birth date outweighs the box: who was born too late is under age whatever was ticked.
    """
    return attested if birth_date is None else age_on(today, birth_date) >= ADULT


def years(birth_date: date | None, age_confirmed: bool | None, today: date) -> int | None:
    """The age for the judge: by the birth date, else of age where only that is known; None where nothing is."""
    if birth_date is not None:
        return age_on(today, birth_date)
    return ADULT if age_confirmed is True else None


def _is_minor(form: FormEnquiry, today: date) -> bool:
    return form.birth_date is not None and age_on(today, date.fromisoformat(form.birth_date.reveal())) < ADULT
