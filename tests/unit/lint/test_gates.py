"""The rows of policy §2.6 that turn on the text, the required parts by channel, and what the judge is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hub.lint_rules import default_lint_rules
from hub.model.address import Channel
from hub.model.permission import ContentFacts, Kind, Reason
from hub.policy.lint import SenderIdentity, Severity, content_facts, names_same_medicine
from hub.policy.lint.rule_table import RULES
from hub.policy.lint.sentences import SENTENCES
from tests.unit.lint.tables import lint

CLINIC = SenderIdentity(
    clinic_name="Example Clinic",
    also_known_as=("示例诊所",),
    legal_name="Example Clinic Ltd",
    company_number="01234567",
    registered_in="England and Wales",
    registered_office="1 Example Street, London W1A 1AA",
    postal_address="2 Sample Road, London W1A 2BB",
)
FOOTER = """
Example Clinic Ltd, company no. 01234567, registered in England and Wales.
Registered office: 1 Example Street, London W1A 1AA. Write to us: 2 Sample Road, London W1A 2BB.
Your preferences: {preferences_url}  Unsubscribe: {unsubscribe_url}"""


def refusals(text: str, channel: Channel, kind: Kind, **given: object) -> set[Reason | None]:
    report = lint(text, channel, kind=kind, sender=CLINIC, **given)
    return {f.reason for f in report.findings if f.severity is Severity.REFUSE}


@pytest.mark.parametrize(
    ("text", "channel", "kind", "reason"),
    [
        ("Yes, that is right. 20 % off peels this week", Channel.EMAIL, Kind.RPL, Reason.MISLABELLED),  # row 5
        ("We use Dysport for that", Channel.MESSENGER, Kind.BOT, Reason.POM),  # row 13
        ("Your dermal filler is at 3 pm", Channel.SMS, Kind.SVC, Reason.HEALTH_LEAK),  # row 17
        ("Your visit is tomorrow. Bring a friend, £50 off", Channel.EMAIL, Kind.SVC, Reason.MISLABELLED),  # row 18
        ("Example Clinic: new opening hours", Channel.SMS, Kind.MKT, Reason.FOOTER),  # row 40
        ("Black Friday – last 3 slots today" + FOOTER, Channel.EMAIL, Kind.MKT, Reason.CONTENT),  # row 41
    ],
)
def test_the_worked_rows_of_the_policy_are_refused(text: str, channel: Channel, kind: Kind, reason: Reason) -> None:
    assert reason in refusals(text, channel, kind)


def test_an_offer_is_no_fault_in_marketing() -> None:
    report = lint("20% off skincare in May, terms apply" + FOOTER, kind=Kind.MKT, sender=CLINIC)
    assert [f.rule for f in report.findings] == []


def test_a_full_marketing_mail_may_go_and_each_missing_part_is_named() -> None:
    assert refusals("News from us" + FOOTER, Channel.EMAIL, Kind.MKT) == set()
    for part in (
        "01234567",
        "England and Wales",
        "1 Example Street",
        "2 Sample Road",
        "Unsubscribe: {unsubscribe_url}",
        "Your preferences: {preferences_url}",
    ):
        assert refusals("News from us" + FOOTER.replace(part, ""), Channel.EMAIL, Kind.MKT) == {Reason.FOOTER}, part


def test_an_unknown_sender_is_not_a_good_one() -> None:
    assert not lint("News" + FOOTER, kind=Kind.MKT).identity_ok
    assert not lint("News" + FOOTER, kind=Kind.MKT, sender=replace(CLINIC, postal_address="")).identity_ok


@pytest.mark.parametrize(
    ("text", "one_way", "identity", "optout"),
    [
        ("Example Clinic: open on Sundays. Opt out: reply STOP", False, True, True),
        ("Open on Sundays at Example Clinic. Opt out: reply STOP", False, False, True),
        ("【示例诊所】周日开放。回复TD退订", False, True, True),
        ("Example Clinic: open on Sundays. Opt out: reply STOP", True, True, False),
        ("Example Clinic: open on Sundays. Opt out: https://c.example/s/4fT", True, True, True),
        ("Example Clinic: open on Sundays", False, True, False),
    ],
)
def test_a_marketing_sms_says_who_and_how_to_stop(text: str, one_way: bool, identity: bool, optout: bool) -> None:
    report = lint(text, Channel.SMS, kind=Kind.MKT, sender=CLINIC, one_way=one_way)
    assert (report.identity_ok, report.optout_ok) == (identity, optout)


@pytest.mark.parametrize(
    ("channel", "text", "buttons", "optout"),
    [
        (Channel.WHATSAPP, "Example Clinic: news", ("Stop promotions",), True),
        (Channel.WHATSAPP, "Example Clinic: news. Reply STOP to opt out", (), True),
        (Channel.WHATSAPP, "Example Clinic: news", ("Read more",), False),
        (Channel.WECHAT, "示例诊所：周日开放。回复TD退订", (), True),
        (Channel.WECHAT, "示例诊所：周日开放。", (), False),
    ],
)
def test_chat_channels_offer_their_own_way_out(channel: Channel, text: str, buttons: tuple[str, ...], optout: bool) -> None:
    assert lint(text, channel, kind=Kind.MKT, sender=CLINIC, buttons=buttons).optout_ok is optout


def test_a_stop_confirmation_needs_the_name_anywhere_and_no_way_out() -> None:
    text = "We will not write here again, and all news has ended. Example Clinic"
    assert refusals(text, Channel.SMS, Kind.OOC) == set()


def test_a_marketing_text_on_a_procedure_says_that_a_consultation_comes_first() -> None:
    assert Reason.CONTENT in refusals("Laser is here" + FOOTER, Channel.EMAIL, Kind.MKT)
    assert refusals("Laser is here, after a consultation" + FOOTER, Channel.EMAIL, Kind.MKT) == set()


def test_the_clinics_own_name_is_no_health_word() -> None:
    laser = SenderIdentity(clinic_name="Example Laser Clinic")
    text = "Example Laser Clinic: your visit is at 3 pm"
    assert not lint(text, Channel.SMS, kind=Kind.SVC, sender=laser).has("health")
    assert lint(text + " for laser", Channel.SMS, kind=Kind.SVC, sender=laser).has("health")


def test_health_words_leak_through_subject_and_preview_but_not_through_a_mail_itself() -> None:
    assert not lint("About your acne", kind=Kind.SVC).has("health")
    assert lint("Hello", kind=Kind.SVC, subject="About your acne").findings[0].where == "subject"
    assert lint("Hello", Channel.WHATSAPP, kind=Kind.SVC, preview="About your acne").findings[0].where == "preview"
    assert lint("botox-leads", Channel.ADS, kind=Kind.ADS).has("health")


def test_links_lead_to_our_own_pages_only() -> None:
    ours = frozenset({"clinic.example"})
    assert not lint("https://book.clinic.example/a", allowed_hosts=ours).findings
    for url in ("https://evil.example/a", "https://clinic.example.evil.example/", "https://notclinic.example/", "http://[bad"):
        assert lint(url, allowed_hosts=ours).has("link.host"), url


def test_a_link_with_an_address_in_it_is_not_quoted_back() -> None:
    (found,) = lint("https://clinic.example/p?email=jane@mail.example").findings
    assert "jane" not in found.sentence
    assert "jane" not in repr(found)


def test_the_medicine_a_person_named_may_be_answered_about_and_no_other() -> None:
    rules = default_lint_rules()
    asked = ["hello", "what does BOTOX cost?"]
    assert names_same_medicine(asked, "Botox is given by a doctor; one visit takes 20 minutes", rules)
    assert names_same_medicine(asked, "It is a botulinum toxin", rules)
    assert names_same_medicine(["肉毒多少钱"], "肉毒素由医生注射", rules)
    assert names_same_medicine(["сколько стоит ботокс"], "Botox is given by a doctor", rules)
    assert not names_same_medicine(asked, "We use Dysport", rules)
    assert not names_same_medicine(asked, "Botox, or Ozempic", rules)
    assert not names_same_medicine(["do you do toxin?"], "We use Botox", rules)
    assert not names_same_medicine(["lines on my forehead"], "Botox would help", rules)
    assert not names_same_medicine(asked, "1 area is £150", rules)
    assert not names_same_medicine([], "Botox", rules)
    assert not names_same_medicine(asked, "A consultation is £50", rules)


def test_the_judge_is_told_each_fact() -> None:
    clean = content_facts(lint("A consultation is £50", sender=CLINIC, kind=Kind.RPL), kind=Kind.RPL)
    assert (clean.promo, clean.pom, clean.pressure, clean.health_terms, clean.books_u18_procedure) == (False,) * 5
    report = lint("Botox, 20% off, today only. We booked filler for you", Channel.SMS, kind=Kind.SVC, sender=CLINIC)
    told = content_facts(report, kind=Kind.SVC, base=ContentFacts(images_ok=True))
    assert (told.promo, told.pom, told.pressure, told.health_terms, told.books_u18_procedure) == (True,) * 5
    assert told.images_ok is True
    assert told.identity_ok is False


def test_only_a_plain_human_reply_may_use_the_exemption() -> None:
    plain, offer = lint("Botox costs £200", kind=Kind.RPL), lint("Botox, 20% off", kind=Kind.RPL)
    assert content_facts(plain, kind=Kind.RPL, answers_own_question=True).pom_answers_own_question
    assert not content_facts(plain, kind=Kind.BOT, answers_own_question=True).pom_answers_own_question
    assert not content_facts(offer, kind=Kind.RPL, answers_own_question=True).pom_answers_own_question


def test_the_same_text_hashes_alike_and_parts_do_not_run_together() -> None:
    assert lint("a", subject="b").content_hash == lint("a", subject="b", kind=Kind.RPL).content_hash
    assert lint("ab", subject="").content_hash != lint("a", subject="b").content_hash
    assert lint("a", subject=None).content_hash != lint("a", subject="").content_hash


def test_segments_are_a_note() -> None:
    (note,) = lint("Hello", Channel.SMS, kind=Kind.SVC, segments=3).findings
    assert (note.rule, note.severity, note.sentence) == ("sms.segments", "note", "This goes out as 3 text messages")


def test_every_rule_has_its_sentence_in_both_languages() -> None:
    assert set(SENTENCES) == set(RULES)
    for english, chinese in SENTENCES.values():
        assert english
        assert any("\u4e00" <= c <= "\u9fff" for c in chinese)
        assert "!" not in english + chinese


def test_the_sentence_of_the_house_is_said() -> None:
    (found,) = lint("20% off", kind=Kind.RPL).findings
    assert found.sentence == "This reads like an offer. Take “20% off” out, then send"
    (found,) = lint("八折", kind=Kind.RPL).findings
    assert found.sentence_zh == "这段文字像是推广。请删去“八折”后再发送"
