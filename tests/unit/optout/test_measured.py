"""Recall and false hits on messages written before, or independently of, the rules (issue: "It must show" 3)."""

from __future__ import annotations

from collections import Counter

import pytest

from hub.model.permission import OptOutLabel
from tests.unit.optout.helpers import DATA, Row, read, rows

TARGETS = {"English": 0.97, "Chinese": 0.95, "others": 0.90}
MOST_WRONGLY_STOPPED = 0.01


@pytest.mark.parametrize("name", ["tuning.tsv", "unseen.tsv"])
@pytest.mark.parametrize("group", TARGETS)
def test_opt_outs_are_found(name: str, group: str) -> None:
    asked = [row for row in rows(name) if row.group == group and row.label == "OPT_OUT"]
    missed = [row.text for row in asked if not read(row.text, row.channel, row.note).suppress]
    assert 1 - len(missed) / len(asked) >= TARGETS[group], missed


@pytest.mark.parametrize("name", ["tuning.tsv", "unseen.tsv"])
@pytest.mark.parametrize("group", TARGETS)
def test_nobody_is_stopped_against_their_words(name: str, group: str) -> None:
    clean = [row for row in rows(name) if row.group == group and row.label == "NONE"]
    wrong = [row.text for row in clean if read(row.text, row.channel, row.note).label is OptOutLabel.OPT_OUT]
    assert len(wrong) / len(clean) <= MOST_WRONGLY_STOPPED, wrong


def test_an_appointment_cancelled_is_never_an_opt_out() -> None:
    said = [
        "cancel my appointment", "I need to cancel tomorrow's booking", "please cancel my 3pm consultation", "cancel the deposit payment",
        "can you cancel my session", "取消明天的预约", "我要取消预约", "取消手术",
        "想取消聽日嘅預約", "je dois annuler mon rdv", "tengo que cancelar mi cita",
        "devo annullare l'appuntamento", "quero cancelar a consulta",
        "muszę odwołać wizytę", "vreau să anulez programarea", "хочу отменить запись",
        "randevumu iptal edin", "اريد الغاء موعدي", "appointment cancel karna hai", "نوبتم را لغو کنید", "Termin absagen bitte",
        "ik wil mijn afspraak annuleren", "予約をキャンセルしたい", "예약 취소해 주세요",
        "tôi muốn hủy lịch hẹn", "ขอยกเลิกนัด", "batalkan janji saya",
    ]  # fmt: skip
    assert [text for text in said if read(text).label in (OptOutLabel.OPT_OUT, OptOutLabel.AMBIGUOUS)] == []


def test_everyday_texts_raise_nothing() -> None:
    lines = (DATA / "everyday.txt").read_text(encoding="utf-8").splitlines()
    assert len(lines) >= 500
    assert [line for line in lines if read(line).label is not OptOutLabel.NONE] == []


def test_the_sets_are_as_large_as_promised() -> None:
    sizes = Counter(row.group for name in ("tuning.tsv", "unseen.tsv") for row in rows(name))
    assert sizes["English"] >= 250
    assert sizes["Chinese"] >= 120
    assert sizes["others"] >= 230


def test_no_message_stands_in_both_halves() -> None:
    def keys(name: str) -> set[tuple[str, str]]:
        return {(row.text.casefold(), row.note) for row in rows(name) if row.language == "en" and len(row.text) > 6}

    assert keys("tuning.tsv") & keys("unseen.tsv") == set()


def test_rows_name_labels_we_have() -> None:
    def valid(row: Row) -> bool:
        return row.label in OptOutLabel.__members__

    assert all(valid(row) for name in ("tuning.tsv", "unseen.tsv") for row in rows(name))
