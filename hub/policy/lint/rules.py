"""The rules as values: word lists in, compiled rules out. Reads no file; `hub.lint_rules` does that."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hub.policy.lint.commands import CommandFinder
from hub.policy.lint.medicines import MedicineList, Term
from hub.policy.lint.phrases import Group, PhraseBook

GENERIC_INSTEAD = ("consultation for lines and wrinkles", "皱纹与细纹咨询")  # looks.md §8


@dataclass(frozen=True, slots=True, kw_only=True)
class LintRules:
    """Everything `check` reads, compiled once and shared. Make it with `build_rules`.

    version: stored with every decision; changes whenever any list changes. instead: by substance, what to say
    instead, in English and Chinese.
    """

    version: str
    medicines: MedicineList
    book: PhraseBook
    instead: Mapping[str, tuple[str, str]]
    commands: CommandFinder


def build_rules(
    *,
    terms: Sequence[Term],
    groups: Sequence[Group],
    instead: Mapping[str, tuple[str, str]],
    command_words: Sequence[str],
    about_news: Sequence[str],
    version: int,
) -> LintRules:
    """Compile the lists. command_words, about_news: policy §3.3, folded. `version` is the sum of the
    files' own; a digest of the content is added to it.

    Raises ValueError when a list is empty (a check without its list would let everything pass) or a phrase is
    not well written.
    """
    if not terms or not groups or not command_words:
        raise ValueError("the lint lists are empty")
    content = repr((tuple(terms), tuple(groups), sorted(instead.items()), tuple(command_words), tuple(about_news)))
    digest = hashlib.sha256(content.encode()).hexdigest()[:12]
    return LintRules(
        version=f"lint-{version}-{digest}",
        medicines=MedicineList(terms),
        book=PhraseBook(groups),
        instead=dict(instead),
        commands=CommandFinder(command_words, about_news),
    )
