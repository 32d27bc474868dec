"""What channels raise. Ordinary classes; each carries an account id and a constant, never a payload or a secret.

ChannelError
├── BadSignature      a webhook that nobody we know signed (answered 403, says nothing)
├── BadPayload        signed, but not what the provider documents (answered 400)
├── CannotExpress     the channel cannot carry this message; nothing was sent
├── NotSent           nothing left this machine: safe to try again
├── OutcomeUnknown    bytes may have left: never sent again by itself
└── MediaRefused      a file we will not fetch, or that could not be had
"""

from __future__ import annotations


class ChannelError(Exception):
    """`account_id`: whose traffic it was. `constant`: a short word from our own code, safe to log and to store."""

    def __init__(self, account_id: str, constant: str) -> None:
        super().__init__(account_id, constant)
        self.account_id = account_id
        self.constant = constant

    def __str__(self) -> str:
        return self.constant


class BadSignature(ChannelError):
    """The refusal names the account and nothing else: not which check failed, not what was expected."""

    def __init__(self, account_id: str) -> None:
        super().__init__(account_id, "bad_signature")

    def __reduce__(self) -> tuple[type[BadSignature], tuple[str]]:
        return type(self), (self.account_id,)


class BadPayload(ChannelError):
    """`constant` names the field or the rule, never its value."""


class CannotExpress(ChannelError):
    """`constant` says what the channel cannot carry: "too_long", "landline", "empty"."""


class NotSent(ChannelError):
    """Connection refused, no such host: the provider has seen nothing."""


class OutcomeUnknown(ChannelError):
    """A time-out, or a drop after the request went out: a callback, a look-up or a person settles it."""


class MediaRefused(ChannelError):
    """`constant` says why: "host", "scheme", "private_address", "too_big", "timeout", "redirects", "http_404"."""
