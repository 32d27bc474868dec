"""`hub explain lint`: what the content check finds in a text, as JSON values or as sentences. Touches no database."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hub.lint_rules import default_lint_rules
from hub.model.address import Channel
from hub.model.permission import Kind
from hub.policy.lint import Finding, LintText, check

_FIELDS = ("subject", "preview", "locale", "kind")


def explain_line(line: str) -> dict[str, Any]:
    """The findings for one JSON line of {"channel", "text", "subject"?, "preview"?, "locale"?, "kind"?}.

    Answers {"findings": [{"rule", "where", "span", "severity", "reason", "words", "sentence", "sentence_zh"}], "version"},
    or {"error": …} for a line that is no such object. Spans count characters of that part; missing parts have [0, 0].
    """
    try:
        text = _read(json.loads(line))
    except (ValueError, RecursionError) as error:
        return {"error": str(error) if isinstance(error, _BadLine) else "not a JSON line"}
    report = check(text, default_lint_rules())
    return {"findings": [_show(finding) for finding in report.findings], "version": report.version}


class _BadLine(ValueError):
    """A line that names no channel or text we know."""


def _read(data: object) -> LintText:
    if not isinstance(data, Mapping) or not isinstance(data.get("text"), str):
        raise _BadLine('"text" must be a string')
    given = {name: data[name] for name in _FIELDS if data.get(name) is not None}
    for name, value in given.items():
        if not isinstance(value, str):
            raise _BadLine(f'"{name}" must be a string')
    if data.get("channel") not in tuple(Channel):
        raise _BadLine(f'"channel" must be one of {", ".join(Channel)}')
    if "kind" in given:
        if given["kind"] not in tuple(Kind):
            raise _BadLine(f'"kind" must be one of {", ".join(Kind)}')
        given["kind"] = Kind(given["kind"])
    return LintText(channel=Channel(data["channel"]), text=data["text"], **given)


def _show(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "where": str(finding.where),
        "span": list(finding.span),
        "severity": str(finding.severity),
        "reason": None if finding.reason is None else str(finding.reason),
        "words": finding.words,
        "sentence": finding.sentence,
        "sentence_zh": finding.sentence_zh,
    }


def human(result: Mapping[str, Any]) -> str:
    """The same as lines to read: severity, place and sentence, one finding a line."""
    if "error" in result:
        return f"This line could not be read: {result['error']}"
    if not result["findings"]:
        return "Nothing found. This text may go as far as its words are concerned"
    return "\n".join(f"{f['severity']:6}  {f['where']}  {f['rule']}: {f['sentence']}" for f in result["findings"])
