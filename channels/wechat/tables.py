"""WeChat's words and codes, as literal tables. Whatever is not listed is a plain refusal with its code kept.

Source: https://developers.weixin.qq.com/doc/offiaccount/Getting_Started/Global_Return_Code.html; classes as channels.md §8.
"""

from __future__ import annotations

from typing import Final

from hub.model.message import DeliveryStatus, SendCode

# The token is bad, unknown or expired: a new one is asked for once, and the call made once more.
TOKEN_REFUSED: Final = frozenset({40001, 40014, 42001})
DAY_USED_UP: Final = 45009  # until midnight, China time

ERRORS: Final = {
    # not processed, and may be tried again
    -1: SendCode.THROTTLED,  # system busy
    45009: SendCode.THROTTLED,  # daily number of calls
    45011: SendCode.THROTTLED,  # calls a minute
    # our account: nothing can be sent until somebody acts
    40001: SendCode.ACCOUNT_INVALID,
    40013: SendCode.ACCOUNT_INVALID,  # app id
    40014: SendCode.ACCOUNT_INVALID,
    40125: SendCode.ACCOUNT_INVALID,  # app secret
    40164: SendCode.ACCOUNT_INVALID,  # our address is not on the list of allowed ones
    40243: SendCode.ACCOUNT_INVALID,  # app secret frozen
    41001: SendCode.ACCOUNT_INVALID,
    41002: SendCode.ACCOUNT_INVALID,
    41004: SendCode.ACCOUNT_INVALID,
    42001: SendCode.ACCOUNT_INVALID,
    48001: SendCode.ACCOUNT_INVALID,  # this kind of account may not call this
    48004: SendCode.ACCOUNT_INVALID,  # forbidden after a breach of rules
    50001: SendCode.ACCOUNT_INVALID,
    50002: SendCode.ACCOUNT_INVALID,  # the account is restricted
    # this person
    40003: SendCode.ADDRESS_INVALID,  # no such id, or another account's
    43004: SendCode.RECIPIENT_STOPPED,  # does not follow
    48002: SendCode.RECIPIENT_STOPPED,  # set "refuse messages"
    # this message; the account as a whole goes on
    40007: SendCode.REJECTED,  # media id
    40008: SendCode.REJECTED,  # kind of message
    40037: SendCode.REJECTED,  # template id
    43101: SendCode.REJECTED,  # notice not granted, or the grant is used up
    45002: SendCode.REJECTED,  # too long
    45015: SendCode.REJECTED,  # 48 hours over, or unfollowed
    45047: SendCode.REJECTED,  # the messages of this window are used up
    47001: SendCode.REJECTED,  # not JSON
    47003: SendCode.REJECTED,  # template data
}
WAIT_S: Final = {-1: 5.0, 45011: 60.0}  # 45009: see `channels.wechat.transport`

# "TEMPLATESENDJOBFINISH". The person's own refusal is told in so many words.
TEMPLATE_STATUS: Final = {
    "success": DeliveryStatus.DELIVERED,
    "failed:user block": DeliveryStatus.FAILED,
    "failed: system failed": DeliveryStatus.FAILED,
    "failed:system failed": DeliveryStatus.FAILED,
}
USER_BLOCK: Final = "failed:user block"

# Most characters of a template's values, by the kind its name begins with.
VALUE_LIMITS: Final = {
    "thing": 20,
    "number": 32,
    "letter": 32,
    "symbol": 5,
    "character_string": 32,
    "time": 40,
    "date": 40,
    "amount": 20,
    "phone_number": 17,
    "car_number": 8,
    "name": 20,
    "phrase": 5,
    "const": 20,
}
