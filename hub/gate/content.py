"""What the content check found, as it travels with a message: from the lint report to a row and back to facts."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from hub.model.permission import ContentFacts, TemplateStatus


def as_row(facts: ContentFacts, *, version: str, content_hash: bytes) -> dict[str, Any]:
    """The JSON kept on the message."""
    found = {k: v for k, v in asdict(facts).items() if v is not None}
    found["interests"] = list(facts.interests)
    return {"facts": found, "version": version, "hash": content_hash.hex()}


def from_row(row: dict[str, Any]) -> ContentFacts:
    """The facts kept on a message. What is missing, or not understood any more, is unknown, which refuses."""
    known = {f.name for f in fields(ContentFacts)}
    found = {k: v for k, v in dict(row.get("facts") or {}).items() if k in known}
    if "interests" in found:
        found["interests"] = tuple(found["interests"])
    if "template" in found:
        found["template"] = _template(found["template"])
    return ContentFacts(**found)


def _template(value: object) -> TemplateStatus:
    try:
        return TemplateStatus(str(value))
    except ValueError:
        return TemplateStatus.NOT_APPROVED
