"""What the mail reader must know about us: our names, our keys, and what the transport said of one mail."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from channels.mail.tokens import Purpose, TokenKeys, open_address
from channels.mail.visible import OUR_MARKERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Our side of the mail. Every default refuses: no authserv-id trusts nothing, no keys believe no token.

    authserv_ids: names our receiving servers write into Authentication-Results. domains: domains of our signed
    addresses. own_addresses: mailboxes we send from, lower case; mail from them is a loop. instance: the value of
    our X-Hub-Instance header. form_senders: services that forward enquiries in their own name (lower-case addresses
    or domains); the signs of a robot do not count against them. markers: our "reply above this line" texts.
    """

    authserv_ids: frozenset[str] = frozenset()
    domains: tuple[str, ...] = ()
    own_addresses: frozenset[str] = frozenset()
    instance: str = ""
    keys: TokenKeys | None = None
    form_senders: frozenset[str] = frozenset()
    markers: tuple[str, ...] = OUR_MARKERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What SMTP or LMTP said. sender: None when not told, "" for the null sender `<>`."""

    sender: str | None = None
    recipients: tuple[str, ...] = ()


def signed_id(addresses: Iterable[str], purpose: Purpose, site: Site) -> str | None:
    """The id of the first address among these that we signed for that purpose; None without keys."""
    if site.keys is None:
        return None
    for address in addresses:
        opened = open_address(address, site.domains, site.keys)
        if opened is not None and opened[0] is purpose:
            return opened[1]
    return None
