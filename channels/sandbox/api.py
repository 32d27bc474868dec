"""The HTTP face of the Twilio double: create, fetch and list messages, media, and a small control door for tests.

Low-level on purpose (no router): it must answer thousands of creates a second beside whatever is being measured.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from aiohttp import web

from channels.sandbox import bending
from channels.sandbox.values import AT_CREATE, Rule, SentMessage, Trouble

if TYPE_CHECKING:
    from channels.sandbox.twilio import TwilioDouble

MORE_INFO: Final = "https://www.twilio.com/docs/errors/"
# trouble: HTTP status, code, words
REFUSALS: Final = {
    Trouble.THROTTLED: (429, 20429, "Too Many Requests"),
    Trouble.STOPPED: (400, 21610, "Attempt to send to unsubscribed recipient"),
    Trouble.REFUSED: (400, 21408, "Permission to send an SMS has not been enabled for the region"),
    Trouble.CREDENTIALS: (401, 20003, "Authenticate"),
}


async def handle(double: TwilioDouble, request: web.BaseRequest) -> web.StreamResponse:
    """Answer one request as Twilio would."""
    root = f"/2010-04-01/Accounts/{double.account_sid}/Messages"
    path = request.path
    if request.method == "POST" and path == f"{root}.json":
        return await _create(double, request)
    if not _authorised(double, request):
        return _error(401, 20003, "Authenticate")
    if path == f"{root}.json":
        return _list(double, request)
    if (file := path.removesuffix(".json") if request.method == "DELETE" else path) in double.media:
        return await _media(double, request, file)
    if path.endswith("/Media.json"):
        return _list_media(double, path.removesuffix(".json"))
    message = double.messages.get(path.removeprefix(f"{root}/").removesuffix(".json"))
    return _error(404, 20404, "The requested resource was not found") if message is None else _json(200, resource(double, message))


async def _create(double: TwilioDouble, request: web.BaseRequest) -> web.StreamResponse:
    if double.troubles.take(frozenset({Trouble.DROP_BEFORE}), to="", sender=""):
        return bending.dropped(request)
    pairs = parse_qsl((await request.read()).decode(), keep_blank_values=True)
    form = dict(pairs)
    to, sender = form.get("To", ""), form.get("From", "")
    await bending.wait_if_slow(double, to=to, sender=sender)
    if not _authorised(double, request, sender):
        return _error(401, 20003, "Authenticate")
    rule = double.troubles.take(AT_CREATE, to=to, sender=sender)
    if rule is not None and rule.trouble is Trouble.DROP_BEFORE:
        return bending.dropped(request)
    if rule is not None and (refused := _refusal(rule)) is not None:
        return refused
    media = tuple(value for name, value in pairs if name == "MediaUrl")
    if (fault := _fault(double, form, media)) is not None:
        return _error(400, *fault)
    message = double.new_message(form, media_urls=media)
    if (first := double.accept(message)) is not None:
        await first
    if rule is not None:
        failure = web.Response(status=503, text="<html>Service Unavailable</html>", content_type="text/html")
        return await bending.after(double, request, rule, failure)
    return _json(201, resource(double, message))


def _refusal(rule: Rule) -> web.StreamResponse | None:
    """The answer of a trouble that accepts nothing."""
    if rule.trouble is Trouble.SERVER_ERROR:
        return web.Response(status=503, text="<html>Service Unavailable</html>", content_type="text/html")
    if rule.trouble not in REFUSALS:
        return None
    status, code, words = REFUSALS[rule.trouble]
    answer = _error(status, rule.code or code, words)
    if rule.trouble is Trouble.THROTTLED:
        answer.headers["Retry-After"] = f"{rule.wait_s:g}"
    return answer


def _fault(double: TwilioDouble, form: Mapping[str, str], media: tuple[str, ...]) -> tuple[int, str] | None:
    """Twilio's own checks of a create: the code and words of the first that fails."""
    to, sender, body = form.get("To", ""), form.get("From", ""), form.get("Body", "")
    if not to:
        return 21604, "A 'To' phone number is required"
    if not sender and not form.get("MessagingServiceSid"):
        return 21603, "A 'From' phone number is required"
    bare = to.removeprefix("whatsapp:")
    if not (bare.startswith("+") and bare[1:].isdigit() and 7 <= len(bare) <= 16) and not (to != bare and "." in bare):
        return 21211, "Invalid 'To' Phone Number"
    if not body and not media and not form.get("ContentSid"):
        return 21602, "Message body is required"
    if len(body) > 1600:
        return 21617, "The concatenated message body exceeds the 1600 character limit"
    if len(media) > 10:
        return 21623, "Number of media files exceeds allowed limit"
    if (sender, to) in double.blocked:
        return 21610, "Attempt to send to unsubscribed recipient"
    return None


