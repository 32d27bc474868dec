"""config/policy.toml: the numbers marked [C] in the policy. Stricter is free; looser needs its reason beside it.

cap_7d = 3
[loosened.cap_7d]                # the policy's opening: "looser only with a recorded reason by the
reason = "…"                     # data protection contact"
by = "…"
on = 2026-11-01
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from hub.model.permission import PolicySettings
from hub.settings.problems import Problems, Reader, Table

_Looser = Callable[[Any, Any], bool]


def _more(value: Any, default: Any) -> bool:
    return bool(value > default)


def _less(value: Any, default: Any) -> bool:
    return bool(value < default)


def _wider(value: Any, default: Any) -> bool:
    return bool(value[0] < default[0] or value[1] > default[1])


def _beyond(value: Any, default: Any) -> bool:
    return not value <= default


# In which direction each number is looser than the policy.
_LOOSER: Mapping[str, _Looser] = {
    "unanswered_turns": _more,
    "turn_parts_min": _more,
    "dormant_days": _more,
    "ack_every_h": _less,
    "bot_fresh_min": _more,
    "ooc_within_min": _more,
    "doi_within_min": _more,
    "doi_every_days": _less,
    "consent_months": _more,
    "cap_7d": _more,
    "cap_30d": _more,
    "quiet_weekday": _wider,
    "quiet_sunday": _wider,
    "quiet_unknown_narrower_h": _less,
    "window_margin_min": _less,
    "marketing_countries": _beyond,
    "soft_optin": _more,
    "campaign_failed_permille": _more,
    "campaign_complained_permille": _more,
    "campaign_stopped_permille": _more,
}


def read_policy(table: Table, problems: Problems) -> PolicySettings:
    """The policy's numbers with the clinic's own in their place."""
    reader = Reader("policy.toml", table, problems)
    defaults = PolicySettings()
    reasons = Reader("policy.toml, loosened", reader.raw("loosened") or {}, problems)
    values = {field.name: _value(reader, field.name, getattr(defaults, field.name)) for field in fields(PolicySettings)}
    for name, value in values.items():
        # A number this table does not know yet counts as loosened by any change.
        if _LOOSER.get(name, _differs)(value, getattr(defaults, name)):
            _check_reason(reasons, name, problems)
    reasons.finish()
    reader.finish()
    return PolicySettings(**values)


def _differs(value: Any, default: Any) -> bool:
    return bool(value != default)


def _value(reader: Reader, name: str, default: Any) -> Any:
    if isinstance(default, bool):
        return reader.flag(name, default)
    if isinstance(default, int):
        return reader.whole(name, default)
    if isinstance(default, frozenset):
        return frozenset(reader.texts(name, may_be_empty=True)) if reader.has(name) else default
    return _hours(reader, name, default)


def _hours(reader: Reader, name: str, default: tuple[int, int]) -> tuple[int, int]:
    value = reader.raw(name)
    if value is None:
        return default
    if isinstance(value, list) and len(value) == 2 and all(type(hour) is int for hour in value) and 0 <= value[0] <= value[1] <= 24:
        return (value[0], value[1])
    reader.problem(f"needs {name} as two hours of the day, like [9, 20]")
    return default


def _check_reason(reasons: Reader, name: str, problems: Problems) -> None:
    if not reasons.has(name):
        problems.add(f"policy.toml makes {name} looser than the policy: say why, who and when under [loosened.{name}].")
        return
    reason = Reader(f"policy.toml, loosened.{name},", reasons.raw(name), problems)
    reason.text("reason")
    reason.text("by")
    reason.day("on")
    reason.finish()
