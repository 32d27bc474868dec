"""Words for what went wrong with one message or one file; why we may not speak at all stands in `refusals`."""

from __future__ import annotations

from hub.desks.inbox.refusals import refusal
from hub.model.address import Channel
from hub.model.permission import Reason
from hub.store.thread import FileRow

# The provider's code (Twilio "Error and Warning Dictionary") or ours, and what it means for the person at the screen.
DELIVERY = {
    "30001": "the provider had too much waiting",
    "30002": "our account at the provider is closed",
    "30003": "the phone was off or out of reach",
    "30004": "the message was blocked",
    "30005": "this number does not exist",
    "30006": "this number takes no text messages",
    "30007": "the network took it for spam",
    "30008": "the network gave no reason",
    "21211": "this is no number",
    "21408": "our account may not write to that country",
    "21610": "they told the provider to stop us",
    "21614": "this number takes no text messages",
    "landline": "this is a landline, where a robot might read it out aloud",
    "63016": "the window for free replies had closed",
    "63024": "this number is not on WhatsApp",
    "settled_by_staff": "a colleague found that it did not arrive",
    "not_sent": "the provider could not be reached",
    "throttled": "the provider had too much waiting",
    "account_invalid": "our account at the provider does not work",
}
FILES = {
    "too_large": "larger than we take in",
    "type": "a kind of file we do not open",
    "gone": "no longer at the provider",
    "refused": "not taken in",
    "taken_back": "taken back by the sender",
}


def delivery_words(code: str | None) -> str:
    """Why a message did not arrive, to stand after "Not delivered: "."""
    known = DELIVERY.get(code or "")
    return known or ("the provider gave no reason" if code is None else f"the provider refused it (code {code})")


def file_words(row: FileRow) -> str:
    """The state of an attachment in a few words."""
    if row.state == "pending":
        return "being fetched"
    if row.state == "refused":
        return f"Not kept: {FILES.get(row.refusal or '', 'not taken in')}"
    return size_words(row.size)


def size_words(size: int | None) -> str:
    """ "412 KB", "3.1 MB"."""
    if size is None:
        return "kept"
    return f"{max(1, round(size / 1000))} KB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"


def refused_words(reason: Reason | None, *, name: str, channel: Channel) -> str:
    """Why a message of ours stayed here."""
    found = refusal(reason or Reason.NO_RULE, name=name, channel=channel)
    return f"{found.heading}. {found.advice}".removesuffix(".")
