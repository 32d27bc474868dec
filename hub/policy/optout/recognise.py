"""One inbound text -> what the person wants of us: the whole recogniser in one pass (policy §3)."""

from __future__ import annotations

from hub.model.permission import OptOutLabel, Scope, Signal, TextContext
from hub.policy.optout.lexicon import Lexicon
from hub.policy.optout.normalise import fold
from hub.policy.optout.tokens import tokenise
from hub.policy.optout.visible import visible
from hub.policy.optout.whole import whole_message


def recognise(text: str, context: TextContext, lexicon: Lexicon) -> Signal:
    """What the text asks for. Never raises, never logs; linear in the text."""
    folded = fold(visible(text))
    tokens = tokenise(folded.text, lexicon)
    hit = whole_message(tokens, context, lexicon)
    if hit is None:
        return Signal(label=OptOutLabel.NONE)
    keyword, first, last = hit
    span = folded.span(tokens.starts[first], tokens.ends[last])
    if keyword.kind in ("start", "help"):
        label = OptOutLabel.OPT_IN if keyword.kind == "start" else OptOutLabel.HELP
        return Signal(label=label, rule_id=f"L1.{keyword.kind}", language=keyword.language, matched_span=span)
    suppress = ((Scope.CHANNEL, context.channel), (Scope.ALL_MARKETING, None))
    flags = ("appointment?",) if keyword.kind == "cancel" and context.appointment_pending else ()
    return Signal(
        label=OptOutLabel.OPT_OUT,
        suppress=suppress,
        rule_id=f"L1.{keyword.kind}",
        language=keyword.language,
        matched_span=span,
        flags=flags,
    )
