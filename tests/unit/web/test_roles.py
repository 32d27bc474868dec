"""Who may do what, as policy §1 writes it."""

from __future__ import annotations

import pytest

from hub.web.roles import Right, Role, rights_of

MATRIX = {
    Role.FRONT_DESK: {Right.SIGNED_IN, Right.READ_MESSAGES, Right.ANSWER},
    Role.CLINICIAN: {Right.SIGNED_IN, Right.READ_MESSAGES, Right.ANSWER},
    Role.DATA_PROTECTION: {
        Right.SIGNED_IN,
        Right.READ_MESSAGES,
        Right.READ_CAMPAIGNS,
        Right.APPROVE_CAMPAIGNS,
        Right.NAME_RECIPIENTS,
    },
    Role.MARKETING: {
        Right.SIGNED_IN,
        Right.READ_CAMPAIGNS,
        Right.WRITE_CAMPAIGNS,
        Right.APPROVE_CAMPAIGNS,
        Right.NAME_RECIPIENTS,
    },
    Role.ADMINISTRATOR: {Right.SIGNED_IN, Right.MANAGE_STAFF, Right.READ_CAMPAIGNS, Right.APPROVE_CAMPAIGNS},
    Role.AUDITOR: {Right.SIGNED_IN, Right.READ_CAMPAIGNS},
}


@pytest.mark.parametrize("role", Role)
def test_each_role_has_exactly_its_rights(role: Role) -> None:
    assert rights_of([role]) == MATRIX[role]


def test_administrators_and_marketing_read_no_messages() -> None:
    assert Right.READ_MESSAGES not in rights_of([Role.ADMINISTRATOR, Role.MARKETING, Role.AUDITOR])


def test_several_roles_add_up() -> None:
    assert rights_of([Role.ADMINISTRATOR, Role.FRONT_DESK]) == MATRIX[Role.ADMINISTRATOR] | MATRIX[Role.FRONT_DESK]


def test_no_role_is_no_right() -> None:
    assert rights_of([]) == frozenset()
