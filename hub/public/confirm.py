"""The page behind the link that confirms news by email: a sentence and a button (policy §2.3 DOI, §5).

Looking confirms nothing, since mail scanners open every link; only a press does. A link that is none, is spent or came too
late gets the same pages, so that they tell nothing about anybody. No cookie, no sign-in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from hub.intake.confirming import confirm_consent
from hub.policy import consent_link
from hub.public.limits import Buckets, Rate, network, sender_ip
from hub.public.site import PUBLIC
from hub.public.view import locale_of, render
from hub.web.keys import CLOCK, POOL

PRESSES: Final = Rate(burst=30, every_s=10)
CONFIRM_TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "title": "Confirm news",
        "heading": "Would you like our news?",
        "lead": "Press the button if you asked for it. If you did not, close this page, and we send none.",
        "press": "Yes, send me news",
        "done_heading": "Thank you",
        "done": "If this link was still open, your news is confirmed. You can end it at any time, by the link in every message.",
        "later": "This did not work just now. Please press once more in a minute.",
    },
    "zh-Hans": {
        "title": "确认接收资讯",
        "heading": "您希望接收我们的资讯吗？",
        "lead": "如果是您本人登记的，请按下按钮。如果不是，请关闭本页，我们不会发送。",
        "press": "是的，请发送资讯",
        "done_heading": "谢谢",
        "done": "如果此链接仍然有效，您的登记已确认。您可以随时通过每封邮件中的链接停止接收。",
        "later": "暂时未能完成，请一分钟后再按一次。",
    },
}

CONFIRM_LIMITS: web.AppKey[Buckets] = web.AppKey("confirm_limits", Buckets)


def add_to(app: web.Application) -> None:
    """Add the page."""
    app[CONFIRM_LIMITS] = Buckets(PRESSES)
    app.add_routes([web.get("/consent/{token}", show), web.post("/consent/{token}", confirm)])


async def show(request: web.Request) -> web.Response:
    """The question and its button. Changes nothing, and looks the same whatever the link."""
    return _page(request)


async def confirm(request: web.Request) -> web.Response:
    """Confirm what the link names, if it is still open. Pressing again changes nothing and answers the same."""
    now = request.app[CLOCK]()
    where = network(sender_ip(request.remote, request.headers.get("X-Forwarded-For", "")))
    if not request.app[CONFIRM_LIMITS].take(where, now.timestamp()):
        return _page(request, status=429, notice="later")
    key = request.app[PUBLIC].account.secrets["form_token_key"]
    consent_id = consent_link.read(request.match_info["token"], key)
    if consent_id is not None:
        async with request.app[POOL].acquire() as conn, conn.transaction():
            await confirm_consent(conn, consent_id, evidence=f"link:{consent_id}", now=now)
    return _page(request, done=True)


def _page(request: web.Request, *, status: int = 200, notice: str | None = None, done: bool = False) -> web.Response:
    locale = locale_of(request)
    texts = CONFIRM_TEXTS[locale]
    told = texts[notice] if notice else None
    response = render(request, "confirm.html", request.path, locale=locale, status=status, words=texts, notice=told, done=done)
    response.headers["Referrer-Policy"] = "no-referrer"  # the address of this page is the key to it
    return response
