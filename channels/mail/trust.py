"""Whether the From of a mail may be believed: our own server's Authentication-Results (RFC 8601), and nothing else."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from channels.mail import headers
from channels.mail.parts import Part


@dataclass(frozen=True, slots=True)
class Trust:
    """trusted: DMARC passed for exactly the From domain. detail: a short constant for the record."""

    trusted: bool
    detail: str


_RESULT = re.compile(r"^\s*dmarc\s*=\s*([a-z]+)\b", re.I)
_FROM = re.compile(r"\bheader\.from\s*=\s*\"?([^\s;\"]+)", re.I)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?|[()]|[^"()]+', re.DOTALL)
_MEANINGFUL = re.compile(r'[\s;="\\]')
_MOST_HEADERS = 10


def judge(root: Part, from_addresses: Sequence[str], authserv_ids: Collection[str]) -> Trust:
    """The trust a mail earns (channels.md §2.2).

    from_addresses: every mailbox of every From header. authserv_ids: the names our own receiving servers sign
    their results with; none configured means nothing is trusted. Only the topmost unbroken run of results that
    bear our name counts: those further down came with the mail.
    """
    if len(from_addresses) != 1 or len(root.raw("from")) != 1:
        return Trust(False, "several_from" if from_addresses else "no_from")
    domain = from_addresses[0].rpartition("@")[2].strip().lower().rstrip(".")
    known = {name.lower() for name in authserv_ids}
    run = [_clauses(value) for value in _topmost_run(root)]
    ours = [clauses for clauses in run if _authserv_id(clauses) in known]
    if not ours or not domain:
        return Trust(False, "no_result")
    verdicts = [verdict for clauses in ours for verdict in _dmarc(clauses)]
    if not verdicts:
        return Trust(False, "no_dmarc")
    # Two answers that differ are no answer.
    if all(result == "pass" and _ascii(named) == _ascii(domain) for result, named in verdicts):
        return Trust(True, "dmarc_pass")
    return Trust(False, "dmarc_not_aligned" if all(result == "pass" for result, _ in verdicts) else "dmarc_not_passed")


def _topmost_run(root: Part) -> list[str]:
    """The Authentication-Results that stand together at the top; any other field but Received-SPF ends the run."""
    run: list[str] = []
    for field in root.fields:
        if field.name == "authentication-results":
            run.append(headers.raw_text(field.value))
        elif run and field.name != "received-spf":
            break
    return run[:_MOST_HEADERS]


def _authserv_id(clauses: Sequence[str]) -> str:
    words = clauses[0].split()
    return words[0].lower() if words else ""


def _dmarc(clauses: Sequence[str]) -> list[tuple[str, str]]:
    """(result, header.from) of each dmarc clause."""
    found = []
    for clause in clauses[1:]:
        result = _RESULT.match(clause)
        if result:
            named = _FROM.search(clause)
            found.append((result[1].lower(), named[1].rpartition("@")[2].lower().rstrip(".") if named else ""))
    return found


def _clauses(value: str) -> list[str]:
    """A value split at its semicolons, comments dropped, quoted strings without the characters that mean something.

    Quoted values carry what the sender said (a HELO name, a local part), so nothing inside them may end a clause.
    """
    out: list[str] = []
    depth = 0
    for token in _TOKEN.finditer(value):
        text = token[0]
        if text == "(":
            depth += 1
        elif text == ")":
            depth = max(0, depth - 1)
        elif not depth:
            out.append(_MEANINGFUL.sub("_", text[1:]) if text.startswith('"') else text)
    return "".join(out).split(";")


def _ascii(domain: str) -> str:
    try:
        return domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError:
        return domain
