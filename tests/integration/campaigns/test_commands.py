"""`hub campaign …` from the first word to the last person, as two colleagues at a terminal."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from uuid import UUID

import pytest

from hub.model.ids import CampaignId
from tests.integration.campaigns.conftest import Desk
from tests.integration.campaigns.people import Stop, agreed
from tests.integration.campaigns.samples import BODY
from tests.integration.campaigns.staff import staff


@pytest.fixture
async def hub(desk: Desk, database_url: str, sandbox_environ: dict[str, str], valkey_url: str) -> object:
    async def run(*words: str) -> tuple[int, list[str]]:
        environ = {**sandbox_environ, "PATH": "/usr/bin:/bin", "DATABASE_URL": database_url, "REDIS_URL": valkey_url}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hub", "campaign", *words, env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        out, _ = await process.communicate()
        return process.returncode or 0, out.decode().splitlines()

    return run


async def test_a_campaign_at_the_terminal(desk: Desk, hub: object, tmp_path: Path) -> None:
    assert callable(hub)
    await desk.people(agreed(1), agreed(2), agreed(3, stops=[Stop(scope="ALL_CONTACT")]))
    async with desk.pool.acquire() as conn:
        await staff(conn, "jo", desk.clock())
        await staff(conn, "sam", desk.clock(), role="data_protection")
    (tmp_path / "text").write_text(BODY, encoding="utf-8")
    told = ("--text", str(tmp_path / "text"), "--interest", "skincare", "--purpose", "promotion")
    code, said = await hub("new", "Winter", "--as", "jo@clinic.example", *told)
    assert code == 0, said
    campaign = said[0]
    _, sheet = await hub("preview", campaign)
    assert [line.split()[0] for line in sheet[:3]] == ["3", "-1", "2"]
    code, said = await hub("approve", campaign, "--as", "jo@clinic.example")
    assert (code, said) == (1, ["Somebody else has to approve it: whoever wrote a campaign cannot let it go."])
    assert (await hub("approve", campaign, "--as", "sam@clinic.example"))[0] == 0
    assert (await hub("start", campaign, "--as", "sam@clinic.example"))[0] == 0
    assert await desk.runs(CampaignId(UUID(campaign))) == 2
    _, numbers = await hub("status", campaign)
    assert numbers[-1] == "The numbers add up."
    _, lines = await hub("recipients", campaign)
    assert [json.loads(line)["state"] for line in lines] == ["accepted", "accepted"]
    assert not any("Amy" in line for line in lines)
    assert (await hub("pause", campaign, "--as", "sam@clinic.example"))[0] == 1
