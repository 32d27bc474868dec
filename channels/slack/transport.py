"""Calls to Slack through its own SDK: one try each, bounded, nothing logged (channels.md §9, "SDK pitfalls").

The SDK's default handler posts again when the server drops after reading a request, and another sleeps through a whole
Retry-After inside the call; so it gets no retry handlers, and every call ends in an answer or SlackRefused.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import aiohttp

from channels import media
from channels.slack.blocks import BLOCK_MARK, EVENT_TYPE
from channels.slack.errors import SlackRefused, Trouble, trouble_of
from hub.model.sealed import Sealed

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

BASE_URL: Final = "https://slack.com/api/"
TIMEOUT_S: Final = 10.0
FILE_HOSTS: Final = ("files.slack.com",)
LOOK_AT: Final = 200  # posts a look-up reads at once
PAGES_MOST: Final = 5
# The SDK writes requests and answers to this logger at DEBUG; they hold what patients wrote.
_SILENT: Final = logging.getLogger("slack-sdk-silenced")
_SILENT.setLevel(logging.CRITICAL + 1)
_SILENT.propagate = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What Slack says about a person. email: small letters, only where Slack has confirmed it; None otherwise."""

    user: str
    team: str
    name: str
    email: str | None
    bot: bool
    guest: bool
    stranger: bool
    gone: bool


