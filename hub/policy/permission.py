"""The judge: may this message be sent, and on what ground? Pure and total: same facts, same answer, never an exception.

Source: policy §2. No rule that says yes means no.
"""

from __future__ import annotations

from hub.model.permission import Decision, Facts, Kind, Outcome, PolicySettings, Reason
from hub.policy.basis import proofs
from hub.policy.gates import BY_KIND

POLICY_VERSION = "2026-11.1"
LAST_GATE = 26


def decide(facts: Facts, settings: PolicySettings) -> Decision:
    """Walk the gates of the message's kind in order; the first refusal wins, and only the end of the road allows.

    A refusal with `retry_at` is a postponement: ask again then, never assume. Facts of the wrong shape refuse.
    """
    try:
        return _walk(facts, settings)
    except Exception:  # whatever the facts are made of, no answer may become a yes
        return _refuse(facts, 1, Reason.BAD_INPUT)


def _walk(facts: Facts, settings: PolicySettings) -> Decision:
    kind = facts.kind
    if type(kind) is not Kind:
        return _refuse(facts, 1, Reason.BAD_INPUT)
    for number, gate in BY_KIND[kind]:
        refusal = gate(facts, settings)
        if refusal is None:
            continue
        if type(refusal) is tuple:
            return _refuse(facts, number, refusal[0], refusal[1])
        return _refuse(facts, number, refusal)  # type: ignore[arg-type]
    return Decision(
        outcome=Outcome.ALLOW,
        reason=Reason.ALLOW,
        gate=LAST_GATE,
        policy_version=POLICY_VERSION,
        facts=facts,
        proofs=proofs(facts, settings),
    )


def _refuse(facts: Facts, gate: int, reason: Reason, retry_at: object = None) -> Decision:
    return Decision(
        outcome=Outcome.REFUSE,
        reason=reason,
        gate=gate,
        policy_version=POLICY_VERSION,
        facts=facts,
        retry_at=retry_at,  # type: ignore[arg-type]
    )
