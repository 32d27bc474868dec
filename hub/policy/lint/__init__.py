"""The content check: what a text must carry, and what it must never say (policy §8). Pure; says nothing of permission."""

from hub.policy.lint.findings import check, content_facts, content_hash, names_same_medicine
from hub.policy.lint.rules import LintRules, build_rules
from hub.policy.lint.values import Finding, LintReport, LintText, SenderIdentity, Severity, Where

__all__ = [
    "Finding",
    "LintReport",
    "LintRules",
    "LintText",
    "SenderIdentity",
    "Severity",
    "Where",
    "build_rules",
    "check",
    "content_facts",
    "content_hash",
    "names_same_medicine",
]
