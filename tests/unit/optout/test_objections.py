"""An objection in everyday words opens a case; words that only look like one do not (policy R21, R22)."""

from __future__ import annotations

import pytest

from hub.model.permission import OptOutLabel
from tests.unit.optout.helpers import read


@pytest.mark.parametrize(
    "text",
    [
        "don't profile me",
        "Don’t profile me!",
        "no profiling please",
        "No profiling, please.",
        "please stop profiling me",
        "I object to profiling",
        "I don't want to be profiled",
        "I object to the use of my data",
        "请不要对我进行画像",
        "不要用户画像",
        "反对使用我的数据",
        "請不要對我進行剖析",
        "反對用戶剖析",
        "唔好用我嘅個人資料",
    ],
)
def test_an_objection_to_profiling_or_use_is_recognised(text: str) -> None:
    signal = read(text)
    assert (signal.label, signal.rights) == (OptOutLabel.RIGHTS, "objection")


@pytest.mark.parametrize("text", ["You have no profile picture?", "Can the filler improve my side profile?", "侧面轮廓可以改善吗"])
def test_a_profile_that_is_a_face_or_a_picture_is_no_objection(text: str) -> None:
    assert read(text).label is OptOutLabel.NONE
