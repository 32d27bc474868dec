"""What the settings are once they are known to be good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from hub.model.address import AddressHasher
from hub.model.ids import AccountId
from hub.model.message import Account
from hub.model.permission import PolicySettings
from hub.model.sealed import Sealed
from hub.model.template import Template
from hub.settings.slack import SlackSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Clinic:
    """The controller: who answers for the data (policy R4). Every field is filled, or the hub does not start.

    data_addresses: both data@ addresses and any alias; mail to each opens a data-protection case (policy R1, D2).
    stop_address: where a footer tells people to write to end all messages. locales: the first is the house's own.
    """

    legal_name: str
    trading_name: str
    company_number: str
    registered_in: str  # the part of the UK, as company law asks for in mail
    registered_office: str
    postal_address: str
    telephone: str
    regulator_name: str
    regulator_url: str
    regulator_number: str
    data_addresses: tuple[str, ...]
    stop_address: str
    time_zone: str
    locales: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interest:
    """A subject people may ask for news about. health: the choice itself tells something about health."""

    id: str
    labels: Mapping[str, str]
    health: bool

    def label(self, locale: str) -> str:
        """The name in this language, or in the house's own."""
        return self.labels.get(locale) or next(iter(self.labels.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Processor:
    """One entry of the register of processors (policy R36). Nothing is sent through a company that is not in it."""

    id: str
    name: str
    role: str
    purpose: str
    data_classes: tuple[str, ...]
    country: str
    transfer_tool: str
    contract_date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that the hub was told.

    database_url, redis_url: None where the embedded servers are used; they may hold a password, so they are not
    printed. undo_s: seconds a staff reply waits for Undo. stale_after_s: seconds after which a send nobody recorded is given up as
    unknown; longer than any send may take. public_url: no trailing slash. secret_key: at least 32 bytes.
    pool_size: database connections of one web process at most. slack: None where staff do not use it.
    """

    clinic: Clinic
    accounts: Mapping[AccountId, Account]
    interests: tuple[Interest, ...]
    policy: PolicySettings
    processors: tuple[Processor, ...]
    hasher: AddressHasher
    secret_key: Sealed[bytes]
    config_dir: Path
    data_dir: Path
    database_url: str | None = field(default=None, repr=False)
    redis_url: str | None = field(default=None, repr=False)
    public_url: str
    host: str = "127.0.0.1"
    port: int = 8080
    sandbox: bool = False
    sandbox_host: str = "127.0.0.1"
    sandbox_port: int = 8081
    undo_s: float = 6.0
    stale_after_s: float = 30.0
    web_processes: int = 1
    worker_processes: int = 1
    pool_size: int = 10
    slack: SlackSettings | None = None
    templates: tuple[Template, ...] = ()
