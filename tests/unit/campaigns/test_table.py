"""A cell of the table is never a formula; a limit is passed by a share of many, not by a few."""

from __future__ import annotations

import pytest

from hub.campaigns.limits import limits
from hub.desks.campaigns.table import cell
from hub.model.campaign import Reactions
from hub.model.permission import PolicySettings


@pytest.mark.parametrize("value", ["=1+1", "+44", "-1", "@sum(a1)", "\t=1", "\r=1", "＝1"])
def test_what_a_spreadsheet_would_work_out_is_marked_as_text(value: str) -> None:
    assert cell(value) == f"'{value}"


@pytest.mark.parametrize("value", ["Amy Fenn", "", "'quoted", "李"])
def test_other_cells_are_left_alone(value: str) -> None:
    assert cell(value) == value


def test_a_limit_is_passed_beyond_its_share_and_never_by_a_few() -> None:
    policy = PolicySettings()
    found = {x.name: x.passed for x in limits(Reactions(let_go=1000, failed=30, complained=2, stopped=21), policy)}
    assert found == {"failed": False, "complained": False, "stopped": True}
    assert not any(x.passed for x in limits(Reactions(let_go=2, failed=2, complained=2, stopped=2), policy))
    assert [x.share for x in limits(Reactions(let_go=0, failed=0, complained=0, stopped=0), policy)] == ["0%"] * 3
