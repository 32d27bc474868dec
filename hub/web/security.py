"""Headers every answer carries, and the check that a form was sent from one of our own pages."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from hub.web.keys import SETTINGS

CONTENT_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: with that, browsers send "Origin: null" with forms and the check below could not be made.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """On every answer; a page that must differ (a widget inside the clinic's own site) has set its own already."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "hub"  # not the versions of what we are made of
    if is_https(request):
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")


def is_https(request: web.Request) -> bool:
    """Whether the hub is reached over https, by configuration; never by what a header claims."""
    return request.app[SETTINGS].public_url.startswith("https://")


def from_our_page(request: web.Request) -> bool:
    """Whether the browser says that one of our own pages sent this request.

    The Origin must name the host it was sent to, or the configured public address (behind a proxy they differ).
    A request that names no origin is refused: every browser of the last years sends one with a form.
    """
    origin = request.headers.get("Origin", "")
    if not origin or origin == "null":
        return False
    public = urlsplit(request.app[SETTINGS].public_url)
    return origin == f"{public.scheme}://{public.netloc}" or urlsplit(origin).netloc == request.host
