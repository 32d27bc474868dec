"""What of an account's way out can never work, told when the hub starts and not by mail that never leaves.

Connects nowhere. Says names of options and never a value of a secret.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from channels.mail.outgoing import DKIM_KEY, security, signer_of
from hub.model.message import Account

_NUMBERS: Final = {"smtp_port": 65_535, "smtp_connections": 64, "smtp_per_connection": 100_000}  # each from 1 on
_KNOWN: Final = frozenset(
    {*_NUMBERS, "smtp_host", "smtp_security", "smtp_user", "smtp_ca_file", "smtp_hello", "smtp_listen", "smtp_certificate",
     "smtp_behind_relay", "dkim_domain", "dkim_selector"}
)  # fmt: skip
_WAY_IN: Final = frozenset({"smtp_listen", "smtp_certificate", "smtp_behind_relay"})


def faults(account: Account) -> list[str]:
    """Sentences that follow the account's name; empty where mail can leave, or where the account only takes mail in."""
    return [*_options(account), *_entry(account), *_signature(account)]


def _options(account: Account) -> Iterator[str]:
    options = account.options
    for name in sorted(options):
        if name.startswith(("smtp_", "dkim_")) and name not in _KNOWN:
            yield f"has an option {name}, which nobody reads: see docs/channels/email.md for those there are"
    for name, most in _NUMBERS.items():
        if name in options and not _whole(options[name], most):
            yield f"needs a {name} from 1 to {most}"
    if not isinstance(options.get("html", True), bool):
        yield "needs html = true or html = false"
    given = sorted(name for name in options if name.startswith("smtp_") and name not in _WAY_IN and options[name] != "")
    if given and not options.get("smtp_host"):
        yield f"has {given[0]} and no smtp_host, so no mail can leave"
    if (bundle := options.get("smtp_ca_file")) and not Path(str(bundle)).is_file():
        yield "names an smtp_ca_file that is not there"


def _entry(account: Account) -> Iterator[str]:
    if account.options.get("smtp_host"):
        try:
            security(account)
        except ValueError:
            yield "needs smtp_security = starttls or tls: mail and passwords do not travel in clear"
    signs_in = {"smtp_password", "smtp_access_token"} & set(account.secrets)
    if signs_in and not account.options.get("smtp_user"):
        yield f"has the secret {min(signs_in)} and no smtp_user to sign in as"
    if account.options.get("smtp_user") and not signs_in:
        yield "has an smtp_user and neither the secret smtp_password nor smtp_access_token"


def _signature(account: Account) -> Iterator[str]:
    named = sorted({"dkim_domain", "dkim_selector"} & set(account.options))
    if named and DKIM_KEY not in account.secrets:
        yield f"has {named[0]} and no secret dkim_key, so nothing would be signed"
    try:
        signer_of(account)
    except (ValueError, TypeError):
        yield (
            "has a dkim_key that is no RSA key of at least 2048 bits in PEM without a passphrase, or a dkim_domain or dkim_selector"
            " that is no name"
        )


def _whole(value: object, most: int) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return False
    text = str(value)
    return text.isascii() and text.isdigit() and 1 <= int(text[:12]) <= most
