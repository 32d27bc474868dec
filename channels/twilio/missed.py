"""Messages out of Twilio's own list, as the webhooks that never reached us would have brought them (channels.md §3). Pure.

Twilio tries a webhook once more and then never again, so what came while we were away is listed afterwards. The list tells less
than the webhook did: no profile name, no buttons, no place, and not what Twilio itself made of a stop word.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from channels.twilio.form import FORM
from hub.model.message import Account, ListedEvent, RawRequest
from hub.model.sealed import Sealed

INBOUND: Final = "inbound"
_NOT_YET: Final = frozenset({"receiving"})  # still on its way in: its webhook is to come


def listed(found: Any) -> ListedEvent | None:
    """One entry of the list, under the id its webhook has; None for what no webhook would tell."""
    sid, status, at = str(found.sid or ""), str(found.status or ""), found.date_sent or found.date_created
    if not sid or not status or not isinstance(at, datetime) or status in _NOT_YET:
        return None
    inbound = found.direction == INBOUND
    return ListedEvent(
        provider_event_id=sid if inbound else f"{sid}:{status}",
        provider_message_id=sid,
        inbound=inbound,
        at=at if at.tzinfo else at.replace(tzinfo=UTC),
        entry=Sealed(found),
    )


def as_webhook(event: ListedEvent, account: Account, media: Sequence[tuple[str, str]], *, received_at: datetime) -> RawRequest:
    """The request that would have told of it. media: address and type of each file. The form is unsigned: it was asked for."""
    found = event.entry.reveal()
    form = {"MessageSid": event.provider_message_id, "AccountSid": found.account_sid, "From": found.from_, "To": found.to}
    if event.inbound:
        form |= {"Body": found.body, "NumMedia": str(len(media)), "MessageStatus": "received"}
        for index, (url, mime_type) in enumerate(media):
            form |= {f"MediaUrl{index}": url, f"MediaContentType{index}": mime_type}
    else:
        form |= {"MessageStatus": str(found.status), "ErrorCode": str(found.error_code or "")}
    return RawRequest(
        method="POST",
        path_and_query=f"/webhooks/{account.id}",
        headers={"content-type": FORM},
        body=urlencode({name: value or "" for name, value in form.items()}).encode(),
        received_at=received_at,
    )
