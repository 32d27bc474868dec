"""Folded text -> tokens with their classes (policy §3.2 steps 5 to 8 and 10).

A token the lexicon does not know is tried again with repeats squeezed, look-alikes mapped, accents stripped, by its
stem, and, if long, with one letter wrong; what still is unknown stays a token without class. Scripts without spaces
are cut by longest known word, so a stop word inside a longer known word (退订 in 退订金) is never seen.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar, cast

from hub.policy.optout.classes import bits
from hub.policy.optout.lexicon import ASCII_TOKEN, CHILD_AGES, SPACELESS, STRAY, TOKEN, Lexicon, Word, meant
from hub.policy.optout.normalise import strip_accents

_SPACELESS = re.compile(f"[{SPACELESS}]")
_PARTS = re.compile(f"[{SPACELESS}]|[^{SPACELESS}]+")
_REPEATS = re.compile(r"([^\W\d])\1{2,}")
_CLOCK = re.compile(r"\d{1,2}(?:am|pm|h|ish|oclock|st|nd|rd|th|\d{2}h?)?")
_JOINERS = frozenset("-‐‑–.*/")
_JOINED = re.compile(r"\w[-‐‑–.*/]\w")
_STOP_SIGNS = frozenset("🛑✋🚫❌⛔🔕🙅🚷📵🖕")
_LATIN_LIKE = str.maketrans("аеорсухіјѕԁһкмтвнαοερτυικνβ", "aeopcyxijsdhkmtbhaoeptyiknb")
_CYRILLIC_LIKE = str.maketrans("aeopcyxijkmtbh", "аеорсухијкмтвн")
_LATIN, _CYRILLIC, _GREEK = re.compile("[a-z]"), re.compile("[а-яёіїєґѕјԁһ]"), re.compile("[α-ω]")
_ENGLISH_ENDINGS = frozenset({"ve", "ll", "re", "d", "m", "s"})  # I've, you'll: the word before says what it is
_MAX_FUZZY = 16
_TELEPHONE = 9  # digits in one: "remove 07700900123 from your system" is how somebody is reached
_LETTERS_IN_A_ROW = 3
_LETTERS_RUNNING = re.compile(rf"[^\W\d_]{{{_LETTERS_IN_A_ROW},}}")
_AMID = 2  # words that make a text one of their language; as many English ones for each word English does not know
_STOPPING, _HARMLESS = bits("no_contact|unsubscribe|unwanted|stop|stop_after"), bits("appointment|thing")
_AGAIN_AND_AGAIN = re.compile(r"(\w{3,14}?)\1{1,9}")

Place = tuple[int, int]
_T = TypeVar("_T")


class Merge(NamedTuple):
    """The tokens [first, end) as one."""

    first: int
    end: int
    text: str
    word: Word


@dataclass(slots=True)
class Tokens:
    """Parallel lists: the compared text of each token and what it can be. source: the folded text they were cut from.

    Where they stand in it is worked out when somebody asks, which of everyday messages nobody does.
    """

    source: str
    texts: list[str]
    words: list[Word]
    _places: list[Place] | None = None
    _merged: list[list[Merge]] = field(default_factory=list)  # since they were cut, in the order in which it was done

    @property
    def places(self) -> list[Place]:
        """Where each token begins and ends in the source."""
        places = [match.span() for match in _found(self.source)] if self._places is None else self._places
        for merges in self._merged:
            places = _with(merges, [(places[merge.first][0], places[merge.end - 1][1]) for merge in merges], places)
        self._places, self._merged = places, []
        return places

    def merge(self, merges: list[Merge]) -> None:
        """Runs of tokens become one each. Builds new lists, so that a long text costs one pass."""
        self.texts = _with(merges, [merge.text for merge in merges], self.texts)
        self.words = _with(merges, [merge.word for merge in merges], self.words)
        self._merged.append(merges)

    def keep(self, kept: list[int]) -> None:
        """Leave only these."""
        places = self.places
        self._places = [places[at] for at in kept]
        self.texts, self.words = [self.texts[at] for at in kept], [self.words[at] for at in kept]

    def __len__(self) -> int:
        return len(self.texts)

    def codes(self) -> str:
        """One character per token, as the grammar reads them."""
        return "".join([w.code for w in self.words])


def _with(merges: list[Merge], merged: list[_T], values: list[_T]) -> list[_T]:
    """A value for each token, once the tokens are merged. merges: in order, none over another. merged: a value for each of them."""
    out: list[_T] = []
    at = 0
    for merge, value in zip(merges, merged, strict=True):
        out += values[at : merge.first]
        out.append(value)
        at = merge.end
    return out + values[at:]


def tokenise(text: str, lexicon: Lexicon) -> Tokens:
    """Tokens of a folded text. Never raises; linear in the text."""
    tokens = _cut(text, lexicon) if not text.isascii() and _SPACELESS.search(text) else _split(text, lexicon)
    if list(map(len, tokens.texts)).count(1) >= _LETTERS_IN_A_ROW:
        _join_letters(tokens, lexicon)
    if not lexicon.letters.keys().isdisjoint(tokens.texts):
        _spell_out(tokens, lexicon)
    _merge_phrases(tokens)
    if not lexicon.homographs.keys().isdisjoint(tokens.texts):
        _settle_language(tokens, lexicon)
    return tokens


def _split(text: str, lexicon: Lexicon) -> Tokens:
    """The tokens of a text whose words are parted by spaces."""
    raw = (ASCII_TOKEN if text.isascii() else TOKEN).findall(text)
    if not _JOINERS.isdisjoint(raw) and _JOINED.search(text):
        raw = [match.group() for match in _found(text)]
    texts = list(map(lexicon.spellings.get, raw, raw))
    words = list(map(lexicon.known.get, texts))
    if not all(words):
        resolved: dict[str, tuple[str, Word]] = {}  # an unknown word is looked into once, however often it stands here
        for at in [at for at, word in enumerate(words) if word is None]:
            token = texts[at]
            if (again := resolved.get(token)) is None:
                again = resolved[token] = _resolve(token, lexicon)
            texts[at], words[at] = again
    return Tokens(text, texts, cast("list[Word]", words))


def known_with(words: Iterable[str], lexicon: Lexicon) -> Mapping[str, Word]:
    """The words of the lists, and those of these that nothing is guessed from: they need not be looked into when they occur."""
    known, nothing = lexicon.words, lexicon.other
    plain = (w for w in words if w.isalnum() and w not in known and _resolve(w, lexicon) == (w, nothing))
    return {**known, **dict.fromkeys(plain, nothing)}


def _found(text: str) -> list[re.Match[str]]:
    """The tokens of a text, without what joins two parts of one word."""
    kept: list[re.Match[str]] = []
    for match in TOKEN.finditer(text):
        before = kept[-1].start() if kept else -1
        if not (match.group() in _JOINERS and _joins(text, match.start(), match.end(), before)):
            kept.append(match)
    return kept


def _cut(text: str, lexicon: Lexicon) -> Tokens:
    """The tokens of a text in which some words stand without spaces, cut by longest known word."""
    places: list[Place] = []
    tokens = Tokens(text, [], [], places)
    resolved: dict[str, tuple[str, Word]] = {}
    for match in TOKEN.finditer(text):
        token, (start, end) = match.group(), match.span()
        if _SPACELESS.search(token):
            _segment(token, start, lexicon, tokens, places)
            continue
        if token in _JOINERS and _joins(text, start, end, places[-1][0] if places else -1):
            continue
        token = lexicon.spellings.get(token, token)
        if (word := lexicon.known.get(token)) is None:
            if (again := resolved.get(token)) is None:
                again = resolved[token] = _resolve(token, lexicon)
            token, word = again
        tokens.texts.append(token)
        tokens.words.append(word)
        places.append((start, end))
    return tokens


def _spell_out(tokens: Tokens, lexicon: Lexicon) -> None:
    """A letter that stands for a word, where it was not part of one that was spread out."""
    for at, text in enumerate(tokens.texts):
        if (word := lexicon.letters.get(text)) is not None:
            tokens.texts[at], tokens.words[at] = word, lexicon.words.get(word, lexicon.other)


def _settle_language(tokens: Tokens, lexicon: Lexicon) -> None:
    """Words mean what they mean in the language spoken."""
    language = _spoken(tokens, lexicon)
    if language == lexicon.english:
        tokens.words = list(map(lexicon.amid_english.get, tokens.texts, tokens.words))
        return
    for at, text in enumerate(tokens.texts) if language else ():
        if (meanings := lexicon.homographs.get(text)) is None:
            continue
        if (word := meant(text, meanings, language, lexicon.english, lexicon.other)) is not None:
            tokens.words[at] = word


def _spoken(tokens: Tokens, lexicon: Lexicon) -> int:
    """The bit of the language a text is in; 0 where it is mixed or hard to tell."""
    own = lexicon.english
    spoken = [word.languages for word in tokens.words]
    strange = {languages for languages in set(spoken) if languages and not languages & own}
    english = len(spoken) - spoken.count(0)
    if not strange:
        return own if english >= _AMID else 0
    english -= sum(map(spoken.count, strange))
    strangers = {text: languages for text, languages in zip(tokens.texts, spoken, strict=True) if languages in strange}
    telling = [languages for text, languages in strangers.items() if len(text) > STRAY]
    if not telling:
        return own if english >= max(_AMID, _AMID * len(strangers)) else 0
    if len(telling) < _AMID or english >= len(strangers):
        return 0
    counted = Counter(1 << at for languages in telling for at in range(languages.bit_length()) if languages >> at & 1)
    [(language, most), *others] = counted.most_common(2)
    return language if most >= _AMID and all(count < most for _, count in others) else 0


def _joins(text: str, start: int, end: int, before: int) -> bool:
    """A hyphen or dot with letters on both sides holds one word together; a dot only between single letters.

    before: where the token before it begins.
    """
    if not (start > 0 and end < len(text) and text[start - 1].isalnum() and text[end].isalnum()):
        return False
    return text[start] != "." or before == start - 1


def _resolve(token: str, lexicon: Lexicon) -> tuple[str, Word]:
    """What an unknown token may be after all, and the text it then counts as."""
    if not (token[0].isalnum() or len(token) > 1):
        return token, lexicon.stop_sign if token in _STOP_SIGNS else lexicon.mark
    if token[0].isdigit():
        return token, _number(token, lexicon)
    words = lexicon.words
    if (squeezed := _REPEATS.sub(r"\1", token)) != token:
        doubled = _REPEATS.sub(r"\1\1", token)
        for form in (doubled, squeezed):  # "offf" is off, and only then of
            if found := words.get(form):
                return form, found
        token = squeezed
    if not token.isascii():
        for form in _other_scripts(token):
            if found := words.get(form):
                return form, found
        token = strip_accents(token) or token
    if "'" in token:
        bare = token.replace("'", "")
        if found := words.get(bare):
            return bare, found
        head, _, tail = token.partition("'")
        if tail in _ENGLISH_ENDINGS:
            return head, words.get(head, lexicon.other)
        if len(head) <= 2 and (found := words.get(tail)):
            return tail, found
        if found := words.get(head):
            return head, found
    return _guess(token, lexicon)


def _other_scripts(token: str) -> list[str]:
    """The token with look-alikes mapped where it mixes scripts, and without accents."""
    forms = [strip_accents(token)]
    latin, cyrillic, greek = bool(_LATIN.search(token)), bool(_CYRILLIC.search(token)), bool(_GREEK.search(token))
    if latin + cyrillic + greek > 1:
        forms += [token.translate(_LATIN_LIKE), token.translate(_CYRILLIC_LIKE)]
    return forms


def _guess(token: str, lexicon: Lexicon) -> tuple[str, Word]:
    """By stem, then with one letter missing, added, swapped or changed; the first letter must be right."""
    size = len(token)
    if size <= 60 and (repeated := _AGAIN_AND_AGAIN.fullmatch(token)) and (found := lexicon.words.get(repeated.group(1))):
        return repeated.group(1), found
    for length in lexicon.stem_lengths:
        if length <= size and (found := lexicon.stems.get(token[:length])):
            return token, found
    if (whole := lexicon.bones.get(token)) is not None:
        return whole, lexicon.words[whole]
    if 5 <= size <= _MAX_FUZZY:
        near, words = lexicon.near, lexicon.words
        target = near.get(token)
        if target is not None:
            return target, words[target]
        for cut in range(1, size):
            shorter = token[:cut] + token[cut + 1 :]
            target = near.get(shorter)
            if target is not None and abs(len(target) - size) <= 1:
                return target, words[target]
    return token, lexicon.other


def _number(token: str, lexicon: Lexicon) -> Word:
    if token.isdigit():
        if len(token) >= _TELEPHONE:
            return lexicon.telephone
        return lexicon.child_age if token in CHILD_AGES else lexicon.number
    return lexicon.clock if _CLOCK.fullmatch(token) else lexicon.number


def _segment(token: str, start: int, lexicon: Lexicon, tokens: Tokens, places: list[Place]) -> None:
    """Cut a run of a spaceless script by longest known word; unknown characters are tokens of their own."""
    at, size = 0, len(token)
    while at < size:
        if (found := _longest(token, at, lexicon)) is not None:
            text, word = found, lexicon.words[found]
        elif _SPACELESS.match(token[at]):
            text, word = token[at], lexicon.other
        else:
            text = _PARTS.match(token, at).group()  # type: ignore[union-attr]
            known = lexicon.words.get(text)
            word = known if known is not None else _resolve(text, lexicon)[1]
        tokens.texts.append(text)
        tokens.words.append(word)
        places.append((start + at, start + at + len(text)))
        at += len(text)


def _longest(token: str, at: int, lexicon: Lexicon) -> str | None:
    """The longest known word that begins here; None for none."""
    for size in lexicon.sizes.get(token[at : at + 2]) or lexicon.sizes.get(token[at], ()):
        text = token[at : at + size]
        word = lexicon.words.get(text)
        if word is None or len(text) < size or (not word.languages and _SPACELESS.match(token, at + size)):
            continue  # what is known only as a part of longer entries that mix scripts stands before another script
        if not _runs_on(token, at, text, lexicon):
            return text
    return None


def _runs_on(token: str, at: int, text: str, lexicon: Lexicon) -> bool:
    """The last part of a stop word begins a harmless longer one: 我想退订 in 我想退订金, which asks for a deposit back."""
    end = at + len(text)
    if end == len(token) or not lexicon.words[text].mask & _STOPPING:
        return False
    for inner in range(at + 1, end):
        for size in lexicon.sizes.get(token[inner : inner + 2], ()):
            longer = lexicon.words.get(token[inner : inner + size]) if inner + size > end else None
            if longer is not None and longer.mask & _HARMLESS:
                return True
    return False


def _join_letters(tokens: Tokens, lexicon: Lexicon) -> None:
    """s t o p, s.t.o.p, s-t-o-p: three or more single letters in a row are one word, if the lexicon knows it."""
    merges: list[Merge] = []
    for run in _LETTERS_RUNNING.finditer("".join([text if len(text) == 1 else " " for text in tokens.texts])):
        joined = run.group()
        word = lexicon.words.get(joined) or lexicon.words.get(_REPEATS.sub(r"\1", joined))
        if word is not None:
            merges.append(Merge(*run.span(), joined, word))
    if merges:
        tokens.merge(merges)


def _merge_phrases(tokens: Tokens) -> None:
    """Fixed phrases become one token, longest first."""
    texts = tokens.texts
    begun = list(map(dict.get, [word.phrases for word in tokens.words], texts[1:]))
    if not any(begun):
        return
    merges: list[Merge] = []
    end = 0  # of the last one
    for at, longer in [(at, longer) for at, longer in enumerate(begun) if longer]:
        for rest, whole in longer if at >= end else ():
            after = at + 2 + len(rest)
            if not rest or tuple(texts[at + 2 : after]) == rest:
                merges.append(Merge(at, after, " ".join(texts[at:after]), whole))
                end = after
                break
    if merges:
        tokens.merge(merges)
