"""What staff write down about a person, through the pages themselves."""

from __future__ import annotations

import re
from uuid import UUID

import pytest

from hub.store import objections
from tests.integration.web.conftest import PASSWORD, Browser, Hire
from tests.world import AMY, StandingClock, World

DOUBTFUL = "not interested"


async def _opened(browser: Browser, clinic: World, text: str = "Hello, laser?") -> str:
    await clinic.writes(text)
    path = f"/inbox/{await clinic.conversation()}"
    await browser.get(path)
    return path


async def _standing(clinic: World) -> list[tuple[object, object, object]]:
    found = await clinic.rows("SELECT DISTINCT scope, channel, provisional FROM suppression WHERE lifted_at IS NULL ORDER BY 1, 2")
    return [(r["scope"], r["channel"], r["provisional"]) for r in found]


async def _stop_id(page: str) -> str:
    found = re.search(r'name="stop" value="([0-9a-f-]{36})"', page)
    assert found is not None
    return found[1]


async def test_an_objection_takes_one_press_stands_at_once_and_says_who_wrote_it_down(signed_in: Browser, clinic: World) -> None:
    path = await _opened(signed_in, clinic)
    _, page = await signed_in.post(f"{path}/person/object", about="marketing", how="telephone", words="No adverts. <b>Ever</b>", said_at="")
    assert "Objects to all marketing" in page
    assert "recorded by Priya Nair" in page
    assert "&lt;b&gt;Ever&lt;/b&gt;" in page  # the words are in a note, as typed
    assert await _standing(clinic) == [("ALL_MARKETING", None, False)]
    _, page = await signed_in.post(f"{path}/person/object", about="marketing")
    assert "They object to this already" in page
    assert await clinic.value("SELECT count(*) FROM objection") == 1
    assert await clinic.value("SELECT count(*) FROM audit_event WHERE action = 'objection.added'") == 1
    assert await clinic.value("SELECT count(*) FROM audit_event WHERE to_jsonb(audit_event)::text LIKE '%adverts%'") == 0


async def test_an_objection_to_answers_closes_the_composer(signed_in: Browser, clinic: World) -> None:
    path = await _opened(signed_in, clinic)
    assert 'id="reply"' in (await signed_in.get(path))[1]
    _, page = await signed_in.post(f"{path}/person/object", about="purpose", purpose="enquiry")
    assert 'id="reply"' not in page
    assert not (await clinic.replies("Hello Amy")).decision.allowed


async def test_a_letter_counts_from_its_own_day_and_the_future_from_none(signed_in: Browser, clinic: World, clock: StandingClock) -> None:
    path = await _opened(signed_in, clinic)
    _, page = await signed_in.post(f"{path}/person/object", about="profiling", how="letter", said_at=f"{clock().year + 1}-01-01T10:00")
    assert "that time lies in the future" in page
    assert await clinic.value("SELECT count(*) FROM objection") == 0
    await signed_in.post(f"{path}/person/object", about="profiling", how="letter", said_at="2024-01-15T10:00")
    assert await clinic.value("SELECT occurred_at::date::text FROM objection") == "2024-01-15"
    response, _ = await signed_in.post(f"{path}/person/object", about="profiling", said_at="0001-01-01T00:00:00+99:99")
    assert response.status == 400


async def test_an_objection_is_taken_back_only_with_what_the_person_said_and_the_stop_stays(
    signed_in: Browser, clinic: World, clock: StandingClock
) -> None:
    path = await _opened(signed_in, clinic)
    await signed_in.post(f"{path}/person/object", about="marketing")
    clock.forward(minutes=5)
    _, page = await signed_in.post(f"{path}/person/object/back", about="marketing", how="telephone", words=" ")
    assert "say how they told us" in page
    _, page = await signed_in.post(f"{path}/person/object/back", about="marketing", how="telephone", words="Send them after all")
    assert "Objected to all marketing" in page
    assert await clinic.value("SELECT count(*) FROM objection WHERE withdrawn_at IS NULL") == 0
    assert "Send them" not in str(await clinic.value("SELECT withdrawn_by FROM objection"))
    assert await _standing(clinic) == [("ALL_MARKETING", None, False)]


async def test_every_choice_offered_is_one_the_judge_knows(signed_in: Browser, clinic: World) -> None:
    path = await _opened(signed_in, clinic)
    _, page = await signed_in.get(path)
    form = page.split('aria-label="Objects"')[1].split("</form>")[0]
    offered = set(re.findall(r'name="about" value="(\w+)"', form)) - {"purpose"} | set(
        re.findall(r'<option value="(\w+)"', form.split('id="purpose"')[1].split("</select>")[0])
    )
    assert offered == set(objections.ABOUT)
    response, _ = await signed_in.post(f"{path}/person/object", about="breathing")
    assert response.status == 400


