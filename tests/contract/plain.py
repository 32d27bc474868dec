"""Events as plain JSON values, for comparison with the recorded cases. Fields at their default are left out."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from hub.model.sealed import Sealed

LEFT_OUT = {"account_id", "sent_at", "occurred_at", "channel"}


def plain(value: Any) -> Any:
    """One event as a dict with its type; times and the account are the suite's own and left out."""
    if isinstance(value, Sealed):
        return plain(value.reveal())
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kept = {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.name not in LEFT_OUT and not _default(value, f)}
        return {"type": type(value).__name__} | {name: plain(item) for name, item in kept.items()}
    return value


def _default(value: Any, field: dataclasses.Field[Any]) -> bool:
    return field.default is not dataclasses.MISSING and getattr(value, field.name) == field.default
