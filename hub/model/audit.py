"""What was done to personal data, as a value (policy §7.1). Ids, codes and numbers only: never a body, an
address in clear, or a health word."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

Detail = Mapping[str, str | int | float | bool | None]

# policy §7.1 in its order, one line per noun, then the acts its last sentence and promise P9 ask for.
ACTIONS: Final[frozenset[str]] = frozenset(
    f"{noun}.{verb}"
    for noun, verbs in {
        "inbound": "received duplicate",
        "classify": "result",
        "invitation": "opened withdrawn dormant reopened",
        "consent": "given confirmed refreshed withdrawn expired invalidated",
        "suppression": "added lifted",
        "objection": "added withdrawn",
        "decision": "allow refuse",
        "send": "accepted failed delivered bounced complained unknown settled",
        "optout": "confirmation_sent",
        "campaign": "created edited scheduled started approved paused resumed finished cancelled",
        "lint": "override",
        "kill_switch": "on off",
        "case": "opened acknowledged kind_changed clock_paused clock_resumed extended answered closed",
        "identity": "verified failed added erased",
        "export": "created downloaded",
        "erasure": "requested executed kept_items",
        "restriction": "on off",
        "disclosure": "made",
        "record": "viewed changed created",
        "attachment": "stored refused viewed erased",
        "staff": "login failed logout added disabled reset role_changed linked unlinked",
        "breakglass": "used",
        "notice": "published sent",
        "processor": "added changed",
        "setting": "changed",
        "backup": "made restored replayed",
        "purge": "run",
        "breach": "candidate opened changed regulator_told person_told closed",
        "key": "rotated",
        "clock": "skew_detected",
        "webhook": "signature_failed",
        "audit": "read verified exported rolled_off",
        "contact": "merged unmerged",
        "conversation": "assigned resolved reopened spam snoozed woken",
        "message": "queued cancelled",
        "note": "added changed deleted restored",
        "template": "created changed approved",
        "import": "run refused",
        "hold": "placed lifted",
    }.items()
    for verb in verbs.split()
) | {"rectification"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One act. `at`: aware UTC. `actor`: "staff:<uuid>", "person" or "system:<part>". `object`: "message:<uuid>".

    Raises ValueError on an unknown action, a naive time, or text PostgreSQL cannot keep; TypeError on a detail
    that is no plain value, so a Sealed one can never slip in.
    """

    at: datetime
    actor: str
    role: str | None = None
    action: str
    object: str
    reason: str | None = None
    result: str | None = None
    detail: Detail | None = None

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise ValueError(f"unknown audit action: {self.action}")
        if self.at.tzinfo is None:
            raise ValueError("an audit event needs an aware time")
        for text in (self.actor, self.role, self.object, self.reason, self.result):
            _check_text(text)
        for key, value in (self.detail or {}).items():
            _check_detail(key, value)


def _check_text(text: str | None) -> None:
    if text is not None and "\0" in text:
        raise ValueError("audit text holds a NUL")


def _check_detail(key: str, value: object) -> None:
    if not isinstance(key, str) or not (value is None or isinstance(value, str | int | float)):
        raise TypeError("audit details are plain values")
    _check_text(key)
    if isinstance(value, str):
        _check_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("audit numbers are finite")
