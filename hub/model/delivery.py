"""How a delivery status moves: only forward, whatever order the provider tells it in."""

from __future__ import annotations

from hub.model.message import DeliveryStatus as S

# Rank along the one way; a status may only be replaced by one of higher rank.
RANK: dict[S, int] = {
    S.QUEUED: 0,
    S.SENDING: 1,
    S.UNKNOWN: 2,
    S.ACCEPTED: 3,
    S.SENT: 4,
    S.DELIVERED: 6,
    S.READ: 7,
}
# `failed` may replace anything up to `sent`, never `delivered` or `read` (channels.md §0).
FAILED_RANK = 5
# Decided by us, before anything left: no provider word changes them.
CLOSED = frozenset({S.REFUSED, S.CANCELLED})


def advance(current: S, reported: S) -> S:
    """The status after a provider's report.

    Late and repeated reports change nothing. A report of `delivered` or `read` outranks `failed`, since it shows
    that the message arrived after all.
    """
    if current in CLOSED or reported is S.UNKNOWN:
        return current
    if reported is S.FAILED:
        return S.FAILED if current is S.FAILED or RANK[current] < FAILED_RANK else current
    have = FAILED_RANK if current is S.FAILED else RANK[current]
    return reported if RANK[reported] > have else current