def _list(double: TwilioDouble, request: web.BaseRequest) -> web.StreamResponse:
    """Messages both ways, newest first, by recipient or sender and by day or moment."""
    to, sender, size = request.query.get("To"), request.query.get("From"), min(int(request.query.get("PageSize", "50")), 1000)
    after = _moment(request.query.get("DateSent>"))
    both = sorted([*double.messages.values(), *double.written.values()], key=lambda m: m.created_at, reverse=True)
    found = [
        resource(double, m) for m in both if to in (None, m.to) and sender in (None, m.sender) and (after is None or m.created_at >= after)
    ][:size]
    page = {"messages": found, "page": 0, "page_size": size, "start": 0, "end": max(0, len(found) - 1), "next_page_uri": None}
    return _json(200, page | {"first_page_uri": request.path, "previous_page_uri": None, "uri": request.path_qs})


def _list_media(double: TwilioDouble, folder: str) -> web.StreamResponse:
    """The files of one message, without their bytes."""
    sid = folder.split("/")[-2]
    files = [
        {
            "sid": path.rpartition("/")[2],
            "parent_sid": sid,
            "account_sid": double.account_sid,
            "content_type": kept[0],
            "uri": f"{path}.json",
        }
        for path, kept in double.media.items()
        if path.startswith(f"{folder}/")
    ]
    return _json(200, {"media_list": files, "page": 0, "page_size": 50, "start": 0, "end": len(files), "next_page_uri": None})


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


async def _media(double: TwilioDouble, request: web.BaseRequest, path: str) -> web.StreamResponse:
    if request.method == "DELETE":
        del double.media[path]
        return web.Response(status=204)
    return await bending.file(double, request, *double.media[path])


def resource(double: TwilioDouble, message: SentMessage) -> dict[str, Any]:
    """A message as the API shows it."""
    made = _rfc2822(message.created_at.replace(microsecond=0))
    uri = f"/2010-04-01/Accounts/{double.account_sid}/Messages/{message.sid}"
    return {
        "sid": message.sid,
        "account_sid": double.account_sid,
        "messaging_service_sid": None,
        "from": message.sender,
        "to": message.to,
        "body": message.body,
        "status": message.status,
        "error_code": message.error_code,
        "error_message": None,
        "num_segments": "1",
        "num_media": str(len(message.media_urls)),
        "direction": "inbound" if message.sid in double.written else "outbound-api",
        "api_version": "2010-04-01",
        "price": None,
        "price_unit": "GBP",
        "date_created": made,
        "date_updated": made,
        "date_sent": made,
        "uri": f"{uri}.json",
        "subresource_uris": {"media": f"{uri}/Media.json"},
    }


@lru_cache(maxsize=64)
def _rfc2822(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC) + timedelta(0))


def _authorised(double: TwilioDouble, request: web.BaseRequest, sender: str | None = None) -> bool:
    """The account's own token or a subaccount's; for a create, the one that owns the sender."""
    given = _password(request.headers.get("Authorization", ""), double.account_sid)
    if given is None:
        return False
    return double.knows(given) if sender is None else given == double.token_of(sender)


@lru_cache(maxsize=64)
def _password(header: str, user: str) -> str | None:
    try:
        name, _, password = base64.b64decode(header.removeprefix("Basic "), validate=True).decode().partition(":")
    except ValueError:
        return None
    return password if name == user and password else None


def _json(status: int, body: object) -> web.Response:
    return web.Response(status=status, body=json.dumps(body).encode(), content_type="application/json")


def _error(status: int, code: int, words: str) -> web.Response:
    return _json(status, {"code": code, "message": words, "more_info": f"{MORE_INFO}{code}", "status": status})
