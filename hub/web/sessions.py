"""Who is signed in, and what a handler demands before it runs: a right, and for acts the proof that our page sent them.

Every staff route is made by `reads` or `acts`; a test walks the routes and refuses one that is not.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote

from aiohttp import web
from aiohttp.typedefs import Handler

from hub.model.ids import StaffId
from hub.store import staff
from hub.web.forms import fields
from hub.web.keys import CLOCK, POOL
from hub.web.roles import Right, Role, rights_of
from hub.web.security import from_our_page, is_https

Guarded = TypeVar("Guarded", bound=Callable[[web.Request], Awaitable[web.StreamResponse]])


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """The person at the screen."""

    id: StaffId
    name: str
    roles: frozenset[Role]
    token: str

    @property
    def rights(self) -> frozenset[Right]:
        return rights_of(self.roles)

    def may(self, right: str) -> bool:
        return Right(right) in self.rights

    @property
    def actor(self) -> str:
        """As the audit log names the person."""
        return f"staff:{self.id}"

    @property
    def role(self) -> str:
        """As the audit log names the roles."""
        return "+".join(sorted(self.roles))

    def __repr__(self) -> str:  # the token must not reach a log line or a traceback
        return f"SignedIn({self.id})"


SIGNED_IN: web.RequestKey[SignedIn] = web.RequestKey("signed_in")


def cookie_name(request: web.Request) -> str:
    """With https the name itself forbids the cookie to any other host or path."""
    return "__Host-hub_session" if is_https(request) else "hub_session"


def start_session(request: web.Request, response: web.StreamResponse, token: str) -> None:
    """Hand the session's token to the browser."""
    response.set_cookie(cookie_name(request), token, httponly=True, samesite="Lax", secure=is_https(request), path="/")


def drop_session(request: web.Request, response: web.StreamResponse) -> None:
    """Take the token back."""
    response.del_cookie(cookie_name(request), httponly=True, samesite="Lax", secure=is_https(request), path="/")


def signed_in(request: web.Request) -> SignedIn | None:
    """The person at the screen, where the route asked who it is."""
    return request.get(SIGNED_IN)


def me(request: web.Request) -> SignedIn:
    """As `signed_in`, on routes that demand somebody."""
    return request[SIGNED_IN]


def csrf_token(request: web.Request) -> str:
    """What a form of this session must send back; empty where nobody is signed in."""
    person = signed_in(request)
    if person is None:
        return ""
    digest = hmac.digest(person.token.encode(), b"form", "sha256")
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


async def identify(request: web.Request, *, touch: bool = True) -> SignedIn | None:
    """Look the session up. touch: False for requests a page makes by itself, which are no use of the session."""
    token = request.cookies.get(cookie_name(request), "")
    if not token:
        return None
    async with request.app[POOL].acquire() as conn:
        member = await staff.session_owner(conn, token, now=request.app[CLOCK](), touch=touch)
    if member is None:
        return None
    person = SignedIn(id=member.id, name=member.name, roles=frozenset(Role(r) for r in member.roles), token=token)
    request[SIGNED_IN] = person
    return person


def reads(right: Right, *, by_itself: bool = False) -> Callable[[Guarded], Handler]:
    """A route that shows something. Nobody signed in: to the sign-in page and back. Not allowed: 403.

    by_itself: the page asks, not the person (fragments, the live stream), so no redirect and no prolonging.
    """

    def guard(handler: Guarded) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            person = await identify(request, touch=not by_itself)
            if person is None:
                raise web.HTTPUnauthorized if by_itself else web.HTTPSeeOther(f"/sign-in?next={quote(request.path_qs)}")
            if right not in person.rights:
                raise web.HTTPForbidden
            return await handler(request)

        return _marked(guarded, handler)

    return guard


def acts(right: Right) -> Callable[[Guarded], Handler]:
    """A route that changes something: our own page must have sent it, with the session's token."""

    def guard(handler: Guarded) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            person = await identify(request)
            if person is None:
                raise web.HTTPSeeOther("/sign-in")
            if not from_our_page(request) or not await _has_token(request) or right not in person.rights:
                raise web.HTTPForbidden
            return await handler(request)

        return _marked(guarded, handler)

    return guard


def before_sign_in(handler: Guarded) -> Handler:
    """A form used by somebody who has no session yet: only the origin can be checked."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        if not from_our_page(request):
            raise web.HTTPForbidden
        return await handler(request)

    return _marked(guarded, handler)


async def _has_token(request: web.Request) -> bool:
    sent = request.headers.get("X-CSRF") or (await fields(request)).get("csrf", "")
    return hmac.compare_digest(sent.encode("utf-8", "surrogateescape"), csrf_token(request).encode())


def _marked(guarded: Handler, handler: Callable[..., object]) -> Handler:
    guarded.__name__ = getattr(handler, "__name__", "handler")
    guarded.guarded = True  # type: ignore[attr-defined]
    return guarded
