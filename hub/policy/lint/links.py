"""Links in outbound texts: our own pages only, and nothing about the person in them (policy R33)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote, urlsplit

from hub.policy.lint.fold import fold
from hub.policy.lint.part import MAX_PER_RULE, Part
from hub.policy.lint.rule_table import severity
from hub.policy.lint.rules import LintRules
from hub.policy.lint.values import Finding, LintText, Severity

_URL = re.compile(r"(?:https?://|(?<![\w.@])www\.)[^\s<>\"“”‘’，。；、）)\]]{1,2000}", re.IGNORECASE)
_PERSONAL_KEY = re.compile(
    r"(?i)^(?:e?-?mail(?:_?address)?|phone|tel|mobile|msisdn|name|first_?name|last_?name|full_?name|surname|dob|birth\w{0,8}|nhs\w{0,8}|patient\w{0,8}|contact|address|postcode)$"
)
_PERSONAL_VALUE = re.compile(r"@|^(?:\+|00)?\d{10,15}$|\{{1,2}\s?(?:\w{0,20}name|\w{0,10}e?mail|phone|mobile|dob)\b", re.IGNORECASE)
_TRAILING = ".,;:!?'"


def check_links(text: LintText, part: Part, rules: LintRules) -> Iterator[Finding]:
    """At most one finding per link, the gravest first."""
    count = 0
    for match in _URL.finditer(part.raw):
        if count == MAX_PER_RULE:
            return
        url = match[0].rstrip(_TRAILING)
        rule = _fault(url, text.allowed_hosts, rules)
        level = rule and severity(rule, text.kind)
        if rule and level:
            count += 1
            span = (match.start(), match.start() + len(url))
            # the sentence quotes host and path only: the rest may be somebody's address
            shown = re.split(r"[?#]", url, maxsplit=1)[0]
            yield Finding(rule=rule, span=span, where=part.where, severity=Severity(level), words=shown)


def _fault(url: str, allowed: frozenset[str] | None, rules: LintRules) -> str | None:
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        host = (parts.hostname or "").lower().removeprefix("www.")
        userinfo = parts.username
    except ValueError:
        return "link.host"
    if userinfo or any(_is_personal(key, value) for key, value in _pairs(parts.query, parts.fragment)):
        return "link.personal"
    if _tells_health(f"{parts.query} {parts.fragment}", rules):
        return "link.health"
    if allowed is None:
        return "link.unlisted"
    listed = {name.lower().removeprefix("www.") for name in allowed}
    return None if any(host == name or host.endswith(f".{name}") for name in listed) else "link.host"


def _pairs(*queries: str) -> Iterator[tuple[str, str]]:
    for query in queries:
        yield from parse_qsl(query, keep_blank_values=True, errors="replace")
        if "=" not in query:
            yield "", unquote(query, errors="replace")


def _is_personal(key: str, value: str) -> bool:
    return bool(_PERSONAL_KEY.match(key) and value) or bool(_PERSONAL_VALUE.search(value))


def _tells_health(query: str, rules: LintRules) -> bool:
    if not query.strip():
        return False
    folded = fold(re.sub(r"[-_+=&./]", " ", unquote(query, errors="replace")))
    return any(hit.rule.startswith("health.") for hit in rules.book.find(folded.text)) or bool(rules.medicines.find(folded, 1))
