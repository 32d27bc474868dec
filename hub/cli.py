"""The `hub` command. Each command imports what it needs when it is called, so that `hub --help` is quick."""

from __future__ import annotations

import io
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TextIO

import typer

from hub.commands.campaign_app import campaign_app

if TYPE_CHECKING:
    from hub.people.importing import Report
    from hub.settings import Settings

app = typer.Typer(name="hub", help="Enquiry Hub: one inbox for a clinic.", no_args_is_help=True, pretty_exceptions_enable=False)
staff_app = typer.Typer(help="Accounts of the people who work here.", no_args_is_help=True)
audit_app = typer.Typer(help="The record of what was done to personal data.", no_args_is_help=True)
explain_app = typer.Typer(
    help="Why something is decided as it is. Reads lines of JSON from standard input, writes lines of JSON.", no_args_is_help=True
)
lexicon_app = typer.Typer(help="The lists of words that stop messages.", no_args_is_help=True)
import_app = typer.Typer(help="Lists brought along from elsewhere: suppressions first, then contacts.", no_args_is_help=True)
app.add_typer(import_app, name="import")
app.add_typer(staff_app, name="staff")
app.add_typer(campaign_app, name="campaign")
app.add_typer(audit_app, name="audit")
app.add_typer(explain_app, name="explain")
app.add_typer(lexicon_app, name="lexicon")

ROLES = Literal["front_desk", "clinician", "marketing", "data_protection", "administrator", "auditor"]
ListFile = Annotated[Path, typer.Argument(help="CSV with a header line, or JSON lines (.jsonl).", exists=True, dir_okay=False)]
Human = Annotated[bool, typer.Option("--human", help="Sentences instead of JSON.")]


def main() -> None:
    """Entry point: a failure people can mend is one sentence on standard error and exit code 1."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        from hub.commands.common import explain_failure, fault_of_ours

        for sentence in explain_failure(error) or fault_of_ours(error):
            print(sentence, file=sys.stderr)
        sys.exit(1)


@app.command()
def up(
    sandbox: Annotated[
        bool | None, typer.Option("--sandbox/--no-sandbox", help="Play the providers on this machine. Default: HUB_SANDBOX.")
    ] = None,
) -> None:
    """Start everything: servers that are not given, the schema, the first administrator, all processes."""
    from rich.console import Console

    from hub.commands import logs
    from hub.commands.up import up

    if sandbox is not None:
        os.environ["HUB_SANDBOX"] = "on" if sandbox else "off"
    logs.configure(os.environ)
    raise typer.Exit(up(os.environ, Console(stderr=True)))


@app.command()
def processes() -> None:
    """Run the Procfile's processes on servers that already run."""
    settings = _running_settings()
    from hub.commands.processes import run_all

    raise typer.Exit(run_all(settings, os.environ))


@app.command()
def web() -> None:
    """The web process: pages, webhooks, the contact form."""
    settings = _running_settings()
    from hub.app import run_web

    run_web(settings)


@app.command()
def worker() -> None:
    """A worker process: sends, media, follow-ups."""
    settings = _running_settings()
    from workers.runtime import run_worker

    run_worker(settings)


@app.command()
def clock() -> None:
    """The clock process: system ticks and the outbox relay."""
    settings = _running_settings()
    from workers.clock import run_clock

    run_clock(settings)


@app.command()
def mail() -> None:
    """The mail process: mailboxes in."""
    settings = _running_settings()
    from workers.mail import run_mail

    run_mail(settings)


@app.command()
def sandbox() -> None:
    """The practice phone and the loopback doubles of the providers. Ends at once where the sandbox is off."""
    settings = _running_settings()
    if settings.sandbox:
        from hub.practice import run_sandbox

        run_sandbox(settings)


@app.command()
def migrate() -> None:
    """Bring the database's schema up to date."""
    from hub.commands.database import migrate

    applied = migrate()
    typer.echo(f"Applied: {', '.join(applied)}." if applied else "The schema is up to date.")


@app.command()
def check() -> None:
    """Say all that is wrong with settings, servers and accounts."""
    from rich.console import Console

    from hub.commands.health import check

    raise typer.Exit(check(Console(soft_wrap=True)))


@app.command()
def replay(limit: Annotated[int, typer.Option(min=1, help="At most this many requests.")] = 1000) -> None:
    """Run journalled events again that nobody could process when they came."""
    from hub.commands.database import replay

    processed, failing = replay(limit)
    typer.echo(f"Processed {processed} events; {failing} requests still fail.")
    raise typer.Exit(1 if failing else 0)


@import_app.command("suppressions")
def import_suppressions(path: ListFile) -> None:
    """Take a list of people not to be written to; can only add to what is known."""
    from hub.commands.people import bring_suppressions

    _tell(bring_suppressions(path, path.stem, _progress))


@import_app.command("contacts")
def import_contacts(
    path: ListFile,
    statement: Annotated[
        Path | None, typer.Option(help="A signed statement that there is no list of suppressions.", exists=True, dir_okay=False)
    ] = None,
) -> None:
    """Take people and what they agreed to."""
    from hub.commands.people import bring_contacts

    _tell(bring_contacts(path, path.stem, statement, _progress))


