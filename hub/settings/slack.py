"""config/slack.toml: whether conversations are shown to staff in Slack, where, and how much of them. Secrets come from the environment.

HUB_SLACK_BOT_TOKEN, HUB_SLACK_SIGNING_SECRET, HUB_SLACK_SIGNING_SECRET_SECONDARY (while one is replaced by the other) and,
for Socket Mode, HUB_SLACK_APP_TOKEN.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from hub.model.address import Channel
from hub.model.ids import AccountId
from hub.model.sealed import Sealed
from hub.settings.environment import Environment
from hub.settings.problems import Problems, Reader, Table

BASE_URL: Final = "https://slack.com/api/"
SANDBOX_SECRETS: Final = ("HUB_SLACK_BOT_TOKEN", "HUB_SLACK_SIGNING_SECRET")
_CHANNEL_ID: Final = re.compile(r"[CG][A-Z0-9]{2,31}")
_TEAM_ID: Final = re.compile(r"[TE][A-Z0-9]{2,31}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Conversations that go to a Slack channel of their own. What is None fits any; the first route that fits wins.

    channel: the patient's. account: the line they wrote to, which is how teams with numbers of their own are told apart.
    interest: a subject they chose.
    """

    slack_channel: str
    channel: Channel | None = None
    account: AccountId | None = None
    interest: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackSettings:
    """All about Slack. whole: names and words are shown there; False (as shipped) for a notice and a link only.

    prefix: a reply in a thread that begins with it goes to the person. signing_secrets: any of them may have signed.
    app_token: set for Socket Mode, None where Slack calls us. loopback: "host:port" of the sandbox's double; None otherwise.
    """

    team: str
    channel: str
    routes: tuple[Route, ...]
    whole: bool
    prefix: str
    upload_files: bool
    posts_per_s: float
    bot_token: Sealed[str]
    signing_secrets: tuple[Sealed[str], ...]
    app_token: Sealed[str] | None
    base_url: str = BASE_URL
    loopback: str | None = None
    timeout_s: float = 10.0
    settle_after_s: float = 20.0

    def __repr__(self) -> str:
        return f"SlackSettings({self.team})"


def read_slack(
    table: Table, environment: Environment, problems: Problems, *, sandbox: bool, sandbox_netloc: str, processors: frozenset[str]
) -> SlackSettings | None:
    """None where Slack is switched off, or is the sandbox's while that is off."""
    reader = Reader("slack.toml", table, problems)
    wanted, practice = reader.flag("enabled", default=False), reader.flag("sandbox", default=False)
    if not wanted or (practice and not sandbox):
        return None
    content, processor, prefix = reader.text("content", "notice"), reader.text("processor"), reader.text("prefix", ">>")
    if content not in ("notice", "whole"):
        reader.problem('needs content = "notice" or "whole"')
    if processor and processor not in processors:
        reader.problem(f"names the processor {processor}, which is not in processors.toml")
    if len(prefix) > 20 or prefix[:1].isalnum():
        reader.problem("needs a prefix that nobody writes by accident: up to 20 characters, and no letter or figure first")
    socket = reader.flag("socket_mode", default=False)
    found = SlackSettings(
        team=_id(reader, "team", _TEAM_ID),
        channel=_id(reader, "channel", _CHANNEL_ID),
        routes=tuple(_route(entry, n, problems) for n, entry in enumerate(reader.tables("route"), start=1)),
        whole=content == "whole",
        prefix=prefix,
        upload_files=reader.flag("upload_files", default=False) and content == "whole",
        posts_per_s=reader.number("posts_per_s", 1.0, least=0.01),
        bot_token=_secret(environment, problems, "HUB_SLACK_BOT_TOKEN"),
        signing_secrets=_signing(environment, problems, needed=not socket),
        app_token=_secret(environment, problems, "HUB_SLACK_APP_TOKEN") if socket else None,
        base_url=f"http://{sandbox_netloc}/slack/api/" if practice else BASE_URL,
        loopback=sandbox_netloc if practice else None,
    )
    reader.finish()
    return found


def _id(reader: Reader, key: str, pattern: re.Pattern[str]) -> str:
    value = reader.text(key)
    if value and not pattern.fullmatch(value):
        reader.problem(f"needs {key} as Slack's own id, not its name")
    return value


def _route(entry: object, number: int, problems: Problems) -> Route:
    reader = Reader(f"slack.toml, route {number},", entry, problems)
    channel = reader.text("when_channel", "")
    if channel and channel not in set(Channel):
        reader.problem(f"has a when_channel that is none of {', '.join(Channel)}")
        channel = ""
    account, interest = reader.text("when_account", ""), reader.text("when_interest", "")
    found = Route(
        slack_channel=_id(reader, "channel", _CHANNEL_ID),
        channel=Channel(channel) if channel else None,
        account=AccountId(account) if account else None,
        interest=interest or None,
    )
    reader.finish()
    return found


def _secret(environment: Environment, problems: Problems, name: str) -> Sealed[str]:
    value = environment.secret(name)
    if value is None:
        problems.add(f"Slack needs {name}, or {name}_FILE: set it, or enabled = false in slack.toml.")
    return Sealed(value or "")


def _signing(environment: Environment, problems: Problems, *, needed: bool) -> tuple[Sealed[str], ...]:
    names = ("HUB_SLACK_SIGNING_SECRET", "HUB_SLACK_SIGNING_SECRET_SECONDARY")
    found = tuple(Sealed(value) for name in names if (value := environment.secret(name)))
    if needed and not found:
        problems.add(f"Slack needs {names[0]}, or {names[0]}_FILE: without it anybody could speak in its name.")
    return found
