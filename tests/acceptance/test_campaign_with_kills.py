"""A campaign with its workers killed and people opting out by signed webhooks, in processes: it adds up to the last person.

HUB_TEST_CAMPAIGN_PEOPLE sets how many; `python -m bench campaign_kill` runs the same with 100,000.
"""

from __future__ import annotations

import os

import pytest

from bench.campaign_kill import run
from bench.clinic import clinic

PEOPLE = int(os.environ.get("HUB_TEST_CAMPAIGN_PEOPLE", "2500"))


@pytest.mark.timeout(120)
def test_killed_workers_and_stops_leave_nobody_out_and_nobody_twice() -> None:
    with clinic(durable=False) as opened:
        outcome = run(opened, recipients=PEOPLE, kill_every_s=2.5)
    assert outcome.sound, outcome
    assert outcome.stops > 0
    assert outcome.progress.listed + outcome.stops >= PEOPLE  # who stopped before the list was written is not on it
