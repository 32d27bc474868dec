"""The rim says what the judge says, in a ring and in words."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.desks.inbox.views import Piece, Quota, RimState, news_agreed, rim, share, strip_words
from hub.model.address import Channel
from hub.model.permission import ConsentFacts, InvitationFacts, InvitationState, Reason, Scope, Suppression
from tests.unit.web.standing import LONDON, NOW, standing, windowed


def test_an_invitation_without_a_clock_is_a_closed_ring() -> None:
    found = rim(standing(Channel.EMAIL), now=NOW, zone=LONDON)
    assert (found.state, found.glyph, found.label, found.news) == (RimState.FULL, "email", "Email: invited", False)


def test_a_window_shortens_the_ring_by_the_share_that_is_left() -> None:
    found = rim(windowed(left=timedelta(hours=21, minutes=12)), now=NOW, zone=LONDON)
    assert (found.state, found.share, found.label) == (RimState.ARC, 88, "WhatsApp: invited, 21 hours left")


@pytest.mark.parametrize(
    ("left", "of", "state"),
    [
        (timedelta(hours=4), timedelta(hours=24), RimState.ARC),
        (timedelta(hours=3, minutes=59), timedelta(hours=24), RimState.SOON),
        (timedelta(hours=16), timedelta(hours=168), RimState.SOON),  # the last tenth of seven days comes before four hours
        (timedelta(hours=17), timedelta(hours=168), RimState.ARC),
    ],
)
def test_under_four_hours_or_the_last_tenth_is_soon(left: timedelta, of: timedelta, state: RimState) -> None:
    assert rim(windowed(left=left, of=of), now=NOW, zone=LONDON).state is state


def test_a_quota_is_drawn_in_pieces_and_the_used_ones_come_first() -> None:
    found = rim(standing(Channel.WECHAT, quota=Quota(left=2, of=5)), now=NOW, zone=LONDON)
    assert [p.left for p in found.pieces] == [False, False, False, True, True]
    assert found.pieces[0] == Piece(turn=-77.4, length=13.0, left=False)
    assert found.label == "WeChat: invited, 2 of 5 messages left"


def test_a_shut_window_leaves_templates_only() -> None:
    found = rim(standing(Channel.WHATSAPP, Reason.WINDOW, templates=True), now=NOW, zone=LONDON)
    assert (found.state, found.label) == (RimState.SHUT, "WhatsApp: window shut, templates only")


def test_a_shut_window_without_templates_is_not_invited() -> None:
    assert rim(standing(Channel.MESSENGER, Reason.WINDOW), now=NOW, zone=LONDON).state is RimState.NONE


@pytest.mark.parametrize("reason", [Reason.NO_INVITATION, Reason.CROSS_CHANNEL, Reason.STORE_DOWN, Reason.BAD_ADDRESS, Reason.BAD_INPUT])
def test_what_is_not_known_or_not_invited_is_dotted(reason: Reason) -> None:
    found = rim(standing(Channel.SMS, reason), now=NOW, zone=LONDON)
    assert (found.state, found.label) == (RimState.NONE, "SMS: not invited")


def test_news_without_an_invitation_is_a_filled_disc() -> None:
    found = rim(standing(Channel.EMAIL, Reason.NO_INVITATION, news=("skincare", "laser")), now=NOW, zone=LONDON)
    assert (found.state, found.news, found.label) == (RimState.AGREED, True, "Email: news agreed, skincare and laser")


def test_ring_and_disc_combine() -> None:
    found = rim(windowed(left=timedelta(hours=21), news=("laser",)), now=NOW, zone=LONDON)
    assert (found.state, found.news, found.label) == (RimState.ARC, True, "WhatsApp: invited, 21 hours left; news agreed, laser")


@pytest.mark.parametrize("reason", [Reason.STOP_ALL, Reason.STOP_CHANNEL])
def test_a_stop_overrides_ring_and_disc(reason: Reason) -> None:
    at = datetime.fromisoformat("2026-11-03T09:00:00+00:00")
    found = rim(
        windowed(left=timedelta(hours=20), news=("laser",), decision=standing(reason=reason).decision, stopped_at=at), now=NOW, zone=LONDON
    )
    assert (found.state, found.news, found.label) == (RimState.STOP, False, "WhatsApp: asked to stop on 3 November 2026")


@given(st.sampled_from(sorted(set(Reason) - {Reason.ALLOW})))
def test_no_refusal_is_ever_drawn_as_invited(reason: Reason) -> None:
    found = rim(standing(Channel.WHATSAPP, reason, templates=True), now=NOW, zone=LONDON)
    assert found.state not in (RimState.FULL, RimState.ARC, RimState.SOON)
    assert strip_words(standing(Channel.WHATSAPP, reason), now=NOW, zone=LONDON).bold.startswith("Invited") is False


@given(st.integers(1, 24 * 60))
def test_a_ring_is_never_empty_while_time_is_left(minutes: int) -> None:
    assert 1 <= share(timedelta(minutes=minutes), timedelta(hours=24)) <= 100


def consent(**changes: object) -> ConsentFacts:
    given_at = NOW - timedelta(days=30)
    values = {"id": "c", "purpose": "promotion", "channel": Channel.EMAIL, "interests": ("laser",), "given_at": given_at}
    return ConsentFacts(**{**values, "confirmed": True, "proven": True, "ended": False, **changes})  # type: ignore[arg-type]


def test_an_agreement_counts_only_when_proven_confirmed_and_alive() -> None:
    assert news_agreed((consent(),), (), Channel.EMAIL) == ("laser",)
    for broken in ({"confirmed": None}, {"proven": False}, {"ended": None}, {"ended": True}, {"channel": Channel.SMS}):
        assert news_agreed((consent(**broken),), (), Channel.EMAIL) is None


@pytest.mark.parametrize("scope", [Scope.ALL_CONTACT, Scope.ALL_MARKETING])
def test_a_stop_empties_the_disc(scope: Scope) -> None:
    assert news_agreed((consent(),), (Suppression(scope=scope, at=NOW),), Channel.EMAIL) is None


def test_unknown_stops_empty_the_disc() -> None:
    assert news_agreed((consent(),), None, Channel.EMAIL) is None


def test_the_strip_says_until_when_and_why() -> None:
    words = strip_words(windowed(left=timedelta(hours=21)), now=NOW, zone=LONDON)
    assert (words.bold, words.small) == ("Invited on WhatsApp", "Free reply until Wed 08:00. Wrote today 10:00")


def test_the_strip_names_the_form_where_nobody_wrote_on_the_channel() -> None:
    named = InvitationFacts(state=InvitationState.OPEN, named_by_person=True)
    assert strip_words(standing(Channel.SMS, invitation=named), now=NOW, zone=LONDON).small == "Named in the form for our answer"
