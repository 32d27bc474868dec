"""The HTTP face of the WeChat double: tokens, customer-service and template messages, media. Every refusal is a 200 with an errcode."""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from channels.sandbox.values import AT_CREATE, Rule, Trouble
from channels.sandbox.wechat_payloads import SentByWeChat

if TYPE_CHECKING:
    from channels.sandbox.wechat import WeChatDouble

HANG_S: Final = 60.0
MAX_TEXT_BYTES: Final = 2048
# trouble: errcode, words
REFUSALS: Final = {
    Trouble.THROTTLED: (45011, "api minute-quota reach limit, must slower, retry next minute"),
    Trouble.STOPPED: (43004, "require subscribe"),
    Trouble.REFUSED: (45015, "response out of time limit or subscription is canceled"),
    Trouble.CREDENTIALS: (40001, "invalid credential, access_token is invalid or not latest"),
}


def routes(double: WeChatDouble) -> list[web.RouteDef]:
    """The double inside a larger application."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return await handle(double, request)

    return [web.route("*", "/cgi-bin/{tail:.+}", answer), web.get("/_wechat_film/{media_id}", answer)]


async def handle(double: WeChatDouble, request: web.BaseRequest) -> web.StreamResponse:
    """Answer one request as WeChat would."""
    double.calls.append(request.path)
    if double.slow_s:
        await asyncio.sleep(double.slow_s)
    if request.path in ("/cgi-bin/stable_token", "/cgi-bin/token"):
        return await _token(double, request)
    if request.path.startswith("/_wechat_film/"):
        kept = double.media.get(request.path.rpartition("/")[2])
        return web.Response(body=kept[1], content_type=kept[0]) if kept else web.Response(status=404)
    app_id = double.whose(request.query.get("access_token", ""))
    if app_id is None:
        code = 42001 if request.query.get("access_token", "") in double.expired else 40001
        return error(code, "access_token expired" if code == 42001 else "invalid credential, access_token is invalid or not latest")
    action = ACTIONS.get(request.path)
    return await action(double, request, app_id) if action else error(40066, "invalid url")


async def _token(double: WeChatDouble, request: web.BaseRequest) -> web.StreamResponse:
    given = dict(request.query) if request.method == "GET" else json.loads(await request.read())
    app_id = str(given.get("appid", ""))
    if app_id not in double.secrets:
        return error(40013, "invalid appid")
    if given.get("secret") != double.secrets[app_id]:
        return error(40125, "invalid appsecret")
    double.token_calls.append(bool(given.get("force_refresh")))
    fresh = request.path == "/cgi-bin/token" or bool(given.get("force_refresh"))
    token, lasts = double.token_for(app_id, fresh=fresh)
    return _json({"access_token": token, "expires_in": lasts})


async def _custom(double: WeChatDouble, request: web.BaseRequest, app_id: str) -> web.StreamResponse:
    body = await _object(request)
    if (fault := _fault(double, body)) is not None:
        return error(*fault)
    to = str(body["touser"])
    if (shut := double.refusal(app_id, to)) is not None:
        return error(*shut)
    words = body["text"]["content"] if body["msgtype"] == "text" else ""
    sent = SentByWeChat(sid=secrets.token_hex(8), app_id=app_id, to=to, body=words, message_id="", how="service", fields=body)
    return await _taken(double, request, sent, {})


async def _template(double: WeChatDouble, request: web.BaseRequest, app_id: str) -> web.StreamResponse:
    body = await _object(request)
    to, named = str(body.get("touser", "")), str(body.get("client_msg_id", ""))
    if not body.get("template_id"):
        return error(40037, "invalid template_id")
    if not isinstance(body.get("data"), dict) or not all(isinstance(v, dict) and "value" in v for v in body["data"].values()):
        return error(47003, "argument invalid!")
    if to in double.gone:
        return error(43004, "require subscribe")
    if (before := double.named.get((to, named))) is not None and named:
        return _json({"errcode": 0, "errmsg": "ok", "msgid": int(before)})
    number = 200_000_000 + secrets.randbelow(10**8)
    sent = SentByWeChat(sid=str(number), app_id=app_id, to=to, body="", message_id=named, how="template", fields=body)
    double.named[to, named] = sent.sid
    return await _taken(double, request, sent, {"msgid": number})


async def _taken(double: WeChatDouble, request: web.BaseRequest, sent: SentByWeChat, told: dict[str, Any]) -> web.StreamResponse:
    rule = double.troubles.take(AT_CREATE, to=sent.to, sender=sent.app_id)
    if rule is not None and rule.trouble is Trouble.DROP_BEFORE:
        return _dropped(request)
    if rule is not None and (refused := _refusal(rule)) is not None:
        return refused
    double.accept(sent)
    if rule is None:
        return _json({"errcode": 0, "errmsg": "ok", **told})
    if rule.trouble is Trouble.HANG:
        try:
            async with asyncio.timeout(HANG_S):
                await double.closing.wait()
        except TimeoutError:
            pass
    return web.Response(status=502) if rule.trouble is Trouble.SERVER_ERROR_AFTER else _dropped(request)


def _fault(double: WeChatDouble, body: dict[str, Any]) -> tuple[int, str] | None:
    """WeChat's own checks of a customer-service message."""
    kind = body.get("msgtype")
    if not body.get("touser"):
        return 40003, "invalid openid"
    if kind not in ("text", "image") or not isinstance(body.get(kind), dict):
        return 40008, "invalid message type"
    if kind == "text" and not 0 < len(str(body["text"].get("content", "")).encode()) <= MAX_TEXT_BYTES:
        return 45002, "content size out of limit"
    if kind == "image" and body["image"].get("media_id") not in double.media:
        return 40007, "invalid media_id"
    return None


