"""Meta's words and codes, as literal tables. Whatever is not listed is unknown: counted, never guessed.

Sources: https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes and
https://developers.facebook.com/docs/messenger-platform/error-codes; classes as channels.md §6.2 and §7.
"""

from __future__ import annotations

from typing import Final

from hub.model.message import DeliveryStatus, SendCode

# WhatsApp; Messenger and Instagram tell deliveries and reads as events of their own, and never a failure.
STATUS: Final = {
    "accepted": DeliveryStatus.ACCEPTED,
    "sent": DeliveryStatus.SENT,
    "delivered": DeliveryStatus.DELIVERED,
    "read": DeliveryStatus.READ,
    "played": DeliveryStatus.READ,  # a voice message was listened to
    "failed": DeliveryStatus.FAILED,
}

MARKETING_STOPPED: Final = "131050"  # the person stopped marketing from this number; care messages still pass

# Codes that mean the same on all three.
SHARED: Final = {
    # not processed, and may be tried again
    "1": SendCode.THROTTLED,
    "2": SendCode.THROTTLED,
    "4": SendCode.THROTTLED,
    # our account: nothing can be sent until somebody acts
    "0": SendCode.ACCOUNT_INVALID,
    "3": SendCode.ACCOUNT_INVALID,
    "10": SendCode.ACCOUNT_INVALID,
    "190": SendCode.ACCOUNT_INVALID,  # token expired or withdrawn
    "368": SendCode.ACCOUNT_INVALID,  # blocked for a breach of policy
    "100": SendCode.REJECTED,
}

WHATSAPP: Final = SHARED | {
    MARKETING_STOPPED: SendCode.RECIPIENT_STOPPED,
    # not processed, and may be tried again
    "80007": SendCode.THROTTLED,  # rate of the business account
    "130429": SendCode.THROTTLED,  # throughput of the number
    "131000": SendCode.THROTTLED,
    "131016": SendCode.THROTTLED,  # service unavailable
    "131056": SendCode.THROTTLED,  # too many to one person
    "131057": SendCode.THROTTLED,  # number under maintenance
    "133016": SendCode.THROTTLED,
    # our account
    "131031": SendCode.ACCOUNT_INVALID,  # locked
    "131037": SendCode.ACCOUNT_INVALID,  # display name not approved
    "131042": SendCode.ACCOUNT_INVALID,  # payment
    # this message; the account as a whole goes on
    "470": SendCode.REJECTED,  # outside the window, older code
    "131047": SendCode.REJECTED,  # outside the 24 h window
    # Not on WhatsApp, blocked us, old client, terms not accepted: Meta does not say which. The number may be sound
    # for SMS and share its address row, so the address is not marked.
    "131026": SendCode.REJECTED,
    "131030": SendCode.REJECTED,  # not on the list of a test number
    "131021": SendCode.REJECTED,  # to ourselves
    "131049": SendCode.REJECTED,  # Meta held marketing back: not again for a day
    "130472": SendCode.REJECTED,  # Meta's experiment
    "131048": SendCode.REJECTED,  # spam limit
    "131064": SendCode.REJECTED,  # messaging limit
    "131008": SendCode.REJECTED,
    "131009": SendCode.REJECTED,
    "131051": SendCode.REJECTED,
    "131052": SendCode.REJECTED,  # media
    "131053": SendCode.REJECTED,  # media
    "132000": SendCode.REJECTED,  # template: parameter count
    "132001": SendCode.REJECTED,  # template: no such name in this language
    "132005": SendCode.REJECTED,
    "132007": SendCode.REJECTED,
    "132008": SendCode.REJECTED,
    "132012": SendCode.REJECTED,
    "132015": SendCode.REJECTED,  # template paused
    "132016": SendCode.REJECTED,  # template disabled
    "131062": SendCode.REJECTED,  # this kind cannot go to a user id
    "131063": SendCode.REJECTED,
    "130497": SendCode.REJECTED,  # that person's country is not served; others are
    "137000": SendCode.REJECTED,  # that person's identity key changed
}

MESSAGING: Final = SHARED | {
    "17": SendCode.THROTTLED,
    "32": SendCode.THROTTLED,
    "341": SendCode.THROTTLED,
    "613": SendCode.THROTTLED,
    "4/2018354": SendCode.REJECTED,  # marketing frequency: not again for a day, no plain throttle
    "10/2018278": SendCode.REJECTED,  # outside the window, Messenger
    "10/2534022": SendCode.REJECTED,  # outside the window, Instagram
    "10/2018276": SendCode.REJECTED,  # the human-agent tag is not approved for this app
    "10/2018300": SendCode.REJECTED,  # another application holds this thread
    "100/2018276": SendCode.REJECTED,
    "551": SendCode.RECIPIENT_STOPPED,  # blocked us, gone or not to be reached
    "100/2018001": SendCode.ADDRESS_INVALID,  # no such user
    "100/2534014": SendCode.ADDRESS_INVALID,
    "2534014": SendCode.ADDRESS_INVALID,
    "100/2534001": SendCode.REJECTED,  # the thread is archived
    "2534001": SendCode.REJECTED,
}

# Where the code says nothing, the HTTP status of the answer speaks.
HTTP: Final = {
    401: SendCode.ACCOUNT_INVALID,
    403: SendCode.ACCOUNT_INVALID,
    404: SendCode.ACCOUNT_INVALID,  # the address of a send names nothing but the account
    408: SendCode.OUTCOME_UNKNOWN,  # somebody on the way lost patience
    429: SendCode.THROTTLED,
}


def classify(table: dict[str, SendCode], code: str, subcode: str) -> SendCode | None:
    """The class of an error: by code and subcode, else by code, else by Meta's range of permission errors; or None."""
    known = table.get(f"{code}/{subcode}") or table.get(code)
    if known is None and code.isdigit() and len(code) == 3 and 200 <= int(code) <= 299:
        return SendCode.ACCOUNT_INVALID
    return known
