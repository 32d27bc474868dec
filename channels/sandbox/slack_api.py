"""The Slack double's side of the Web API: methods, files, the socket, and the troubles in their answers.

Refusals are status 200 with `ok: false`, as Slack's are; only 429 says it in the status.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from channels.sandbox.values import Trouble

if TYPE_CHECKING:
    from channels.sandbox.slack import Said, SlackDouble

BEFORE: Final = frozenset({Trouble.THROTTLED, Trouble.REFUSED, Trouble.CREDENTIALS, Trouble.SERVER_ERROR, Trouble.DROP_BEFORE})
AFTER: Final = frozenset({Trouble.SERVER_ERROR_AFTER, Trouble.HANG, Trouble.DROP_AFTER})
LONGEST: Final = 40_000
SECTION: Final = 3000
BLOCKS: Final = 50
PAGE: Final = 100

Fields = dict[str, Any]


class No(Exception):
    """`ok: false` with this word."""


def routes(double: SlackDouble) -> list[web.RouteDef]:
    """Everything a workspace answers."""

    async def call(request: web.Request) -> web.StreamResponse:
        return await _call(double, request)

    async def file(request: web.Request) -> web.StreamResponse:
        return _file(double, request)

    async def upload(request: web.Request) -> web.StreamResponse:
        return await _upload(double, request)

    async def socket(request: web.Request) -> web.StreamResponse:
        return await _socket(double, request)

    return [
        web.route("*", "/slack/api/{method}", call),
        web.get("/slack/files/{id}", file),
        web.post("/slack/upload/{id}", upload),
        web.get("/slack/socket", socket),
    ]


async def _call(double: SlackDouble, request: web.Request) -> web.StreamResponse:
    method = request.match_info["method"]
    double.calls.append(method)
    before = double.take(method, BEFORE)
    if before is not None:
        return await _before(before.trouble, before.word, before.wait_s, request)
    fields = await _fields(request)
    try:
        _check_token(double, method, request)
        answer = await _answer(double, method, fields)
    except No as no:
        if str(no) == "ratelimited":
            return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": "1"})
        return web.json_response({"ok": False, "error": str(no)})
    after = double.take(method, AFTER)
    if after is not None:
        return await _after(double, after.trouble, request)
    return web.json_response({"ok": True, **answer})


async def _before(trouble: Trouble, word: str, wait_s: float, request: web.Request) -> web.StreamResponse:
    if trouble is Trouble.THROTTLED:
        return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": f"{max(1, int(wait_s))}"})
    if trouble is Trouble.SERVER_ERROR:
        return web.Response(status=503, text="<html>upstream</html>", content_type="text/html")
    if trouble is Trouble.DROP_BEFORE and request.transport is not None:
        request.transport.abort()
    return web.json_response({"ok": False, "error": word or ("invalid_auth" if trouble is Trouble.CREDENTIALS else "internal_error")})


async def _after(double: SlackDouble, trouble: Trouble, request: web.Request) -> web.StreamResponse:
    if trouble is Trouble.HANG:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(double.closing.wait(), 60)
    elif trouble is Trouble.DROP_AFTER and request.transport is not None:
        request.transport.abort()
    return web.Response(status=503, text="<html>upstream</html>", content_type="text/html")


async def _fields(request: web.Request) -> Fields:
    if request.content_type == "application/json":
        found = await request.json()
        return dict(found) if isinstance(found, dict) else {}
    posted = await request.post()
    return {**request.query, **{k: v for k, v in posted.items() if isinstance(v, str)}}


def _check_token(double: SlackDouble, method: str, request: web.Request) -> None:
    wanted = double.app_token if method == "apps.connections.open" else double.bot_token
    if not wanted or request.headers.get("Authorization") != f"Bearer {wanted}":
        raise No("invalid_auth")


async def _answer(double: SlackDouble, method: str, fields: Fields) -> Fields:
    handler = METHODS.get(method)
    if handler is None:
        raise No("unknown_method")
    return handler(double, fields)


def _post(double: SlackDouble, fields: Fields) -> Fields:
    from channels.sandbox.slack import BOT, Said

    channel = _writable(double, fields)
    _check_words(fields)
    thread_ts = str(fields.get("thread_ts", ""))
    if thread_ts and not any(s.ts == thread_ts and s.channel == channel and not s.deleted for s in double.said):
        raise No("thread_not_found")
    if double.too_fast(channel):
        raise No("ratelimited")
    id = str(((fields.get("metadata") or {}).get("event_payload") or {}).get("id", ""))
    said = Said(
        ts=double.new_ts(),
        channel=channel,
        user=BOT,
        text=str(fields.get("text", "")),
        thread_ts=thread_ts,
        id=id,
        blocks=fields.get("blocks") or [],
    )
    double.said.append(said)
    double.count[id] = double.count.get(id, 0) + 1
    double.changes.notify()
    return {"channel": channel, "ts": said.ts, "message": said.as_json()}


def _writable(double: SlackDouble, fields: Fields) -> str:
    channel = str(fields.get("channel", ""))
    if channel not in double.channels:
        raise No("channel_not_found")
    if double.channels[channel]:
        raise No(double.channels[channel])
    return channel


def _check_words(fields: Fields) -> None:
    text, blocks = str(fields.get("text", "")), fields.get("blocks") or []
    if len(text) > LONGEST:
        raise No("msg_too_long")
    if not text and not blocks:
        raise No("no_text")
    if len(blocks) > BLOCKS or len(json.dumps(blocks)) > 50_000:
        raise No("msg_blocks_too_long")
    for block in blocks:
        held = block.get("text") or {}
        most = 150 if block.get("type") == "header" else SECTION
        if len(str(held.get("text", ""))) > most or (block.get("type") == "actions" and not 0 < len(block.get("elements", [])) <= 25):
            raise No("invalid_blocks")


def _update(double: SlackDouble, fields: Fields) -> Fields:
    channel, said = _writable(double, fields), _message(double, fields)
    _check_words(fields)
    said.text, said.blocks, said.edited = str(fields.get("text", "")), fields.get("blocks") or [], True
    double.changes.notify()
    return {"channel": channel, "ts": said.ts}


def _message(double: SlackDouble, fields: Fields) -> Said:
    found = next((s for s in double.said if s.ts == fields.get("ts") and s.channel == fields.get("channel") and not s.deleted), None)
    if found is None:
        raise No("message_not_found")
    return found


def _whisper(double: SlackDouble, fields: Fields) -> Fields:
    double.whispers.append((str(fields.get("user", "")), str(fields.get("text", ""))))
    double.changes.notify()
    return {"message_ts": double.new_ts()}


def _history(double: SlackDouble, fields: Fields) -> Fields:
    channel = _writable(double, fields)
    return _paged(double, [s for s in double.said if s.channel == channel and not s.thread_ts], fields)


def _replies(double: SlackDouble, fields: Fields) -> Fields:
    ts = str(fields.get("ts", ""))
    root = [s for s in double.said if s.ts == ts and not s.deleted]
    if not root:
        raise No("thread_not_found")
    return _paged(double, [*root, *double.thread(ts)], fields)


def _paged(double: SlackDouble, found: list[Said], fields: Fields) -> Fields:
    oldest = float(fields.get("oldest") or 0)
    fresh = [s for s in found if float(s.ts) >= oldest and not s.deleted]
    start = int(fields.get("cursor") or 0)
    with_metadata = double.shows_metadata and str(fields.get("include_all_metadata", "")).lower() == "true"
    items = [s.as_json() for s in fresh[start : start + PAGE]]
    if not with_metadata:
        items = [{k: v for k, v in i.items() if k != "metadata"} for i in items]
    after = str(start + PAGE) if start + PAGE < len(fresh) else ""
    return {"messages": items, "response_metadata": {"next_cursor": after}}


def _user(double: SlackDouble, fields: Fields) -> Fields:
    member = double.members.get(str(fields.get("user", "")))
    if member is None:
        raise No("user_not_found")
    return {
        "user": {
            "id": member.id,
            "team_id": member.team,
            "deleted": member.deleted,
            "is_bot": member.bot,
            "is_restricted": member.guest,
            "is_email_confirmed": member.confirmed,
            "profile": {"real_name": member.name, "email": member.email},
        }
    }


def _open_view(double: SlackDouble, fields: Fields) -> Fields:
    if double.triggers.pop(str(fields.get("trigger_id", "")), None) is None:
        raise No("expired_trigger_id")
    id = f"V{secrets.token_hex(4).upper()}"
    double.views[id] = dict(fields["view"])
    double.changes.notify()
    return {"view": {"id": id}}


def _upload_address(double: SlackDouble, fields: Fields) -> Fields:
    id = f"F{secrets.token_hex(4).upper()}"
    double.kept[id] = (str(fields.get("filename", "")), b"")
    return {"upload_url": f"{double.base_url}/slack/upload/{id}", "file_id": id}


def _complete(double: SlackDouble, fields: Fields) -> Fields:
    for file in fields.get("files") or []:
        if file["id"] not in double.kept:
            raise No("file_not_found")
        double.shown.setdefault(file["id"], []).append(str(fields.get("thread_ts", "")))
    double.changes.notify()
    return {"files": fields.get("files")}


def _info(double: SlackDouble, fields: Fields) -> Fields:
    id = str(fields.get("file", ""))
    if id not in double.kept:
        raise No("file_not_found")
    return {"file": {"id": id, "shares": {"public": {"C": [{"thread_ts": ts} for ts in double.shown[id]]}} if id in double.shown else {}}}


def _test(double: SlackDouble, fields: Fields) -> Fields:
    from channels.sandbox.slack import BOT, TEAM

    return {"team_id": TEAM, "user_id": BOT}


def _connection(double: SlackDouble, fields: Fields) -> Fields:
    return {"url": f"{double.base_url.replace('http://', 'ws://')}/slack/socket"}


METHODS: Final = {
    "chat.postMessage": _post,
    "chat.update": _update,
    "chat.postEphemeral": _whisper,
    "conversations.history": _history,
    "conversations.replies": _replies,
    "users.info": _user,
    "views.open": _open_view,
    "files.getUploadURLExternal": _upload_address,
    "files.completeUploadExternal": _complete,
    "files.info": _info,
    "auth.test": _test,
    "apps.connections.open": _connection,
}


def _file(double: SlackDouble, request: web.Request) -> web.StreamResponse:
    kept = double.kept.get(request.match_info["id"])
    if kept is None:
        return web.Response(status=404)
    if request.headers.get("Authorization") != f"Bearer {double.bot_token}":
        return web.Response(text="<!doctype html><html>sign in</html>", content_type="text/html")  # 200, as Slack does
    return web.Response(body=kept[1], content_type="application/octet-stream")


async def _upload(double: SlackDouble, request: web.Request) -> web.StreamResponse:
    id = request.match_info["id"]
    if id not in double.kept:
        return web.Response(status=404)
    double.kept[id] = (double.kept[id][0], await request.read())
    return web.Response(text="OK")


async def _socket(double: SlackDouble, request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.send_json({"type": "hello", "num_connections": 1})
    double.sockets.append(socket)
    try:
        async for message in socket:
            if message.type is web.WSMsgType.TEXT:
                double.acknowledged(json.loads(message.data))
    finally:
        double.sockets.remove(socket)
    return socket
