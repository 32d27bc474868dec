"""Style sheets, scripts and pictures: read once at start, served under a fingerprint of them all, kept for a year.

One fingerprint for the whole set lets modules import each other by relative path. No file outside the folder is reachable.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png"}
FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class StaticFile:
    body: bytes
    content_type: str


class StaticFiles:
    """Every file of a folder, by its relative path."""

    def __init__(self, folder: Path) -> None:
        self._files = {
            path.relative_to(folder).as_posix(): StaticFile(path.read_bytes(), TYPES[path.suffix])
            for path in sorted(folder.rglob("*"))
            if path.suffix in TYPES
        }
        digest = hashlib.sha256()
        for name, file in self._files.items():
            digest.update(name.encode() + b"\0" + file.body)
        self.fingerprint = digest.hexdigest()[:12]

    def url(self, name: str) -> str:
        """Where a file is served. Raises KeyError for one that does not exist, so a typing error fails the page's test."""
        if name not in self._files:
            raise KeyError(f"no static file called {name}")
        return f"/static/{self.fingerprint}/{name}"

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/static/{fingerprint}/{name:.+}", self._serve)]

    async def _serve(self, request: web.Request) -> web.Response:
        file = self._files.get(request.match_info["name"])
        if file is None:
            raise web.HTTPNotFound
        # A page of the release before asks for its own fingerprint: it gets today's file, but must ask again.
        fresh = request.match_info["fingerprint"] == self.fingerprint
        headers = {"Cache-Control": FOREVER if fresh else "no-cache"}
        return web.Response(body=file.body, content_type=file.content_type, charset="utf-8", headers=headers)
