"""The invitation as a state machine: whether the person asked us to speak, on this channel, in this thread (policy R7-R9).

NO_ANSWER and DORMANT are not stored: they follow from what was stored and the clock (`state_at`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from hub.model.permission import InvitationFacts, PolicySettings
from hub.model.permission import InvitationState as S
from hub.policy.span import days, minutes


class Event(StrEnum):
    """What can happen to an invitation."""

    WROTE = "wrote"  # the person wrote on this channel
    ROBOT_WROTE = "robot_wrote"  # an auto-reply: stored, but nobody invited anybody
    NAMED = "named"  # a form named this channel for its answer
    SPOKE = "spoke"  # we took a turn
    WITHDREW = "withdrew"  # the person asked us to stop here
    CLOSED = "closed"  # staff ended the thread


# Every transition there is; what is not in the table changes nothing.
TRANSITIONS: dict[tuple[S, Event], S] = {
    (S.NONE, Event.WROTE): S.OPEN,
    (S.NONE, Event.NAMED): S.OPEN,
    (S.NONE, Event.WITHDREW): S.WITHDRAWN,
    (S.OPEN, Event.WITHDREW): S.WITHDRAWN,
    (S.OPEN, Event.CLOSED): S.CLOSED,
    (S.DIALOGUE, Event.WITHDREW): S.WITHDRAWN,
    (S.DIALOGUE, Event.CLOSED): S.CLOSED,
    (S.WITHDRAWN, Event.WROTE): S.OPEN,
    (S.CLOSED, Event.WROTE): S.OPEN,
    (S.CLOSED, Event.NAMED): S.OPEN,
    (S.CLOSED, Event.WITHDREW): S.WITHDRAWN,
}


def moved(state: S, event: Event, *, we_spoke: bool) -> S:
    """The stored state after an event. An answer to a turn of ours makes an open invitation a dialogue (policy R8)."""
    if event is Event.WROTE and state is S.OPEN and we_spoke:
        return S.DIALOGUE
    return TRANSITIONS.get((state, event), state)


def state_at(facts: InvitationFacts, now: datetime, settings: PolicySettings) -> S:
    """The state as it stands now: NO_ANSWER after too many unanswered turns, DORMANT after too long a silence."""
    state = facts.state
    if state is not S.OPEN and state is not S.DIALOGUE:
        return state if type(state) is S else S.NONE
    heard = last_heard(facts)
    if heard is None or now - heard > days(settings.dormant_days):
        return S.DORMANT
    return S.NO_ANSWER if _pressing(facts, now, settings) else state


def last_heard(facts: InvitationFacts) -> datetime | None:
    """When the person last asked us to speak: by writing here, or by naming this channel in a form."""
    wrote, opened = facts.last_inbound_at, facts.opened_at
    if wrote is None or opened is None:
        return wrote or opened
    return wrote if wrote >= opened else opened


def _pressing(facts: InvitationFacts, now: datetime, settings: PolicySettings) -> bool:
    """Whether one more turn would be one too many; a part that follows soon after is the same turn."""
    turns = facts.consecutive_outbound
    if turns is None or turns > settings.unanswered_turns:
        return True
    if turns < settings.unanswered_turns:
        return False
    return facts.turn_started_at is None or now - facts.turn_started_at > minutes(settings.turn_parts_min)


def after_inbound(facts: InvitationFacts, *, at: datetime, automatic: bool) -> InvitationFacts:
    """The invitation after the person wrote. at: provider time; older news never moves the window back.

    A robot's message opens nothing, reopens nothing and moves no window (channels.md §2.4).
    """
    if automatic:
        return replace(facts, inbound_automatic=True)
    before = facts.state or S.NONE
    if before is S.WITHDRAWN and facts.last_inbound_at is not None and at < facts.last_inbound_at:
        return facts  # written before the stop, and only delivered after it: nobody came back
    state = moved(before, Event.WROTE, we_spoke=facts.last_outbound_at is not None)
    return replace(
        facts,
        state=state,
        opened_at=at if before in (S.NONE, S.CLOSED, S.WITHDRAWN) or facts.opened_at is None else facts.opened_at,
        last_inbound_at=at if facts.last_inbound_at is None else max(facts.last_inbound_at, at),
        reopened_at=at if before is S.WITHDRAWN else facts.reopened_at,
        consecutive_outbound=0,
        turn_started_at=None,
        inbound_automatic=False,
    )


def after_named(facts: InvitationFacts, *, at: datetime) -> InvitationFacts:
    """The invitation after a form named this channel for its answer. It opens what was not open; what the person withdrew
    here only their own writing opens again, for anybody can type an address (policy R9)."""
    before = facts.state or S.NONE
    if before is S.WITHDRAWN:
        return facts
    opens = before in (S.NONE, S.CLOSED)
    return replace(
        facts,
        state=moved(before, Event.NAMED, we_spoke=False),
        opened_at=at if opens else facts.opened_at or at,
        consecutive_outbound=0 if opens else facts.consecutive_outbound,
        named_by_person=True,
        inbound_automatic=bool(facts.inbound_automatic) and not opens,
    )


def after_outbound(facts: InvitationFacts, *, at: datetime, settings: PolicySettings) -> InvitationFacts:
    """The invitation after we took a turn; parts within ten minutes of the turn's first count as one."""
    same_turn = facts.turn_started_at is not None and at - facts.turn_started_at <= minutes(settings.turn_parts_min)
    return replace(
        facts,
        consecutive_outbound=(facts.consecutive_outbound or 0) + (not same_turn),
        turn_started_at=facts.turn_started_at if same_turn else at,
        last_outbound_at=at,
    )


def after_withdrawal(facts: InvitationFacts, *, at: datetime) -> InvitationFacts:
    """The invitation after the person asked us to stop here; only their writing again opens it (policy R9)."""
    state = moved(facts.state or S.NONE, Event.WITHDREW, we_spoke=False)
    return replace(facts, state=state, opened_at=facts.opened_at or at)
