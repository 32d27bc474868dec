"""What people do with campaigns, each act in the caller's transaction with its audit event. Two people make one campaign."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from hub.campaigns.asking import Asker
from hub.campaigns.content import Checked, examine, mail_parts, text_hash
from hub.model.address import Channel
from hub.model.audit import AuditEvent
from hub.model.campaign import MOVES, Campaign, CampaignState, Draft
from hub.model.ids import CampaignId, StaffId, uuid7
from hub.settings import Settings
from hub.store import audience, audit, campaigns, live
from hub.store.pool import Connection, Pool

CHANNELS = (Channel.SMS, Channel.EMAIL)  # what a campaign can go out on
LONGEST_NAME, LONGEST_TEXT, LONGEST_REASON = 120, 1600, 500
LONGEST_MAIL, LONGEST_SUBJECT = 20_000, 150
_ACTIONS = {
    CampaignState.RUNNING: "campaign.resumed",
    CampaignState.PAUSED: "campaign.paused",
    CampaignState.CANCELLED: "campaign.cancelled",
    CampaignState.FINISHED: "campaign.finished",
}


class Refused(Exception):
    """It cannot be done. `code` for programs, the message for people."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def faults(draft: Draft, settings: Settings) -> Mapping[str, str]:
    """What is wrong with a draft's fields, as sentences by field; empty when it may be stored."""
    known = {i.id for i in settings.interests}
    account = settings.accounts.get(draft.account_id)
    found: dict[str, str] = {}
    if not draft.name.strip() or len(draft.name) > LONGEST_NAME:
        found["name"] = f"Give it a name of at most {LONGEST_NAME} letters."
    if not draft.interests or not set(draft.interests) <= known:
        found["interests"] = "Choose at least one subject: it goes only to people who agreed to hear about it."
    if draft.channel not in CHANNELS or account is None or account.channel is not draft.channel or not account.outbound:
        found["channel"] = "Choose a channel that can send."
    by_mail = draft.channel is Channel.EMAIL
    longest = LONGEST_MAIL if by_mail else LONGEST_TEXT
    if by_mail and not all(mail_parts(draft.body)):
        found["body"] = "Write the subject in the first line, and the text below it."
    elif by_mail and len(mail_parts(draft.body)[0]) > LONGEST_SUBJECT:
        found["body"] = f"Write a subject of at most {LONGEST_SUBJECT} letters: the first line is the subject."
    if not draft.body.strip() or len(draft.body) > longest or "\0" in draft.body + draft.name:
        found["body"] = f"Write a text of at most {longest} letters."
    return found


async def create(conn: Connection, draft: Draft, *, by: StaffId, now: datetime, settings: Settings) -> CampaignId:
    """Store a new draft. Raises Refused."""
    _check(draft, settings)
    campaign_id = CampaignId(uuid7())
    await campaigns.add(conn, campaign_id, draft, by=by, now=now)
    await _note(conn, campaign_id, "campaign.created", f"staff:{by}", now)
    return campaign_id


async def edit(conn: Connection, campaign_id: CampaignId, draft: Draft, *, by: StaffId, now: datetime, settings: Settings) -> None:
    """Change a draft. Raises Refused: once it is approved, nothing about it changes."""
    _check(draft, settings)
    if not await campaigns.edit(conn, campaign_id, draft, by=by, now=now):
        raise Refused("not_a_draft", "It is approved: its text and its audience stay as they are. Make a new one instead.")
    await _note(conn, campaign_id, "campaign.edited", f"staff:{by}", now)


def _check(draft: Draft, settings: Settings) -> None:
    for field, sentence in faults(draft, settings).items():
        raise Refused(f"bad_{field}", sentence)


async def approve(conn: Connection, campaign_id: CampaignId, *, by: StaffId, seen: bytes, now: datetime, settings: Settings) -> None:
    """Freeze text and audience; the list is written at once by a worker. Raises Refused.

    seen: the hash of the text the approver was shown, so that nobody approves words changed a moment ago.
    """
    campaign = await _locked(conn, campaign_id)
    if campaign.state is not CampaignState.DRAFT:
        raise Refused("not_a_draft", "It is approved already.")
    if by in (campaign.created_by, campaign.edited_by):
        raise Refused("same_person", "Somebody else has to approve it: whoever wrote a campaign cannot let it go.")
    if seen != approval_hash(campaign.draft):
        raise Refused("changed", "It was changed while you looked at it. Read it again.")
    checked = examine(campaign.draft, settings)
    if checked.refused:
        raise Refused("text", "The text cannot go out as it is: see the text check.")
    await campaigns.approve(conn, campaign_id, by=by, text_hash=text_hash(campaign.draft.body), content=checked.row, now=now)
    await _note(conn, campaign_id, "campaign.approved", f"staff:{by}", now, content=checked.content_hash.hex())
    await _wake(conn, campaign_id)


def approval_hash(draft: Draft) -> bytes:
    """What an approval is about: the text and who is meant by it."""
    whole = "\0".join((draft.name, draft.purpose, draft.channel, draft.account_id, *sorted(draft.interests), "", draft.body))
    return text_hash(whole)


async def schedule(conn: Connection, campaign_id: CampaignId, *, at: datetime, by: StaffId, now: datetime) -> None:
    """Begin at a later time. Raises Refused."""
    if at < now - timedelta(minutes=1):
        raise Refused("past", "That time has passed.")
    await _move(conn, campaign_id, CampaignState.SCHEDULED, f"staff:{by}", now, "campaign.scheduled", scheduled_at=at)


