"""When a campaign pauses itself: too many sends fail, or too many who got it complain or write stop. Pure.

The shares are the clinic's settings (config/policy.toml). A few people are no share: one stop among ten says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from hub.model.campaign import Reactions
from hub.model.permission import PolicySettings

FEWEST = 3  # how often it must have happened


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One thing that pauses a campaign. people: to how many of those let go it happened. permille: the share it may not pass."""

    name: str
    words: str
    people: int
    let_go: int
    permille: int

    @property
    def passed(self) -> bool:
        """Whether it is more than may be."""
        return self.people >= FEWEST and self.people * 1000 > self.let_go * self.permille

    @property
    def share(self) -> str:
        """What it is now, as "0.38%"."""
        return f"{self.people / self.let_go:.2%}" if self.let_go else "0%"


def limits(reactions: Reactions, policy: PolicySettings) -> tuple[Limit, ...]:
    """Each limit with its present value."""
    found = (
        ("failed", "Failures pass", reactions.failed, policy.campaign_failed_permille),
        ("complained", "Complaints pass", reactions.complained, policy.campaign_complained_permille),
        ("stopped", "Stops pass", reactions.stopped, policy.campaign_stopped_permille),
    )
    return tuple(
        Limit(name=name, words=f"{words} {permille / 10:g}%", people=people, let_go=reactions.let_go, permille=permille)
        for name, words, people, permille in found
    )
