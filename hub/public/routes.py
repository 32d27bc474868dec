"""The public addresses: the form, its thanks, the privacy notice, and the form for other sites' scripts."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web
from prometheus_client import Counter

from channels import form_body, web_form
from channels.errors import BadPayload, BadSignature
from channels.form_body import Fields
from channels.form_check import FormProblem
from channels.web_form import FASTEST_FILL, FormFaults, StaleForm
from hub.intake import IntakeFull, StoreUnavailable
from hub.model.message import InboundMessage, RawRequest
from hub.public.limits import sender_ip
from hub.public.site import LIMITS, LOCALES, PUBLIC
from hub.public.texts import TEXTS
from hub.public.view import FormState, form_page, locale_of, notice_page, render
from hub.web.keys import CLOCK, INTAKE

FORMS = Counter("hub_forms", "Contact forms handed in, by what became of them.", ["outcome"])
RETRY_AFTER = {429: "300", 503: "5"}


def routes() -> list[web.RouteDef]:
    """Every route of the public pages."""
    return [
        web.get("/enquire", show_form),
        web.get("/enquire/thanks", show_thanks),
        web.get("/enquire/form.json", form_for_scripts),
        web.get("/enquire/{lang:en|zh}", show_form),
        web.post("/enquire", take_form),
        web.options("/enquire", preflight),
        web.get("/privacy", show_notice),
    ]


async def show_form(request: web.Request) -> web.Response:
    """The empty form."""
    return form_page(request, locale=locale_of(request), issued_at=request.app[CLOCK]())


async def show_thanks(request: web.Request) -> web.Response:
    """The page after a form was taken in; the same for everybody, so that it tells nothing."""
    return render(request, "thanks.html", "/enquire/thanks", locale=locale_of(request))


async def show_notice(request: web.Request) -> web.Response:
    return notice_page(request, locale=locale_of(request))


async def form_for_scripts(request: web.Request) -> web.Response:
    """What a site's own form must show, word for word, and the token that says it was shown."""
    site, locale = request.app[PUBLIC], locale_of(request)
    document = {
        "form_token": site.token(locale, request.app[CLOCK]()),
        "locale": locale,
        "consents": [{"channel": w.channel, "text": w.text} for w in site.wordings.offered(locale)],
        "adult": adult.text if (adult := site.wordings.adult(locale)) else None,
        "interests": [{"id": i.id, "label": i.label(locale)} for i in site.interests],
        "privacy": f"{site.account.public_url}/privacy?lang={LOCALES[locale][0]}",
    }
    return web.json_response(document, headers={"Cache-Control": "no-store", **_cors(request)})


async def preflight(request: web.Request) -> web.Response:
    """May a listed site's script post here? Without credentials: the form needs none."""
    allowed = _cors(request)
    if "Access-Control-Allow-Origin" in allowed:
        allowed |= {"Access-Control-Allow-Methods": "POST", "Access-Control-Allow-Headers": "content-type", "Access-Control-Max-Age": "600"}
    return web.Response(status=204, headers=allowed)


async def take_form(request: web.Request) -> web.Response:
    """Take a submission in: 303 to the thanks (202 for script), or say what to mend with the text kept.

    Limits come first, then the check of who sent it, and only then is it read.
    """
    now = request.app[CLOCK]()
    body = await _body(request)
    if body is None:
        return _refuse(request, 413, "too_long", None, now)
    raw = RawRequest(
        method="POST",
        path_and_query=request.raw_path,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        received_at=now,
        remote_ip=sender_ip(request.remote, request.headers.get("X-Forwarded-For", "")),
    )
    if form_body.content_type(raw) not in form_body.ACCEPTED:
        return web.Response(status=415, headers={"Accept-Post": ", ".join(sorted(form_body.ACCEPTED))})
    # A site's back end speaks for all its visitors; its signature is checked before anything else is done for it.
    if web_form.SIGNATURE_HEADER not in raw.headers and not request.app[LIMITS].network_may(raw.remote_ip, now.timestamp()):
        return _refuse(request, 429, "limited", raw, now)
    return await _checked(request, raw, now)


async def _checked(request: web.Request, raw: RawRequest, now: datetime) -> web.Response:
    account = request.app[PUBLIC].account
    try:
        web_form.verify(raw, account, now)
        events = web_form.parse(raw, account)
    except StaleForm:
        return _refuse(request, 403, "stale", raw, now)
    except BadSignature:
        return _refuse(request, 403, "refused", raw, now)
    except FormFaults as faults:
        return _refuse(request, 400, None, raw, now, faults.problems)
    except BadPayload:
        return _refuse(request, 400, "malformed", None, now)
    forms = [event.form for event in events if isinstance(event, InboundMessage) and event.form is not None]
    if not all(request.app[LIMITS].addresses_may((form.email, form.phone), now.timestamp()) for form in forms):
        return _refuse(request, 429, "limited", raw, now)
    try:
        # A robot's form leaves no event; it gets the same answer and is only counted.
        accepted = await request.app[INTAKE].accept(raw, account, events) if events else None
    except (IntakeFull, StoreUnavailable):
        return _refuse(request, 503, "unavailable", raw, now)
    FORMS.labels("caught" if accepted is None else "taken" if accepted.new else "repeated").inc()
    return _thank(request, raw)


def _thank(request: web.Request, raw: RawRequest) -> web.Response:
    if form_body.content_type(raw) == form_body.JSON:
        return web.json_response({"ok": True}, status=202, headers=_cors(request))
    return web.Response(status=303, headers={"Location": f"/enquire/thanks?lang={LOCALES[locale_of(request)][0]}"})


def _refuse(
    request: web.Request,
    status: int,
    notice: str | None,
    raw: RawRequest | None,
    now: datetime,
    problems: tuple[FormProblem, ...] = (),
) -> web.Response:
    """Say what is the matter. The page keeps what was typed; script gets the sentences by field."""
    FORMS.labels("faults" if notice is None else notice).inc()
    locale = locale_of(request)
    extra = {"Retry-After": RETRY_AFTER[status]} if status in RETRY_AFTER else {}
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() == form_body.JSON:
        told = {p.field: p.sentence for p in problems} or {"form": TEXTS[locale][notice or "malformed"]}
        return web.json_response({"problems": told}, status=status, headers=extra | _cors(request))
    state = FormState(fields=_kept(raw), problems=problems, notice=notice)
    # Somebody who is mending a field has filled the form already: no waiting again.
    response = form_page(request, locale=locale, issued_at=now - FASTEST_FILL, status=status, state=state)
    response.headers.update(extra)
    return response


def _kept(raw: RawRequest | None) -> Fields:
    try:
        return form_body.read(raw) if raw is not None else Fields({})
    except form_body.NotAForm:
        return Fields({})


def _cors(request: web.Request) -> dict[str, str]:
    """For listed sites only, and never with credentials."""
    origin = request.headers.get("Origin", "")
    headers = {"Vary": "Origin"}
    if origin and origin in web_form.allowed_origins(request.app[PUBLIC].account):
        headers["Access-Control-Allow-Origin"] = origin
    return headers


async def _body(request: web.Request) -> bytes | None:
    """The body, or None when it is longer than a form may be."""
    cap = web_form.CAPABILITIES.max_body_bytes
    if request.content_length is not None and request.content_length > cap:
        return None
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.content.iter_chunked(65_536):
        size += len(chunk)
        if size > cap:
            return None
        chunks.append(chunk)
    return b"".join(chunks)
