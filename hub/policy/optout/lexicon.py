"""The words of all languages, compiled for look-up. Pure values: files are read by `hub.lexicon`.

All languages share one table, because people mix them. Every text is compared in folded form, with and without accents.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.policy.optout.classes import BITS, CLASSES, KEYWORD_KINDS
from hub.policy.optout.grammar import Grammar, compile_grammar
from hub.policy.optout.leaning import Leaning
from hub.policy.optout.normalise import fold_word, strip_accents

# Scripts written without spaces between words (or, for Hangul, with endings glued on): Thai to Khmer, kana, Han, Hangul.
SPACELESS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
_IS_SPACELESS = re.compile(f"[{SPACELESS}]+")
_RUNS = re.compile(f"[{SPACELESS}]+|[^{SPACELESS}]+")
_WORD_MARKS = "\u0300-\u036f\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u200c\u200d"
TOKEN = re.compile(rf"[\w{_WORD_MARKS}]+(?:'[\w{_WORD_MARKS}]+)*|\n|[^\w\s]")
ASCII_TOKEN = re.compile(r"[a-z0-9]+(?:'[a-z0-9]+)*|[^a-z0-9 \t\r\x0b\x0c\x1c-\x1f]")  # the same of a folded text in ASCII, sooner found

# Shorter words have too many neighbours that mean something else; in other languages than English even more.
_FUZZY_LENGTH, _FUZZY_FOREIGN = 6, 9
_FUZZY_CLASSES = (
    "stop",
    "contact",
    "send",
    "message",
    "promo",
    "remove",
    "unsubscribe",
    "again",
    "receive",
    "cancel",
    "whatsapp",
    "courtesy",
)
_BONES_CLASSES = ("stop", "contact", "send", "unsubscribe", "remove")
STRAY = 4  # letters: longer words of another language show that it is spoken
_LATIN = re.compile("[a-z\u00e0-\u024f]+")
_BONES_LENGTH, _BONES_LEAST = 4, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class WordList:
    """One language as its file gives it. Words ending in `*` are stems. keywords and classes map a name to its words, spellings
    a short way of writing to the word it stands for.
    """

    language: str
    version: str
    keywords: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    spellings: Mapping[str, str] = field(default_factory=dict)


_Rest = tuple[tuple[str, ...], "Word"]  # what follows the second word of a longer entry, and what the whole is
Phrases = dict[str, tuple[_Rest, ...]]
_NO_PHRASES: Phrases = {}


@dataclass(frozen=True, slots=True)
class Word:
    """What a token can be. code: one character standing for the set of classes, which the grammar's patterns are made of.

    phrases: longer entries that begin with this word, by their second word, longest first, as (the words after that, what
    the whole is).
    languages: a bit per language of the lexicon.
    """

    code: str
    mask: int
    languages: int
    phrases: Phrases = field(default_factory=lambda: _NO_PHRASES)


@dataclass(frozen=True, slots=True)
class Keyword:
    """A whole-message word."""

    kind: str
    language: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """Compiled words of every language. Built by `compile_lexicon` only."""

    version: str
    languages: tuple[str, ...]
    words: Mapping[str, Word]
    known: Mapping[str, Word]  # these, and words of the examples that nothing would be guessed from
    stems: Mapping[str, Word]
    stem_lengths: tuple[int, ...]
    sizes: Mapping[str, tuple[int, ...]]  # first two characters -> how long words of spaceless scripts are that begin so, longest first
    near: Mapping[str, str]  # a word with one letter missing -> the word
    bones: Mapping[str, str]  # an English word without its vowels -> the word
    keywords: Mapping[str, Keyword]
    other: Word
    number: Word
    clock: Word
    child_age: Word
    telephone: Word
    stop_sign: Word
    mark: Word
    spellings: Mapping[str, str]
    letters: Mapping[str, str]  # single ones that stand for words: u, r
    homographs: Mapping[str, Mapping[int, Word]]  # words that are different things in different languages, by language
    amid_english: Mapping[str, Word]  # what `meant` makes of them among English words, for most texts are English
    english: int
    chinese: int
    grammar: Grammar
    leaning: Leaning | None = None


def pieces(text: str) -> list[str]:
    """A folded entry as the tokens a text would have: joiners inside words dropped, scripts parted."""
    found = TOKEN.findall(text)
    if not text.isascii():
        found = [run for token in found for run in _RUNS.findall(token)]
    return [piece for piece in found if piece not in "-.'"]


def compile_lexicon(lists: Iterable[WordList]) -> Lexicon:
    """Raises ValueError naming language and entry for an unknown class or kind, or a word that is empty once folded."""
    return _Compiler(tuple(lists)).compile()


class _Compiler:
    """Collects masks per text first, then numbers the sets of classes that occur."""

    def __init__(self, lists: tuple[WordList, ...]) -> None:
        self._lists = lists
        self._masks: dict[tuple[str, ...], tuple[int, int]] = {}
        self._meanings: dict[str, dict[int, int]] = {}
        self._stems: dict[str, tuple[int, int]] = {}
        self._keywords: dict[str, Keyword] = {}
        self._codes: dict[int, str] = {}
        self._words: dict[tuple[int, int], Word] = {}
        self._rests: dict[tuple[tuple[str, ...], int], _Rest] = {}
        self._spellings = {short: word for word_list in lists for short, word in word_list.spellings.items()}
        self._english = sum(1 << n for n, words in enumerate(lists) if words.language == "en")
        self._chinese = sum(1 << n for n, words in enumerate(lists) if words.language.startswith("zh"))

    def compile(self) -> Lexicon:
        for number, word_list in enumerate(self._lists):
            self._collect(word_list, 1 << number)
        for sign, name in {
            **dict.fromkeys(".!;\n…।。！", "break"),
            **dict.fromkeys("?؟", "asked"),
            **dict.fromkeys(",:、،", "comma"),
        }.items():
            self._masks[(sign,)] = (BITS["break"] | BITS[name], 0) if name == "asked" else (BITS[name], 0)
        words = self._all_words()
        stems = {stem: Word(self._code(mask), mask, langs) for stem, (mask, langs) in self._stems.items()}
        special = {name: self._plain(*names) for name, names in _SPECIAL.items()}
        homographs = self._homographs(words)
        return Lexicon(
            version="+".join(sorted({w.version for w in self._lists})),
            languages=tuple(w.language for w in self._lists),
            words=words,
            known=words,
            stems=stems,
            stem_lengths=tuple(sorted({len(s) for s in stems}, reverse=True)),
            sizes=_sizes(words),
            near=_near(words, self._english),
            bones=_bones(words, self._english),
            keywords=self._keywords,
            spellings={short: word for short, word in self._spellings.items() if len(short) > 1},
            letters={short: word for short, word in self._spellings.items() if len(short) == 1},
            homographs=homographs,
            amid_english=self._amid_english(homographs, special["other"]),
            english=self._english,
            chinese=self._chinese,
            grammar=compile_grammar(self._codes),
            other=special["other"],
            number=special["number"],
            clock=special["clock"],
            child_age=special["child_age"],
            telephone=special["telephone"],
            stop_sign=special["stop_sign"],
            mark=special["mark"],
        )

    def _collect(self, words: WordList, language: int) -> None:
        for kind, texts in words.keywords.items():
            if kind not in KEYWORD_KINDS:
                raise ValueError(f"{words.language}: unknown kind of keyword {kind}")
            for text in texts:
                self._add_keyword(words.language, kind, text, language)
        for name, texts in words.classes.items():
            if name not in CLASSES:
                raise ValueError(f"{words.language}: unknown class {name}")
            for text in texts:
                self._add(words.language, text, BITS[name], language)

    def _add_keyword(self, language: str, kind: str, text: str, bit: int) -> None:
        key = "".join(self._pieces(language, fold_word(text)))
        if not key:
            raise ValueError(f"{language}: the keyword {text!r} is empty")
        for form in dict.fromkeys((key, strip_accents(key))):
            self._keywords.setdefault(form, Keyword(kind, language, key))
        if len(pieces(fold_word(text))) > 1:
            return  # several words are a whole message only; as parts of a sentence they must stay apart
        if kind in {"stop", "cancel", "maybe"}:
            extra = BITS["cancel"] if kind in {"cancel", "maybe"} else 0
            # Long stop words without spaces are sentences ("stop pushing"): they revoke wherever they stand.
            whole = BITS["no_contact"] if kind == "stop" and len(key) >= 4 and _IS_SPACELESS.fullmatch(key) else 0
            self._add(language, text, BITS["keyword"] | extra | whole, bit)
        elif kind == "letter":
            self._add(language, text, BITS["letter"], bit)

    def _pieces(self, language: str, folded: str) -> list[str]:
        """English entries are spelt out as messages are."""
        found = pieces(folded)
        return [self._spellings.get(piece, piece) for piece in found] if language == "en" else found

    def _add(self, language: str, text: str, mask: int, bit: int) -> None:
        folded = fold_word(text.strip())
        stem = folded.endswith("*")
        parts = tuple(self._pieces(language, folded.rstrip("*")))
        if not parts or (stem and len(parts) > 1):
            raise ValueError(f"{language}: the entry {text!r} is empty, or a stem of several words")
        bare = parts if folded.isascii() else tuple(strip_accents(p) for p in parts)
        forms = [parts, bare]
        if len(parts) > 1:  # texts are spelt out whatever their language: "mój nr" is met as "mój number"
            forms += [tuple(self._spellings.get(p, p) for p in form) for form in (parts, bare)]
        for form in dict.fromkeys(forms):
            table: dict[Any, tuple[int, int]] = self._stems if stem else self._masks
            key = form[0] if stem else form
            old = table.get(key, (0, 0))
            if form == bare != parts and old[1] & self._english:
                continue  # without its accents it is an English word ("cần"), and English is written more
            table[key] = (old[0] | mask, old[1] | bit)
            if not stem and len(form) == 1:
                meanings = self._meanings.setdefault(form[0], {})
                meanings[bit] = meanings.get(bit, 0) | mask

    def _all_words(self) -> dict[str, Word]:
        following: dict[str, list[tuple[tuple[str, ...], Word]]] = {}
        for parts, (mask, langs) in self._masks.items():
            if len(parts) > 1:
                following.setdefault(parts[0], []).append((parts[1:], self._word(mask, langs)))
                for part in parts[1:]:
                    following.setdefault(part, [])
        singles = {parts[0]: value for parts, value in self._masks.items() if len(parts) == 1}
        out = {}
        for text in dict.fromkeys((*singles, *following)):  # in the order of the lists, so that guesses are the same every time
            mask, langs = singles.get(text, (_part_of_phrase(text), 0))
            phrases = self._by_second(following.get(text, []))
            out[text] = Word(self._code(mask), mask, langs, phrases) if phrases else self._word(mask, langs)
        return out

    def _by_second(self, entries: list[tuple[tuple[str, ...], Word]]) -> Phrases:
        """Longer entries by their second word, longest first; equal ends are one value, for many end alike."""
        found: dict[str, list[_Rest]] = {}
        for rest, whole in entries:
            end = (rest[1:], whole)
            found.setdefault(rest[0], []).append(self._rests.setdefault((rest[1:], id(whole)), end))
        return {second: tuple(sorted(rows, key=lambda row: -len(row[0]))) for second, rows in found.items()}

    def _word(self, mask: int, languages: int) -> Word:
        """One value for all words that are alike: most of them are."""
        found = self._words.get((mask, languages))
        if found is None:
            found = self._words[(mask, languages)] = Word(self._code(mask), mask, languages)
        return found

    def _homographs(self, words: Mapping[str, Word]) -> dict[str, dict[int, Word]]:
        """Words that not all their languages mean alike, and short ones, which other languages write as well."""
        found = {}
        for text, meanings in self._meanings.items():
            if _LATIN.fullmatch(text) and (len(text) <= STRAY or len(set(meanings.values())) > 1):
                phrases = words[text].phrases
                found[text] = {
                    bit: Word(self._code(mask), mask, bit, phrases) if phrases else self._word(mask, bit) for bit, mask in meanings.items()
                }
        return found

    def _amid_english(self, homographs: Mapping[str, Mapping[int, Word]], nothing: Word) -> dict[str, Word]:
        found = {text: meant(text, meanings, self._english, self._english, nothing) for text, meanings in homographs.items()}
        return {text: word for text, word in found.items() if word is not None}

    def _code(self, mask: int) -> str:
        return self._codes.setdefault(mask, chr(0x100 + len(self._codes)))

    def _plain(self, *names: str) -> Word:
        mask = sum(BITS[name] for name in names)
        return Word(self._code(mask), mask, 0)


CHILD_AGES = frozenset(map(str, range(8, 18)))
_SPECIAL = {
    "other": ("other",),
    "number": ("number",),
    "clock": ("number", "time"),
    "child_age": ("number", "age_of_child"),
    "telephone": ("number", "my_detail"),
    "stop_sign": ("stop_sign",),
    "mark": ("mark",),
}


def _part_of_phrase(text: str) -> int:
    """What a token is that is listed only as part of longer entries: what it would be were it not listed."""
    if not text.isdigit():
        return BITS["other" if text[0].isalnum() else "mark"]
    return sum(BITS[name] for name in _SPECIAL["child_age" if text in CHILD_AGES else "number"])


def meant(text: str, meanings: Mapping[int, Word], language: int, english: int, nothing: Word) -> Word | None:
    """What a homograph is where this language is spoken: what it means there, nothing where it is a short word of neither this language
    nor English ("last min", "ne", "na"), or None: the same as elsewhere. language, english: bits.
    """
    if (own := meanings.get(language)) is not None:
        return own
    return nothing if len(text) <= STRAY and english not in meanings else None


def _sizes(words: Mapping[str, Word]) -> dict[str, tuple[int, ...]]:
    found: dict[str, set[int]] = {}
    for text in words:
        if _IS_SPACELESS.match(text):
            found.setdefault(text[:2], set()).update({len(text), 1} if text[0] in words else {len(text)})
    return {begins: tuple(sorted(sizes, reverse=True)) for begins, sizes in found.items()}


def _bones(words: Mapping[str, Word], english: int) -> dict[str, str]:
    """Words people write without vowels (txtng, cntct), by what is left of them; the first letter stays."""
    wanted = sum(BITS[name] for name in _BONES_CLASSES)
    found: dict[str, str] = {}
    for text, word in words.items():
        if word.mask & wanted and word.languages & english and len(text) >= _BONES_LENGTH and text.isalpha() and text.isascii():
            bare = without_vowels(text)
            if len(bare) >= _BONES_LEAST and bare not in words:
                found.setdefault(bare, text)
    return found


def without_vowels(text: str) -> str:
    """The word as it is written in haste: vowels left out after the first letter."""
    return text[0] + "".join(letter for letter in text[1:] if letter not in "aeiou")


def _near(words: Mapping[str, Word], english: int) -> dict[str, str]:
    """Every word worth guessing at, under each form with one letter missing."""
    wanted = sum(BITS[name] for name in _FUZZY_CLASSES)
    found: dict[str, str] = {}
    for text, word in words.items():
        least = _FUZZY_LENGTH if word.languages & english else _FUZZY_FOREIGN
        if word.mask & wanted and len(text) >= least and text.isalpha() and text.isascii():
            found[text] = text
            for cut in range(1, len(text)):
                found.setdefault(text[:cut] + text[cut + 1 :], text)
    return found
