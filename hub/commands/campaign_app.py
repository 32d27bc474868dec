"""`hub campaign …`: the sub-commands as typed at a terminal. What they do is in `hub.commands.campaign`, imported when called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

campaign_app = typer.Typer(help="One text to everybody who agreed to hear about its subject.", no_args_is_help=True)
By = Annotated[str, typer.Option("--as", help="The address of the colleague who does it.")]
Purpose = Literal["promotion", "newsletter", "event"]


def _do(act: str, *arguments: Any, **named: Any) -> None:
    from hub.commands import campaign

    for line in getattr(campaign, act)(*arguments, **named):
        typer.echo(line)


@campaign_app.command("new")
def new(
    name: str,
    by: By,
    text: Annotated[Path, typer.Option(help="A file with the text; {first_name}, {clinic} and {stop_line} are filled in.", exists=True)],
    interest: Annotated[list[str], typer.Option(help="A subject people agreed to hear about; several are allowed.")],
    purpose: Annotated[Purpose, typer.Option()] = "newsletter",
    account: Annotated[str, typer.Option(help="The account it goes out on; the first that can send SMS if none is named.")] = "",
) -> None:
    """Write a draft; prints its id and what the content check finds."""
    _do("new", name, by=by, text=text.read_text(encoding="utf-8"), interests=interest, purpose=purpose, account=account)


@campaign_app.command("preview")
def preview(campaign: str) -> None:
    """Whom it would reach if it went now, and whom not, by reason: everybody once."""
    _do("preview", campaign)


@campaign_app.command("approve")
def approve(campaign: str, by: By) -> None:
    """Let it go, as somebody who has not written it. Text and audience are frozen."""
    _do("approve", campaign, by=by)


@campaign_app.command("schedule")
def schedule(campaign: str, at: Annotated[str, typer.Argument(help="Clinic time, like 2026-11-26T10:30.")], by: By) -> None:
    """Begin at a later time."""
    _do("schedule", campaign, at, by=by)


@campaign_app.command("start")
def start(campaign: str, by: By) -> None:
    """Begin now."""
    _do("act", "start", campaign, by=by)


@campaign_app.command("pause")
def pause(campaign: str, by: By) -> None:
    """Let nobody go until it is resumed."""
    _do("act", "pause", campaign, by=by)


@campaign_app.command("resume")
def resume(campaign: str, by: By) -> None:
    """Go on."""
    _do("act", "resume", campaign, by=by)


@campaign_app.command("cancel")
def cancel(campaign: str, by: By) -> None:
    """Let nobody go any more, for good."""
    _do("act", "cancel", campaign, by=by)


@campaign_app.command("status")
def status(campaign: Annotated[str | None, typer.Argument(help="All of them, newest first, when none is named.")] = None) -> None:
    """Where its people are; the numbers add up to the list."""
    _do("status", campaign)


@campaign_app.command("recipients")
def recipients(
    campaign: str,
    reason: Annotated[str | None, typer.Option(help='Only those refused for this reason; "any" for all refused.')] = None,
    after: Annotated[str | None, typer.Option(help="Go on after this person.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
) -> None:
    """Lines of JSON: each person's outcome and decision, by id and without names."""
    _do("list_recipients", campaign, reason=reason, after=after, limit=limit)
