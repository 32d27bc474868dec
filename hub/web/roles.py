"""Who may do what at the desks: policy §1's roles against the rights the pages ask for, as one table."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Role(StrEnum):
    """The roles of policy §1; a person may have several and then has the rights of all of them."""

    FRONT_DESK = "front_desk"
    CLINICIAN = "clinician"
    MARKETING = "marketing"
    DATA_PROTECTION = "data_protection"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"


class Right(StrEnum):
    """What a page or an act asks for."""

    READ_MESSAGES = "read_messages"  # conversations, what was said, and whom we know the person as
    ANSWER = "answer"  # reply, undo, settle, send again, resolve, assign
    READ_CAMPAIGNS = "read_campaigns"  # texts, counts and what became of each, without names
    NAME_RECIPIENTS = "name_recipients"  # who they are; what they wrote is another right
    WRITE_CAMPAIGNS = "write_campaigns"
    APPROVE_CAMPAIGNS = "approve_campaigns"  # of others; also to plan, pause, resume and stop them
    MANAGE_STAFF = "manage_staff"
    SIGNED_IN = "signed_in"  # anybody with an account: their own account page


_APPROVERS = frozenset({Right.READ_CAMPAIGNS, Right.APPROVE_CAMPAIGNS})
# Administrators run the hub and read nobody's messages; marketing and auditors never open a thread (policy §1, R28).
RIGHTS: dict[Role, frozenset[Right]] = {
    Role.FRONT_DESK: frozenset({Right.SIGNED_IN, Right.READ_MESSAGES, Right.ANSWER}),
    Role.CLINICIAN: frozenset({Right.SIGNED_IN, Right.READ_MESSAGES, Right.ANSWER}),
    Role.DATA_PROTECTION: frozenset({Right.SIGNED_IN, Right.READ_MESSAGES, Right.NAME_RECIPIENTS}) | _APPROVERS,
    Role.MARKETING: frozenset({Right.SIGNED_IN, Right.NAME_RECIPIENTS, Right.WRITE_CAMPAIGNS}) | _APPROVERS,
    Role.ADMINISTRATOR: frozenset({Right.SIGNED_IN, Right.MANAGE_STAFF}) | _APPROVERS,
    Role.AUDITOR: frozenset({Right.SIGNED_IN, Right.READ_CAMPAIGNS}),
}


def rights_of(roles: Iterable[Role]) -> frozenset[Right]:
    """All the rights these roles give together."""
    return frozenset().union(*(RIGHTS[role] for role in roles))
