"""Prescription-only medicines: listed names found however they are written (policy §8.3), and little else.

A name is looked for letter by letter, with what people put between letters to get past a filter. Word edges
guard the innocent: "detox" holds no "tox", "robot oxygen" no "botox". It knows the list it is given and no more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hub.policy.lint.fold import Folded, fold, unleet
from hub.policy.lint.phrases import HAN, PRICE

_SPLIT = r"[^\w\n]{0,3}"  # "bo tox", "bo.tox", "b-o-t-o-x"
_SPELLED = r"[^\w\n]{1,3}"
_ENDING = r"(?:'?s|es|'?ed|d|lng|ers?)?"  # as unleet writes them: i reads l
_SENTENCE_END = re.compile(r"[,.;:!?。，！？]\s")
_AREAS = re.compile(
    r"(?<!\w)(?:\d|one|two|three|four|five)(?:\s{0,2}(?:[/,&+-]|or|and|to)\s{0,2}(?:\d|one|two|three|four|five)){0,4}\s{0,2}areas?(?!\w)"
    r"|[一二两兩三四五123][个個]?(?:部位|区域|區域)"
    # a priced "anti-wrinkle treatment" is an injection unless it comes in a pot
    r"|(?<!\w)anti[^\w\n]?wrinkle(?!\w)(?![^\w\n]{0,2}(?:\w{1,12}[^\w\n]{1,2})?(?:cream|serum|mask|moisturi|lotion|gel|balm|oil|patch))"
)
_AREA = re.compile("area|部位|区域|區域|wrinkle")
_SYRINGE = "💉"
_WRINKLE = re.compile(r"wrinkl|frown|crow'?s? f[eo]{2}t|forehead|皱纹|皺紋|除皱|除皺|鱼尾纹|魚尾紋")
_NO_LETTER = re.compile(r"[\W_]+")
_RUN = re.compile(r"(\w)\1+")
_NEAR = 60  # characters: "near a price" is within a line of a text message


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One name of a medicine, or wording that can only mean one.

    medicine: the product, e.g. "botox"; equal to substance for generic names. anywhere: also inside a longer
    word ("botoxparty"). split: may be taken apart by spaces ("bo tox"); names that fall apart into common words
    ("to xin") are not. ending: may carry -s, -ed, -ing. stem: any ending (inflected languages).
    not_after, not_before: neighbours that make another word of it (平衡力, 减肥针对).
    """

    text: str
    medicine: str
    substance: str
    anywhere: bool = False
    split: bool = True
    ending: bool = True
    stem: bool = False
    implied: bool = False
    not_after: tuple[str, ...] = ()
    not_before: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MedicineHit:
    """A listed name in a folded text. substance "" where a price and "2 areas" or a syringe say it without a name."""

    start: int
    end: int
    medicine: str = ""
    substance: str = ""
    implied: bool = False


def _letters(text: str) -> list[str]:
    """The letters of a name as the unleeted view shows them, runs squeezed; * stays as "any ending"."""
    view = unleet(fold(text).text)
    kept = [c for c in view if c.isalnum() or c == "*"]
    return [c for i, c in enumerate(kept) if i == 0 or c != kept[i - 1]]


def _spell(letters: Sequence[str], between: str) -> str:
    return between.join(r"\w{0,8}" if c == "*" else re.escape(c) + _run(c, between) for c in letters)


def _run(letter: str, between: str) -> str:
    """The same letter again, up to three times: "botoxx", "bootox", "mas seter"."""
    return f"(?:{between}{re.escape(letter)}){{0,3}}"