async def test_age_is_written_down_once_and_a_birth_date_outranks_it(signed_in: Browser, clinic: World) -> None:
    path = await _opened(signed_in, clinic)
    _, page = await signed_in.post(f"{path}/person/age", how="document")
    assert "Is 18 or over by what they told us" in page
    assert await clinic.value("SELECT age_confirmed FROM contact")
    assert await clinic.value("SELECT body LIKE '%shown on a document%' FROM note")
    async with clinic.pool.acquire() as conn:
        await conn.execute("UPDATE contact SET age_confirmed = false, birth_date = current_date - interval '10 years'")
    _, page = await signed_in.post(f"{path}/person/age", how="telephone")
    assert "the birth date on file says otherwise" in page
    assert not await clinic.value("SELECT age_confirmed FROM contact")


async def test_doubtful_words_stand_in_the_list_until_they_are_judged_to_be_a_stop(signed_in: Browser, clinic: World) -> None:
    path = await _opened(signed_in, clinic, DOUBTFUL)
    assert path in (await signed_in.get("/inbox?view=judge"))[1]
    _, page = await signed_in.get(path)
    _, page = await signed_in.post(f"{path}/person/judge", stop=await _stop_id(page), scope="channel", meant="stop")
    assert "Stopped for good" in page
    assert await _standing(clinic) == [("ALL_MARKETING", None, False), ("CHANNEL", "whatsapp", False)]
    assert not await clinic.value("SELECT stop_unclear FROM conversation")
    assert path not in (await signed_in.get("/inbox?view=judge"))[1].split('data-part="rows"')[1]
    assert not (await clinic.replies("Hello")).decision.allowed


async def test_the_question_in_the_thread_settles_the_doubt_as_well(signed_in: Browser, clinic: World) -> None:
    path = await _opened(signed_in, clinic, DOUBTFUL)
    _, page = await signed_in.post(f"{path}/meant", meant="stop")
    assert "Did they mean stop?" not in page
    assert not await clinic.value("SELECT bool_or(provisional) FROM suppression")


async def test_a_judgement_that_it_was_no_stop_needs_a_reason_lifts_that_one_only_and_can_be_undone(
    signed_in: Browser, clinic: World, clock: StandingClock
) -> None:
    path = await _opened(signed_in, clinic, DOUBTFUL)
    await signed_in.post(f"{path}/person/object", about="newsletter")  # not offered like that: writes nothing
    await signed_in.post(f"{path}/person/stop", scope="marketing", how="telephone")
    _, page = await signed_in.get(path)
    stop = await _stop_id(page)
    _, page = await signed_in.post(f"{path}/person/judge", stop=stop, meant="none", reason=" ")
    assert "say why it was no stop" in page
    _, page = await signed_in.post(f"{path}/person/judge", stop=stop, meant="none", reason="She meant the peel")
    assert "it was no stop" in page
    assert await _standing(clinic) == [("ALL_MARKETING", None, False)]
    by = await clinic.value("SELECT DISTINCT lifted_by FROM suppression WHERE provisional")
    assert str(by).startswith("staff:")
    clock.forward(minutes=1)
    _, page = await signed_in.post(f"{path}/person/judge/undo", stop=stop)
    assert "stands again" in page
    assert ("ALL_MARKETING", None, True) in await _standing(clinic)


async def test_nobody_lifts_a_definite_stop_another_persons_or_one_that_became_permanent(
    signed_in: Browser, clinic: World, clock: StandingClock
) -> None:
    path = await _opened(signed_in, clinic, DOUBTFUL)
    _, page = await signed_in.get(path)
    provisional = await _stop_id(page)
    await clinic.writes("STOP", phone="+447700900999")
    other = f"/inbox/{await clinic.conversation(phone='+447700900999')}"
    definite = str(await clinic.value("SELECT id FROM suppression WHERE NOT provisional LIMIT 1"))
    for at, stop in ((path, definite), (other, definite), (other, provisional)):
        _, page = await signed_in.post(f"{at}/person/judge", stop=stop, meant="none", reason="I say so")
        assert "somebody has judged this already" in page
        await signed_in.post(f"{at}/person/judge/undo", stop=stop)
    clock.forward(days=31)
    await signed_in.post("/sign-in", email="priya@fenwicklane.example", password=PASSWORD)
    await signed_in.get(path)
    _, page = await signed_in.post(f"{path}/person/judge", stop=provisional, meant="none", reason="Late")
    assert "it has stood too long" in page
    assert await clinic.value("SELECT count(*) FROM suppression WHERE lifted_at IS NOT NULL") == 0


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("everything", [("ALL_CONTACT", None, False)]),
        ("marketing", [("ALL_MARKETING", None, False)]),
        ("channel:whatsapp", [("ALL_MARKETING", None, False), ("CHANNEL", "whatsapp", False)]),
    ],
)
async def test_a_stop_said_to_staff_reaches_as_far_as_they_chose(
    signed_in: Browser, clinic: World, scope: str, expected: list[tuple[str, str | None, bool]]
) -> None:
    path = await _opened(signed_in, clinic)
    _, page = await signed_in.post(f"{path}/person/stop", scope=scope, how="telephone", words="Leave me be")
    assert "Only the person can undo it" in page
    assert await _standing(clinic) == expected
    assert (await clinic.replies("Hello")).decision.allowed is (scope == "marketing")
    response, _ = await signed_in.post(f"{path}/person/stop", scope="channel:web_form")
    assert response.status == 400


