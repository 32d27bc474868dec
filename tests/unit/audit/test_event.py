"""Audit events refuse what must never be in the log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from hub.model.audit import ACTIONS, AuditEvent
from hub.model.sealed import Sealed

AT = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)


def event(**changes: Any) -> AuditEvent:
    return AuditEvent(**{"at": AT, "actor": "person", "action": "inbound.received", "object": "message:1"} | changes)


def test_an_unknown_action_is_refused() -> None:
    with pytest.raises(ValueError, match=r"inbound\.eaten"):
        event(action="inbound.eaten")


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        event(at=datetime(2026, 11, 24, 11, 0))  # noqa: DTZ001 - the naive time is the case


def test_a_sealed_detail_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        event(detail={"address": Sealed("x@example.org")})


@pytest.mark.parametrize("changes", [{"reason": "a\0b"}, {"detail": {"k": "a\0"}}, {"detail": {"k": float("nan")}}])
def test_what_the_table_cannot_keep_is_refused_before_the_transaction(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"NUL|finite"):
        event(**changes)


POLICY_7_1 = """
inbound.duplicate classify.result invitation.dormant consent.invalidated suppression.lifted decision.allow send.bounced
optout.confirmation_sent campaign.finished lint.override kill_switch.off case.clock_paused identity.failed export.downloaded
erasure.kept_items rectification restriction.off disclosure.made record.viewed attachment.viewed staff.role_changed
breakglass.used notice.published processor.changed setting.changed backup.replayed purge.run key.rotated
clock.skew_detected webhook.signature_failed
"""


def test_the_policys_actions_are_all_known() -> None:
    assert set(POLICY_7_1.split()) <= ACTIONS
