"""What people see when something is not there, not allowed or broken: one calm sentence, never a detail.

Machines (webhooks) get the status and an empty body. Logs name the fault's class and place, never its words, which
may quote what a patient wrote.
"""

from __future__ import annotations

import traceback

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from hub.store.pool import STORE_FAULTS
from hub.web.render import page

log = structlog.get_logger("web")

# (heading, what to do) by status; 4xx not listed read as 400.
WORDS = {
    400: ("We could not read that", "Something in the form was not as we expect it. Go back and try once more."),
    403: (
        "This is not open to you",
        "Your role does not include this page, or the form was kept open too long. Go back and try once more.",
    ),
    404: ("There is nothing here", "The page may have moved, or the address was mistyped."),
    405: ("There is nothing here", "The page may have moved, or the address was mistyped."),
    413: ("That was too much at once", "Send less text or smaller files."),
    429: ("Too many tries", "Wait a few minutes, then try once more."),
    500: (
        "Something broke on our side",
        "Nothing you typed was sent. It is written down for the people who run the hub; try again in a moment.",
    ),
    503: ("We cannot reach our records just now", "Nothing is lost. Try again in a moment."),
}


@web.middleware
async def error_pages(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn refusals and faults into answers."""
    try:
        return await handler(request)
    except web.HTTPException as answer:
        if answer.status < 400:
            raise
        return answer_with(request, answer.status, answer)
    except STORE_FAULTS as fault:  # the database does not answer
        log.error("request.unavailable", fault=type(fault).__name__, at=place(fault))
        return answer_with(request, 503)
    except Exception as fault:
        log.error("request.failed", fault=type(fault).__name__, at=place(fault))
        return answer_with(request, 500)


def answer_with(request: web.Request, status: int, answer: web.HTTPException | None = None) -> web.Response:
    """The error page; empty for webhooks and for what a page fetches by itself."""
    headers = {name: answer.headers[name] for name in ("Allow", "Retry-After") if answer is not None and name in answer.headers}
    if _for_a_machine(request):
        return web.Response(status=status, headers=headers)
    heading, advice = WORDS.get(status) or WORDS[500 if status >= 500 else 400]
    response = page(request, "web/error.html", status=status, heading=heading, advice=advice)
    response.headers.update(headers)
    return response


def _for_a_machine(request: web.Request) -> bool:
    accepted = request.headers.get("Accept", "*/*")
    return request.path.startswith("/webhooks/") or "X-CSRF" in request.headers or not ("text/html" in accepted or "*/*" in accepted)


def place(fault: BaseException) -> str:
    """Where it happened, as "file:line", without the source line or any value."""
    frames = traceback.extract_tb(fault.__traceback__)
    ours = [f for f in frames if "/hub/" in f.filename or "/channels/" in f.filename] or frames
    return f"{ours[-1].filename.rsplit('/', 2)[-2]}/{ours[-1].filename.rsplit('/', 1)[-1]}:{ours[-1].lineno}" if ours else "unknown"
