"""Rendering the public pages. Knows no session: these pages set no cookie and read only the chosen theme."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from aiohttp import web

from channels.form_body import Fields
from channels.form_check import FormProblem
from channels.web_form import HONEYPOT
from hub.model.ids import uuid7
from hub.public.site import LOCALES, PUBLIC
from hub.public.texts import TEXTS, day
from hub.web.keys import PAGES
from hub.web.render import theme_of
from hub.wordings import DEFAULT_LOCALE

_ACCEPTED = re.compile(r"\s*([A-Za-z]{2,3})[A-Za-z0-9-]*\s*(?:;\s*q=([01](?:\.[0-9]{1,3})?))?\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class FormState:
    """What the form shows besides itself. notice: one sentence above it, by its name in the texts."""

    fields: Fields = field(default_factory=lambda: Fields({}))
    problems: tuple[FormProblem, ...] = ()
    notice: str | None = None


def locale_of(request: web.Request) -> str:
    """The language in the address, else the browser's first that we have, else English."""
    words = {word: locale for locale, (word, _) in LOCALES.items()}
    asked = request.match_info.get("lang") or request.query.get("lang")
    if asked is not None:
        return words.get(asked.partition("-")[0].lower(), DEFAULT_LOCALE)
    ranked: list[tuple[float, int, str]] = []
    for place, part in enumerate(request.headers.get("Accept-Language", "")[:500].split(",")):
        if match := _ACCEPTED.fullmatch(part):
            ranked.append((-float(match[2] or 1), place, match[1].lower()))
    return next((words[word] for quality, _, word in sorted(ranked) if quality and word in words), DEFAULT_LOCALE)


def render(request: web.Request, name: str, path: str, *, locale: str, status: int = 200, **context: object) -> web.Response:
    """One public page. path: its address without the language, for the links to its other languages."""
    given = {
        "site": request.app[PUBLIC],
        "t": TEXTS[locale],
        "locale": locale,
        "lang": LOCALES[locale][0],
        "languages": [(tag, word, own) for tag, (word, own) in LOCALES.items()],
        "path": path,
        "theme": theme_of(request),
    }
    html = request.app[PAGES].html(f"public/{name}", {**given, **context})
    headers = {"Cache-Control": "no-store", "Content-Language": locale, "Vary": "Accept-Language, Cookie"}
    return web.Response(text=html, content_type="text/html", status=status, headers=headers)


def form_page(request: web.Request, *, locale: str, issued_at: datetime, status: int = 200, state: FormState | None = None) -> web.Response:
    """The form, empty or as it was sent, with a fresh token."""
    site = request.app[PUBLIC]
    shown = state or FormState()
    return render(
        request,
        "enquire.html",
        "/enquire",
        locale=locale,
        status=status,
        token=site.token(locale, issued_at),
        submission_id=shown.fields.one("submission_id") or str(uuid7()),
        fields=shown.fields,
        problems={p.field: p.sentence for p in shown.problems},
        notice=TEXTS[locale][shown.notice] if shown.notice else None,
        consents=site.wordings.offered(locale),
        adult=site.wordings.adult(locale),
        honeypot=HONEYPOT,
    )


def notice_blocks(text: str) -> list[tuple[str, list[str]]]:
    """The notice as (kind, lines): "h2" and "p" with one line, "ul" with its items."""
    blocks: list[tuple[str, list[str]]] = []
    for paragraph in text.split("\n\n"):
        for line in filter(None, map(str.strip, paragraph.splitlines())):
            if line.startswith("## "):
                blocks.append(("h2", [line[3:]]))
            elif line.startswith("- ") and blocks and blocks[-1][0] == "ul":
                blocks[-1][1].append(line[2:])
            elif line.startswith("- "):
                blocks.append(("ul", [line[2:]]))
            else:
                blocks.append(("p", [line]))
    return blocks


def notice_page(request: web.Request, *, locale: str) -> web.Response:
    """The privacy notice in force (policy R2, R4)."""
    site = request.app[PUBLIC]
    clinic, notice = site.clinic, site.wordings.notice(locale)
    marks: Mapping[str, str] = {
        "legal_name": clinic.legal_name,
        "company_number": clinic.company_number,
        "address": clinic.registered_office,
        "data_address": clinic.data_addresses[0],
        "regulator": clinic.regulator_name,
        "regulator_number": clinic.regulator_number,
    }
    since = day(locale, notice.valid_from.year, notice.valid_from.month, notice.valid_from.day)
    return render(
        request,
        "privacy.html",
        "/privacy",
        locale=locale,
        blocks=notice_blocks(notice.filled(**marks)),
        version=TEXTS[locale]["notice_version"].format(version=notice.version, date=since),
        since=notice.valid_from.date().isoformat(),
    )
