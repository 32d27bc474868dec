"""`hub explain optout`: what the recogniser makes of a text, and why. Reads lines, touches no database, keeps nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from hub.lexicon import DEFAULT_CONFIG, load_lexicon
from hub.lint_rules import load_lint_rules
from hub.model.address import Channel
from hub.model.permission import Kind, OptOutLabel, Scope, TextContext, kind_of
from hub.model.sealed import Sealed
from hub.policy.lint import LintRules, LintText, check
from hub.policy.optout import recognise

_IN_A_WORD = {
    "marketing": Kind.MKT, "campaign": Kind.MKT, "newsletter": Kind.MKT, "promotion": Kind.MKT, "promo": Kind.MKT, "offer": Kind.MKT,
    "reply": Kind.RPL, "acknowledgement": Kind.ACK, "bot": Kind.BOT, "service": Kind.SVC, "reminder": Kind.SVC, "appointment": Kind.SVC,
}  # fmt: skip
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

    last_outbound: what we last sent them: its kind (policy §2.1, or in a word: "marketing"), its text, or {"kind"?, "text"?,
    "offered"?: letters it offered}. Of a text without kind the content check says whether it is marketing. Also read: "prefix"
    (E.164 country prefix) and "appointment_pending". scope is a list such as ["CHANNEL(sms)", "ALL_MARKETING"].
    Answers {"error": …} for a line that is no such object.
    """
    try:
        text, context = _read(line, config_dir)
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


def _read(line: str, config_dir: Path) -> tuple[str, TextContext]:
    try:
        asked = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError("not a JSON line") from error
    if not isinstance(asked, dict) or not isinstance(asked.get("text"), str):
        raise ValueError('"text" must be a string')
    return asked["text"], _context(asked, config_dir)


def _context(asked: Mapping[str, Any], config_dir: Path) -> TextContext:
    channel, prefix = Channel(asked.get("channel", "sms")), asked.get("prefix")
    kind, said, offered = _outbound(asked.get("last_outbound"))
    if kind is None and said is not None:
        kind = Kind.MKT if _sells(said, channel, config_dir) else Kind.RPL
    return TextContext(
        channel=channel,
        last_outbound_kind=kind,
        last_outbound_text=None if said is None else Sealed(said),
        last_outbound_offered=offered,
        sender_prefix=None if prefix is None else str(prefix),
        appointment_pending=bool(asked.get("appointment_pending", False)),
    )


def _outbound(last: object) -> tuple[Kind | None, str | None, tuple[str, ...]]:
    """Kind, text and offered letters of what we sent last, however it was written down."""
    if isinstance(last, str):
        last = {"text": last} if len(last.split()) > 1 or not last.isascii() else {"kind": last or None}
    if not isinstance(last, dict):
        return None, None, ()
    named, said = last.get("kind"), last.get("text")
    kind = None if named is None else _kind(str(named))
    return kind, said if isinstance(said, str) else None, tuple(str(letter) for letter in last.get("offered") or ())


def _kind(name: str) -> Kind:
    """The kind of that name, or the one a word means. Raises ValueError."""
    if kind := _IN_A_WORD.get(name.strip().lower()) or kind_of(name.strip().upper()):
        return kind
    raise ValueError(f"last_outbound: {name!r} is no kind of message: one of {', '.join(Kind)}")


def _sells(said: str, channel: Channel, config_dir: Path) -> bool:
    return check(LintText(channel=channel, text=said, kind=Kind.RPL), _rules(config_dir)).has("promo")


@cache
def _rules(config_dir: Path) -> LintRules:
    return load_lint_rules(config_dir / "lint")


def _scope(scope: Scope, channel: Channel | None) -> str:
    return str(scope) if channel is None else f"{scope}({channel})"
