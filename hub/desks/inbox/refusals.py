"""Why we may not speak, as the inbox shows it: the policy's own sentences and the look of each family (looks §6)."""

from __future__ import annotations

from dataclasses import dataclass

from hub.model.address import Channel
from hub.model.permission import Reason
from hub.policy.sentences import family, heading, remedy

TEXT = "text"  # the family whose fault lies in the words: the composer stays, the text is kept
TONES = {"time": "wait", "broken": "alarm"}  # every other family is somebody's wish or a missing ground: "rest"


@dataclass(frozen=True, slots=True)
class Refused:
    """heading: who decided what. advice: what would change it; "" where nothing would."""

    family: str
    heading: str
    advice: str


def refusal(reason: Reason, *, name: str, channel: Channel | str, time: str = "") -> Refused:
    """The two sentences for a reason. time: when it was said or when it ended, already in words; "" when not known."""
    values = {"name": name, "channel": str(channel), "time": time}
    advice = remedy(reason, "en", **values)
    return Refused(family(reason), heading(reason, "en", **values), f"{advice.rstrip('.')}." if advice else "")


def about_text(reason: Reason) -> bool:
    """Whether the text is at fault rather than the moment or the person."""
    return family(reason) == TEXT
