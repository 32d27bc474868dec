"""Lists brought along from elsewhere: they can only add stops, and what they claim about consent must be proven."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.people.importing import Importer, ImportRefused, Report, import_contacts, import_suppressions
from tests.integration.people.helpers import contact_at, mail, phone, standing
from tests.world import AMY, SMS, StandingClock, World

STOPS = "email,phone,scope,channel,date\nbob+x@gmail.com,,,,2026-01-02\n,07700 900123,CHANNEL,sms,\n"
HEAD = "name,email,phone,consent_purpose,consent_channel,consent_wording,consent_date,consent_source,consent_control,consent_confirmed\n"
PROVEN = "Bob,bob@gmail.com,,newsletter,email,consent_email@1/en,2026-11-10,web form,unticked_box,2026-11-11\n"


async def bring(clinic: World, folder: Path, text: str, *, what: str = "suppressions", statement: Path | None = None) -> Report:
    path = folder / f"{what}.csv"
    path.write_text(text, encoding="utf-8")
    async with clinic.pool.acquire() as conn:
        tool = Importer(conn=conn, hasher=clinic.settings.hasher, clock=clinic.clock, actor="system:terminal", source="old")
        if what == "suppressions":
            return await import_suppressions(tool, path)
        return await import_contacts(tool, path, statement=statement)


async def everything(clinic: World) -> list[object]:
    tables = ("suppression", "contact", "identity", "address", "consent_event")
    return [sorted(map(str, await clinic.rows(f"SELECT * FROM {t}"))) for t in tables]


async def test_reading_a_list_again_changes_nothing(clinic: World, tmp_path: Path, clock: StandingClock) -> None:
    first = await bring(clinic, tmp_path, STOPS)
    people = await bring(clinic, tmp_path, HEAD + PROVEN, what="contacts")
    assert (first.added, people.added) == (2, 1)
    before = await everything(clinic)
    clock.forward(days=1)
    again = await bring(clinic, tmp_path, STOPS)
    people = await bring(clinic, tmp_path, HEAD + PROVEN, what="contacts")
    assert (again.added, again.known, people.added, people.known) == (0, 2, 0, 1)
    assert await everything(clinic) == before


async def test_a_list_stops_whoever_holds_the_address_in_any_form(clinic: World, tmp_path: Path) -> None:
    await clinic.writes("Hello", account=SMS)
    await bring(clinic, tmp_path, STOPS)
    await bring(clinic, tmp_path, HEAD + PROVEN, what="contacts")
    assert ("CHANNEL", "sms") in await standing(clinic, await contact_at(clinic, phone(AMY)))
    assert ("ALL_MARKETING", None) in await standing(clinic, await contact_at(clinic, mail("bob@gmail.com")))


async def test_a_start_after_an_import_is_not_undone_by_reading_the_list_again(clinic: World, tmp_path: Path, clock: StandingClock) -> None:
    await clinic.writes("Hello", account=SMS)
    await bring(clinic, tmp_path, STOPS)
    clock.forward(minutes=1)
    await clinic.writes("START", account=SMS)
    await bring(clinic, tmp_path, STOPS)
    assert ("CHANNEL", "sms") not in await standing(clinic, await contact_at(clinic, phone(AMY)))


async def test_an_import_never_lifts_a_stop(clinic: World, tmp_path: Path) -> None:
    await clinic.writes("STOP", account=SMS)
    before = await standing(clinic, await contact_at(clinic, phone(AMY)))
    await bring(clinic, tmp_path, "phone,scope\n+447700900123,CHANNEL_MARKETING\n+447700900123,ALL_MARKETING\n")
    row = f"Amy,,{AMY},newsletter,sms,consent_sms@1/en,2026-11-23,form,unticked_box,2026-11-23\n"
    await bring(clinic, tmp_path, HEAD + row, what="contacts")
    assert await standing(clinic, await contact_at(clinic, phone(AMY))) >= before


async def test_contacts_without_a_list_of_suppressions_need_a_signed_statement(clinic: World, tmp_path: Path) -> None:
    with pytest.raises(ImportRefused):
        await bring(clinic, tmp_path, HEAD + PROVEN, what="contacts")
    assert await clinic.value("SELECT count(*) FROM contact") == 0
    statement = tmp_path / "signed.pdf"
    statement.write_bytes(b"")
    with pytest.raises(ImportRefused):
        await bring(clinic, tmp_path, HEAD + PROVEN, what="contacts", statement=statement)
    statement.write_bytes(b"There is none. Signed.")
    assert (await bring(clinic, tmp_path, HEAD + PROVEN, what="contacts", statement=statement)).added == 1
    assert await clinic.value("SELECT count(*) FROM import_run WHERE statement IS NOT NULL") == 1


@pytest.mark.parametrize("column", [3, 4, 5, 6, 7, 8])
async def test_a_consent_with_anything_missing_is_kept_and_proves_nothing(clinic: World, tmp_path: Path, column: int) -> None:
    await bring(clinic, tmp_path, STOPS)
    fields = PROVEN.strip().split(",")
    if column > 3:
        fields[column] = ""
    await bring(clinic, tmp_path, HEAD + ",".join(fields) + "\n", what="contacts")
    assert await clinic.value("SELECT proven FROM consent_state") is (column == 3)


async def test_a_wording_nobody_archived_proves_nothing(clinic: World, tmp_path: Path) -> None:
    await bring(clinic, tmp_path, STOPS)
    report = await bring(clinic, tmp_path, HEAD + PROVEN.replace("@1/en", "@99/en"), what="contacts")
    assert report.unproven == 1
    assert await clinic.value("SELECT proven FROM consent_state") is False


async def test_a_bought_list_is_refused_as_a_whole(clinic: World, tmp_path: Path) -> None:
    await bring(clinic, tmp_path, STOPS)
    with pytest.raises(ImportRefused):
        await bring(clinic, tmp_path, HEAD + PROVEN + PROVEN.replace("web form", "bought from a broker"), what="contacts")
    assert await clinic.value("SELECT count(*) FROM contact") == 0
    assert await clinic.value("SELECT count(*) FROM audit_event WHERE action = 'import.refused'") == 1


async def test_a_bad_row_is_named_and_the_good_ones_are_kept(clinic: World, tmp_path: Path) -> None:
    report = await bring(
        clinic, tmp_path, "email,scope,channel,date\nnobody,,,\na@example.com,,,\nb@example.com,CHANNEL,,\nc@example.com,,,soon\n"
    )
    assert [n for n, _ in report.bad] == [2, 4, 5]
    assert report.added == 1
    assert not any("example" in s or "nobody" in s for _, s in report.bad)
