"""The typed keys under which the composition root (`hub.app`) leaves the parts for handlers to find."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from aiohttp import web

from hub.settings import Settings
from hub.store.pool import Pool
from hub.web.live import LiveStream
from hub.web.render import Pages

if TYPE_CHECKING:
    from hub.intake import Intake

Clock = Callable[[], datetime]

SETTINGS: web.AppKey[Settings] = web.AppKey("settings", Settings)
POOL: web.AppKey[Pool] = web.AppKey("pool", object)
CLOCK: web.AppKey[Clock] = web.AppKey("clock", Callable)
LIVE: web.AppKey[LiveStream] = web.AppKey("live", LiveStream)
PAGES: web.AppKey[Pages] = web.AppKey("pages", Pages)
INTAKE: web.AppKey[Intake] = web.AppKey("intake", object)
