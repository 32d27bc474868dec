"""Templates to pages: one Jinja environment, strict about missing names, escaping always on.

Each page carries the drawings it uses and no others. Never takes a template from outside the given folders.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import jinja2
from aiohttp import web

from hub.web.keys import PAGES, SETTINGS
from hub.web.static_files import StaticFiles

FOLDER = Path(__file__).parent
SYMBOLS_HERE = "<!--symbols-->"
THEMES = ("light", "dark")
_USED = re.compile(r'href="#([a-z0-9-]+)"')
_SYMBOL = re.compile(r'<symbol id="([^"]+)".*?</symbol>')


class Pages:
    """Renders templates named "<room>/<file>", where a room is one of the folders given.

    everywhere: names every template may use.
    """

    def __init__(self, folders: Mapping[str, Path], *, static: StaticFiles, everywhere: Mapping[str, object] | None = None) -> None:
        self._environment = jinja2.Environment(
            loader=jinja2.PrefixLoader({name: jinja2.FileSystemLoader(folder) for name, folder in folders.items()}),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(everywhere or {}, asset=static.url)
        drawn = (FOLDER / "icons.svg").read_text(encoding="utf-8")
        self._symbols = {match[1]: match[0] for match in _SYMBOL.finditer(drawn)}

    def html(self, name: str, context: Mapping[str, object]) -> str:
        """The rendered template, with the drawings it refers to put at its marker."""
        text = self._environment.get_template(name).render(context)
        used = sorted(set(_USED.findall(text)) & self._symbols.keys())
        return text.replace(SYMBOLS_HERE, "".join(self._symbols[name] for name in used), 1)


def theme_of(request: web.Request) -> str | None:
    """The chosen theme, or None to follow the system."""
    chosen = request.cookies.get("theme")
    return chosen if chosen in THEMES else None


def page(request: web.Request, template: str, /, *, status: int = 200, **context: object) -> web.Response:
    """Render a template as the answer. Pages about people are never kept by caches."""
    from hub.web.sessions import csrf_token, signed_in  # sessions answer with pages themselves

    clinic = request.app[SETTINGS].clinic
    given = {"me": signed_in(request), "csrf": csrf_token(request), "theme": theme_of(request), "clinic": clinic, **context}
    html = request.app[PAGES].html(template, given)
    return web.Response(text=html, content_type="text/html", status=status, headers={"Cache-Control": "no-store"})


def see_other(path: str) -> web.Response:
    """A redirect that can carry cookies; aiohttp's own is an exception to raise."""
    return web.Response(status=303, headers={"Location": path, "Cache-Control": "no-store"})
