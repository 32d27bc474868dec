"""Slack in the sandbox: its double, where slack.toml is marked as the sandbox's, and the page to play a colleague on."""

from __future__ import annotations

from aiohttp import web

from channels.sandbox.slack import Member, SlackDouble
from channels.sandbox.staff import StaffPage
from hub.practice.doubles import web_url
from hub.settings import Settings
from hub.web.render import Pages

COLLEAGUE = Member(id="U0COLLEAGUE", name="A colleague", email="colleague@practice.example")


def slack_of(settings: Settings) -> SlackDouble | None:
    """The double; None where Slack is off, or is the real one."""
    chosen = settings.slack
    if chosen is None or chosen.loopback is None:
        return None
    signing = chosen.signing_secrets[0].reveal() if chosen.signing_secrets else ""
    app_token = chosen.app_token.reveal() if chosen.app_token else ""
    double = SlackDouble(chosen.bot_token.reveal(), signing, hub_url=web_url(settings), app_token=app_token)
    for channel in (chosen.channel, *(route.slack_channel for route in chosen.routes)):
        double.channels.setdefault(channel, "")
    double.join(COLLEAGUE)
    return double


def routes(double: SlackDouble | None, settings: Settings, pages: Pages) -> list[web.RouteDef]:
    """Slack's API and the page; nothing where there is no double."""
    if double is None:
        return []
    page = StaffPage(double, pages.html, clinic=settings.clinic.trading_name, inbox_url=f"{settings.public_url}/inbox")
    return [*double.routes(), *page.routes()]
