"""Who somebody in Slack is to us, and whether they may act. Asked of Slack now and then, of our own records each time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from channels.slack.errors import SlackRefused, Trouble
from channels.slack.transport import Profile, SlackClient
from hub.model.ids import StaffId
from hub.store import slack_inbound
from hub.store.pool import Connection, Pool
from hub.store.slack_inbound import SlackUser
from hub.web.roles import Right, Role, rights_of

ASK_AGAIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Colleague:
    """Somebody who may answer people, as the audit log names them."""

    id: StaffId
    name: str
    role: str

    @property
    def actor(self) -> str:
        return f"staff:{self.id}"


def standing_of(profile: Profile, team: str) -> str:
    """member, guest, bot, stranger or gone. Pure."""
    if profile.bot:
        return "bot"
    if profile.stranger or profile.team != team:
        return "stranger"
    if profile.gone:
        return "gone"
    return "guest" if profile.guest else "member"


def judge(user: SlackUser | None, *, team: str, user_team: str) -> Colleague | str:
    """The colleague, or why not: outsider, unmatched, disabled, no_right (hub.slack.render.LINES). Pure.

    user_team: the workspace Slack named with the act itself; "" where it named none.
    """
    if user is None or user.standing != "member" or user.team_id != team or user_team not in ("", team):
        return "outsider"
    if user.staff_id is None:
        return "unmatched"
    if user.disabled:
        return "disabled"
    roles = [Role(r) for r in user.roles]
    if Right.ANSWER not in rights_of(roles):
        return "no_right"
    return Colleague(id=user.staff_id, name=user.staff_name, role="+".join(sorted(roles)))


class People:
    """Slack's word about people, kept for ten minutes."""

    def __init__(self, pool: Pool, client: SlackClient, team: str, *, clock: Callable[[], datetime]) -> None:
        self._pool, self._client, self._team, self._clock = pool, client, team, clock

    async def refresh(self, user_id: str) -> None:
        """Ask Slack who this is, unless it was asked lately. Raises SlackRefused."""
        now = self._clock()
        async with self._pool.acquire() as conn:
            known = await slack_inbound.user(conn, user_id)
        if known is not None and now - known.checked_at < ASK_AGAIN:
            return
        try:
            profile = await self._client.profile(user_id, team=self._team)
        except SlackRefused as refusal:
            if refusal.trouble is not Trouble.USER:
                raise
            profile = Profile(user=user_id, team="", name="", email=None, bot=False, guest=False, stranger=True, gone=False)
        async with self._pool.acquire() as conn:
            await slack_inbound.note_user(
                conn,
                user_id,
                team_id=profile.team,
                standing=standing_of(profile, self._team),
                name=profile.name,
                email=profile.email,
                now=now,
            )

    async def who(self, conn: Connection, user_id: str, user_team: str) -> Colleague | str:
        """As `judge`, from what is known now; in the caller's transaction, so that a closed account is refused at once."""
        return judge(await slack_inbound.user(conn, user_id), team=self._team, user_team=user_team)
