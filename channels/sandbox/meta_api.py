"""The HTTP face of the Meta double: sends for numbers and pages, media by id, media content. No router: it must be quick."""

from __future__ import annotations

import hmac
import json
import re
import secrets
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from channels.sandbox import bending
from channels.sandbox.meta_payloads import SentByMeta
from channels.sandbox.values import AT_CREATE, Rule, Trouble

if TYPE_CHECKING:
    from channels.sandbox.meta import MetaDouble

_SEND: Final = re.compile(r"/v[0-9]+\.[0-9]+/([A-Za-z0-9_]+)/messages")
_MEDIA: Final = re.compile(r"/v[0-9]+\.[0-9]+/([0-9]+)")
# trouble: HTTP status, code, words
REFUSALS: Final = {
    Trouble.THROTTLED: (429, 130429, "Rate limit hit"),
    Trouble.STOPPED: (400, 131050, "User has stopped receipt of marketing messages"),
    Trouble.REFUSED: (400, 131047, "Re-engagement message"),
    Trouble.CREDENTIALS: (401, 190, "Error validating access token"),
}


async def handle(double: MetaDouble, request: web.BaseRequest) -> web.StreamResponse:
    """Answer one request as Meta would."""
    if request.method == "POST" and (found := _SEND.fullmatch(request.path)):
        return await _send(double, request, found[1])
    if not double.knows(_bearer(request)):
        return _error(401, 190, "Invalid OAuth access token")
    if (kept := double.media_at(request.path)) is not None:
        return await bending.file(double, request, *kept)
    if (asked := _MEDIA.fullmatch(request.path)) and (described := double.describe(asked[1])):
        return _json(200, described)
    return _error(404, 100, "Unsupported get request", 33)


async def _send(double: MetaDouble, request: web.BaseRequest, node: str) -> web.StreamResponse:
    if double.troubles.take(frozenset({Trouble.DROP_BEFORE}), to="", sender=""):
        return bending.dropped(request)
    secret, token = double.secrets_of(node)
    if _bearer(request) != token:
        return _error(401, 190, "Invalid OAuth access token")
    try:
        body = json.loads(await request.read())
    except ValueError:
        return _error(400, 100, "Invalid parameter")
    if not _proven(body, secret, token):
        return _error(400, 100, "Invalid appsecret_proof provided in the API argument")
    if (fault := _fault(body)) is not None:
        return _error(400, *fault)
    message = _message(node, body)
    await bending.wait_if_slow(double, to=message.to, sender=node)
    if "messaging_product" not in body and message.free and double.window_shut(node, message.to):
        return _error(400, 10, "This message is sent outside of allowed window.", 2018278)  # WhatsApp tells it in a status
    rule = double.troubles.take(AT_CREATE, to=message.to, sender=node)
    if rule is not None and rule.trouble is Trouble.DROP_BEFORE:
        return bending.dropped(request)
    if rule is not None and (refused := _refusal(rule)) is not None:
        return refused
    if (first := double.accept(message)) is not None:
        await first
    if rule is not None:
        return await bending.after(double, request, rule, _error(500, 1, "An unknown error occurred"))
    return _json(200, _accepted(message))


def _message(node: str, body: dict[str, Any]) -> SentByMeta:
    whatsapp = "messaging_product" in body
    recipient = body.get("recipient")
    to = str(recipient.get("id", "")) if isinstance(recipient, dict) else str(body.get("to") or recipient or "")
    inner = body if whatsapp else body.get("message", {})
    text = inner.get("text")
    return SentByMeta(
        sid=("wamid.HBg" if whatsapp else "m_") + secrets.token_hex(20),
        node=node,
        to=to,
        body=str(text.get("body", "")) if isinstance(text, dict) else str(text or ""),
        message_id=str(body.get("biz_opaque_callback_data") or inner.get("metadata") or ""),
        fields=body,
    )


def _accepted(message: SentByMeta) -> dict[str, Any]:
    if message.sid.startswith("wamid."):
        return {
            "messaging_product": "whatsapp",
            "contacts": [{"input": message.to, "wa_id": message.to}],
            "messages": [{"id": message.sid, "message_status": "accepted"}],
        }
    return {"recipient_id": message.to, "message_id": message.sid}


def _fault(body: dict[str, Any]) -> tuple[int, str] | None:
    """Meta's own checks of a send: the code and words of the first that fails."""
    if "messaging_product" in body:
        return _whatsapp_fault(body)
    message, recipient = body.get("message"), body.get("recipient")
    if not isinstance(recipient, dict) or not recipient.get("id") or not isinstance(message, dict):
        return 100, "(#100) Param recipient must be non-empty"
    if not message.get("text") and not message.get("attachment"):
        return 100, "(#100) Invalid parameter"
    if len(str(message.get("text", ""))) > 2000:
        return 100, "(#100) Length of param message[text] must be less than or equal to 2000"
    return None


def _whatsapp_fault(body: dict[str, Any]) -> tuple[int, str] | None:
    kind = body.get("type")
    if not body.get("to") and not body.get("recipient"):
        return 100, "The parameter to is required"
    if not isinstance(kind, str) or kind not in body:
        return 131009, "Parameter value is not valid"
    if kind == "text" and not 0 < len(str(body["text"].get("body", ""))) <= 4096:
        return 100, "Param text['body'] must be between 1 and 4096 characters"
    if kind == "template" and not body["template"].get("language", {}).get("code"):
        return 132000, "Template language is required"
    return None


def _refusal(rule: Rule) -> web.StreamResponse | None:
    """The answer of a trouble that accepts nothing."""
    if rule.trouble is Trouble.SERVER_ERROR:
        return _error(500, rule.code or 2, "Service temporarily unavailable")
    if rule.trouble not in REFUSALS:
        return None
    status, code, words = REFUSALS[rule.trouble]
    answer = _error(status, rule.code or code, words)
    if rule.trouble is Trouble.THROTTLED:
        answer.headers["Retry-After"] = f"{rule.wait_s:g}"
    return answer


def _bearer(request: web.BaseRequest) -> str:
    return request.headers.get("Authorization", "").removeprefix("Bearer ")


def _proven(body: object, secret: str, token: str) -> bool:
    """Whether a proof, where one is given, is the right one."""
    if not isinstance(body, dict):
        return False
    given = body.get("appsecret_proof")
    return given is None or given == hmac.new(secret.encode(), token.encode(), "sha256").hexdigest()


def _json(status: int, body: object) -> web.Response:
    return web.Response(status=status, body=json.dumps(body).encode(), content_type="application/json")


def _error(status: int, code: int, words: str, subcode: int = 0) -> web.Response:
    error = {"message": f"(#{code}) {words}", "type": "OAuthException", "code": code, "error_subcode": subcode, "fbtrace_id": "A0"}
    return _json(status, {"error": error})
