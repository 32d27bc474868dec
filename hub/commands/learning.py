"""`hub lexicon learn`: examples in, weights out, with what they would have done on examples held back. Touches no database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO
from zlib import crc32

from hub.leaning import Said, read_examples, version_of, write_weights
from hub.lexicon import load_lists
from hub.model.address import Channel
from hub.model.permission import TextContext
from hub.policy.optout.leaning import Before, Leaning, Tongue, tongue_of
from hub.policy.optout.learning import Example, learn
from hub.policy.optout.lexicon import Lexicon
from hub.policy.optout.recognise import by_rules

_PARTS = 4
# What staff may be asked in vain, by what went before: as a share of the examples that ask for nothing, half of them made to resemble
# wishes; of everyday texts; and of what patients write back. A doubt ends marketing and asks the person a question (policy §3.6), so in
# a conversation no more messages may raise it than it takes to find the wishes, which differs by tongue; more may in answer to
# marketing, where a stop is what many write.
_IN_VAIN = {Before.NOTHING: (0.01, 0.0002), Before.OURS: (0.115, 0.1), Before.MARKETING: (0.08, 1.0)}
_WRITTEN_BACK = {
    Before.NOTHING: dict.fromkeys(Tongue, 1.0),
    Before.OURS: {Tongue.ENGLISH: 0.025, Tongue.CHINESE: 0.015, Tongue.OTHER: 0.06},
    Before.MARKETING: dict.fromkeys(Tongue, 0.13),
}
_TOLD = {Before.NOTHING: "Where we never wrote", Before.OURS: "In a conversation", Before.MARKETING: "After marketing"}
_ENOUGH = 300  # examples, to measure a tongue by its own
_KINDS = ("", "everyday", "conversation")  # how the names of files with such texts begin; the first is all the rest


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """An example and its score by weights that had not seen it."""

    said: Said
    tongue: Tongue
    score: float


def learn_from_examples(config_dir: Path, output: TextIO) -> int:
    """Write the weights anew and tell how well they do on examples held back. 1 where there is nothing to learn from."""
    said = read_examples(config_dir)
    if not said:
        output.write("There are no examples: nothing was learnt.\n")
        return 1
    lexicon = load_lists(config_dir)
    examples = [_example(one, lexicon) for one in said]
    held = _held_back(said, examples, lexicon)
    limits = {tongue: {before: _limit(held, tongue, before) for before in Before} for tongue in Tongue}
    weights, bias = learn(examples)
    write_weights(config_dir, Leaning.learnt(version=version_of(said), weights=weights, bias=bias, least=limits))
    output.write(f"Learnt {len(weights):,} weights from {len(said):,} examples.\n")
    for before, told in _TOLD.items():
        after = _after(held, before)
        asked, clean = ([h.score >= limits[h.tongue][before] for h in after if h.said.wants_out is wants] for wants in (True, False))
        output.write(f"{told}: {_share(asked)} of those who want out would be put to staff, {_share(clean)} of the others in vain.\n")
    return 0


def _share(found: Sequence[bool]) -> str:
    return f"{sum(found):,} of {len(found):,}"


def _example(said: Said, lexicon: Lexicon) -> Example:
    ruled = by_rules(said.text, TextContext(channel=Channel.SMS), lexicon)
    return Example(
        tokens=ruled.reading.tokens,
        hint=ruled.hint.rule if ruled.hint and not said.after_marketing else "",
        wants_out=said.wants_out,
        after_marketing=said.after_marketing,
    )


def _held_back(said: Sequence[Said], examples: Sequence[Example], lexicon: Lexicon) -> list[_Held]:
    """Each example's score by weights learnt from the other parts."""
    order = sorted(range(len(said)), key=lambda at: crc32(said[at].text.encode("utf-8")))  # mixed, and the same every time
    held = []
    for part in range(_PARTS):
        out = order[part::_PARTS]
        kept = set(out)
        weights, bias = learn([e for at, e in enumerate(examples) if at not in kept])
        leaning = Leaning.learnt(version="", weights=weights, bias=bias, least={})
        held += [
            _Held(
                said=said[at],
                tongue=tongue_of(examples[at].tokens, lexicon.english, lexicon.chinese),
                score=leaning.score(examples[at].tokens, examples[at].hint, after_marketing=examples[at].after_marketing),
            )
            for at in out
        ]
    return held


def _kind(said: Said) -> str:
    return next(kind for kind in reversed(_KINDS) if said.source.startswith(kind))


def _after(held: Sequence[_Held], before: Before) -> list[_Held]:
    """The examples that tell about this case."""
    return [h for h in held if h.said.after_marketing is (before is Before.MARKETING)]


def _limit(held: Sequence[_Held], tongue: Tongue, before: Before) -> float:
    """The lowest score at which no more than the shares are flagged in vain. A tongue with too few texts of a kind goes by all of them."""
    clean = [h for h in _after(held, before) if not h.said.wants_out]
    limits = []
    for share, kind in zip((*_IN_VAIN[before], _WRITTEN_BACK[before][tongue]), _KINDS, strict=True):
        alike = [h for h in clean if _kind(h.said) == kind]
        own = [h for h in alike if h.tongue is tongue]
        scores = sorted((h.score for h in (own if len(own) >= _ENOUGH else alike)), reverse=True)
        limits += [scores[min(int(share * len(scores)), len(scores) - 1)]] if scores else []
    return round(max(limits, default=0.0) + 0.01, 2)
