"""The form a campaign is written in: from what was sent to a draft, and the times people type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo

from hub.model.address import Channel
from hub.model.campaign import Draft, Purpose
from hub.model.ids import AccountId
from hub.settings import Settings


def draft_from(sent: Mapping[str, str], interests: Sequence[str], settings: Settings) -> Draft:
    """What the form says; what is missing stays empty and is found by `hub.campaigns.acts.faults`."""
    purpose = sent.get("purpose", "")
    account = settings.accounts.get(AccountId(sent.get("account", "")))
    return Draft(
        name=sent.get("name", "").strip(),
        purpose=Purpose(purpose) if purpose in set(Purpose) else Purpose.NEWSLETTER,
        channel=account.channel if account else Channel.SMS,
        account_id=account.id if account else AccountId(""),
        interests=tuple(sorted(set(interests))),
        body=sent.get("body", "").replace("\r\n", "\n").strip(),
    )


def empty(settings: Settings) -> Draft:
    """A new campaign, before anything was written."""
    account = next((a for a in settings.accounts.values() if a.channel is Channel.SMS and a.outbound), None)
    return Draft(
        name="",
        purpose=Purpose.NEWSLETTER,
        channel=Channel.SMS,
        account_id=account.id if account else AccountId(""),
        interests=(),
        body="{clinic}: Hello {first_name}, \n{stop_line}",
    )


def time_from(text: str, zone: tzinfo) -> datetime | None:
    """A typed "2026-11-26T10:30" in the clinic's time; None for anything else."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.replace(tzinfo=zone).astimezone(UTC) if at.tzinfo is None else at.astimezone(UTC)