async def _upload(double: WeChatDouble, request: web.BaseRequest, app_id: str) -> web.StreamResponse:
    form = await request.post()
    file = form.get("media")
    if request.query.get("type") != "image" or not isinstance(file, web.FileField):
        return error(40004, "invalid media type")
    media_id = double.keep_media(file.file.read(), file.content_type)
    return _json({"type": "image", "media_id": media_id, "created_at": int(double.clock().timestamp())})


async def _media(double: WeChatDouble, request: web.BaseRequest, app_id: str) -> web.StreamResponse:
    kept = double.media.get(request.query.get("media_id", ""))
    if kept is None:
        return error(40007, "invalid media_id")
    if kept[0].startswith("video/"):
        return _json({"video_url": f"{double.base_url}/_wechat_film/{request.query['media_id']}"})
    return web.Response(body=kept[1], content_type=kept[0])


ACTIONS: Final = {
    "/cgi-bin/message/custom/send": _custom,
    "/cgi-bin/message/template/send": _template,
    "/cgi-bin/media/upload": _upload,
    "/cgi-bin/media/get": _media,
}


def _refusal(rule: Rule) -> web.StreamResponse | None:
    """The answer of a trouble that accepts nothing."""
    if rule.trouble is Trouble.SERVER_ERROR:
        return error(rule.code or -1, "system error")
    if rule.trouble not in REFUSALS:
        return None
    code, words = REFUSALS[rule.trouble]
    return error(rule.code or code, words)


async def _object(request: web.BaseRequest) -> dict[str, Any]:
    content = await request.read()
    if b"\\u" in content:
        return {}  # WeChat would show the escapes as they stand
    try:
        body = json.loads(content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _dropped(request: web.BaseRequest) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)  # goes nowhere


def _json(body: object) -> web.Response:
    return web.Response(body=json.dumps(body, ensure_ascii=False).encode(), content_type="application/json")


def error(code: int, words: str) -> web.Response:
    """A refusal, which is a 200 all the same."""
    return _json({"errcode": code, "errmsg": f"{words} rid: 0-0-0"})
