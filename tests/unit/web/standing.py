"""Builds standings for tests of what the inbox shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hub.desks.inbox.views import Standing
from hub.model.address import Channel
from hub.model.permission import Decision, Env, Facts, InvitationFacts, InvitationState, Kind, Outcome, Reason

NOW = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")


def decision(reason: Reason = Reason.ALLOW) -> Decision:
    return Decision(
        outcome=Outcome.ALLOW if reason is Reason.ALLOW else Outcome.REFUSE,
        reason=reason,
        gate=26 if reason is Reason.ALLOW else 10,
        policy_version="test",
        facts=Facts(kind=Kind.RPL, channel=Channel.WHATSAPP, env=Env(now=NOW, store_healthy=True)),
    )


def standing(channel: Channel = Channel.SMS, reason: Reason = Reason.ALLOW, **changes: object) -> Standing:
    """An open channel they wrote on an hour ago, unless changed."""
    heard = NOW - timedelta(hours=1)
    plain = Standing(
        channel=channel,
        identity_id=None,
        decision=decision(reason),
        invitation=InvitationFacts(state=InvitationState.OPEN, last_inbound_at=heard),
        window=None,
        closes_at=None,
        max_text=1600,
        templates=False,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def windowed(*, left: timedelta, of: timedelta = timedelta(hours=24), **changes: object) -> Standing:
    """WhatsApp with this much of the window left."""
    return standing(Channel.WHATSAPP, window=of, closes_at=NOW + left, templates=True, **changes)