async def _typed_double(clinic: World) -> UUID:
    """Somebody who typed Amy's number into a form: a contact of their own, since nothing typed is proven."""
    await clinic.writes("Hello", phone="+447700900888")
    async with clinic.pool.acquire() as conn:
        found = await conn.fetchval("SELECT contact_id FROM identity ORDER BY id DESC LIMIT 1")
        digest = await conn.fetchval("SELECT address_hash FROM identity WHERE address = $1", AMY)
        await conn.execute(
            "UPDATE identity SET verified = false, address = $2, address_hash = $3 WHERE contact_id = $1", found, AMY, digest
        )
        await conn.execute("UPDATE contact SET display_name = 'Amy Double' WHERE id = $1", found)
    assert isinstance(found, UUID)
    return found


async def test_two_are_joined_with_the_union_of_stops_and_parted_again(signed_in: Browser, clinic: World) -> None:
    path = await _opened(signed_in, clinic)
    other = await _typed_double(clinic)
    await signed_in.post(f"{path}/person/object", about="profiling")
    _, page = await signed_in.get(path)
    assert "Amy Double" in page
    assert "hold for both" in page
    _, page = await signed_in.post(f"{path}/person/same", other=str(other))
    assert "They are one person now" in page
    assert await clinic.value("SELECT merged_into IS NOT NULL FROM contact WHERE id = $1", other)
    _, page = await signed_in.post(f"{path}/person/two", other=str(other))
    assert "They are two again" in page
    assert await clinic.value("SELECT merged_into FROM contact WHERE id = $1", other) is None
    assert await clinic.value("SELECT count(*) FROM objection WHERE contact_id = $1", other) == 1


async def test_nobody_is_joined_with_somebody_who_shares_no_address(signed_in: Browser, clinic: World) -> None:
    path = await _opened(signed_in, clinic)
    await clinic.writes("Hello", phone="+447700900888")
    other = await clinic.value("SELECT contact_id FROM identity ORDER BY id DESC LIMIT 1")
    for act in ("same", "two"):
        await signed_in.post(f"{path}/person/{act}", other=str(other))
    assert await clinic.value("SELECT count(*) FROM contact WHERE merged_into IS NOT NULL") == 0


ACTS = ("object", "object/back", "age", "stop", "judge", "judge/undo", "same", "two")


async def test_who_may_only_read_sees_the_wishes_and_changes_none(browser: Browser, hire: Hire, clinic: World) -> None:
    await hire("data_protection", email="dp@fenwicklane.example", name="Dee")
    await browser.post("/sign-in", email="dp@fenwicklane.example", password=PASSWORD)
    path = await _opened(browser, clinic, DOUBTFUL)
    _, page = await browser.get(path)
    assert "Did they mean stop?" in page
    assert "/person/judge" not in page
    for act in ACTS:
        response, _ = await browser.post(f"{path}/person/{act}", about="marketing", scope="everything", how="telephone")
        assert response.status == 403
    assert await clinic.value("SELECT count(*) FROM objection") == 0


async def test_an_act_without_the_pages_token_or_in_no_conversation_changes_nothing(signed_in: Browser, clinic: World) -> None:
    path = await _opened(signed_in, clinic)
    token = signed_in.token
    for act in ACTS:
        signed_in.token = "wrong"
        assert (await signed_in.post(f"{path}/person/{act}", about="marketing"))[0].status == 403
        signed_in.token = token
        assert (await signed_in.post(f"/inbox/{UUID(int=5)}/person/{act}", about="marketing"))[0].status == 404
    assert await clinic.value("SELECT count(*) FROM objection") == 0


async def test_a_stop_the_provider_told_of_is_marked_and_offers_no_lifting(signed_in: Browser, clinic: World) -> None:
    path = await _opened(signed_in, clinic, "STOP")
    async with clinic.pool.acquire() as conn:
        await conn.execute("UPDATE suppression SET source = 'provider_error', evidence_id = NULL")
    _, page = await signed_in.get(path)
    assert "Told by the provider: a send the provider refused" in page
    assert "/person/judge" not in page
    assert path not in (await signed_in.get("/inbox?view=judge"))[1].split('data-part="rows"')[1]
