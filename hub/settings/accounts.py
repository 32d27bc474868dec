"""config/channels.toml: the accounts. Secrets come from the environment alone; one written in the file is refused."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hub.model.address import Channel
from hub.model.ids import AccountId
from hub.model.message import Account, Adapter
from hub.model.sealed import Sealed
from hub.settings.environment import Environment
from hub.settings.mailboxes import mail_options
from hub.settings.problems import Problems, Reader, Table

_ID = re.compile(r"[a-z][a-z0-9-]{0,62}")
_SECRET_LOOKING = re.compile(r"token|secret|passw|private|signing|(^|_)key$|pepper")
# Settings of the hub itself, which begin like an account's secret would if an account were called "data" or "public".
_OF_THE_HUB = re.compile(
    r"HUB_(SANDBOX(_HOST|_PORT)?|DATA_DIR|CONFIG_DIR|PUBLIC_URL|HOST|PORT|UNDO_S|STALE_AFTER_S|(WEB|WORKER)_PROCESSES|POOL_SIZE"
    r"|ADMIN_EMAIL|PEPPER|SECRET_KEY|POSTGRES_BIN|LOG|SLACK_[A-Z_]+)"
)
Option = str | int | float | bool
_FORM_KEY = "form_token_key"
# What a provider's stand-in needs of an account beyond what the account itself must have.
_PLAYED_WITH = {"email": ("webhook_key",)}
_MAIL_BESIDE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What an account's entry is read against."""

    environment: Environment
    public_url: str
    sandbox: bool
    sandbox_netloc: str
    processors: frozenset[str]
    data_addresses: tuple[str, ...]
    stop_address: str
    secret_key: Sealed[bytes] | None


def secret_variable(account_id: str, secret: str) -> str:
    """The environment variable of one secret: HUB_SMS_MAIN_AUTH_TOKEN for `auth_token` of `sms-main`."""
    return f"HUB_{account_id}_{secret}".upper().replace("-", "_")


def sandbox_secrets(table: Table) -> tuple[str, ...]:
    """The variables the sandbox's accounts need a value for."""
    from channels.registry import ADAPTERS

    reader = Reader("channels.toml", table, Problems())
    entries = [e for e in reader.tables("account") if isinstance(e, Mapping) and e.get("sandbox") is True]
    return tuple(
        secret_variable(str(e.get("id")), name)
        for e in entries
        if (adapter := ADAPTERS.get(str(e.get("adapter"))))
        for name in (*adapter.required_secrets, *_PLAYED_WITH.get(adapter.kind, ()))
    )


def sandbox_mail_port(netloc: str) -> int:
    """Where the sandbox takes mail: a fixed way from where it listens ("127.0.0.1:8081"), so that nothing more need be set."""
    port = int(netloc.rpartition(":")[2])
    return port + _MAIL_BESIDE if port + _MAIL_BESIDE < 65536 else port - _MAIL_BESIDE


def read_accounts(table: Table, around: Surroundings, problems: Problems) -> Mapping[AccountId, Account]:
    """Every account; those marked `sandbox` only while the sandbox is on."""
    from channels.registry import ADAPTERS

    top = Reader("channels.toml", table, problems)
    entries = top.tables("account")
    top.finish()
    ids = [str(e.get("id")) for e in entries if isinstance(e, Mapping)]
    found: dict[AccountId, Account] = {}
    for number, entry in enumerate(entries, start=1):
        reader = Reader(f"channels.toml, entry {number},", entry, problems)
        if reader.flag("sandbox", default=False) and not around.sandbox:
            continue
        account = _account(reader, ADAPTERS, ids, around, problems)
        if account is not None and account.id in found:
            top.problem(f"gives the id {account.id} twice")
        elif account is not None:
            found[account.id] = account
            for fault in _faults(account, ADAPTERS[account.adapter]):
                reader.problem(fault)
    if not found and not problems:
        top.problem("has no account")
    return found


def _faults(account: Account, adapter: Adapter) -> Iterable[str]:
    """What the adapter itself finds wrong; where a secret is missing that has been said already."""
    whole = set(adapter.required_secrets) <= set(account.secrets)
    return adapter.faults(account) if adapter.faults is not None and whole else ()


