"""How a double's answers go wrong, the same way at every provider that speaks HTTP."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from channels.sandbox.values import AT_MEDIA, Rule, Trouble

if TYPE_CHECKING:
    from channels.sandbox.provider import ProviderDouble

HANG_S: Final = 60.0
HUGE: Final = 64 * 1024 * 1024
CHUNK: Final = b"\0" * 65_536
HALF_AN_ANSWER: Final = b'{"sid": "SM'


async def wait_if_slow(double: ProviderDouble[Any], *, to: str, sender: str) -> None:
    """Keep whoever asks waiting, where that was asked for."""
    rule = double.troubles.take(frozenset({Trouble.SLOW}), to=to, sender=sender)
    if rule is not None:
        await _hold(double, rule.wait_s)


async def after(double: ProviderDouble[Any], request: web.BaseRequest, rule: Rule, failure: web.Response) -> web.StreamResponse:
    """What goes wrong once the message has been accepted. failure: the provider's own way to fail."""
    if rule.trouble is Trouble.HANG:
        await _hold(double, HANG_S)
    if rule.trouble in (Trouble.HANG, Trouble.DROP_AFTER):
        return dropped(request)
    if rule.trouble is Trouble.MALFORMED:
        return web.Response(status=200, body=HALF_AN_ANSWER, content_type="application/json")
    return failure


async def file(double: ProviderDouble[Any], request: web.BaseRequest, mime: str, content: bytes) -> web.StreamResponse:
    """A file, or what trouble makes of it."""
    rule = double.troubles.take(AT_MEDIA, to="", sender="")
    if rule is None:
        return web.Response(body=content, content_type=mime)
    if rule.trouble is Trouble.MEDIA_WRONG:
        return web.Response(text="<html><script>alert('not a picture')</script></html>", content_type=mime)
    if rule.trouble is Trouble.MEDIA_SLOW:
        await _hold(double, rule.wait_s)
        return web.Response(body=content, content_type=mime)
    return await _endless(double, request, mime)


async def _endless(double: ProviderDouble[Any], request: web.BaseRequest, mime: str) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": mime})  # no length is told
    await response.prepare(request)
    for _ in range(HUGE // len(CHUNK)):
        if double.closing.is_set():
            break
        await response.write(CHUNK)
    return response


def dropped(request: web.BaseRequest) -> web.Response:
    """Cut the connection without a word."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)  # goes nowhere


async def _hold(double: ProviderDouble[Any], seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await double.closing.wait()
    except TimeoutError:
        pass
