"""Puts the settings together from the files and the environment; says all that is wrong at once."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from hub.model.ids import AccountId
from hub.model.message import Account
from hub.model.template import Template
from hub.settings.accounts import Surroundings, read_accounts, sandbox_secrets
from hub.settings.clinic import read_clinic, read_interests, read_processors
from hub.settings.environment import Environment
from hub.settings.keys import read_hasher, read_secret_key
from hub.settings.policy import read_policy
from hub.settings.problems import Problems, read_toml
from hub.settings.sandbox import make_sandbox_secrets, read_sandbox_secrets
from hub.settings.senders import with_identity
from hub.settings.slack import SANDBOX_SECRETS, SlackSettings, read_slack
from hub.settings.templates import read_templates
from hub.settings.values import Settings

DATA_DIR = "var"
_POSTGRES_SCHEMES = ("postgresql", "postgres")
_REDIS_SCHEMES = ("redis", "rediss", "unix")


def load_settings(environ: Mapping[str, str], config_dir: Path) -> Settings:
    """Read config_dir/*.toml and the environment. Raises SettingsError with every problem found."""
    problems = Problems()
    environment = Environment(environ, problems)
    data_dir, sandbox = data_dir_of(environ), environment.flag("HUB_SANDBOX")
    if sandbox:
        environment.fall_back_on(read_sandbox_secrets(data_dir, problems))
    where = _places(environment, sandbox, problems)
    clinic = read_clinic(read_toml(config_dir / "clinic.toml", problems), problems)
    processors = read_processors(read_toml(config_dir / "processors.toml", problems), problems)
    hasher, secret_key = read_hasher(environment, problems), read_secret_key(environment, problems)
    around = Surroundings(
        environment=environment,
        public_url=where.public_url,
        sandbox=sandbox,
        sandbox_netloc=f"{where.sandbox_host}:{where.sandbox_port}",
        processors=frozenset(processor.id for processor in processors),
        data_addresses=clinic.data_addresses,
        stop_address=clinic.stop_address,
        secret_key=secret_key,
    )
    accounts = with_identity(read_accounts(read_toml(config_dir / "channels.toml", problems), around, problems), clinic)
    settings = partial(
        Settings,
        clinic=clinic,
        accounts=accounts,
        interests=read_interests(read_toml(config_dir / "interests.toml", problems), clinic.locales, problems),
        policy=read_policy(read_toml(config_dir / "policy.toml", problems), problems),
        processors=processors,
        config_dir=config_dir,
        data_dir=data_dir,
        database_url=_server_url(environment, "DATABASE_URL", _POSTGRES_SCHEMES, problems),
        redis_url=_server_url(environment, "REDIS_URL", _REDIS_SCHEMES, problems),
        public_url=where.public_url,
        host=where.host,
        port=where.port,
        sandbox=sandbox,
        sandbox_host=where.sandbox_host,
        sandbox_port=where.sandbox_port,
        undo_s=environment.seconds("HUB_UNDO_S", 6.0, 60.0),
        stale_after_s=environment.seconds("HUB_STALE_AFTER_S", 30.0, 3600.0),
        web_processes=environment.whole("HUB_WEB_PROCESSES", 1, 1, 64),
        worker_processes=environment.whole("HUB_WORKER_PROCESSES", 1, 1, 64),
        pool_size=environment.whole("HUB_POOL_SIZE", 10, 2, 100),
        slack=_slack(config_dir, around, problems),
        templates=_templates(config_dir, accounts, sandbox, problems),
    )
    if problems or hasher is None or secret_key is None:
        raise problems.error()
    return settings(hasher=hasher, secret_key=secret_key)


def _slack(config_dir: Path, around: Surroundings, problems: Problems) -> SlackSettings | None:
    """A clinic without slack.toml has no Slack."""
    path = config_dir / "slack.toml"
    if not path.exists():
        return None
    return read_slack(
        read_toml(path, problems),
        around.environment,
        problems,
        sandbox=around.sandbox,
        sandbox_netloc=around.sandbox_netloc,
        processors=around.processors,
    )


def _templates(config_dir: Path, accounts: Mapping[AccountId, Account], sandbox: bool, problems: Problems) -> tuple[Template, ...]:
    """A clinic without templates.toml has none."""
    path = config_dir / "templates.toml"
    return read_templates(read_toml(path, problems), accounts, problems, sandbox=sandbox) if path.exists() else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerPlaces:
    """Where the servers are: all that is needed to look after the database, without any secret of the house."""

    data_dir: Path
    database_url: str | None = field(default=None, repr=False)
    redis_url: str | None = field(default=None, repr=False)
    public_url: str


def load_places(environ: Mapping[str, str]) -> ServerPlaces:
    """The part of the settings that commands beside the running hub need. Raises SettingsError."""
    problems = Problems()
    environment = Environment(environ, problems)
    places = ServerPlaces(
        data_dir=data_dir_of(environ),
        database_url=_server_url(environment, "DATABASE_URL", _POSTGRES_SCHEMES, problems),
        redis_url=_server_url(environment, "REDIS_URL", _REDIS_SCHEMES, problems),
        public_url=_places(environment, True, problems).public_url,
    )
    if problems:
        raise problems.error()
    return places


@dataclass(frozen=True, slots=True, kw_only=True)
class _Places:
    """Where the hub listens, and where it is reached."""

    host: str
    port: int
    public_url: str
    sandbox_host: str
    sandbox_port: int


def _places(environment: Environment, sandbox: bool, problems: Problems) -> _Places:
    host, port = environment.text("HUB_HOST") or "127.0.0.1", environment.whole("HUB_PORT", 8080, 1, 65535)
    sandbox_host = environment.text("HUB_SANDBOX_HOST") or "127.0.0.1"
    sandbox_port = environment.whole("HUB_SANDBOX_PORT", 8081, 1, 65535)
    if sandbox and not _is_loopback(sandbox_host):
        problems.add("HUB_SANDBOX_HOST must be an address of this machine alone, like 127.0.0.1: the sandbox asks nobody who they are.")
    if sandbox and (host, port) == (sandbox_host, sandbox_port):
        problems.add("HUB_PORT and HUB_SANDBOX_PORT are the same: give them different numbers.")
    return _Places(
        host=host,
        port=port,
        public_url=_public_url(environment, host, port, sandbox, problems),
        sandbox_host=sandbox_host,
        sandbox_port=sandbox_port,
    )


def data_dir_of(environ: Mapping[str, str]) -> Path:
    """HUB_DATA_DIR, or `var` where we stand; absolute."""
    return Path(environ.get("HUB_DATA_DIR", "").strip() or DATA_DIR).absolute()


def prepare_sandbox(environ: Mapping[str, str], config_dir: Path) -> None:
    """Make the secrets the sandbox needs and the data folder has not got yet."""
    accounts = sandbox_secrets(read_toml(config_dir / "channels.toml", Problems()))
    make_sandbox_secrets(data_dir_of(environ), (*accounts, *SANDBOX_SECRETS))


def _public_url(environment: Environment, host: str, port: int, sandbox: bool, problems: Problems) -> str:
    """Signatures of webhooks cover this address, so it is never taken from a request (channels.md §0)."""
    given = environment.text("HUB_PUBLIC_URL")
    if given is None:
        if not sandbox:
            problems.add("HUB_PUBLIC_URL is not set: give the address people and providers reach the hub at, like https://hub.example.")
        return f"http://{host}:{port}"
    parts = urlsplit(given)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.query or parts.fragment:
        problems.add("HUB_PUBLIC_URL must be an address like https://hub.example.")
    elif parts.scheme == "http" and not _is_loopback(parts.hostname):
        problems.add("HUB_PUBLIC_URL must begin with https://: what patients write does not travel in clear.")
    return given.rstrip("/")


def _server_url(environment: Environment, name: str, schemes: tuple[str, ...], problems: Problems) -> str | None:
    url = environment.secret(name)
    if url is not None and url.partition("://")[0] not in schemes:
        problems.add(f"{name} must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}.")
    return url


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
