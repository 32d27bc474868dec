"""The typed keys under which the composition root (`hub.app`) leaves the parts for handlers to find."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from aiohttp import web

from hub.store.pool import Pool

if TYPE_CHECKING:
    from hub.gate.passive import PassiveAnswers
    from hub.intake import Intake
    from hub.intake.front import Front
    from hub.settings import Settings
    from hub.web.live import LiveStream
    from hub.web.render import Pages

Clock = Callable[[], datetime]

SETTINGS: web.AppKey[Settings] = web.AppKey("settings")
POOL: web.AppKey[Pool] = web.AppKey("pool")
CLOCK: web.AppKey[Clock] = web.AppKey("clock")
LIVE: web.AppKey[LiveStream] = web.AppKey("live")
PAGES: web.AppKey[Pages] = web.AppKey("pages")
INTAKE: web.AppKey[Intake] = web.AppKey("intake")
FRONT: web.AppKey[Front] = web.AppKey("front")
PASSIVE: web.AppKey[PassiveAnswers] = web.AppKey("passive")
