"""Refusals as the inbox shows them: a heading for every reason, and the look of its family."""

from __future__ import annotations

import pytest

from hub.desks.inbox.refusals import about_text, refusal
from hub.model.permission import Reason

ALL = [r for r in Reason if r is not Reason.ALLOW]


@pytest.mark.parametrize("reason", ALL)
@pytest.mark.parametrize("time", ["", "today at 09:14"])
def test_every_reason_has_a_heading_and_a_family_and_no_open_mark(reason: Reason, time: str) -> None:
    shown = refusal(reason, name="Meiling", channel="whatsapp", time=time)
    assert shown.heading
    assert shown.family
    assert "{" not in shown.heading + shown.advice
    assert not shown.advice or shown.advice.endswith(".")


def test_a_stop_names_the_person_and_the_channel() -> None:
    shown = refusal(Reason.STOP_CHANNEL, name="Ka Yan", channel="wechat")
    assert shown.heading == "Ka Yan asked us not to write on WeChat"
    assert "after the next message from Ka Yan" in shown.advice


def test_only_faults_of_the_text_leave_the_composer_open() -> None:
    assert {r for r in ALL if about_text(r)} == {Reason.MISLABELLED, Reason.POM, Reason.CONTENT, Reason.FOOTER, Reason.HEALTH_LEAK}
