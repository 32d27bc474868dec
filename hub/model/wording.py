"""Sentences people are shown, as versioned values. A published version never changes: a new sentence is a new version."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """One sentence in one language. The text is all that is shown, small print included (policy §5).

    locale: BCP 47, "en", "zh-Hans". channel and purpose: set for consent sentences only. offered: the hosted form
    shows it. reviewed: a native speaker has approved it. `{name}` marks are filled by `filled`.
    """

    id: str
    version: int
    locale: str
    text: str
    valid_from: datetime
    reviewed: bool
    channel: str | None = None
    purpose: str | None = None
    offered: bool = False

    @property
    def text_hash(self) -> bytes:
        """SHA-256 of the text in UTF-8: what a consent record proves it was shown."""
        return hashlib.sha256(self.text.encode()).digest()

    @property
    def sentence(self) -> str:
        """The first line: what stands beside the box."""
        return self.text.partition("\n")[0]

    @property
    def small_print(self) -> str:
        """The rest, shown under the sentence; empty when there is none."""
        return self.text.partition("\n")[2]

    def filled(self, **values: str) -> str:
        """The text with its marks replaced; an unknown mark stays as it is, so nothing is lost in silence."""
        text = self.text
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", value)
        return text
