"""Twilio's words and codes, as literal tables. Whatever is not listed is unknown: counted, never guessed.

Sources: https://www.twilio.com/docs/messaging/api/message-resource#message-status-values and
https://www.twilio.com/docs/api/errors; classes as channels.md §3.
"""

from __future__ import annotations

from typing import Final

from hub.model.message import DeliveryStatus, ProviderKeyword, SendCode

STATUS: Final = {
    "queued": DeliveryStatus.ACCEPTED,
    "accepted": DeliveryStatus.ACCEPTED,
    "scheduled": DeliveryStatus.ACCEPTED,
    "sending": DeliveryStatus.ACCEPTED,
    "sent": DeliveryStatus.SENT,
    "partially_delivered": DeliveryStatus.SENT,  # some of it arrived: more than sent cannot be claimed
    "delivered": DeliveryStatus.DELIVERED,
    "read": DeliveryStatus.READ,
    "undelivered": DeliveryStatus.FAILED,
    "failed": DeliveryStatus.FAILED,
    "canceled": DeliveryStatus.FAILED,  # taken back at the provider: it will not arrive
}

KEYWORDS: Final = {"STOP": ProviderKeyword.STOP, "START": ProviderKeyword.START, "HELP": ProviderKeyword.HELP}

# Codes come in the create answer, or (3xxxx and 63xxx mostly) in a status callback; one table serves both.
ERRORS: Final = {
    # the person
    "21610": SendCode.RECIPIENT_STOPPED,  # opted out at Twilio
    "30004": SendCode.RECIPIENT_STOPPED,  # blocked by the recipient or the carrier
    "63014": SendCode.RECIPIENT_STOPPED,  # blocked by the user, or opted out on the channel
    "21211": SendCode.ADDRESS_INVALID,  # invalid To
    "21614": SendCode.ADDRESS_INVALID,  # not a mobile
    "21635": SendCode.ADDRESS_INVALID,  # landline
    "30005": SendCode.ADDRESS_INVALID,  # unknown destination
    "30006": SendCode.ADDRESS_INVALID,  # landline or unreachable carrier
    # not processed, and may be tried again
    "20429": SendCode.THROTTLED,
    "21611": SendCode.THROTTLED,  # sender's queue overflows
    "63017": SendCode.THROTTLED,  # account rate
    "63018": SendCode.THROTTLED,  # channel rate
    # our account: nothing can be sent until somebody acts
    "20003": SendCode.ACCOUNT_INVALID,  # credentials
    "20005": SendCode.ACCOUNT_INVALID,  # account not active
    # this message or this route; the account as a whole goes on
    "21408": SendCode.REJECTED,  # region not enabled
    "21612": SendCode.REJECTED,  # no route From -> To
    "21617": SendCode.REJECTED,  # body over 1600
    "21623": SendCode.REJECTED,  # over 10 media
    "30001": SendCode.REJECTED,  # queued too long: decide afresh
    "30003": SendCode.REJECTED,  # handset off or unreachable
    "30007": SendCode.REJECTED,  # filtered by a carrier
    "30008": SendCode.REJECTED,  # unknown error
    # not on WhatsApp: the number may be sound for SMS and share its address row, so the address is not marked
    "63003": SendCode.REJECTED,
    "63024": SendCode.REJECTED,
    "470": SendCode.REJECTED,  # outside the window, older code
    "63013": SendCode.REJECTED,  # policy
    "63016": SendCode.REJECTED,  # outside the 24 h window
    "63021": SendCode.REJECTED,  # content
    "63027": SendCode.REJECTED,  # template
    "63032": SendCode.REJECTED,  # Meta's experiment
    "63049": SendCode.REJECTED,  # Meta chose not to deliver marketing
}

# Where the code says nothing, the HTTP status of the create answer speaks.
HTTP: Final = {
    401: SendCode.ACCOUNT_INVALID,
    403: SendCode.ACCOUNT_INVALID,
    404: SendCode.ACCOUNT_INVALID,  # the address of a create names nothing but the account
    408: SendCode.OUTCOME_UNKNOWN,  # somebody on the way lost patience
    429: SendCode.THROTTLED,
}


def stops(code: str | None) -> bool:
    """Whether the code means that this person asked the provider to stop us."""
    return code is not None and ERRORS.get(code) is SendCode.RECIPIENT_STOPPED


def nobody_there(code: str | None) -> bool:
    """Whether the code means that there is nobody at this address."""
    return code is not None and ERRORS.get(code) is SendCode.ADDRESS_INVALID
