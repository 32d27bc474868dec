"""Where a mail would go and what it would set off: the events the adapter makes of it and what intake reads into them.

Without an account the mailbox is told by its name alone: data@ and stop@ at any domain are the clinic's.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from channels.mail.account import ADDRESS_KEY
from channels.mail.events import events_of
from channels.mail.values import Mail
from hub.intake import mail_routing
from hub.lexicon import DEFAULT_CONFIG, load_lexicon
from hub.model.address import Channel
from hub.model.ids import AccountId
from hub.model.message import Account, ChannelEvent, InboundMessage, PreferenceChange, StatusUpdate
from hub.model.permission import Signal, TextContext
from hub.model.sealed import Sealed
from hub.policy.optout import recognise


def routes(mail: Mail, account: Account | None = None) -> list[dict[str, Any]]:
    """One entry per event, in order, as JSON-ready values."""
    events = events_of(mail, account or _stand_in(mail), received_at=mail.date or datetime.now(UTC))
    return [_route(event, mail.trusted) for event in events]


def _stand_in(mail: Mail) -> Account:
    """An account that knows the mailboxes by their names; nothing is signed with its key."""
    addresses = [address.reveal().strip().lower() for address in mail.recipients]
    return Account(
        id=AccountId("explain"),
        adapter="email",
        channel=Channel.EMAIL,
        sender="nobody@localhost",
        public_url="",
        secrets={ADDRESS_KEY: Sealed(secrets.token_hex(16))},
        options={f"{name}_addresses": ",".join(_named(name, addresses)) for name in ("data", "stop")},
        processor="",
    )


def _named(name: str, addresses: Iterable[str]) -> list[str]:
    return [address for address in addresses if address.partition("@")[0] == name]


def _route(event: ChannelEvent, trusted: bool) -> dict[str, Any]:
    if isinstance(event, StatusUpdate):
        return {"goes": "delivery_report", "status": str(event.status), "marks_address": event.address_invalid}
    if isinstance(event, PreferenceChange):
        return {"goes": "stop", "source": event.source}
    if not isinstance(event, InboundMessage) or event.mail is None:
        return {"goes": "journal_only", "kind": getattr(event, "kind", "")}
    signal = mail_routing.hear(event, _recognise, TextContext(channel=Channel.EMAIL))
    return {
        "goes": "known_thread_only" if event.automatic else "conversation",
        "mailbox": str(event.mail.mailbox),
        "label": str(signal.label),
        "rule_id": signal.rule_id or None,
        "suppress": [[str(scope), str(channel) if channel else None] for scope, channel in signal.suppress],
        "case": mail_routing.case_kind(event, signal),
        "stays_with_the_address": bool(signal.suppress) and not trusted,
    }


def _recognise(text: str, context: TextContext) -> Signal:
    return recognise(text, context, load_lexicon(DEFAULT_CONFIG))
