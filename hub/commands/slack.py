"""Linking an account to somebody in Slack by an administrator's hand, where the two addresses differ."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime

from channels.slack.payload import ID
from hub.commands.common import a_database, now
from hub.model.audit import AuditEvent
from hub.settings import load_places
from hub.store import audit, slack_inbound, staff
from hub.store.pool import connect


def link_slack(email: str, user_id: str) -> tuple[str, bool]:
    """One sentence about what happened, and whether it did. user_id "": end the link."""
    if user_id and not ID.fullmatch(user_id):
        return "Give the member's id as Slack shows it in their profile, like U0123ABCD.", False

    async def run(url: str) -> tuple[str, bool]:
        connection = await connect(url)
        try:
            async with connection.transaction():
                return await _link(connection, email, user_id)
        finally:
            await connection.close()

    with a_database(load_places(os.environ)) as url:
        return asyncio.run(run(url))


async def _link(connection: object, email: str, user_id: str) -> tuple[str, bool]:
    member, at = await staff.by_email(connection, email), now()
    if member is None:
        return "Nobody with that address has an account that is open.", False
    if not user_id:
        done, action, said = await slack_inbound.unlink(connection, member.id), "staff.unlinked", "They are linked no longer."
    else:
        if await slack_inbound.user(connection, user_id) is None:
            # What Slack says of them is asked at their first act, before it counts.
            never = datetime.fromtimestamp(0, UTC)
            await slack_inbound.note_user(connection, user_id, team_id="", standing="member", name=user_id, email=None, now=never)
        done, action, said = await slack_inbound.link(connection, user_id, member.id, now=at), "staff.linked", "They are linked."
    if not done:
        return "Nothing changed: one of them is linked already, or was not.", False
    event = AuditEvent(at=at, actor="system:command", action=action, object=f"staff:{member.id}", reason="slack")
    await audit.append(connection, [event])
    return said, True
