"""The refusals in plain British English: who, what, until when. No blame, and the name once where it can be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hub.model.permission import Reason
from hub.policy.catalogue.entry import Entry


def _row(said: str | tuple[str, ...], remedy: str | tuple[str, ...] = (), *, joint: str | None = ". ") -> Entry:
    return Entry(_tuple(said), _tuple(remedy), joint if remedy else None)


def _tuple(words: str | tuple[str, ...]) -> tuple[str, ...]:
    return (words,) if isinstance(words, str) else words


_AGAIN = ("You can answer here again after the next message from {name}", "You can answer here again after their next message")
_ONLY_A_BOX = "Only a box the person ticks can change that"

ENGLISH: Final[Mapping[Reason, Entry]] = {
    Reason.ALLOW: _row("This may be sent"),
    # their wish
    Reason.STOP_ALL: _row(
        ("{name} asked for no contact at all", "This person asked for no contact at all"),
        ("Only {name} can change that, by writing to us", "Only the person can change that, by writing to us"),
    ),
    Reason.STOP_CHANNEL: _row(
        ("{name} asked us not to write {via}", "{name} asked us not to write here", "This person asked us not to write here"),
        _AGAIN,
    ),
    Reason.SUPPRESSED: _row(
        ("{name} has ended all news from us", "This person has ended all news from us"), "Answers to questions may still go"
    ),
    Reason.OBJECTED: _row(
        ("{name} objects to our use of their details for this", "This person objects to our use of their details for this"),
        "Only a new wish of theirs, put on record, can change that",
    ),
    Reason.RESTRICTED: _row("At rest while a rights case is open", "Write about the case only"),
    Reason.ERASURE_PENDING: _row(
        ("{name} asked us to erase everything", "This person asked us to erase everything"), "The rights desk answers"
    ),
    Reason.ERASED: _row("This person's details have been erased, as asked", "A new message from them starts a new conversation"),
    Reason.DECEASED: _row(
        ("Our record says, or leaves open, that {name} has died", "Our record says, or leaves open, that this person has died"),
        "Only a verified representative may be written to, about a rights case",
    ),
    # no ground
    Reason.NO_INVITATION: _row(
        ("{name} has not invited us to write {via}", "{name} has not invited us to write here", "Nobody has invited us to write here"),
        _AGAIN,
    ),
    Reason.CROSS_CHANNEL: _row(
        ("{name} did not invite us here", "We were not invited here"),
        ("The form asks for an answer {other_via}", "Answer on the channel that was asked for"),
    ),
    Reason.NO_ANSWER: _row(
        ("Two answers are waiting for {name}. A third would press", "Two answers are waiting. A third would press"), _AGAIN, joint=None
    ),
    Reason.NO_CONSENT: _row(("Never agreed to news {via}", "Never agreed to this news"), _ONLY_A_BOX, joint=None),
    Reason.CONSENT_UNPROVEN: _row(
        "We cannot show which words this agreement was given to", "A new agreement, with its words on record, is needed"
    ),
    Reason.CONSENT_EXPIRED: _row(
        ("The agreement is more than {months} months old", "The agreement is too old to stand on"), _ONLY_A_BOX, joint=None
    ),
    Reason.CONSENT_UNCONFIRMED: _row(
        "The agreement was never confirmed from this address", "It stands once the link in our question is used"
    ),
    Reason.NO_SOFT_OPTIN: _row("The sale does not cover this news: something the law asks for is missing", _ONLY_A_BOX),
    Reason.HEALTH_SELECTION: _row(
        "These people were chosen by their treatments, or we cannot tell how", "Choose by the subjects people asked for"
    ),
    Reason.NOT_RELEVANT: _row(
        ("The agreement is about {agreed}, not {sent}", "The agreement is about other subjects than this"),
        "Send it to people who asked for this subject",
        joint=None,
    ),
    Reason.COUNTRY: _row(
        ("We may not send news to {country}", "We may not send news to this country"), "An administrator can set up its rules first"
    ),
    Reason.NO_RELATION: _row(
        (
            "{name} gave us no appointment or treatment to write about {via}",
            "There is no appointment or treatment to write about on this channel",
        ),
        "Write where the appointment was made, or answer a question",
    ),
    Reason.NO_CASE: _row("No open case names this person", "Open the case first"),
    Reason.NO_NOTICE: _row("This person has had this notice, or nothing in it concerns them", "Only a new, important change may be sent"),
    Reason.NO_FRESH_FORM: _row(
        "The box was not ticked on our form just now, or we have asked this address already", "The form can be sent in again"
    ),
    # time
    Reason.WINDOW: _row(("Free replies ended {at}", "The time for free replies has ended"), "One approved template may go"),
    Reason.WINDOW_USED: _row("Every free reply was used since they last wrote", "More may go when they write again"),
    Reason.QUIET: _row("It is night there now", ("Send {at}?", "Send when the day begins there?")),
    Reason.CAP: _row(
        ("Already had {count} messages of news this week", "Already had as much news as we send"),
        ("The next may go {at}", "The next may go later"),
    ),
    Reason.ACK_USED: _row("This conversation had its automatic answer today", "A person can answer"),
    Reason.OOC_USED: _row("The stop has been confirmed once, and once is all"),
    Reason.OOC_LATE: _row("It is too late to confirm this stop. The stop itself stands"),
    Reason.PAUSED: _row("Sending is paused", "An administrator can start it again"),
    Reason.STORE_DOWN: _row(
        "We cannot tell just now whether we may", ("Your text is kept; we try again in {wait}", "Your text is kept; we try again soon")
    ),
    # the text
    Reason.MISLABELLED: _row("This reads like an offer", ("Take “{words}” out, then send", "Take the offer out, then send")),
    Reason.POM: _row(
        "The text names a prescription medicine", ("Say “{instead}” instead", "Take it out, and speak of a consultation instead")
    ),
    Reason.CONTENT: _row(
        "The text hurries or tempts the reader, or shows a picture without leave",
        ("Take “{words}” out, then send", "Take that out, then send"),
    ),
    Reason.FOOTER: _row(
        "The text does not say who it is from, or how to stop it", ("Add {missing}", "Add our name and a way to stop, then send")
    ),
    Reason.HEALTH_LEAK: _row("{preview} shows on a locked screen", "Leave the treatment out"),
    # care
    Reason.UNDER_18: _row("News goes to adults only, and this person is under 18"),
    Reason.AGE_UNKNOWN: _row("News goes to adults only, and no age is confirmed", "Ask for the date of birth at the next visit"),
    Reason.UNDER18_PROCEDURE: _row(
        ("{name} wrote “{words}”", "This treatment is for adults, and no such age is confirmed"), "Pass this to a clinician"
    ),
    Reason.NOT_CLINICIAN: _row("Urgent safety messages come from a named clinician, with a reason", "Pass this to a clinician"),
    # broken
    Reason.BAD_ADDRESS: _row(("This address does not exist any more", "This address does not reach them"), "Ask for another"),
    Reason.NO_ROUTE: _row(
        ("We cannot send {via} just now", "We cannot send on this channel"), "An administrator can check the account and its register entry"
    ),
    Reason.BAD_INPUT: _row("We could not make sense of this request", "Nothing was sent. Try again, or report it"),
    Reason.NO_RULE: _row("No rule allows this", "Nothing was sent. An administrator can look into it"),
    # machines
    Reason.AUTO_INBOUND: _row("An automatic reply gets no automatic answer", "A person can answer"),
    Reason.BOT_BARRED: _row("What was written needs a person, so nothing answers by itself", "A person can answer"),
}
