"""Ways to speak when a reply window is shut: an approved template, or a person's own words under the human-agent tag. Pure.

What goes is chosen here; whether it may go is the judge's alone (policy §2.5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hub.gate.routes import capabilities
from hub.model.message import HUMAN_AGENT_TAG, Account
from hub.model.permission import Kind, TemplateStatus
from hub.model.sealed import Sealed
from hub.model.template import CannotFill, Template, TemplateUse
from hub.settings import Clinic, Settings


class UnknownTemplate(Exception):
    """The account has no such approved template, or one of its slots was left empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A template somebody picked: its id in templates.toml, its language, and what they wrote into its slots."""

    id: str
    locale: str
    values: Mapping[str, Sealed[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worded:
    """How a message leaves: as free text, or as the template named. status: what the judge is told."""

    text: Sealed[str]
    template_id: str | None = None
    variables: tuple[tuple[str, Sealed[str]], ...] = ()
    status: TemplateStatus = TemplateStatus.NONE


def house_values(clinic: Clinic) -> dict[str, str]:
    """The slots the hub fills in by itself."""
    return {
        "clinic": clinic.trading_name,
        "legal_name": clinic.legal_name,
        "company_number": clinic.company_number,
        "registered_in": clinic.registered_in,
        "registered_office": clinic.registered_office,
        "postal_address": clinic.postal_address,
    }


def offered(settings: Settings, account: Account | None) -> list[Template]:
    """The answers staff may pick on an account: approved, and not for marketing."""
    if account is None:
        return []
    useful = [t for t in settings.templates if t.account_id == account.id and t.use is TemplateUse.REPLY]
    return [t for t in useful if t.status is TemplateStatus.APPROVED_UTILITY]


def worded(settings: Settings, account: Account | None, choice: Choice) -> Worded:
    """The chosen template, filled. Raises UnknownTemplate."""
    fits = [t for t in offered(settings, account) if (t.id, t.locale) == (choice.id, choice.locale)]
    if not fits:
        raise UnknownTemplate(choice.id)
    values = {slot: value.reveal() for slot, value in choice.values.items()} | house_values(settings.clinic)
    try:
        return _filled(fits[0], values)
    except CannotFill as missing:
        raise UnknownTemplate(choice.id) from missing


def instead(settings: Settings, account: Account | None, kind: Kind, locale: str, text: Sealed[str], *, by_person: bool) -> Worded | None:
    """What may be tried in place of free words when the window is shut; None where there is nothing."""
    if account is None:
        return None
    if kind is Kind.DOI:
        return _question(settings, account, locale)
    if kind is Kind.RPL and by_person and human_agent(account):
        return Worded(text=text, template_id=HUMAN_AGENT_TAG, status=TemplateStatus.HUMAN_AGENT_TAG)
    return None


def human_agent(account: Account) -> bool:
    """Whether a person's own words may go under the tag: the channel has it, and Meta approved it for this account."""
    return capabilities(account).human_agent and account.options.get("human_agent") is True


def _question(settings: Settings, account: Account, locale: str) -> Worded | None:
    fits = [t for t in settings.templates if t.account_id == account.id and t.use is TemplateUse.CONFIRMATION and t.approved]
    found = nearest(fits, locale)
    return _filled(found, house_values(settings.clinic)) if found else None


def nearest(fits: Sequence[Template], locale: str) -> Template | None:
    """The one in this language, else in its family, else the first in English, else the first."""
    family = locale.partition("-")[0]
    for wanted in (lambda t: t.locale == locale, lambda t: t.locale.partition("-")[0] == family, lambda t: t.locale.startswith("en")):
        if found := next(filter(wanted, fits), None):
            return found
    return fits[0] if fits else None


def _filled(template: Template, values: Mapping[str, str]) -> Worded:
    return Worded(
        text=Sealed(template.filled(values)),
        template_id=template.provider_id,
        variables=template.variables(values),
        status=template.status,
    )
