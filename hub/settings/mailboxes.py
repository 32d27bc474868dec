"""What an e-mail account is told besides its own entry: the clinic's data@ and stop@ addresses, which every mailbox obeys.

Also checks the ways in, so that a wrong one is told at start and not by a mail that never comes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from hub.model.address import canonical_email
from hub.settings.problems import Reader

Option = str | int | float | bool
LISTENERS = ("lmtp_listen", "smtp_listen")
IMAP_SECURITY = ("tls", "starttls", "none")
_LOOPBACK = ("127.", "localhost", "[::1]", "::1")


class Clinic(Protocol):
    """The part of the surroundings that is read here."""

    @property
    def data_addresses(self) -> tuple[str, ...]: ...

    @property
    def stop_address(self) -> str: ...


def stop_addresses(data_addresses: tuple[str, ...], stop_address: str) -> tuple[str, ...]:
    """stop@ at each domain of the clinic: the one the footers name, and its like beside every data@ address."""
    local = stop_address.partition("@")[0]
    domains = (address.rpartition("@")[2] for address in data_addresses)
    return tuple(dict.fromkeys([stop_address.lower(), *(f"{local}@{domain}".lower() for domain in domains)]))


def mail_options(reader: Reader, sender: str, options: Mapping[str, Option], around: Clinic) -> dict[str, Option]:
    """The options to add to an e-mail account. Notes a sender that is no address, and ways in that cannot work."""
    _check(reader, sender, options)
    return {
        "data_addresses": ",".join(address.lower() for address in around.data_addresses),
        "stop_addresses": ",".join(stop_addresses(around.data_addresses, around.stop_address)),
    }


def _check(reader: Reader, sender: str, options: Mapping[str, Option]) -> None:
    try:
        canonical_email(sender)
    except ValueError:
        reader.problem("has a sender that is no e-mail address")
    for name in LISTENERS:
        if name in options and listener(str(options[name])) is None:
            reader.problem(f"has a {name} that is no place to listen: write host:port or unix:/path")
    if str(options.get("imap_security", "tls")) not in IMAP_SECURITY:
        reader.problem(f"has an imap_security that is none of {', '.join(IMAP_SECURITY)}")
    host = str(options.get("imap_host", ""))
    if options.get("imap_security") == "none" and host and not host.startswith(_LOOPBACK):
        reader.problem("has imap_security = none for a server elsewhere: passwords and mail do not travel in clear")
    if str(options.get("imap_auth", "password")) not in ("password", "xoauth2"):
        reader.problem("has an imap_auth that is neither password nor xoauth2")


def listener(text: str) -> tuple[str, int] | str | None:
    """(host, port), the path of a unix socket, or None for what is neither. Port 0 takes a free one."""
    if text.startswith("unix:"):
        return text.removeprefix("unix:") or None
    host, _, port = text.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        return None
    return host.strip("[]"), int(port)