async def unschedule(conn: Connection, campaign_id: CampaignId, *, by: StaffId, now: datetime) -> None:
    """Take the time back. Raises Refused."""
    await _move(conn, campaign_id, CampaignState.APPROVED, f"staff:{by}", now, "campaign.edited", only_from=(CampaignState.SCHEDULED,))


async def start(conn: Connection, campaign_id: CampaignId, *, by: str, now: datetime) -> None:
    """Begin now. by: the actor, as the log names it. Raises Refused."""
    await _move(
        conn, campaign_id, CampaignState.RUNNING, by, now, "campaign.started", only_from=(CampaignState.APPROVED, CampaignState.SCHEDULED)
    )


async def pause(conn: Connection, campaign_id: CampaignId, *, by: StaffId, now: datetime) -> None:
    """Let nobody go until it is resumed. Raises Refused."""
    await _move(conn, campaign_id, CampaignState.PAUSED, f"staff:{by}", now)


async def send_back(conn: Connection, campaign_id: CampaignId, *, reason: str, by: StaffId, now: datetime) -> None:
    """Ask for changes in a draft instead of approving it. Raises Refused."""
    campaign = await _locked(conn, campaign_id)
    if campaign.state is not CampaignState.DRAFT:
        raise Refused("not_a_draft", "It is approved already.")
    if by in (campaign.created_by, campaign.edited_by):
        raise Refused("same_person", "You wrote it: change it yourself.")
    if not reason.strip() or len(reason) > LONGEST_REASON:
        raise Refused("bad_reason", f"Say what is to be changed, in at most {LONGEST_REASON} letters.")
    await campaigns.send_back(conn, campaign_id, reason=reason.strip(), by=by, now=now)
    await _note(conn, campaign_id, "campaign.edited", f"staff:{by}", now, sent_back="yes")


async def pause_itself(conn: Connection, campaign_id: CampaignId, *, limit: str, now: datetime) -> None:
    """Let nobody go until somebody has looked: a limit was passed. Raises Refused."""
    await _move(conn, campaign_id, CampaignState.PAUSED, "system:campaign", now, limit=limit)


async def resume(conn: Connection, campaign_id: CampaignId, *, by: StaffId, now: datetime) -> None:
    """Go on. Raises Refused."""
    await _move(conn, campaign_id, CampaignState.RUNNING, f"staff:{by}", now, only_from=(CampaignState.PAUSED,))


async def cancel(conn: Connection, campaign_id: CampaignId, *, by: StaffId, now: datetime) -> None:
    """Let nobody go any more, for good. Raises Refused."""
    await _move(conn, campaign_id, CampaignState.CANCELLED, f"staff:{by}", now)


async def finish(conn: Connection, campaign_id: CampaignId, *, now: datetime) -> None:
    """Everybody on the list was asked about. Raises Refused."""
    await _move(conn, campaign_id, CampaignState.FINISHED, "system:campaign", now)


async def _move(
    conn: Connection,
    campaign_id: CampaignId,
    to: CampaignState,
    actor: str,
    now: datetime,
    action: str | None = None,
    *,
    scheduled_at: datetime | None = None,
    only_from: tuple[CampaignState, ...] | None = None,
    **detail: str,
) -> None:
    campaign = await _locked(conn, campaign_id)
    if to not in MOVES[campaign.state] or (only_from is not None and campaign.state not in only_from):
        raise Refused("wrong_state", f"It is {campaign.state} and cannot be {to} from there.")
    await campaigns.move(conn, campaign_id, to, now=now, scheduled_at=scheduled_at)
    await _note(conn, campaign_id, action or _ACTIONS[to], actor, now, state=to.value, **detail)
    await _wake(conn, campaign_id)


async def _locked(conn: Connection, campaign_id: CampaignId) -> Campaign:
    campaign = await campaigns.one(conn, campaign_id, lock=True)
    if campaign is None:
        raise Refused("unknown", "There is no such campaign.")
    return campaign


async def _note(conn: Connection, campaign_id: CampaignId, action: str, actor: str, now: datetime, **detail: str | int) -> None:
    event = AuditEvent(at=now, actor=actor, action=action, object=f"campaign:{campaign_id}", detail=detail or None)
    await audit.append(conn, [event])


async def _wake(conn: Connection, campaign_id: CampaignId) -> None:
    await live.notify_work(conn, [f"campaign:{campaign_id}"])


def asker_of(draft: Draft, checked: Checked, settings: Settings) -> Asker:
    """The judge's questions for a draft as it stands."""
    return Asker(draft=draft, content=checked.facts, account=settings.accounts.get(draft.account_id), policy=settings.policy)


async def preview(conn: Connection, draft: Draft, *, now: datetime, settings: Settings, pool: Pool | None = None) -> dict[str, int]:
    """Whom it would reach if it went now, and by reason whom not: everybody once. Writes nothing.

    pool: where it may count side by side; `conn` must then be in no transaction.
    """
    question = asker_of(draft, examine(draft, settings), settings).question(now)
    if pool is None:
        return await audience.count(conn, question, settings.policy, now=now)
    return await audience.count_in_lanes(conn, pool, question, settings.policy, now=now)
