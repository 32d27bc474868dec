"""Every rule of the content check: the refusal it leads to and the kinds of message it binds (policy §2.2, §8).

A table and nothing else. Adding a rule: one row here, one sentence in `sentences`, one list or function that finds it.
"""

from __future__ import annotations

from dataclasses import dataclass

from hub.model.permission import Kind, Reason

_ALL = frozenset(Kind)
_NOT_MARKETING = _ALL - {Kind.MKT, Kind.ADS}
_NEWS = frozenset({Kind.MKT, Kind.ADS})
_MEDICINE = frozenset({Kind.RPL, Kind.ACK, Kind.BOT, Kind.OOC, Kind.DOI, Kind.MKT, Kind.ADS, Kind.NTC})
_LEAK = _ALL - {Kind.RPL, Kind.SAF}
_IDENTITY = frozenset({Kind.OOC, Kind.DOI, Kind.MKT, Kind.NTC})
_BOOKING = frozenset({Kind.RPL, Kind.BOT, Kind.SVC})


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. kinds: those it binds. firm: refuses there; otherwise it warns. Elsewhere the finding is a note,
    or none at all where `quiet_elsewhere`. when_unknown: the severity while the kind is not known, or "none"."""

    reason: Reason | None
    kinds: frozenset[Kind]
    firm: bool = True
    quiet_elsewhere: bool = False
    when_unknown: str = "refuse"


RULES: dict[str, Rule] = {
    # gate 8
    "promo.offer": Rule(Reason.MISLABELLED, _NOT_MARKETING, quiet_elsewhere=True),
    # gate 13; under18.booking tells a fact, the judge knows the age
    "under18.booking": Rule(Reason.UNDER18_PROCEDURE, _BOOKING, firm=False, quiet_elsewhere=True, when_unknown="warn"),
    "under18.age": Rule(Reason.UNDER18_PROCEDURE, _BOOKING | _NEWS),
    # gate 19
    "pom.named": Rule(Reason.POM, _MEDICINE),
    "pom.implied": Rule(Reason.POM, _MEDICINE),
    # gate 20
    "pressure.time": Rule(Reason.CONTENT, _NEWS),
    "pressure.prize": Rule(Reason.CONTENT, _NEWS),
    "pressure.trivial": Rule(Reason.CONTENT, _NEWS),
    "pressure.guarantee": Rule(Reason.CONTENT, _NEWS),
    "pressure.insecurity": Rule(Reason.CONTENT, _NEWS),
    "pressure.young": Rule(Reason.CONTENT, _NEWS, quiet_elsewhere=True),
    "pressure.recipient": Rule(Reason.CONTENT, _NEWS, quiet_elsewhere=True, when_unknown="warn"),
    "claim.evidence": Rule(Reason.CONTENT, _NEWS, firm=False, when_unknown="warn"),
    "claim.picture": Rule(Reason.CONTENT, _NEWS, firm=False, when_unknown="warn"),
    "claim.patient": Rule(Reason.CONTENT, _NEWS, firm=False, when_unknown="warn"),
    "claim.fees": Rule(None, _NEWS, firm=False, quiet_elsewhere=True, when_unknown="none"),
    # gate 21
    "required.identity": Rule(Reason.FOOTER, _IDENTITY, quiet_elsewhere=True, when_unknown="warn"),
    "required.optout": Rule(Reason.FOOTER, frozenset({Kind.DOI, Kind.MKT}), quiet_elsewhere=True, when_unknown="warn"),
    "required.preferences": Rule(Reason.FOOTER, frozenset({Kind.MKT}), quiet_elsewhere=True, when_unknown="warn"),
    "required.consultation": Rule(Reason.CONTENT, frozenset({Kind.MKT}), quiet_elsewhere=True, when_unknown="none"),
    "required.terms": Rule(None, frozenset({Kind.MKT}), firm=False, quiet_elsewhere=True, when_unknown="none"),
    # gate 22
    "health.leak": Rule(Reason.HEALTH_LEAK, _LEAK),
    # the text as a link or a command: the editor refuses it, the judge is not asked (policy R33, §3.3)
    "link.personal": Rule(None, _ALL),
    "link.health": Rule(Reason.HEALTH_LEAK, _ALL),
    "link.host": Rule(None, _ALL),
    "link.unlisted": Rule(None, _ALL, firm=False, when_unknown="note"),
    "command.reserved": Rule(None, _ALL),
    "sms.segments": Rule(None, _ALL, firm=False, when_unknown="note"),
}


def severity(rule: str, kind: Kind | None) -> str | None:
    """ "refuse", "warn" or "note" for a finding of this rule in this kind of message; None when it is not a fault there."""
    row = RULES[rule]
    if rule == "sms.segments":
        return "note"
    if kind is None:
        return None if row.when_unknown == "none" else row.when_unknown
    if kind in row.kinds:
        return "refuse" if row.firm else "warn"
    return None if row.quiet_elsewhere else "note"
