"""`hub explain optout`: what the recogniser makes of a text, and why. Reads lines, touches no database, keeps nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hub.lexicon import DEFAULT_CONFIG, load_lexicon
from hub.model.address import Channel
from hub.model.permission import Kind, OptOutLabel, Scope, TextContext
from hub.policy.optout import recognise

_SENTENCES = {
    OptOutLabel.OPT_OUT: "An opt-out: it takes effect at once",
    OptOutLabel.AMBIGUOUS: "May be an opt-out: marketing stops at once and staff are asked",
    OptOutLabel.RIGHTS: "A request about personal data ({rights}): a case is opened",
    OptOutLabel.WRONG_PERSON: "We reached someone else: nothing more is sent to this address",
    OptOutLabel.OPT_IN: "Opens this channel again; marketing still needs a fresh consent",
    OptOutLabel.HELP: "Asks for help",
    OptOutLabel.NONE: "No opt-out",
}


def explain_line(line: str, config_dir: Path = DEFAULT_CONFIG) -> dict[str, Any]:
    """One JSON line {"text", "channel"?, "last_outbound"?, …} -> what was recognised and where.

    last_outbound: a message kind (policy §2.1) or {"kind"?, "offered"?: letters our text offered}. Also read: "prefix"
    (E.164 country prefix) and "appointment_pending". scope is a list such as ["CHANNEL(sms)", "ALL_MARKETING"].
    Answers {"error": …} for a line that is no such object.
    """
    try:
        text, context = _read(line)
    except (ValueError, RecursionError) as error:
        return {"error": str(error) or "not a JSON line"}
    signal = recognise(text, context, load_lexicon(config_dir))
    result: dict[str, Any] = {
        "label": str(signal.label),
        "scope": [_scope(scope, channel) for scope, channel in signal.suppress],
        "rule_id": signal.rule_id,
        "language": signal.language,
        "matched_span": list(signal.matched_span),
    }
    if signal.rights:
        result["rights"] = signal.rights
    if signal.flags:
        result["flags"] = list(signal.flags)
    return result


def human(result: Mapping[str, Any]) -> str:
    """The same answer as a sentence."""
    if "error" in result:
        return f"Not read: {result['error']}."
    sentence = _SENTENCES[OptOutLabel(result["label"])].format(rights=result.get("rights", ""))
    parts = [sentence]
    if result["scope"]:
        parts.append("it stops " + ", ".join(result["scope"]))
    if result["rule_id"]:
        language = f", language {result['language']}" if result["language"] else ""
        first, end = result["matched_span"]
        parts.append(f"by rule {result['rule_id']}{language}, characters {first} to {end}")
    if result.get("flags"):
        parts.append("flags: " + ", ".join(result["flags"]))
    return "; ".join(parts) + "."


def _read(line: str) -> tuple[str, TextContext]:
    try:
        asked = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError("not a JSON line") from error
    if not isinstance(asked, dict) or not isinstance(asked.get("text"), str):
        raise ValueError('"text" must be a string')
    return asked["text"], _context(asked)


def _context(asked: Mapping[str, Any]) -> TextContext:
    last = asked.get("last_outbound")
    outbound: dict[str, Any] = last if isinstance(last, dict) else {"kind": last}
    kind = outbound.get("kind")
    prefix = asked.get("prefix")
    return TextContext(
        channel=Channel(asked.get("channel", "sms")),
        last_outbound_kind=None if kind is None else Kind(kind),
        last_outbound_offered=tuple(str(letter) for letter in outbound.get("offered") or ()),
        sender_prefix=None if prefix is None else str(prefix),
        appointment_pending=bool(asked.get("appointment_pending", False)),
    )


def _scope(scope: Scope, channel: Channel | None) -> str:
    return str(scope) if channel is None else f"{scope}({channel})"
