"""Runs the Twilio double as a process of its own, with a control door for benches and process tests.

`GET /_sandbox/counts` · `POST /_sandbox/trouble` {"kind", "to"?, "sender"?, "times"?, "code"?, "wait_s"?} ·
`POST /_sandbox/write` {"account", "sender", "channel", "public_url", "from", "text", "copies"?}. Loopback only.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
from typing import Any

import uvloop
from aiohttp import web

from channels.sandbox import api
from channels.sandbox.twilio import TwilioDouble
from channels.sandbox.values import Trouble
from hub.model.address import Channel
from hub.model.ids import AccountId
from hub.model.message import Account

CONTROL = "/_sandbox/"


def routes(double: TwilioDouble) -> list[web.RouteDef]:
    """The control door beside the doubles of a larger application."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return await handle(double, request)

    return [web.route("*", CONTROL + "{tail:.*}", answer)]


async def handle(double: TwilioDouble, request: web.BaseRequest) -> web.StreamResponse:
    """The control door, or else Twilio."""
    if not request.path.startswith(CONTROL):
        return await api.handle(double, request)
    if request.method == "POST" and request.content_type != "application/json":
        return web.Response(status=415)  # what a foreign page's form could send
    wanted = request.path.removeprefix(CONTROL)
    body: dict[str, Any] = await request.json() if request.method == "POST" else {}
    answer = await control(double, wanted, body)
    return web.Response(status=404) if answer is None else web.json_response(answer)


async def control(double: TwilioDouble, wanted: str, body: dict[str, Any]) -> dict[str, Any] | None:
    """Carry out one control request; None for one nobody knows."""
    if wanted == "counts":
        return {"creates": double.creates, "messages": len(double.counts), "doubled": double.doubled()}
    if wanted == "trouble":
        double.trouble(Trouble(body.pop("kind")), **body)
        return {"ok": True}
    if wanted == "write":
        account = account_of(body["account"], body["sender"], Channel(body["channel"]), body["public_url"])
        written = await double.patient_writes(account, body["from"], body["text"], copies=int(body.get("copies", 1)))
        return {"sid": written.sid, "answers": written.answers}
    return None


def account_of(account_id: str, sender: str, channel: Channel, public_url: str) -> Account:
    """As much of an account as a webhook needs."""
    return Account(
        id=AccountId(account_id),
        adapter=f"{channel}_twilio",
        channel=channel,
        sender=sender,
        public_url=public_url,
        secrets={},
        options={},
        processor="",
        outbound=False,
    )


async def run(double: TwilioDouble, host: str, port: int) -> None:
    """Serve until told to stop; prints the address in one line of JSON once it listens."""
    server = web.Server(lambda request: handle(double, request), access_log=None)
    runner = web.ServerRunner(server, shutdown_timeout=0.5)
    await runner.setup()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await web.TCPSite(runner, host, port).start()
        bound = runner.addresses[0]
        async with double.open(f"http://{bound[0]}:{bound[1]}"):
            print(json.dumps({"base_url": double.base_url}), flush=True)
            await stop.wait()
    finally:
        await runner.cleanup()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m channels.sandbox.twilio", description="A loopback double of Twilio.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--account-sid", default="AC" + "0" * 31 + "1")
    parser.add_argument("--auth-token", default="0123456789abcdef0123456789abcdef")
    parser.add_argument("--public-url", default="", help="the hub's configured public address")
    parser.add_argument("--web-url", default="", help="where the hub is really reached, if elsewhere")
    parser.add_argument("--no-statuses", action="store_true", help="send no status callbacks")
    parser.add_argument("--pace", type=float, default=1.0, help="multiplies every delay")
    given = parser.parse_args()
    double = TwilioDouble(
        given.account_sid,
        given.auth_token,
        public_url=given.public_url,
        web_url=given.web_url,
        statuses=not given.no_statuses,
        pace=given.pace,
    )
    uvloop.run(run(double, given.host, given.port))