class SlackClient:
    """One workspace's calls."""

    def __init__(self, client: AsyncWebClient, session: aiohttp.ClientSession, rules: media.MediaRules, timeout_s: float) -> None:
        self._client, self._session, self._rules, self._timeout_s = client, session, rules, timeout_s

    async def post(self, channel: str, thread_ts: str | None, body: Mapping[str, Any]) -> str:
        """Post; the new post's ts. Raises SlackRefused; UNKNOWN where it may stand all the same."""
        extra = {"thread_ts": thread_ts} if thread_ts else {}
        answer = await self._call("chat.postMessage", {"channel": channel, **extra, **body})
        ts = answer.get("ts")
        if not isinstance(ts, str) or not ts:
            raise SlackRefused(Trouble.UNKNOWN, "no_ts")
        return ts

    async def update(self, channel: str, ts: str, body: Mapping[str, Any]) -> None:
        """Put other words into a post of ours. Doing it twice is the same as once. Raises SlackRefused."""
        kept = {k: v for k, v in body.items() if k in ("text", "blocks", "metadata")}
        await self._call("chat.update", {"channel": channel, "ts": ts, **kept})

    async def look_up(self, channel: str, thread_ts: str | None, id: str, *, oldest: float) -> str | None:
        """The ts of the post that carries our id, looked for since `oldest` (Unix seconds); None when there is none.

        Raises SlackRefused. THREAD means that the thread itself is gone, and the post with it.
        """
        method = "conversations.replies" if thread_ts else "conversations.history"
        asked: dict[str, Any] = {"channel": channel, "limit": LOOK_AT, "include_all_metadata": True, "oldest": f"{oldest:.6f}"}
        if thread_ts:
            asked["ts"] = thread_ts
        for _ in range(PAGES_MOST):
            answer = await self._call(method, asked, form=True)
            for message in answer.get("messages") or []:
                if _id_of(message) == id:
                    return str(message.get("ts"))
            asked["cursor"] = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not asked["cursor"]:
                return None
        # More was said than we read through: rather no post than a second one.
        raise SlackRefused(Trouble.UNKNOWN, "too_much_to_read")

    async def profile(self, user: str, *, team: str) -> Profile:
        """Who a person is in Slack. team: our own workspace. Raises SlackRefused."""
        answer = await self._call("users.info", {"user": user}, form=True)
        found = answer.get("user")
        if not isinstance(found, Mapping):
            raise SlackRefused(Trouble.OTHER, "no_user")
        return _profile(user, team, found)

    async def open_modal(self, trigger_id: str, view: Mapping[str, Any]) -> None:
        """Open a modal; the trigger lives three seconds. Raises SlackRefused."""
        await self._call("views.open", {"trigger_id": trigger_id, "view": view})

    async def whisper(self, channel: str, user: str, text: str, thread_ts: str | None) -> None:
        """A line only one person sees; it is not kept, so it says nothing that matters later. Raises SlackRefused."""
        extra = {"thread_ts": thread_ts} if thread_ts else {}
        await self._call("chat.postEphemeral", {"channel": channel, "user": user, "text": text, **extra})

    async def auth_test(self) -> tuple[str, str]:
        """(workspace id, our own user id). Raises SlackRefused."""
        answer = await self._call("auth.test", {})
        return str(answer.get("team_id", "")), str(answer.get("user_id", ""))

    async def begin_upload(self, name: str, data: bytes) -> str:
        """Give Slack the bytes of a file; its file id. It is seen by nobody until `end_upload`. Raises SlackRefused."""
        answer = await self._call("files.getUploadURLExternal", {"filename": name, "length": len(data)}, form=True)
        url, file_id = answer.get("upload_url"), answer.get("file_id")
        if not isinstance(url, str) or not isinstance(file_id, str) or not self._may_upload(url):
            raise SlackRefused(Trouble.OTHER, "upload_url")
        try:
            async with asyncio.timeout(self._timeout_s * 3), self._session.post(url, data=data, allow_redirects=False) as done:
                if done.status != 200:
                    raise SlackRefused(Trouble.OTHER, f"upload_{done.status}")
        except (aiohttp.ClientError, OSError, TimeoutError):
            raise SlackRefused(Trouble.NOT_SENT, "upload") from None
        return file_id

    def _may_upload(self, url: str) -> bool:
        return url.startswith("https://files.slack.com/") or (
            self._rules.loopback is not None and url.startswith(f"http://{self._rules.loopback}/")
        )

    async def end_upload(self, file_id: str, title: str, channel: str, thread_ts: str | None) -> None:
        """Show an uploaded file in a thread. Raises SlackRefused."""
        extra = {"thread_ts": thread_ts} if thread_ts else {}
        await self._call("files.completeUploadExternal", {"files": [{"id": file_id, "title": title}], "channel_id": channel, **extra})

    async def is_shown(self, file_id: str) -> bool:
        """Whether an uploaded file is shown anywhere: `shares` names the messages it stands in. Raises SlackRefused."""
        file = (await self._call("files.info", {"file": file_id}, form=True)).get("file")
        return isinstance(file, Mapping) and any(isinstance(s, Mapping) and s for s in (file.get("shares") or {}).values())

    async def fetch_file(self, url: str, max_bytes: int) -> bytes:
        """The bytes of a file a colleague shared. The token goes to Slack's file host only. Raises MediaRefused."""
        return await media.fetch(url, self._rules, max_bytes)

    async def _call(self, method: str, fields: Mapping[str, Any], *, form: bool = False) -> Mapping[str, Any]:
        from slack_sdk.errors import SlackApiError, SlackClientError

        sent: dict[str, Any] = {"data": {k: _field(v) for k, v in fields.items()}} if form else {"json": dict(fields)}
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._client.api_call(method, **sent)
        except SlackApiError as error:
            raise _refused(error.response) from None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            raise SlackRefused(Trouble.NOT_SENT, "not_connected") from None
        except TimeoutError:
            raise SlackRefused(Trouble.UNKNOWN, "timeout") from None
        except (aiohttp.ClientError, OSError, SlackClientError, ValueError):
            raise SlackRefused(Trouble.UNKNOWN, "dropped") from None
        return answer.data if isinstance(answer.data, dict) else {}


