"""Having a draft's text checked before the judge is asked: the rules are pure, this gathers what they look at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from channels.mail import letter
from hub.lint_rules import load_lint_rules
from hub.model.address import Channel
from hub.model.permission import ContentFacts, Kind
from hub.policy.lint import Finding, LintRules, LintText, SenderIdentity, check, content_facts, names_same_medicine
from hub.settings import Settings
from hub.settings.senders import identity_of
from hub.store import drafts
from hub.store.pool import Connection

if TYPE_CHECKING:
    from hub.gate.asking import Draft

_SAY_WHO_WE_ARE: Final = frozenset({Kind.OOC, Kind.DOI, Kind.NTC})  # policy §2.3, gate 21; news are examined by `hub/campaigns`


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What the check found, for the judge (`facts`) and for the person at the screen (`findings`)."""

    facts: ContentFacts
    findings: tuple[Finding, ...]
    version: str
    content_hash: bytes


@lru_cache(maxsize=4)
def rules_in(config_dir: Path) -> LintRules:
    """The content rules of this installation, read once."""
    return load_lint_rules(config_dir / "lint")


def sender_identity(settings: Settings) -> SenderIdentity:
    """Who our messages say they are from."""
    clinic = settings.clinic
    return SenderIdentity(
        clinic_name=clinic.trading_name,
        legal_name=clinic.legal_name,
        company_number=clinic.company_number,
        registered_in=clinic.registered_in,
        registered_office=clinic.registered_office,
        postal_address=clinic.postal_address,
    )


async def examine(conn: Connection, draft: Draft, *, settings: Settings) -> Examined:
    """Check the draft. A medicine may be named in an answer to a person who named it first, in this thread (policy §8.3)."""
    rules = rules_in(settings.config_dir)
    text = LintText(channel=draft.channel, text=_as_sent(draft, settings), kind=draft.kind, sender=sender_identity(settings))
    report = check(text, rules)
    own = report.has("pom") and draft.kind is Kind.RPL and await _asked_about_it(conn, draft, rules)
    facts = content_facts(report, kind=draft.kind, answers_own_question=own)
    return Examined(facts=facts, findings=report.findings, version=report.version, content_hash=report.content_hash)


def _as_sent(draft: Draft, settings: Settings) -> str:
    """The text; where it has to say who we are, with the foot every mail gets."""
    text = draft.text.reveal()
    if draft.channel is not Channel.EMAIL or draft.kind not in _SAY_WHO_WE_ARE:
        return text
    return f"{text}\n\n{letter.footer(identity_of(settings.clinic), marketing=False)}"


async def _asked_about_it(conn: Connection, draft: Draft, rules: LintRules) -> bool:
    words = [w.reveal() for w in await drafts.own_words(conn, draft.conversation_id)]
    return names_same_medicine(words, draft.text.reveal(), rules)
