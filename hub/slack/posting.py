"""Making posts: claimed and committed before the call, recorded after it, looked up where nobody knows, never made twice.

One post at a time for each thread, in order. What Slack asks us to wait is written down, so another process waits too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from channels.slack import blocks
from channels.slack.errors import SlackRefused, Trouble
from channels.slack.transport import SlackClient
from hub.files import FileStore
from hub.model.ids import ConversationId
from hub.settings import Settings, SlackSettings
from hub.slack import render
from hub.store import downloads, slack, slack_posts
from hub.store.pool import Pool
from hub.store.slack import Thread
from hub.store.slack_posts import Post

log = structlog.get_logger("slack")

MERGE_FROM = 4  # things that waited together, and the first at least so long, become one post
MERGE_AFTER = timedelta(minutes=5)
SKEW_S = 60.0  # Slack's clock and ours may differ; a look-up begins this much earlier
CHANNEL_REST = timedelta(minutes=5)
TOKEN_REST = timedelta(minutes=1)
TRIES_MOST = 12
UPLOAD_MOST = 50 * 1024 * 1024


class Poster:
    """Brings Slack up to date, one step at a time. Every step leaves the store in a state any process can go on from."""

    def __init__(self, pool: Pool, client: SlackClient, settings: Settings, *, clock: Callable[[], datetime]) -> None:
        if settings.slack is None:
            raise ValueError("Slack is switched off")
        self._pool, self._client, self._settings, self._clock = pool, client, settings, clock
        self._slack: SlackSettings = settings.slack
        self._last: dict[str, float] = {}

    async def step(self) -> bool:
        """Do the next thing there is to do: settle what is unknown, then post, then change. False when nothing is due."""
        return await self.settle() or await self.post() or await self.change()

    async def post(self) -> bool:
        """Make the next post. False when none is due."""
        now = self._clock()
        async with self._pool.acquire() as conn, conn.transaction():
            claimed = await slack_posts.claim(conn, now=now, merge_from=MERGE_FROM, merge_after=now - MERGE_AFTER)
            if not claimed:
                return False
            post = claimed[0]
            found = await slack.thread(conn, post.conversation_id)
        if found is None:
            return False
        await self._pace(found.channel)
        try:
            ts = await self._make(post, found)
        except SlackRefused as refusal:
            await self._refused(post, found, refusal)
        except LookupError:
            async with self._pool.acquire() as conn:
                await slack_posts.give_up(conn, post.id, "gone")
        else:
            async with self._pool.acquire() as conn, conn.transaction():
                await slack_posts.posted(conn, post, found.channel, ts)
        return True

    async def _make(self, post: Post, found: Thread) -> str:
        if post.kind == "file":
            return await self._upload(post, found)
        async with self._pool.acquire() as conn:
            shown = await render.of_post(conn, post, self._settings, now=self._clock())
        body = blocks.body(shown, id=str(post.id), simple=post.plain)
        return await self._client.post(found.channel, None if post.kind == "root" else found.ts, body)

    async def _upload(self, post: Post, found: Thread) -> str:
        """Give Slack the bytes, remember their name there, then show them; by that name it can be asked whether they are shown."""
        if post.subject is None:
            raise LookupError("no file")
        async with self._pool.acquire() as conn:
            file = await downloads.find(conn, post.conversation_id, post.subject)
        if file is None or file.size > UPLOAD_MOST:
            raise LookupError("no file")
        name, file_id = file.name.reveal() if file.name else "file", post.file_id
        if file_id is None:
            store = FileStore(self._settings.data_dir / "files", self._settings.secret_key)
            try:
                data = await asyncio.to_thread(store.get, file.sha256)
            except FileNotFoundError:
                raise LookupError("no file") from None
            file_id = await self._client.begin_upload(name, data)
            async with self._pool.acquire() as conn:
                await slack_posts.keep_file_id(conn, post.id, file_id)
        await self._client.end_upload(file_id, name, found.channel, found.ts)
        return f"file:{file_id}"

    async def _pace(self, channel: str) -> None:
        """About one post a second in a channel (channels.md §9)."""
        loop = asyncio.get_running_loop()
        due = self._last.get(channel, 0.0) + 1 / self._slack.posts_per_s
        if (wait := due - loop.time()) > 0:
            await asyncio.sleep(wait)
        self._last[channel] = loop.time()

    async def _refused(self, post: Post, found: Thread, refusal: SlackRefused) -> None:
        """What a refusal means for the post, its thread and everything else."""
        now, trouble = self._clock(), refusal.trouble
        async with self._pool.acquire() as conn, conn.transaction():
            await slack.thread(conn, post.conversation_id, lock=True)  # before its posts, as everywhere
            if trouble is Trouble.UNKNOWN:
                await slack_posts.unsettled(conn, post.id, refusal.word, again=now + timedelta(seconds=self._slack.settle_after_s))
                return
            await self._rest(conn, found.channel, refusal, now)
            if trouble is Trouble.MESSAGE and not post.plain:
                await slack_posts.put_back(conn, post.id, refusal.word, again=now, plain=True)
            elif trouble in (Trouble.MESSAGE, Trouble.GONE, Trouble.OTHER) or post.attempts >= TRIES_MOST:
                log.error("slack.post_failed", post=str(post.id), word=refusal.word)
                await slack_posts.give_up(conn, post.id, refusal.word)
            else:
                await slack_posts.put_back(conn, post.id, refusal.word, again=now + _wait(refusal, post.attempts))
                if trouble is Trouble.THREAD:
                    await slack.move_thread(conn, post.conversation_id, found.channel, now=now)
                elif trouble is Trouble.CHANNEL and found.channel != self._slack.channel:
                    await slack.move_thread(conn, post.conversation_id, self._slack.channel, now=now)

    async def _rest(self, conn: object, channel: str, refusal: SlackRefused, now: datetime) -> None:
        """Leave a channel, or all of Slack, alone for a while."""
        trouble = refusal.trouble
        if trouble is Trouble.LIMITED:
            await slack_posts.pause(conn, f"channel:{channel}", refusal.word, until=now + timedelta(seconds=refusal.retry_after_s or 30))
        elif trouble is Trouble.CHANNEL:
            log.error("slack.channel_unreachable", channel=channel, word=refusal.word)
            await slack_posts.pause(conn, f"channel:{channel}", refusal.word, until=now + CHANNEL_REST)
        elif trouble is Trouble.TOKEN:
            log.error("slack.refuses_us", word=refusal.word)
            await slack_posts.pause(conn, "all", refusal.word, until=now + TOKEN_REST)

    async def settle(self) -> bool:
        """Look up the next post nobody knows the fate of. False when there is none to look up now."""
        now = self._clock()
        # A call that is still under way is no doubt: it ends, one way or the other, within its time-out.
        stale = now - timedelta(seconds=self._slack.timeout_s * 4 + self._slack.settle_after_s)
        async with self._pool.acquire() as conn, conn.transaction():
            post = await slack_posts.doubtful(conn, now=now, stale_before=stale)
            found = await slack.thread(conn, post.conversation_id) if post else None
        if post is None or found is None:
            return False
        try:
            ts = await self._find(post, found)
        except SlackRefused as refusal:
            await self._not_settled(post, found, refusal)
            return True
        async with self._pool.acquire() as conn, conn.transaction():
            if ts is not None:
                await slack_posts.posted(conn, post, found.channel, ts)
            else:
                await slack_posts.put_back(conn, post.id, "not_there", again=self._clock())
        log.info("slack.settled", post=str(post.id), there=ts is not None)
        return True

    async def _find(self, post: Post, found: Thread) -> str | None:
        if post.kind == "file":
            return f"file:{post.file_id}" if post.file_id and await self._client.is_shown(post.file_id) else None
        oldest = (post.claimed_at or post.at).timestamp() - SKEW_S
        return await self._client.look_up(found.channel, None if post.kind == "root" else found.ts, str(post.id), oldest=oldest)

    async def _not_settled(self, post: Post, found: Thread, refusal: SlackRefused) -> None:
        """It could not be looked up: it stays unknown. Where the thread itself is gone, so is the post."""
        now = self._clock()
        log.warning("slack.in_doubt", post=str(post.id), word=refusal.word)
        async with self._pool.acquire() as conn, conn.transaction():
            await slack.thread(conn, post.conversation_id, lock=True)
            await self._rest(conn, found.channel, refusal, now)
            if refusal.trouble is Trouble.THREAD:
                await slack_posts.put_back(conn, post.id, refusal.word, again=now)
                await slack.move_thread(conn, post.conversation_id, found.channel, now=now)
            else:
                again = now + max(_wait(refusal, post.attempts), timedelta(seconds=self._slack.settle_after_s))
                await slack_posts.unsettled(conn, post.id, refusal.word, again=again)

    async def change(self) -> bool:
        """Bring the next post that shows something old up to date; doing it twice does no harm. False when there is none."""
        now = self._clock()
        async with self._pool.acquire() as conn:
            post = await slack_posts.stale(conn, now=now)
            if post is None:
                return False
            try:
                shown = await render.of_post(conn, post, self._settings, now=now)
            except LookupError:
                await slack_posts.shows(conn, post)
                return True
        await self._pace(f"update:{post.channel}")
        try:
            await self._client.update(post.channel or "", post.ts or "", blocks.body(shown, id=str(post.id), simple=post.plain))
        except SlackRefused as refusal:
            await self._not_changed(post, refusal)
        else:
            async with self._pool.acquire() as conn:
                await slack_posts.shows(conn, post)
        return True

    async def _not_changed(self, post: Post, refusal: SlackRefused) -> None:
        now = self._clock()
        async with self._pool.acquire() as conn, conn.transaction():
            await slack.thread(conn, ConversationId(post.conversation_id), lock=True)
            if refusal.trouble is Trouble.LIMITED:
                await slack_posts.pause(
                    conn, "method:chat.update", refusal.word, until=now + timedelta(seconds=refusal.retry_after_s or 30)
                )
            elif refusal.trouble in (Trouble.TOKEN, Trouble.CHANNEL):
                await self._rest(conn, post.channel or "", refusal, now)
            elif refusal.trouble in (Trouble.NOT_SENT, Trouble.UNKNOWN):
                await slack_posts.put_off(conn, post.id, again=now + timedelta(seconds=5))
            else:
                await slack_posts.shows(conn, post)  # it cannot be changed any more; the hub shows the truth
                if refusal.trouble is Trouble.GONE and post.kind == "root":
                    await slack.move_thread(conn, ConversationId(post.conversation_id), post.channel or "", now=now)


def _wait(refusal: SlackRefused, attempts: int) -> timedelta:
    if refusal.retry_after_s is not None:
        return timedelta(seconds=refusal.retry_after_s)
    return timedelta(seconds=float(min(300, 2 ** min(attempts, 8))))
