"""Folded text -> tokens with their classes (policy §3.2 steps 5 to 8 and 10).

A token the lexicon does not know is tried again with repeats squeezed, look-alikes mapped, accents stripped, by its
stem, and, if long, with one letter wrong; what still is unknown stays a token without class. Scripts without spaces
are cut by longest known word, so a stop word inside a longer known word (退订 in 退订金) is never seen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from hub.policy.optout.lexicon import CHILD_AGES, SPACELESS, TOKEN, Lexicon, Word
from hub.policy.optout.normalise import strip_accents

_SPACELESS = re.compile(f"[{SPACELESS}]")
_PARTS = re.compile(f"[{SPACELESS}]|[^{SPACELESS}]+")
_REPEATS = re.compile(r"([^\W\d])\1{2,}")
_CLOCK = re.compile(r"\d{1,2}(?:am|pm|h|ish|oclock|st|nd|rd|th|\d{2}h?)?")
_JOINERS = frozenset("-‐‑–.*/")
_STOP_SIGNS = frozenset("🛑✋🚫❌⛔🔕🙅🚷📵🖕")
_LATIN_LIKE = str.maketrans("аеорсухіјѕԁһкмтвнαοερτυικνβ", "aeopcyxijsdhkmtbhaoeptyiknb")
_CYRILLIC_LIKE = str.maketrans("aeopcyxijkmtbh", "аеорсухијкмтвн")
_LATIN, _CYRILLIC, _GREEK = re.compile("[a-z]"), re.compile("[а-яёіїєґѕјԁһ]"), re.compile("[α-ω]")
_ENGLISH_ENDINGS = frozenset({"ve", "ll", "re", "d", "m", "s"})  # I've, you'll: the word before says what it is
_MAX_FUZZY = 16
_MAX_LETTERS = 24
_AMID = 2  # English words that make a text English
_AGAIN_AND_AGAIN = re.compile(r"(\w{3,14}?)\1{1,9}")


@dataclass(slots=True)
class Tokens:
    """Parallel lists: the compared text of each token, its place in the folded text, and what it can be."""

    texts: list[str]
    starts: list[int]
    ends: list[int]
    words: list[Word]

    def __len__(self) -> int:
        return len(self.texts)

    def codes(self) -> str:
        """One character per token, as the grammar reads them."""
        return "".join([w.code for w in self.words])


def tokenise(text: str, lexicon: Lexicon) -> Tokens:
    """Tokens of a folded text. Never raises; linear in the text."""
    tokens = Tokens([], [], [], [])
    texts, starts, ends, words = tokens.texts, tokens.starts, tokens.ends, tokens.words
    known, spelt_out = lexicon.words.get, lexicon.spellings.get
    foreign = not text.isascii()
    singles = 0
    has_phrases = False
    resolved: dict[str, tuple[str, Word]] = {}  # an unknown word is looked into once, however often it stands here
    for match in TOKEN.finditer(text):
        token = match.group()
        if len(token) > 1:
            token = spelt_out(token, token)
        word = known(token)
        start, end = match.span()
        if foreign and _SPACELESS.search(token):
            _segment(token, start, lexicon, tokens)
            has_phrases = True
            continue
        if len(token) == 1:
            if token in _JOINERS and _joins(text, start, end, starts):
                continue
            singles += token.isalpha()
        if word is None:
            if (again := resolved.get(token)) is None:
                again = resolved[token] = _resolve(token, lexicon)
            token, word = again
        if word.phrases is not None:
            has_phrases = True
        texts.append(token)
        starts.append(start)
        ends.append(end)
        words.append(word)
    if singles >= 3:
        _join_letters(tokens, lexicon)
    if singles:
        has_phrases |= _spell_out_letters(tokens, lexicon)
    if has_phrases:
        _merge_phrases(tokens)
    if not foreign and not lexicon.strays.isdisjoint(texts):
        _put_strays_aside(tokens, lexicon)
    return tokens


def _spell_out_letters(tokens: Tokens, lexicon: Lexicon) -> bool:
    """A letter that stands for a word, where it was not part of one that was spread out. Whether a phrase may begin with it."""
    begins = False
    for at, text in enumerate(tokens.texts):
        if len(text) == 1 and (word := lexicon.spellings.get(text)) is not None:
            tokens.texts[at], tokens.words[at] = word, lexicon.words.get(word, lexicon.other)
            begins |= tokens.words[at].phrases is not None
    return begins


def _put_strays_aside(tokens: Tokens, lexicon: Lexicon) -> None:
    """One short word of another language amid English is an abbreviation, not that word: "ne", "bo", "na"."""
    texts, words = tokens.texts, tokens.words
    strays = [i for i, text in enumerate(texts) if text in lexicon.strays]
    english = sum(bool(word.languages & lexicon.english) for word in words)
    others = any(word.languages and not word.languages & lexicon.english and len(text) > 3 for text, word in zip(texts, words, strict=True))
    if english >= _AMID and not others and len({texts[i] for i in strays}) == 1:
        for i in strays:
            words[i] = lexicon.other


def _joins(text: str, start: int, end: int, starts: list[int]) -> bool:
    """A hyphen or dot with letters on both sides holds one word together; a dot only between single letters."""
    if not (start > 0 and end < len(text) and text[start - 1].isalnum() and text[end].isalnum()):
        return False
    if text[start] != ".":
        return True
    return bool(starts) and starts[-1] == start - 1


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
        return lexicon.child_age if token in CHILD_AGES else lexicon.number
    return lexicon.clock if _CLOCK.fullmatch(token) else lexicon.number


def _segment(token: str, start: int, lexicon: Lexicon, tokens: Tokens) -> None:
    """Cut a run of a spaceless script by longest known word; unknown characters are tokens of their own."""
    at, size = 0, len(token)
    while at < size:
        text, word = token[at], lexicon.other
        for candidate in lexicon.starts.get(text, ()):
            if token.startswith(candidate, at):
                text, word = candidate, lexicon.words[candidate]
                break
        else:
            if not _SPACELESS.match(text):
                text = _PARTS.match(token, at).group()  # type: ignore[union-attr]
                found = lexicon.words.get(text)
                word = found if found is not None else _resolve(text, lexicon)[1]
        tokens.texts.append(text)
        tokens.starts.append(start + at)
        tokens.ends.append(start + at + len(text))
        tokens.words.append(word)
        at += len(text)


def _join_letters(tokens: Tokens, lexicon: Lexicon) -> None:
    """s t o p, s.t.o.p, s-t-o-p: three or more single letters in a row are one word, if the lexicon knows it."""
    hits: list[tuple[int, int, Word]] = []
    at, size = 0, len(tokens.texts)
    while at < size:
        end = at
        while end < size and len(tokens.texts[end]) == 1 and tokens.texts[end].isalpha():
            end += 1
        if 3 <= end - at <= _MAX_LETTERS:
            joined = "".join(tokens.texts[at:end])
            word = lexicon.words.get(joined) or lexicon.words.get(_REPEATS.sub(r"\1", joined))
            if word is not None:
                hits.append((at, end, word))
        at = max(end, at + 1)
    if hits:
        joined_texts = {first: "".join(tokens.texts[first:end]) for first, end, _ in hits}
        places = {tokens.starts[first]: text for first, text in joined_texts.items()}
        _collapse(tokens, hits)
        tokens.texts = [places.get(start, text) for start, text in zip(tokens.starts, tokens.texts, strict=True)]


def _merge_phrases(tokens: Tokens) -> None:
    """Fixed phrases become one token, longest first. Builds new lists, so a long text costs one pass."""
    texts, words = tokens.texts, tokens.words
    hits: list[tuple[int, int, Word]] = []
    at, last = 0, len(texts) - 1
    while at < last:
        if (phrases := words[at].phrases) is not None and (found := phrases.get(texts[at + 1])) is not None:
            for rest, whole in found:
                end = at + 2 + len(rest)
                if not rest or texts[at + 2 : end] == rest:
                    hits.append((at, end, whole))
                    at = end - 1
                    break
        at += 1
    if hits:
        _collapse(tokens, hits)


def _collapse(tokens: Tokens, hits: list[tuple[int, int, Word]]) -> None:
    """Each [first, end) becomes one token."""
    texts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    words: list[Word] = []
    at = 0
    for first, end, word in [*hits, (len(tokens.texts), 0, hits[0][2])]:
        texts += tokens.texts[at:first]
        starts += tokens.starts[at:first]
        ends += tokens.ends[at:first]
        words += tokens.words[at:first]
        if end:
            texts.append(" ".join(tokens.texts[first:end]))
            starts.append(tokens.starts[first])
            ends.append(tokens.ends[end - 1])
            words.append(word)
            at = end
    tokens.texts, tokens.starts, tokens.ends, tokens.words = texts, starts, ends, words
