"""A campaign's draft that may go out."""

from __future__ import annotations

from hub.model.address import Channel
from hub.model.campaign import Draft, Purpose
from tests.world import SMS

BODY = "{clinic}: news for {first_name} from our skin specialists. A consultation comes first. {stop_line}"


def draft(**changes: object) -> Draft:
    """News about skincare by SMS, unless told otherwise."""
    values: dict[str, object] = {
        "name": "Winter", "purpose": Purpose.PROMOTION, "channel": Channel.SMS, "account_id": SMS, "interests": ("skincare",), "body": BODY,
    }  # fmt: skip
    return Draft(**{**values, **changes})  # type: ignore[arg-type]