def _pattern(term: Term) -> str:
    """The source of one term's pattern over the unleeted view. It starts with a letter, which makes searching quick."""
    before = "".join(f"(?<!{re.escape(unleet(fold(n).text))}.)" for n in term.not_after)
    after = "".join(f"(?!{re.escape(unleet(fold(n).text))})" for n in term.not_before)
    letters = _letters(term.text)
    first, edge = re.escape(letters[0]), rf"(?<!\w{re.escape(letters[0])})"
    if HAN.search(term.text):
        return first + before + _rest(letters, r"[^\w\n]?" if term.split else "") + after
    ending = r"\w{0,6}" if term.stem else _ENDING if term.ending else ""
    whole = _rest(letters, _SPLIT if term.split else "")
    if not term.split:
        whole = f"(?:{whole}|{_rest(letters, _SPELLED)})"
    whole = rf"{edge}{before}{whole}{ending}(?!\w){after}"
    return f"{first}(?:{_rest(letters, '')}{after}|{whole})" if term.anywhere else first + whole


def _rest(letters: Sequence[str], between: str) -> str:
    """The pattern behind a first letter: its run, then the other letters."""
    return _run(letters[0], between) + between + _spell(letters[1:], between)


@dataclass(frozen=True, slots=True)
class _Listed:
    """A term, its pattern, and the letters without which the pattern cannot match."""

    term: Term
    pattern: re.Pattern[str]
    needle: str


class MedicineList:
    """The listed names, compiled once. Safe to share; finding is linear in the text."""

    def __init__(self, terms: Sequence[Term]) -> None:
        self._listed = tuple(_Listed(t, re.compile(_pattern(t)), "".join(_letters(t.text)).partition("*")[0]) for t in terms)

    def find(self, folded: Folded, limit: int) -> list[MedicineHit]:
        """At most `limit` hits in reading order, none inside another."""
        view = unleet(folded.text)
        # nearly every text names nothing: letters alone, runs squeezed, tell which few patterns are worth trying
        squeezed = _RUN.sub(r"\1", _NO_LETTER.sub("", view))
        hits = [hit for listed in self._listed if listed.needle in squeezed for hit in _scan(listed, view, folded.text, limit)]
        hits += _implied(folded.text, limit)
        hits.sort(key=lambda hit: (hit.start, -hit.end))
        kept: list[MedicineHit] = []
        for hit in hits:
            if not kept or hit.start >= kept[-1].end:
                kept.append(hit)
        return kept[:limit]


def _scan(listed: _Listed, view: str, plain: str, limit: int) -> Iterator[MedicineHit]:
    term, position, found = listed.term, 0, 0
    while found < limit and (match := listed.pattern.search(view, position)):
        start, position = match.span()
        if _is_a_name(plain[start:position]):
            found += 1
            yield MedicineHit(start=start, end=position, medicine=term.medicine, substance=term.substance, implied=term.implied)
        else:
            position = start + 1


def _is_a_name(written: str) -> bool:
    """Not figures that only look like letters ("70x"), nor letters from two sentences."""
    figures = sum(c.isdigit() for c in written)
    return 2 * figures <= sum(c.isalnum() for c in written) and not _SENTENCE_END.search(written)


def _implied(view: str, limit: int) -> Iterator[MedicineHit]:
    """Wording that means a toxin without naming it: "2 areas" near a price, a syringe beside wrinkles or a price."""
    found = 0
    for match in _AREAS.finditer(view) if _AREA.search(view) else ():
        if found < limit and PRICE.search(view, max(0, match.start() - _NEAR), match.end() + _NEAR):
            found += 1
            yield MedicineHit(start=match.start(), end=match.end(), implied=True)
    syringe = view.find(_SYRINGE)
    if syringe >= 0 and (_WRINKLE.search(view) or PRICE.search(view)):
        yield MedicineHit(start=syringe, end=syringe + 1, implied=True)


def names_in(texts: Sequence[str], medicines: MedicineList, limit: int) -> tuple[set[str], set[str]]:
    """The products and the substances named in some texts."""
    hits = [hit for text in texts for hit in medicines.find(fold(text), limit)]
    return {hit.medicine for hit in hits}, {hit.substance for hit in hits}
