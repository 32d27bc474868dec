"""What the person wrote now, in many languages and from many mail programs; the whole is always kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.mail.visible import fold

NEW = "Yes please, Tuesday suits me."
OLD = "We offer you Tuesday. Reply STOP to opt out."

INTROS = {
    "en gmail": "On Tue, 1 Sept 2026 at 10:00, The Clinic <hello@clinic.example> wrote:",
    "en wrapped": "On Tue, 1 Sept 2026 at 10:00, The Clinic\n<hello@clinic.example>\nwrote:",
    "en apple": "> On 1 Sep 2026, at 10:00, The Clinic <hello@clinic.example> wrote:",
    "fr": "Le mar. 1 sept. 2026 à 10:00, The Clinic <hello@clinic.example> a écrit :",
    "de": "Am Di., 1. Sept. 2026 um 10:00 Uhr schrieb The Clinic <hello@clinic.example>:",
    "de thunderbird": "Am 01.09.26 um 10:00 schrieb The Clinic:",
    "es": "El mar, 1 sept 2026 a las 10:00, The Clinic (<hello@clinic.example>) escribió:",
    "it": "Il giorno mar 1 set 2026 alle ore 10:00 The Clinic <hello@clinic.example> ha scritto:",
    "pt": "Em ter., 1 de set. de 2026 às 10:00, The Clinic <hello@clinic.example> escreveu:",
    "pt pt": "The Clinic <hello@clinic.example> escreveu (terça, 1/09/2026 à(s) 10:00):",
    "nl": "Op di 1 sep 2026 om 10:00 schreef The Clinic <hello@clinic.example>:",
    "pl": "wt., 1 wrz 2026 o 10:00 The Clinic <hello@clinic.example> napisał(a):",
    "pl wp": "Dnia 1 września 2026 10:00 The Clinic <hello@clinic.example> napisał(a):",
    "ru": "вт, 1 сент. 2026 г. в 10:00, The Clinic <hello@clinic.example>:",
    "ru mail.ru": "Вторник, 1 сентября 2026, 10:00 +03:00 от The Clinic <hello@clinic.example>:",
    "ru wrote": "1 сентября 2026 г. 10:00:00 The Clinic <hello@clinic.example> написал(а):",
    "tr": "The Clinic <hello@clinic.example>, 1 Eyl 2026 Sal, 10:00 tarihinde şunu yazdı:",
    "ro": "În mar., 1 sept. 2026 la 10:00, The Clinic <hello@clinic.example> a scris:",
    "sv": "Den tis 1 sep. 2026 kl 10:00 skrev The Clinic <hello@clinic.example>:",
    "zh gmail": "The Clinic <hello@clinic.example> 于2026年9月1日周二 10:00写道：",
    "zh apple": "在 2026年9月1日，10:00，The Clinic <hello@clinic.example> 写道：",
    "zh tw": "The Clinic <hello@clinic.example> 於 2026年9月1日 週二 上午10:00寫道：",
    "ja gmail": "2026年9月1日(火) 10:00 The Clinic <hello@clinic.example>:",
    "ja apple": "2026/09/01 10:00、The Clinic <hello@clinic.example>のメール:",
    "ko": "2026년 9월 1일 (화) 오전 10:00, The Clinic <hello@clinic.example>님이 작성:",
    "ar": "في الثلاثاء، 1 سبتمبر 2026 في 10:00 ص تمت كتابة ما يلي بواسطة The Clinic <hello@clinic.example>:",
    "ar kataba": "في ٢٠٢٦/٠٩/٠١، كتب The Clinic <hello@clinic.example>:",
    "fa": "در تاریخ سه‌شنبه 1 سپتامبر 2026 The Clinic <hello@clinic.example> نوشت:",
    "hi": "मंगल, 1 सित॰ 2026 को 10:00 बजे को The Clinic <hello@clinic.example> ने लिखा:",
}
BLOCKS = {
    "en outlook": "From: The Clinic <hello@clinic.example>\nSent: 01 September 2026 10:00\nTo: Amy\nSubject: Your enquiry",
    "en outlook rule": "________________________________\nFrom: The Clinic\nSent: 01 September 2026 10:00\nTo: Amy\nSubject: Your enquiry",
    "en outlook bold": "*From:* The Clinic\n*Sent:* 01 September 2026\n*To:* Amy\n*Subject:* Your enquiry",
    "fr outlook": "De : The Clinic\nEnvoyé : mardi 1 septembre 2026 10:00\nÀ : Amy\nObjet : Your enquiry",
    "de outlook": "Von: The Clinic\nGesendet: Dienstag, 1. September 2026\nAn: Amy\nBetreff: Your enquiry",
    "es outlook": "De: The Clinic\nEnviado: martes, 1 de septiembre\nPara: Amy\nAsunto: Your enquiry",
    "it outlook": "Da: The Clinic\nInviato: martedì 1 settembre\nA: Amy\nOggetto: Your enquiry",
    "pt outlook": "De: The Clinic\nEnviado: terça-feira\nPara: Amy\nAssunto: Your enquiry",
    "nl outlook": "Van: The Clinic\nVerzonden: dinsdag\nAan: Amy\nOnderwerp: Your enquiry",
    "pl outlook": "Od: The Clinic\nWysłano: wtorek\nDo: Amy\nTemat: Your enquiry",
    "ru outlook": "От: The Clinic\nОтправлено: вторник\nКому: Amy\nТема: Your enquiry",
    "tr outlook": "Kimden: The Clinic\nGönderildi: Salı\nKime: Amy\nKonu: Your enquiry",
    "zh outlook": "发件人: The Clinic\n发送时间: 2026年9月1日\n收件人: Amy\n主题: Your enquiry",
    "zh tw outlook": "寄件者: The Clinic\n寄件日期: 2026年9月1日\n收件者: Amy\n主旨: Your enquiry",
    "ja outlook": "差出人: The Clinic\n送信日時: 2026年9月1日\n宛先: Amy\n件名: Your enquiry",
    "ko outlook": "보낸 사람: The Clinic\n보낸 날짜: 2026년 9월 1일\n받는 사람: Amy\n제목: Your enquiry",
    "ar outlook": "من: The Clinic\nتاريخ الإرسال: 1 سبتمبر\nإلى: Amy\nالموضوع: Your enquiry",
    "original": "-----Original Message-----\nFrom: The Clinic",
    "original de": "-----Ursprüngliche Nachricht-----\nVon: The Clinic",
    "original qq": "------------------ 原始邮件 ------------------\n发件人: The Clinic",
    "forwarded": "---------- Forwarded message ---------\nFrom: The Clinic",
    "apple forward": "Begin forwarded message:\n\nFrom: The Clinic",
    "our marker": "##- Please reply above this line -##",
    "signature": "-- \nAmy O'Neil\nReply STOP",
}


@pytest.mark.parametrize("intro", INTROS.values(), ids=INTROS)
def test_the_line_above_a_quotation_is_known(intro: str) -> None:
    quoted = "\n".join(f"> {line}" for line in OLD.split(". "))
    assert fold(f"{NEW}\n\n{intro}\n\n{quoted}\n").own == NEW
    # Some programs do not mark the quoted lines at all.
    if not intro.startswith(">"):
        assert fold(f"{NEW}\n\n{intro}\n\n{OLD}\n").own == NEW


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_everything_below_a_header_block_is_folded(block: str) -> None:
    assert fold(f"{NEW}\n\n{block}\n\n{OLD}").own == NEW


def test_answers_between_and_below_quotations_stay() -> None:
    text = "On 1 Sep 2026, Clinic <a@b.example> wrote:\n> Tuesday?\nYes.\n> Or Friday?\nNo.\n\n-- \nAmy"
    assert fold(text).own == "Yes.\nNo."


@pytest.mark.parametrize(
    "footer", ["Sent from my iPhone", "Envoyé de mon iPhone", "Von meinem iPhone gesendet", "发自我的iPhone", "Get Outlook for iOS"]
)
def test_a_phone_signature_is_folded(footer: str) -> None:
    assert fold(f"{NEW}\n\n{footer}\n").own == NEW


def test_when_nothing_is_left_everything_is_shown_and_nothing_is_own() -> None:
    text = f"> {OLD}\n> more"
    folded = fold(text)
    assert (folded.own, folded.visible) == ("", text)


@pytest.mark.parametrize(
    "text",
    [
        "On Tuesday I wrote to you: please call.",
        "On 3 May I wrote\nand on 4 May I called",
        "From: London\nI would like an appointment.",
        "I wrote:\nplease stop",
        "To: be clear, I have two questions\nDate: any",
        "Le prix est de 300 euros ?",
        "Am 3. habe ich Zeit.",
        "在吗？请问多少钱",
        "- one\n- two\n--- three",
        "The original message was nice",
    ],
)
def test_ordinary_sentences_are_not_folded(text: str) -> None:
    assert fold(text).own == text


@given(st.text(max_size=400))
def test_what_is_shown_is_never_empty_when_something_was_written(text: str) -> None:
    folded = fold(text)
    assert bool(folded.visible) == bool(text.strip())
    for line in folded.own.split("\n"):
        assert line.strip() in text
