"""Leaving: the page behind the link of every marketing mail, and the one-click post of mail programs (RFC 8058, policy §3.6).

Looking changes nothing, since link scanners look. A press takes the same way in as a message that says stop. No cookie, no
sign-in, no form token; a link that is none gets the same pages as a real one and does nothing.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

import structlog
from aiohttp import web

from channels.mail.account import token_keys
from channels.mail.tokens import open_unsubscribe
from hub.intake import IntakeFull, StoreUnavailable
from hub.model.address import Channel
from hub.model.ids import ContactId
from hub.model.message import Account, PreferenceChange, RawRequest
from hub.public.limits import Buckets, Rate, network, sender_ip
from hub.public.site import LOCALES
from hub.public.texts import TEXTS
from hub.public.unsubscribe_texts import UNSUBSCRIBE_TEXTS
from hub.public.view import locale_of
from hub.settings import Clinic, Settings
from hub.web.keys import CLOCK, INTAKE, PAGES, SETTINGS
from hub.web.render import theme_of

log = structlog.get_logger("web")

ONE_CLICK: Final = "List-Unsubscribe"  # RFC 8058 §3.1: the field, and "One-Click" its value
MOST_BODY: Final = 4096
RETRY_AFTER_S: Final = 5
PER_LINK: Final = Rate(burst=10, every_s=60)
GUESSES: Final = Rate(burst=30, every_s=10)


class Choice(StrEnum):
    """What shall end. The value is the form's."""

    NEWS = "news"
    LIST = "list"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """What the frame of the public pages shows of us."""

    clinic: Clinic


class LeaveLimits:
    """A real link may be pressed often enough to change one's mind; guesses are counted by network.

    Real links are not counted by network: the servers of one mailbox provider press for all their users.
    """

    def __init__(self, *, per_link: Rate = PER_LINK, guesses: Rate = GUESSES) -> None:
        self.links, self.guesses = Buckets(per_link), Buckets(guesses)


LEAVE_LIMITS: web.AppKey[LeaveLimits] = web.AppKey("leave_limits", LeaveLimits)


def add_to(app: web.Application) -> None:
    """Add the pages."""
    app[LEAVE_LIMITS] = LeaveLimits()
    app.add_routes(routes())


def routes() -> list[web.RouteDef]:
    return [web.get("/u/{token}", show), web.post("/u/{token}", leave)]


async def show(request: web.Request) -> web.Response:
    """What would end, and a button. Changes nothing, and looks the same whatever the link."""
    return _page(request, "unsubscribe.html")


async def leave(request: web.Request) -> web.Response:
    """End what was asked for, at once. Pressing again changes nothing more and answers the same."""
    choice, one_click = await _asked(request)
    if choice is None:
        return _page(request, "unsubscribe.html", status=400, notice="leave_unclear")
    found = opened(request.match_info["token"], request.app[SETTINGS])
    if not _may(request, found is not None):
        return _page(request, "unsubscribe.html", status=429, notice="leave_later")
    if found is not None:
        try:
            await _end(request, *found, choice, one_click=one_click)
        except (IntakeFull, StoreUnavailable):
            return _page(request, "unsubscribe.html", status=503, notice="leave_later")
    if one_click:
        return web.Response(text="Unsubscribed.\n", headers={"Cache-Control": "no-store"})
    return _page(request, "unsubscribed.html", choice=choice.value)


def opened(token: str, settings: Settings) -> tuple[Account, ContactId] | None:
    """The mail account a link was signed by and the person it names; None for anything else. Every account is tried."""
    found = None
    for account in settings.accounts.values():
        if account.channel is Channel.EMAIL and (named := open_unsubscribe(token, token_keys(account))) is not None:
            found = found or (account, named[0])
    try:
        return (found[0], ContactId(UUID(found[1]))) if found else None
    except ValueError:
        return None


async def _end(request: web.Request, account: Account, person: ContactId, choice: Choice, *, one_click: bool) -> None:
    now, source = request.app[CLOCK](), "one_click" if one_click else "unsubscribe_page"
    event = PreferenceChange(
        account_id=account.id,
        channel=Channel.EMAIL,
        # A press is never a repeat: whoever agreed again since and presses the old link means it.
        provider_event_id=f"{source}:{secrets.token_hex(12)}",
        senders=(),
        occurred_at=now,
        stop=True,
        whole_channel=False,
        source=source,
        contact_id=person,
        this_list_only=choice is Choice.LIST,
        nothing_at_all=choice is Choice.ALL,
    )
    # The link itself is not kept: it would open the page for whoever reads the journal.
    raw = RawRequest(method="POST", path_and_query="/u", headers={}, body=choice.value.encode(), received_at=now)
    await request.app[INTAKE].accept(raw, account, [event])
    log.info("unsubscribe", account=account.id, choice=choice.value, one_click=one_click)


async def _asked(request: web.Request) -> tuple[Choice | None, bool]:
    """What the body asks for, and whether a mail program wrote it."""
    if (request.content_length or 0) > MOST_BODY:
        return None, False
    try:
        fields = await request.post()
    except (ValueError, web.HTTPRequestEntityTooLarge):
        return None, False
    if str(fields.get(ONE_CLICK, "")).strip().lower() == "one-click":
        return Choice.NEWS, True
    chosen = fields.get("end")
    return (Choice(chosen) if chosen in set(Choice) else None), False


def _may(request: web.Request, real: bool) -> bool:
    limits, now_s = request.app[LEAVE_LIMITS], request.app[CLOCK]().timestamp()
    if real:
        return limits.links.take(request.match_info["token"], now_s)
    return limits.guesses.take(network(sender_ip(request.remote, request.headers.get("X-Forwarded-For", ""))), now_s)


def _page(request: web.Request, name: str, *, status: int = 200, notice: str | None = None, choice: str = "") -> web.Response:
    locale, settings = locale_of(request), request.app[SETTINGS]
    words = {**TEXTS[locale], **UNSUBSCRIBE_TEXTS[locale]}
    html = request.app[PAGES].html(
        f"public/{name}",
        {
            "site": _Frame(clinic=settings.clinic),
            "t": words,
            "locale": locale,
            "lang": LOCALES[locale][0],
            "languages": [(tag, word, own) for tag, (word, own) in LOCALES.items()] if request.method in ("GET", "HEAD") else [],
            "path": request.path,
            "theme": theme_of(request),
            "notice": words[notice] if notice else None,
            "choice": choice,
        },
    )
    headers = {"Cache-Control": "no-store", "Content-Language": locale, "Vary": "Accept-Language, Cookie"}
    # The address holds the link's token: nobody else's server, and no search engine, shall learn it.
    headers |= {"X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer"}
    if status in (429, 503):
        headers["Retry-After"] = str(RETRY_AFTER_S)
    return web.Response(text=html, content_type="text/html", status=status, headers=headers)
