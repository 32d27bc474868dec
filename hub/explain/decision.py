"""`hub explain decision`: may this be sent, on these facts? Asks the judge alone; touches no database and no settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.explain.facts import read_facts
from hub.model.permission import Outcome, PolicySettings, Reason
from hub.policy.permission import decide
from hub.policy.sentences import sentence


def explain_line(line: str) -> dict[str, Any]:
    """The decision on one JSON line of facts (see `read_facts`), with the policy's own numbers.

    Answers {"outcome", "reason", "gate", "proofs", "retry_at"}, or {"error": …} for a line that is no JSON object.
    The soft opt-in counts as switched on where the line says so.
    """
    try:
        facts = read_facts(line)
    except ValueError as error:
        return {"error": str(error)}
    decision = decide(facts, PolicySettings(soft_optin=facts.soft_optin.enabled))
    return {
        "outcome": str(decision.outcome),
        "reason": str(decision.reason),
        "gate": decision.gate,
        "proofs": list(decision.proofs),
        "retry_at": None if decision.retry_at is None else decision.retry_at.isoformat(),
    }


def human(result: Mapping[str, Any]) -> str:
    """The same as a line to read: the outcome, why, and when to ask again or what it stands on."""
    if "error" in result:
        return f"This line could not be read: {result['error']}"
    said = sentence(Reason(result["reason"]), "en").rstrip("?.")
    if result["outcome"] == Outcome.ALLOW:
        return f"ALLOW  {said}: {', '.join(result['proofs'])}"
    again = f". Ask again at {result['retry_at']}" if result["retry_at"] else ""
    return f"REFUSE  {result['reason']} at gate {result['gate']}: {said}{again}"
