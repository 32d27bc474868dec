"""Approved templates: what a provider lets us say outside its reply window, word for word but for the slots (policy §2.5)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final

from hub.model.ids import AccountId
from hub.model.permission import TemplateStatus
from hub.model.sealed import Sealed

SLOT: Final = re.compile(r"\{([a-z][a-z0-9_]{0,39})\}")
MAX_BODY: Final = 1024  # channels.md §6.2; Twilio passes the same on
MAX_VALUE: Final = 200


class TemplateCategory(StrEnum):
    """What the provider approved it as. Marketing goes by campaigns alone, never as an answer."""

    UTILITY = "utility"
    MARKETING = "marketing"


class TemplateUse(StrEnum):
    """Who says it: staff as an answer, or the hub as its one question to a typed address (policy §2.3, DOI)."""

    REPLY = "reply"
    CONFIRMATION = "confirmation"


class CannotFill(Exception):
    """A slot without a value, or a text that became too long. Names the slot, never a value."""


@dataclass(frozen=True)
class Template:
    """One approved text of one account in one language. Not slotted, since what is derived is kept.

    provider_id: as the adapter takes it (`OutboundMessage.template_id`): a ContentSid, or "name:language". named: the provider
    knows the slots by their names; else by their place, "1", "2", … in the order they first appear. approved: the
    provider has said yes; one that is not is shown nowhere and never sent.
    """

    id: str
    account_id: AccountId
    locale: str
    title: str
    body: str
    category: TemplateCategory
    use: TemplateUse
    provider_id: str
    named: bool
    approved: bool

    @cached_property
    def slots(self) -> tuple[str, ...]:
        """The names in braces, each once, in order."""
        return tuple(dict.fromkeys(SLOT.findall(self.body)))

    @property
    def status(self) -> TemplateStatus:
        """What the judge is told of it."""
        if not self.approved:
            return TemplateStatus.NOT_APPROVED
        return TemplateStatus.APPROVED_MARKETING if self.category is TemplateCategory.MARKETING else TemplateStatus.APPROVED_UTILITY

    def filled(self, values: Mapping[str, str]) -> str:
        """The text as the person will read it. Raises CannotFill."""
        clean = self._clean(values)
        text = SLOT.sub(lambda found: clean[found[1]], self.body)
        if len(text) > MAX_BODY:
            raise CannotFill("too_long")
        return text

    def variables(self, values: Mapping[str, str]) -> tuple[tuple[str, Sealed[str]], ...]:
        """The values as the provider wants them. Raises CannotFill."""
        clean = self._clean(values)
        return tuple((slot if self.named else str(place), Sealed(clean[slot])) for place, slot in enumerate(self.slots, start=1))

    def _clean(self, values: Mapping[str, str]) -> dict[str, str]:
        # Providers refuse an empty value, and line breaks, tabs or many spaces within one.
        clean = {slot: " ".join(values.get(slot, "").split()) for slot in self.slots}
        for slot, value in clean.items():
            if not value or len(value) > MAX_VALUE:
                raise CannotFill(slot)
        return clean