@app.command("rotate-pepper")
def rotate_pepper() -> None:
    """Bring addresses under the newest key of HUB_PEPPER. The older keys stay in it for good: old stops lie under them."""
    from hub.commands.people import rotate_pepper

    done = rotate_pepper(_progress)
    typer.echo(f"Renewed {done.renewed} addresses; {done.strangers} fit no key given and were left alone.")
    raise typer.Exit(1 if done.strangers else 0)


def _progress(line: str) -> None:
    typer.echo(line, err=True)


def _tell(report: Report) -> None:
    for number, sentence in report.bad:
        typer.echo(f"Row {number}: {sentence}", err=True)
    typer.echo(
        f"{report.read} rows: {report.added} added, {report.known} known already, {report.refused} not usable;"
        f" {report.unproven} consents kept as unproven."
    )
    raise typer.Exit(1 if report.refused else 0)


@staff_app.command("add")
def staff_add(
    email: str,
    name: Annotated[str, typer.Option(help="As colleagues see it.")],
    role: Annotated[ROLES, typer.Option()] = "front_desk",
) -> None:
    """Make an account; prints a one-time link for its owner."""
    from hub.commands.database import add_staff

    typer.echo(add_staff(email, name, role))


@staff_app.command("reset")
def staff_reset(email: str) -> None:
    """Print a one-time link to set a new password with."""
    from hub.commands.database import reset_staff

    typer.echo(reset_staff(email))


@staff_app.command("slack")
def staff_slack(email: str, member: Annotated[str, typer.Argument(help="Their id in Slack; left out: the link ends.")] = "") -> None:
    """Say who somebody is in Slack, where the two addresses differ."""
    from hub.commands.slack import link_slack

    said, done = link_slack(email, member)
    typer.echo(said)
    raise typer.Exit(0 if done else 1)


@audit_app.command("verify")
def audit_verify(
    exported: Annotated[
        Path | None, typer.Option(help="Seals kept elsewhere, which must be the same.", exists=True, dir_okay=False)
    ] = None,
) -> None:
    """Read the whole audit log and say whether it is as it was sealed."""
    from hub.commands.database import verify_audit

    sentence, whole = verify_audit(exported)
    typer.echo(sentence)
    raise typer.Exit(0 if whole else 1)


@lexicon_app.command("check")
def lexicon_check(
    show: Annotated[bool, typer.Option("--show", help="List every entry nobody has reviewed, with its line.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Fail while entries wait for review.")] = False,
) -> None:
    """Can the lists be used, and what has a native speaker still to read? Fails on any fault."""
    from hub.commands.common import config_dir
    from hub.commands.lexicon import check

    raise typer.Exit(check(config_dir(os.environ), _utf8_output(), show=show, strict=strict))


@lexicon_app.command("learn")
def lexicon_learn() -> None:
    """Learn anew, from config/leaning/*.txt, which other words put a message to staff; tells how well that goes."""
    from hub.commands.common import config_dir
    from hub.commands.learning import learn_from_examples

    raise typer.Exit(learn_from_examples(config_dir(os.environ), _utf8_output()))


@explain_app.command("decision")
def explain_decision(human: Human = False) -> None:
    """May this be sent? Lines of facts in, lines of decisions out."""
    _explain("decision", human)


@explain_app.command("optout")
def explain_optout(human: Human = False) -> None:
    """Is this a stop? Lines of {"text", "channel"?, "last_outbound"?} in."""
    _explain("optout", human)


@explain_app.command("lint")
def explain_lint(human: Human = False) -> None:
    """Is this text fit to send? Lines of {"channel", "subject"?, "text", "locale"?} in."""
    _explain("lint", human)


@explain_app.command("mail")
def explain_mail(human: Human = False) -> None:
    """What is in this mail? One raw message (RFC 5322) in."""
    from hub.commands.explain import explain_mail

    raise typer.Exit(explain_mail(sys.stdin.buffer, _utf8_output(), human=human))


@explain_app.command("webhook")
def explain_webhook(
    account: Annotated[str, typer.Option(help="The account's id in channels.toml.")],
    url: Annotated[str, typer.Option(help="Where it was sent, with its query. Default: the account's own address.")] = "",
    headers: Annotated[Path | None, typer.Option(help="A file of lines `Name: value`.", exists=True, dir_okay=False)] = None,
    at: Annotated[datetime | None, typer.Option(help="When it came (UTC), where a signature ages. Default: now.")] = None,
    human: Human = False,
) -> None:
    """Is this webhook signed, and what comes of it? The raw body in; nothing is stored."""
    from hub.commands.explain import WebhookAsked, explain_webhook

    lines = headers.read_text(encoding="utf-8", errors="surrogateescape").splitlines() if headers else ()
    asked = WebhookAsked(body=sys.stdin.buffer.read(), headers=lines, url=url, at=at.replace(tzinfo=UTC) if at else None)
    raise typer.Exit(explain_webhook(account, asked, _utf8_output(), human=human))


def _explain(family: str, human: bool) -> None:
    from hub.commands.explain import explain

    lines = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="surrogateescape")
    raise typer.Exit(explain(family, lines, _utf8_output(), human=human))


def _utf8_output() -> TextIO:
    """Standard output in UTF-8 whatever the terminal's language; what is not text leaves as the bytes it came as."""
    return io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", errors="surrogateescape", write_through=True)


def _running_settings() -> Settings:
    from hub.commands import logs
    from hub.commands.common import settings_now, with_running_servers

    logs.configure(os.environ)
    return with_running_servers(settings_now())
