"""What remote mail servers mean: the judgement over their words (`words/bounce_meanings.toml`) and their codes.

The rule behind it: silencing a person because a mailbox was full or a server was busy is worse than missing a bounce.
So words that protect outrank codes that condemn, and where words and codes disagree the answer is "unknown".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from channels.mail import words
from channels.mail.values import Permanence

HARD, SOFT, FULL, POLICY, UNKNOWN = Permanence.HARD, Permanence.SOFT, Permanence.FULL, Permanence.POLICY, Permanence.UNKNOWN

_SPACE = re.compile(r"\s+")
_ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\.\d|\d)")
_REPLY = re.compile(r"(?<![\d.#/-])([245]\d\d)(?=[ -]|:|$)(?![ -]?\d{4})")
_ADDRESS = re.compile(r"[a-z0-9!#$%&'*+/=?^_{|}~.-]{1,64}@[a-z0-9.-]{1,255}")
# Two dots at least; Exchange's own dotted words (RESOLVER.ADR.RecipNotFound) are no host names.
_HOST = re.compile(r"(?<![\w.])(?!resolver\.)(?=[a-z0-9.-]{0,80}[a-z])[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){2,10}\.?(?![\w])")
_LONGEST = 4000

# channels.md §2.4: the codes that name a missing mailbox, and those that must never suppress.
HARD_CODES = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
_FULL_CODES = frozenset({"5.2.2", "4.2.2"})
_SIZE_CODES = frozenset({"5.2.3", "5.3.4", "4.3.4"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """permanence; suppress only ever with HARD; status: the most telling enhanced code; evidence: a short constant."""

    permanence: Permanence
    suppress: bool
    status: str
    evidence: str


def _compiled() -> tuple[tuple[Permanence, str, re.Pattern[str]], ...]:
    rows = words.load("bounce_meanings")["meaning"]
    return tuple(
        (Permanence(row["permanence"]), row["source"], re.compile(words.any_of(map(words.phrase, row["phrases"])))) for row in rows
    )


_ROWS = _compiled()


def meanings(text: str) -> dict[Permanence, str]:
    """What the words of a diagnostic mean, each with the source of the first phrase that says so."""
    normal = _normal(text)
    found: dict[Permanence, str] = {}
    for meaning, source, pattern in _ROWS:
        if meaning not in found and pattern.search(normal):
            found[meaning] = source
    return found


def _normal(text: str) -> str:
    """Lower case, single spaces, and no names: "antispam.example.org" or "full.house@example.org" say nothing."""
    text = text[:_LONGEST].lower().replace("’", "'").replace("`", "'")
    return _SPACE.sub(" ", _HOST.sub(" ", _ADDRESS.sub(" ", text)))


def enhanced_codes(text: str) -> list[str]:
    """Every enhanced status code in the text, in order; version numbers and IP addresses are not taken for one."""
    return [".".join(found) for found in _ENHANCED.findall(text[:_LONGEST])]


def reply_class(text: str) -> str:
    """The class ("2", "4", "5") of the first SMTP reply code in a diagnostic, "" when there is none."""
    found = _REPLY.search(text[:_LONGEST])
    return found[1][0] if found else ""


def judge(*, action: str, status: str, diagnostic: str) -> Judgement:
    """What one recipient's report means. Never raises.

    action: lower case, "" when not given. status: the Status field or "". diagnostic: the remote server's words.
    """
    codes = enhanced_codes(diagnostic)
    best = codes[0] if codes else status
    if action in ("delivered", "relayed", "expanded"):
        return Judgement(permanence=UNKNOWN, suppress=False, status=best, evidence="action")
    if action == "delayed":
        kind = FULL if FULL in meanings(diagnostic) or best in _FULL_CODES else SOFT
        return Judgement(permanence=kind, suppress=False, status=best, evidence="action")
    said = meanings(diagnostic)
    by_codes = [_by_code(code) for code in dict.fromkeys([*codes, status]) if code]
    permanence, evidence = _by_words(said, by_codes, reply_class(diagnostic), bool(codes))
    if permanence is None:
        permanence, evidence = _agreed(by_codes, reply_class(diagnostic)), "status"
    return Judgement(permanence=permanence, suppress=permanence is HARD, status=best, evidence=evidence)


def _by_words(said: dict[Permanence, str], by_codes: list[Permanence], reply: str, remote_code: bool) -> tuple[Permanence | None, str]:
    """The words' verdict; None when they say nothing. Words that protect win over everything."""
    if FULL in said:
        return FULL, said[FULL]
    protecting = [kind for kind in (POLICY, SOFT) if kind in said]
    if HARD in said:
        if protecting or reply == "4":
            return UNKNOWN, "words_disagree"
        # The remote server's own code beside its words: full, policy or passing means that they disagree.
        if remote_code and by_codes[0] in (SOFT, FULL, POLICY):
            return UNKNOWN, "words_and_code_disagree"
        if FULL in by_codes or (not reply and not remote_code and SOFT in by_codes):
            return UNKNOWN, "words_and_code_disagree"
        return HARD, said[HARD]
    if len(protecting) == 2:
        return (SOFT if reply == "4" or SOFT in by_codes else POLICY), said[POLICY]
    if protecting:
        return protecting[0], said[protecting[0]]
    return None, ""


def _agreed(by_codes: list[Permanence], reply: str) -> Permanence:
    """The verdict of codes alone: hard only where every code says so and the reply class does not contradict."""
    telling = [kind for kind in by_codes if kind is not UNKNOWN]
    if not telling:
        return SOFT if reply == "4" else UNKNOWN
    if set(telling) == {HARD}:
        return UNKNOWN if reply == "4" else HARD
    protecting = [kind for kind in telling if kind is not HARD]
    return UNKNOWN if HARD in telling else protecting[0]


def _by_code(code: str) -> Permanence:
    """channels.md §2.4, from RFC 3463."""
    if code in HARD_CODES:
        return HARD
    if code in _FULL_CODES:
        return FULL
    if code in _SIZE_CODES or code.startswith("5.7."):
        return POLICY
    return SOFT if code.startswith("4.") else UNKNOWN
