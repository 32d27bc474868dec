"""The running clinic, shared by the tests of this folder that need one: starting it costs seconds."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.acceptance.clinic import Clinic
from tests.acceptance.clinic import clinic as open_clinic
from tests.acceptance.day import Day
from tests.acceptance.day import day as open_day
from tests.acceptance.everywhere import Everywhere
from tests.acceptance.everywhere import everywhere as open_everywhere


@pytest.fixture(scope="session")
def clinic() -> Iterator[Clinic]:
    with tempfile.TemporaryDirectory(prefix="hubacc", ignore_cleanup_errors=True) as folder, open_clinic(Path(folder)) as running:
        yield running


@pytest.fixture
async def day(clinic: Clinic) -> AsyncIterator[Day]:
    async with open_day(clinic) as opened:
        yield opened


@pytest.fixture(scope="session")
def whole_clinic() -> Iterator[Clinic]:
    """A clinic of its own with every channel, the mail process and Slack."""
    with (
        tempfile.TemporaryDirectory(prefix="huball", ignore_cleanup_errors=True) as folder,
        open_clinic(Path(folder), every_channel=True) as running,
    ):
        yield running


@pytest.fixture
async def everywhere(whole_clinic: Clinic) -> AsyncIterator[Everywhere]:
    async with open_everywhere(whole_clinic) as opened:
        yield opened
