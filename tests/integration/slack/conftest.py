"""A clinic whose staff use Slack: a real database, the real SDK over loopback, Slack's double, the web application that hears it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from channels.sandbox.slack import CHANNEL, TEAM, Member, SlackDouble
from channels.sandbox.slack import Said as Message
from channels.slack.transport import SlackClient, open_client
from hub.app import make_app
from hub.model.ids import StaffId
from hub.model.sealed import Sealed
from hub.settings import Settings, SlackSettings
from hub.store import slack, slack_inbound, staff
from hub.store.pool import Pool
from tests.world import StandingClock, World, world
from workers import slack as bridge
from workers.runtime import Runtime

PRIYA = Member(id="U1PRIYA", name="Priya Nair", email="priya@fenwicklane.example")


@dataclass
class Office:
    """Everything together. runs: the mirror's parts, done by hand so that tests say when."""

    clinic: World
    double: SlackDouble
    settings: Settings
    clock: StandingClock
    pool: Pool
    client: SlackClient
    base: str
    staff_id: StaffId
    parts: list[Callable[[], Awaitable[object]]] = field(default_factory=list)

    async def mirrors(self, *, times: int = 200) -> None:
        """Work until nothing is due."""
        for _ in range(times):
            if not [done for part in self.parts if (done := await part())]:
                return
        raise AssertionError("the mirror never comes to rest")

    def restart(self, **changes: Any) -> None:
        """A new process takes over, with nothing but the database."""
        if changes:
            assert self.settings.slack is not None
            self.settings = replace(self.settings, slack=replace(self.settings.slack, **changes))
        self.parts = bridge.parts(Runtime(self.settings, self.pool, AsyncExitStack(), self.clock), self.client)

    @property
    def root(self) -> Message:
        [found] = self.double.posts()
        return found

    def thread(self) -> str:
        """All that the thread says, with its first post."""
        return "\n".join(str(s.blocks) + s.text for s in [self.root, *self.double.thread(self.root.ts)])

    def buttons(self) -> dict[str, tuple[str, str]]:
        """Every button that stands there: action -> (post, value), the newest of equal ones."""
        found: dict[str, tuple[str, str]] = {}
        for said in [self.root, *self.double.thread(self.root.ts)]:
            for block in said.blocks:
                for element in block.get("elements", []):
                    if element.get("type") == "button" and "value" in element:
                        found[element["action_id"]] = (said.ts, element["value"])
        return found

    async def press(self, action: str, user: str = PRIYA.id, *, copies: int = 1) -> None:
        ts, value = self.buttons()[action]
        assert await self.double.presses(user, ts, action, value, copies=copies) == [200] * copies
        await self.mirrors()

    async def reply(self, text: str, user: str = PRIYA.id, **more: Any) -> Message:
        said, answers = await self.double.says(user, text, self.root.ts, **more)
        assert set(answers) == {200}
        await self.mirrors()
        return said


def slack_settings(double: SlackDouble, **changes: Any) -> SlackSettings:
    return replace(
        SlackSettings(
            team=TEAM,
            channel=CHANNEL,
            routes=(),
            whole=True,
            prefix=">>",
            upload_files=False,
            posts_per_s=10_000.0,
            bot_token=Sealed(double.bot_token),
            signing_secrets=(Sealed(double.signing_secret),),
            app_token=None,
            base_url=f"{double.base_url}/slack/api/",
            loopback=double.base_url.removeprefix("http://"),
            timeout_s=0.6,
            settle_after_s=0.0,
        ),
        **changes,
    )


@pytest.fixture
async def double(clock: StandingClock) -> AsyncIterator[SlackDouble]:
    async with SlackDouble("xoxb-practice", "signing-secret", app_token="xapp-practice", clock=clock).serve() as found:
        found.join(replace_member(PRIYA))
        yield found


def replace_member(member: Member) -> Member:
    return Member(id=member.id, name=member.name, email=member.email)


@pytest.fixture
async def office(
    pool: Pool, settings: Settings, database_url: str, double: SlackDouble, clock: StandingClock, request: pytest.FixtureRequest
) -> AsyncIterator[Office]:
    """Priya is linked already. `indirect` parameters change Slack's settings."""
    changes = getattr(request, "param", {})
    chosen = slack_settings(double, **changes)
    ours = replace(settings, database_url=database_url, slack=chosen)
    async with pool.acquire() as conn, conn.transaction():
        await slack.switch(conn, on=True, now=clock())
        staff_id = await staff.add_staff(conn, email=PRIYA.email, name="Priya Nair", role="front_desk", now=clock())
        await slack_inbound.note_user(conn, PRIYA.id, team_id=TEAM, standing="member", name=PRIYA.name, email=PRIYA.email, now=clock())
        assert await slack_inbound.link(conn, PRIYA.id, staff_id, now=clock())
    async with (
        TestServer(make_app(ours, clock=clock)) as server,
        world(pool, ours, clock) as clinic,
        open_client(chosen.bot_token, base_url=chosen.base_url, loopback=chosen.loopback, timeout_s=chosen.timeout_s) as client,
    ):
        double.hub_url = str(server.make_url("/")).rstrip("/")
        found = Office(clinic, double, ours, clock, pool, client, double.hub_url, staff_id)
        found.restart()
        yield found
        await asyncio.sleep(0)
