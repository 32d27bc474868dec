"""Why we may not speak, in words for the person at the screen: one entry per reason code (looks §6, §8).

heading: who decided what. advice: what would change it. Marks: {name}, {channel}, {by} ("by SMS", "on WhatsApp"), {time}.
Nobody is blamed, and no sentence needs to know anybody's gender.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hub.model.permission import Reason


class Family(StrEnum):
    """What kind of no it is; decides the look."""

    WISH = "wish"
    NO_GROUND = "no_ground"
    TIME = "time"
    TEXT = "text"
    CARE = "care"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Refused:
    family: Family
    heading: str
    advice: str


_W, _G, _T, _X, _C, _B = Family.WISH, Family.NO_GROUND, Family.TIME, Family.TEXT, Family.CARE, Family.BROKEN

REFUSALS: dict[Reason, Refused] = {
    Reason.STOP_CHANNEL: Refused(
        _W,
        "{name} asked us not to write {by}",
        "You can answer here again after the next message from {name}. Nobody at the clinic can lift this.",
    ),
    Reason.STOP_ALL: Refused(_W, "{name} asked for no contact at all", "Only {name} can change that, by writing to us."),
    Reason.SUPPRESSED: Refused(_W, "{name} has ended all news from us", "Answers to questions may still go."),
    Reason.OBJECTED: Refused(_W, "{name} objected to this use", "It stays ended unless {name} agrees anew."),
    Reason.RESTRICTED: Refused(_W, "At rest while a rights case is open", "Write about the case only, from the rights desk."),
    Reason.ERASURE_PENDING: Refused(_W, "{name} asked us to erase everything", "The rights desk answers."),
    Reason.ERASED: Refused(_W, "This person has been erased", "Nothing is held to write to."),
    Reason.DECEASED: Refused(_W, "This person has died", "Nothing is sent here any more."),
    Reason.NO_INVITATION: Refused(
        _G, "{name} did not invite us {by}", "An invitation ends after 30 quiet days. The next message from {name} opens it again."
    ),
    Reason.CROSS_CHANNEL: Refused(_G, "{name} did not invite us {by}", "The invitation is on another channel. Answer there."),
    Reason.NO_ANSWER: Refused(_G, "Our answers are waiting for {name}", "None has had a reply. One more would press."),
    Reason.NO_CONSENT: Refused(_G, "{name} never agreed to news {by}", "Only {name} can agree, on the form or the preference page."),
    Reason.CONSENT_UNPROVEN: Refused(_G, "The agreement cannot be proven", "The sentence that was shown is not on record."),
    Reason.CONSENT_EXPIRED: Refused(_G, "The agreement is too old", "After 24 months it ends unless {name} renews it."),
    Reason.CONSENT_UNCONFIRMED: Refused(_G, "The agreement was not confirmed", "The address was typed and never answered from."),
    Reason.NO_SOFT_OPTIN: Refused(_G, "No agreement, and no sale that would do instead", "Only {name} can agree."),
    Reason.NOT_RELEVANT: Refused(_G, "The agreement is about something else", "Write about the subjects {name} ticked."),
    Reason.HEALTH_SELECTION: Refused(_G, "People are not chosen by their health here", "Choose by subjects they ticked."),
    Reason.COUNTRY: Refused(_G, "News may not go to that country", "Answers to questions may."),
    Reason.NO_RELATION: Refused(_G, "There is no appointment or care this belongs to", "Answer what was asked instead."),
    Reason.NO_CASE: Refused(_G, "There is no open case this belongs to", "Open one at the rights desk first."),
    Reason.NO_NOTICE: Refused(_G, "There is no notice to send", "Nothing changed that {name} must be told."),
    Reason.NO_FRESH_FORM: Refused(_G, "There is no fresh form to confirm", "It is asked once, within minutes of the form."),
    Reason.AUTO_INBOUND: Refused(_G, "A machine wrote this", "Machines get no automatic answer."),
    Reason.BOT_BARRED: Refused(_G, "Nothing automatic goes here", "A person should answer."),
    Reason.WINDOW: Refused(
        _T,
        "Free replies {by} have ended",
        "They ended {time}. An approved template may still go; after the next message from {name} you can type freely again.",
    ),
    Reason.QUIET: Refused(_T, "It is night there now", "Messages of this kind wait for the morning."),
    Reason.CAP: Refused(_T, "{name} has had enough news for now", "More would be too much. The next may go {time}."),
    Reason.ACK_USED: Refused(_T, "An acknowledgement went a short while ago", "One a day is enough."),
    Reason.OOC_USED: Refused(_T, "The stop was confirmed already", "One confirmation is all that goes."),
    Reason.OOC_LATE: Refused(_T, "It is too late to confirm the stop", "The stop itself stands."),
    Reason.PAUSED: Refused(_T, "Sending {by} is paused", "An administrator switched it off for now. Your text is not lost."),
    Reason.STORE_DOWN: Refused(
        _T, "We cannot tell just now whether we may", "The permission records do not answer. Try again in a moment."
    ),
    Reason.MISLABELLED: Refused(_X, "This reads like an offer", "Take the offer out, then send."),
    Reason.POM: Refused(_X, "The text names a prescription medicine", "Speak of the consultation and the concern instead."),
    Reason.CONTENT: Refused(_X, "The text may not go as it is", "Take out what presses or promises, then send."),
    Reason.FOOTER: Refused(_X, "The text does not say who writes or how to stop", "Add the footer, then send."),
    Reason.HEALTH_LEAK: Refused(_X, "A text message shows on a locked screen", "Leave the treatment out, then send."),
    Reason.UNDER_18: Refused(_C, "{name} is under 18", "Pass this to a clinician."),
    Reason.AGE_UNKNOWN: Refused(_C, "We do not know that {name} is 18", "Pass this to a clinician."),
    Reason.UNDER18_PROCEDURE: Refused(_C, "We do not book this under 18", "Pass this to a clinician."),
    Reason.NOT_CLINICIAN: Refused(_C, "Only a clinician may send this", "Pass this to a clinician."),
    Reason.BAD_ADDRESS: Refused(_B, "We have no working address {by}", "Ask {name} for another on the next occasion."),
    Reason.NO_ROUTE: Refused(_B, "Nothing can leave {by}", "The channel is not connected. An administrator can look into it."),
    Reason.BAD_INPUT: Refused(_B, "Something about this message could not be read", "Nothing was sent. An administrator can look into it."),
    Reason.NO_RULE: Refused(_B, "No rule allows this message", "Nothing was sent."),
}
TONES = {Family.TIME: "wait", Family.BROKEN: "alarm"}


def refusal(reason: Reason, **marks: str) -> Refused:
    """The entry with its marks filled. A sentence whose time is not known leaves that sentence out."""
    found = REFUSALS[reason]
    told = [s for s in found.advice.removesuffix(".").split(". ") if marks.get("time") or "{time}" not in s]
    advice = ". ".join(told) + "."
    return Refused(found.family, found.heading.format_map(marks), advice.format_map(marks))