def _field(value: object) -> str:
    """A value of a form; in the body, since what is in an address stands in logs."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _refused(response: Any) -> SlackRefused:
    """The refusal behind the SDK's error. `response` may be anything the SDK was handed."""
    status, data, headers = (getattr(response, name, None) for name in ("status_code", "data", "headers"))
    word = data.get("error") if isinstance(data, Mapping) else None
    word = word if isinstance(word, str) and word.replace("_", "").isalnum() and len(word) <= 60 else "no_word"
    if status == 429 or trouble_of(word) is Trouble.LIMITED:
        return SlackRefused(Trouble.LIMITED, "ratelimited", _wait(headers))
    if isinstance(status, int) and 400 <= status < 500 and word == "no_word":
        return SlackRefused(Trouble.NOT_SENT, f"http_{status}")  # something in between answered; Slack never saw it
    if not isinstance(status, int) or status >= 500 or word == "no_word":
        return SlackRefused(Trouble.UNKNOWN, word if word != "no_word" else f"http_{status}")
    return SlackRefused(trouble_of(word), word)


def _wait(headers: object) -> float:
    """Retry-After in seconds; 30 where it cannot be read, an hour at most."""
    value = next((v for k, v in headers.items() if str(k).lower() == "retry-after"), "") if isinstance(headers, Mapping) else ""
    text = str(value)
    return float(min(int(text), 3600)) if text.isascii() and text.isdigit() else 30.0


def _id_of(message: object) -> str:
    """Our id on a post of ours: from its metadata, or from its first block; "" on any other."""
    if not isinstance(message, Mapping):
        return ""
    meta, blocks = message.get("metadata"), message.get("blocks")
    if isinstance(meta, Mapping) and meta.get("event_type") == EVENT_TYPE and isinstance(meta.get("event_payload"), Mapping):
        return str(meta["event_payload"].get("id", ""))
    first = blocks[0] if isinstance(blocks, list) and blocks and isinstance(blocks[0], Mapping) else {}
    mark = str(first.get("block_id", ""))
    # People's own messages have blocks too; Slack names those, so nobody can write this mark.
    return mark.removeprefix(BLOCK_MARK) if mark.startswith(BLOCK_MARK) and message.get("bot_id") else ""


def _profile(user: str, team: str, found: Mapping[str, Any]) -> Profile:
    inside = found.get("profile")
    profile: Mapping[str, Any] = inside if isinstance(inside, Mapping) else {}
    email = profile.get("email") if found.get("is_email_confirmed") is True else None
    their_team = str(found.get("team_id") or "")
    return Profile(
        user=user,
        team=their_team,
        name=str(profile.get("real_name") or found.get("real_name") or found.get("name") or user)[:100],
        email=email.strip().lower()[:254] if isinstance(email, str) and email.strip() else None,
        bot=bool(found.get("is_bot")) or bool(found.get("is_workflow_bot")) or user == "USLACKBOT",
        guest=bool(found.get("is_restricted")) or bool(found.get("is_ultra_restricted")),
        stranger=bool(found.get("is_stranger")) or their_team != team,
        gone=bool(found.get("deleted")),
    )


@asynccontextmanager
async def open_client(
    token: Sealed[str], *, base_url: str = BASE_URL, loopback: str | None = None, timeout_s: float = TIMEOUT_S
) -> AsyncIterator[SlackClient]:
    """A client for one workspace. loopback: "127.0.0.1:port" of a double whose files may be fetched; None at Slack itself."""
    from slack_sdk.web.async_client import AsyncWebClient

    rules = media.MediaRules(
        account_id="slack",
        hosts=FILE_HOSTS,
        credential_host=FILE_HOSTS[0],
        credential=f"Bearer {token.reveal()}",
        loopback=loopback,
    )
    # No proxy from the environment (it is used even for loopback); idle connections are dropped before a balancer does.
    connector = aiohttp.TCPConnector(limit=20, keepalive_timeout=10.0)
    async with aiohttp.ClientSession(
        connector=connector, trust_env=False, timeout=aiohttp.ClientTimeout(total=timeout_s + 1, sock_connect=5.0)
    ) as session:
        client = AsyncWebClient(
            token=token.reveal(), base_url=base_url, session=session, timeout=int(timeout_s) + 1, retry_handlers=[], logger=_SILENT
        )
        client.proxy = None
        yield SlackClient(client, session, rules, timeout_s)