def _account(
    reader: Reader, adapters: Mapping[str, Adapter], ids: Iterable[str], around: Surroundings, problems: Problems
) -> Account | None:
    id = reader.text("id")
    if id:
        reader.where = f"channels.toml, account {id},"
    if id and not _ID.fullmatch(id):
        reader.problem("needs an id of small letters, digits and hyphens")
    adapter = adapters.get(reader.text("adapter"))
    if adapter is None:
        reader.problem(f"needs one of these adapters: {', '.join(sorted(adapters))}")
    processor = reader.text("processor")
    if processor and processor not in around.processors:
        reader.problem(f"names the processor {processor}, which is not in processors.toml")
    options = _options(reader, around, problems)
    if reader.flag("sandbox", default=False):
        options["sandbox"] = True  # from the mark alone: it opens the way to loopback addresses
    sender, outbound = reader.text("sender"), reader.flag("outbound", default=True)
    if adapter is not None and adapter.channel is Channel.EMAIL:
        options |= mail_options(reader, sender, options, around)
    rate_per_s, burst = reader.number("rate_per_s", 1.0, least=0.001), reader.whole("burst", 1, least=1)
    _refuse_secrets(reader, id, reader.names)
    reader.finish()
    if adapter is None:
        return None
    return Account(
        id=AccountId(id),
        adapter=adapter.kind,
        channel=adapter.channel,
        sender=sender,
        public_url=around.public_url,
        secrets=_secrets(id, adapter, ids, around, problems),
        options=options,
        processor=processor,
        rate_per_s=rate_per_s,
        burst=burst,
        outbound=outbound and adapter.capabilities.outbound,
    )


def _options(reader: Reader, around: Surroundings, problems: Problems) -> dict[str, Option]:
    table = reader.raw("options") or {}
    options = Reader(f"{reader.where} options", table, problems)
    _refuse_secrets(options, reader.text("id"), options.names)
    found: dict[str, Option] = {}
    for key in options.names:
        value = options.raw(key)
        if isinstance(value, str):
            mail_port = str(sandbox_mail_port(around.sandbox_netloc))
            found[key] = value.replace("{sandbox}", around.sandbox_netloc).replace("{sandbox_mail}", mail_port)
        elif isinstance(value, int | float):
            found[key] = value
        else:
            options.problem(f"has a {key} that is no plain value")
    if found.pop("sandbox", None) is not None:
        options.problem("has a sandbox: write it beside the id")
    return found


def _refuse_secrets(reader: Reader, account_id: str, keys: Iterable[str]) -> None:
    for key in keys:
        if _SECRET_LOOKING.search(key):
            name = secret_variable(account_id, key)
            reader.problem(f"holds the secret {key}: take it out, and give it in {name} or in a file named by {name}_FILE")


def _secrets(id: str, adapter: Adapter, ids: Iterable[str], around: Surroundings, problems: Problems) -> Mapping[str, Sealed[str]]:
    names = {*adapter.required_secrets, *_given(id, ids, around.environment)}
    found = {}
    for name in sorted(names):
        value = around.environment.secret(secret_variable(id, name))
        if value is not None:
            found[name] = Sealed(value)
        elif name == _FORM_KEY and around.secret_key is not None:
            found[name] = _form_key(id, around.secret_key)
    for name in adapter.required_secrets:
        if name not in found and not (name == _FORM_KEY and around.secret_key is None):
            variable = secret_variable(id, name)
            problems.add(f"The account {id} needs its {name}: set {variable}, or {variable}_FILE.")
    return found


def _given(id: str, ids: Iterable[str], environment: Environment) -> set[str]:
    """Names of the secrets given for this account, and not for another one whose id begins the same way."""
    mine = secret_variable(id, "")
    longer = [p for p in (secret_variable(other, "") for other in ids) if p.startswith(mine) and p != mine]
    return {
        name.removeprefix(mine).lower()
        for name in environment.names()
        if name.startswith(mine) and name != mine and not _OF_THE_HUB.fullmatch(name) and not any(name.startswith(p) for p in longer)
    }


def _form_key(id: str, secret_key: Sealed[bytes]) -> Sealed[str]:
    """A form's key belongs to nobody outside, so the house's own key is enough to make it from."""
    return Sealed(hmac.digest(secret_key.reveal(), f"form_token_key\0{id}".encode(), "sha256").hex())
