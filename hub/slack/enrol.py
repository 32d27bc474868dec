"""From "this conversation changed" to what its thread shall show. In one transaction with the note that it changed."""

from __future__ import annotations

from datetime import datetime

from hub.model.ids import ConversationId
from hub.settings import SlackSettings
from hub.store import slack
from hub.store.pool import Connection
from hub.store.slack import Place, Wanted

BATCH = 50
# What becomes of a send that somebody should look at, as a line of its own: a changed post calls nobody.
ALARMING = {"failed": "failed", "unknown": "unknown"}


def channel_for(settings: SlackSettings, place: Place) -> str:
    """The Slack channel a conversation goes to: the first route that fits, else the default. Pure."""
    for route in settings.routes:
        if (
            route.channel in (None, place.channel)
            and route.account in (None, place.account_id)
            and (route.interest is None or route.interest in place.interests)
        ):
            return route.slack_channel
    return settings.channel


async def enrol_changes(conn: Connection, settings: SlackSettings, *, now: datetime) -> int:
    """Work through noted changes, in the caller's transaction. How many conversations."""
    changed = await slack.take_changes(conn, limit=BATCH)
    for conversation_id in sorted(changed):  # locked in the order of ids, like everything
        await enrol(conn, conversation_id, settings, now=now)
    return len(changed)


async def enrol(conn: Connection, conversation_id: ConversationId, settings: SlackSettings, *, now: datetime) -> None:
    """Bring what the thread shall show up to date. Conversations nobody has written in since Slack began are left alone."""
    found = await slack.thread(conn, conversation_id, lock=True)
    if found is None:
        if not await slack.deserves_thread(conn, conversation_id):
            return
        await slack.open_thread(conn, conversation_id, channel_for(settings, await slack.place(conn, conversation_id)), now=now)
        found = await slack.thread(conn, conversation_id, lock=True)
        if found is None:
            return
    shown = await slack.to_show(conn, conversation_id, opened_at=found.opened_at)
    before = await slack.root_shown(conn, conversation_id)
    wanted = [Wanted(kind="root", subject=None, digest=shown.root, at=found.opened_at)]
    told = [Wanted(kind="message", subject=i, digest=d, at=at) for i, d, at in shown.messages]
    told += [Wanted(kind="note", subject=i, digest=d, at=at) for i, d, at in shown.notes]
    if settings.upload_files:
        told += [Wanted(kind="file", subject=i, digest="", at=at) for i, at in shown.files]
    told.sort(key=lambda w: w.at)
    await slack.want(conn, conversation_id, [*wanted, *told], now=now)
    for code in lines(before, shown.root):
        await slack.say(conn, conversation_id, code, now=now)
    for id, digest, _ in shown.messages:
        if (alarm := ALARMING.get(digest.partition("|")[0])) is not None:
            await slack.say(conn, conversation_id, alarm, subject=id, now=now)
    for id, digest, _ in shown.notes:
        for state in digest.split("|")[3:4]:
            if state in ALARMING:
                await slack.say(conn, conversation_id, ALARMING[state], subject=id, now=now)


def lines(before: str | None, after: str) -> list[str]:
    """What to say about a conversation whose first post changed from one digest to another (hub.store.slack.Shown). Pure.

    before: None where the thread begins now; then only a stop is worth a line.
    """
    old = (before or "open||false|false|false").split("|")
    new = after.split("|")
    if len(new) < 5 or len(old) < 5:
        return []
    # How PostgreSQL writes a boolean in concat_ws: "t" or "f".
    said = []
    if _yes(new[3]) and not _yes(old[3]):
        said.append("stopped")
    if _yes(new[4]) and not _yes(old[4]):
        said.append("unclear")
    if before is None:
        return said
    if new[0] != old[0]:
        said.append("resolved" if new[0] == "resolved" else "reopened")
    if new[1] != old[1]:
        said.append(f"assigned:{new[1]}" if new[1] else "handed_back")
    if _yes(new[2]) != _yes(old[2]) and new[0] == "open" == old[0]:
        said.append("snoozed" if _yes(new[2]) else "woken")
    return said


def _yes(field: str) -> bool:
    return field in ("t", "true")
