"""Routes of the account desk. An unknown address and a wrong password get one answer, in the same time."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web

from hub.desks.account import passwords, slack, throttle
from hub.model.audit import AuditEvent
from hub.model.ids import StaffId
from hub.store import audit, staff
from hub.store.pool import Connection
from hub.store.staff import StaffMember
from hub.web.forms import fields
from hub.web.keys import CLOCK, POOL, SETTINGS
from hub.web.render import THEMES, page, see_other
from hub.web.roles import Right, Role
from hub.web.security import is_https
from hub.web.sessions import acts, before_sign_in, drop_session, identify, me, reads, start_session

LINK_COOKIE = "hub_link"
LINK_MINUTES = 30
WRONG = "That address and password do not belong together."
WAIT = "Too many tries. Wait a quarter of an hour, then try once more."


def routes() -> list[web.RouteDef]:
    return [
        web.get("/", start),
        web.get("/sign-in", show_sign_in),
        web.post("/sign-in", sign_in),
        web.post("/sign-out", sign_out),
        web.get("/welcome/{token}", open_link),
        web.get("/welcome", show_welcome),
        web.post("/welcome", welcome),
        web.get("/account", show_account),
        web.post("/account/theme", choose_theme),
        web.post("/account/inbox", join_inbox),
        *slack.routes(),
    ]


def welcome_url(public_url: str, token: str) -> str:
    """The one-time link to hand to somebody."""
    return f"{public_url}/welcome/{token}"


async def start(request: web.Request) -> web.StreamResponse:
    raise web.HTTPSeeOther(home_of(await identify(request)))


def home_of(person: object) -> str:
    """Where somebody lands: the inbox, or their own page when their role reads no messages."""
    may = getattr(person, "may", None)
    if may is None:
        return "/sign-in"
    return "/inbox" if may(Right.READ_MESSAGES) else "/account"


def safe_next(path: str) -> str:
    """A path of ours to go on to, or the start: never another site."""
    ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if ours else "/"


async def show_sign_in(request: web.Request) -> web.Response:
    return page(request, "account/sign_in.html", next=safe_next(request.query.get("next", "/")), email="", problem="")


@before_sign_in
async def sign_in(request: web.Request) -> web.StreamResponse:
    """Check the password; the throttle is asked first and a refused try is not heard."""
    form = await fields(request)
    email, password, onward = (form.get(name, "") for name in ("email", "password", "next"))
    now = request.app[CLOCK]()
    account, network = throttle.subjects(email, request.remote)
    async with request.app[POOL].acquire() as conn:
        if await throttle.too_many(conn, account, network, now=now):
            return _again(request, email, onward, WAIT, status=429)
        member = await staff.by_email(conn, email)
        stored = await staff.password_hash(conn, member.id) if member else None
    right = await passwords.matches(stored, password)
    async with request.app[POOL].acquire() as conn, conn.transaction():
        if member is None or not right:
            await staff.note_failure(conn, [account, network], now=now)
            await _note(conn, "staff.failed", member, now=now)
        else:
            await staff.forget_failures(conn, [account])
            token = await _let_in(conn, member, now=now)
            response = see_other(safe_next(onward))
            start_session(request, response, token)
            return response
    return _again(request, email, onward, WRONG, status=401)


def _again(request: web.Request, email: str, onward: str, problem: str, *, status: int) -> web.Response:
    return page(request, "account/sign_in.html", status=status, next=safe_next(onward), email=email, problem=problem)


async def _let_in(conn: Connection, member: StaffMember, *, now: datetime) -> str:
    await _note(conn, "staff.login", member, now=now)
    return await staff.open_session(conn, member.id, now=now)


async def _note(conn: Connection, action: str, member: StaffMember | None, *, now: datetime) -> None:
    """Write it down; for an address nobody has, only that it happened."""
    who = f"staff:{member.id}" if member else "staff:unknown"
    role = "+".join(sorted(member.roles)) if member else None
    await audit.append(conn, [AuditEvent(at=now, actor=who, role=role, action=action, object=who)])


@acts(Right.SIGNED_IN)
async def sign_out(request: web.Request) -> web.StreamResponse:
    person, now = me(request), request.app[CLOCK]()
    async with request.app[POOL].acquire() as conn, conn.transaction():
        await staff.end_session(conn, person.token)
        await audit.append(conn, [AuditEvent(at=now, actor=person.actor, role=person.role, action="staff.logout", object=person.actor)])
    response = see_other("/sign-in")
    drop_session(request, response)
    return response


async def open_link(request: web.Request) -> web.StreamResponse:
    """Move the token out of the address at once: addresses stay in histories, over shoulders and in screenshots."""
    response = see_other("/welcome")
    response.set_cookie(
        LINK_COOKIE,
        request.match_info["token"],
        max_age=LINK_MINUTES * 60,
        httponly=True,
        samesite="Lax",
        secure=is_https(request),
        path="/welcome",
    )
    return response


async def show_welcome(request: web.Request) -> web.Response:
    owner = await _owner(request)
    if owner is None:
        return page(request, "account/link_ended.html", status=410)
    return _welcome_page(request, owner)


def _welcome_page(
    request: web.Request, owner: StaffMember, *, name: str | None = None, problems: dict[str, str] | None = None
) -> web.Response:
    return page(
        request,
        "account/welcome.html",
        status=422 if problems else 200,
        email=owner.email,
        name=owner.name if name is None else name,
        first=not owner.has_password,
        offer_inbox=_may_join(request, owner.roles),
        problems=problems or {"name": "", "password": ""},
        shortest=passwords.SHORTEST,
    )


async def _owner(request: web.Request) -> StaffMember | None:
    token = request.cookies.get(LINK_COOKIE, "")
    if not token:
        return None
    async with request.app[POOL].acquire() as conn:
        return await staff.link_owner(conn, token, now=request.app[CLOCK]())


@before_sign_in
async def welcome(request: web.Request) -> web.StreamResponse:
    """Set name and password, use the link up, sign in."""
    owner = await _owner(request)
    if owner is None:
        return page(request, "account/link_ended.html", status=410)
    form = await fields(request)
    name, password = form.get("name", "").strip()[:100], form.get("password", "")
    problems = {"name": "" if name else "Write the name your colleagues know you by."}
    problems["password"] = passwords.weakness(password, email=owner.email.reveal()) or ""
    if any(problems.values()):
        return _welcome_page(request, owner, name=name, problems=problems)
    hashed = await passwords.hashed(password)
    roles = [Role.FRONT_DESK] if "inbox" in form and _may_join(request, owner.roles) else []
    now = request.app[CLOCK]()
    async with request.app[POOL].acquire() as conn, conn.transaction():
        if await staff.use_link(conn, request.cookies[LINK_COOKIE], now=now) is None:
            return page(request, "account/link_ended.html", status=410)
        await staff.set_password(conn, owner.id, name=name, hashed=hashed)
        await _give(conn, owner.id, roles, now=now)
        token = await _let_in(conn, owner, now=now)
    response = see_other("/")
    response.del_cookie(LINK_COOKIE, path="/welcome")
    start_session(request, response, token)
    return response


def _may_join(request: web.Request, roles: frozenset[str]) -> bool:
    """In practice an administrator may also play the front desk; with real patients the roles stay apart (policy §1)."""
    return request.app[SETTINGS].sandbox and Role.ADMINISTRATOR in roles and Role.FRONT_DESK not in roles


async def _give(conn: Connection, staff_id: StaffId, roles: list[Role], *, now: datetime) -> None:
    await staff.grant(conn, staff_id, roles, now=now)
    who = f"staff:{staff_id}"
    await audit.append(
        conn,
        [AuditEvent(at=now, actor=who, action="staff.role_changed", object=who, result=f"+{role}", reason="sandbox") for role in roles],
    )


@reads(Right.SIGNED_IN)
async def show_account(request: web.Request) -> web.Response:
    offer_inbox = _may_join(request, frozenset(me(request).roles))
    return page(request, "account/account.html", offer_inbox=offer_inbox, slack=await slack.standing(request))


@acts(Right.SIGNED_IN)
async def join_inbox(request: web.Request) -> web.StreamResponse:
    person = me(request)
    if not _may_join(request, frozenset(person.roles)):
        raise web.HTTPForbidden
    async with request.app[POOL].acquire() as conn, conn.transaction():
        await _give(conn, person.id, [Role.FRONT_DESK], now=request.app[CLOCK]())
    raise web.HTTPSeeOther("/inbox")


@acts(Right.SIGNED_IN)
async def choose_theme(request: web.Request) -> web.StreamResponse:
    chosen = (await fields(request)).get("theme")
    response = see_other("/account")
    if chosen in THEMES:
        response.set_cookie("theme", chosen, max_age=31_536_000, samesite="Lax", secure=is_https(request), path="/")
    else:
        response.del_cookie("theme", path="/")
    return response
