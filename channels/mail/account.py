"""An e-mail account as the mail reader and the mail builder need it: its addresses, its names, its keys.

Both halves of e-mail ask here, so that an address signed on the way out is believed on the way in.
"""

from __future__ import annotations

import hashlib

from channels.mail.site import Site
from channels.mail.tokens import TokenKeys
from hub.model.message import Account, Mailbox
from hub.model.sealed import Sealed

ADDRESS_KEY = "address_key"
OLDER_ADDRESS_KEY = "address_key_secondary"


def token_keys(account: Account) -> TokenKeys:
    """The keys of signed addresses and unsubscribe tokens, newest first. Raises ValueError without one."""
    found = (account.secrets.get(name) for name in (ADDRESS_KEY, OLDER_ADDRESS_KEY))
    return TokenKeys(secrets=tuple(Sealed(key.reveal().encode()) for key in found if key is not None))


def signed_domain(account: Account) -> str:
    """The domain of signed addresses (reply+…, bounce+…): the first of option `signed_domains`, else the sender's."""
    return _signed_domains(account)[0]


def instance_of(account: Account) -> str:
    """The value of our X-Hub-Instance header: one installation's account, told from every other's without naming it."""
    return hashlib.sha256(f"{account.public_url}\0{account.id}".encode()).hexdigest()[:24]


def site_of(account: Account) -> Site:
    """Our side of this account's mail."""
    return Site(
        authserv_ids=frozenset(_listed(account, "authserv_ids")),
        domains=_signed_domains(account),
        own_addresses=frozenset({account.sender.lower(), *_listed(account, "own_addresses")}),
        instance=instance_of(account),
        keys=token_keys(account),
        form_senders=frozenset(_listed(account, "form_senders")),
    )


def mailboxes(account: Account) -> dict[str, Mailbox]:
    """Every plain address of ours with what it is for: the sender and option `addresses`, and the clinic's data@ and stop@."""
    found = dict.fromkeys((account.sender.lower(), *_listed(account, "addresses")), Mailbox.ENQUIRIES)
    found |= dict.fromkeys(_listed(account, "stop_addresses"), Mailbox.STOP)
    found |= dict.fromkeys(_listed(account, "data_addresses"), Mailbox.DATA)
    return found


def _signed_domains(account: Account) -> tuple[str, ...]:
    return _listed(account, "signed_domains") or (account.sender.rpartition("@")[2].lower(),)


def _listed(account: Account, option: str) -> tuple[str, ...]:
    """An option that is a comma list, in small letters."""
    parts = (part.strip().lower() for part in str(account.options.get(option, "")).split(","))
    return tuple(part for part in parts if part)
