"""What the campaign pages call things. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from hub.model.campaign import DUPLICATE, CampaignState, Purpose
from hub.model.permission import Reason

# state -> chip's words, icon, tone
STATES: Mapping[CampaignState, tuple[str, str, str]] = {
    CampaignState.DRAFT: ("Waiting for approval", "clock", "wait"),
    CampaignState.APPROVED: ("Approved", "check", "yes"),
    CampaignState.SCHEDULED: ("Planned", "cal", "yes"),
    CampaignState.RUNNING: ("Sending", "send", "yes"),
    CampaignState.PAUSED: ("Paused", "pause", "wait"),
    CampaignState.FINISHED: ("Finished", "check", "yes"),
    CampaignState.CANCELLED: ("Stopped for good", "stop", "rest"),
}
PURPOSES: Mapping[Purpose, str] = {
    Purpose.PROMOTION: "New treatments and offers",
    Purpose.NEWSLETTER: "Newsletter",
    Purpose.EVENT: "Event at the clinic",
}
# The sheet's lines, in the judge's order (policy §2.2). {subject} and {via} are filled in.
EXCLUSIONS: Mapping[str, str] = {
    Reason.PAUSED: "All news is switched off",
    Reason.NO_ROUTE: "This channel cannot send",
    Reason.DECEASED: "Has died",
    Reason.BAD_ADDRESS: "No address here, or a wrong one",
    Reason.ERASED: "Erased",
    Reason.ERASURE_PENDING: "Asked to be erased",
    Reason.STOP_ALL: "Asked us not to contact them at all",
    Reason.STOP_CHANNEL: "Asked to stop {via}",
    Reason.RESTRICTED: "Restricted, or a rights case is open",
    Reason.UNDER_18: "Under 18",
    Reason.AGE_UNKNOWN: "Age not confirmed",
    Reason.SUPPRESSED: "Ended all marketing",
    Reason.OBJECTED: "Objected to it",
    Reason.COUNTRY: "Country not switched on",
    Reason.NO_CONSENT: "Never agreed to this news {via}",
    Reason.CONSENT_UNPROVEN: "Agreed, but we cannot prove it",
    Reason.CONSENT_EXPIRED: "Agreement older than 24 months",
    Reason.CONSENT_UNCONFIRMED: "Agreed, address never confirmed",
    Reason.HEALTH_SELECTION: "Chosen by their health",
    Reason.NOT_RELEVANT: "Did not ask about {subject}",
    Reason.POM: "The text names a prescription medicine",
    Reason.CONTENT: "The text presses or trivialises",
    Reason.FOOTER: "The text does not say who writes, or how to stop it",
    Reason.HEALTH_LEAK: "The text would show health matters on a locked screen",
    Reason.WINDOW_USED: "Every free message there was used",
    Reason.WINDOW: "Only approved templates may go there",
    Reason.CAP: "Already had enough news",
    Reason.QUIET: "Quiet hours",
    DUPLICATE: "Address shared with another person on the list",
}
VIA: Mapping[str, str] = {"sms": "by SMS", "email": "by email"}

# What became of one person: words, icon, tone
OUTCOMES: Mapping[str, tuple[str, str, str]] = {
    "pending": ("Still to be asked", "clock", "line"),
    "cancelled": ("Not sent", "stop", "line"),
    "refused": ("Refused", "hand", "rest"),
    "sending": ("Leaving now", "send", "yes"),
    "accepted": ("Sent", "tick1", "yes"),
    "sent": ("Sent", "tick1", "yes"),
    "delivered": ("Delivered", "tick2", "yes"),
    "read": ("Read", "tick2", "yes"),
    "failed": ("Failed", "alert", "alarm"),
    "unknown": ("Not known", "alert", "wait"),
}
DONE = {
    "created": "Written. Somebody else has to approve it.",
    "changed": "Changed.",
    "approved": "Approved. The list is being written down.",
    "scheduled": "Planned.",
    "unscheduled": "It is not planned any more.",
    "sent_back": "Sent back to be changed.",
    "started": "It begins now.",
    "paused": "Paused. Nobody is let go until you resume it.",
    "resumed": "It goes on.",
    "cancelled": "Stopped for good.",
}


def exclusion(reason: str, *, channel: str, subject: str) -> str:
    """The sheet's words for a reason; a code nobody has words for is shown as it is."""
    return EXCLUSIONS.get(reason, reason).replace("{via}", VIA.get(channel, "here")).replace("{subject}", subject)
