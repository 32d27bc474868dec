"""`hub lexicon learn`: examples in, weights out, with what they would have done on examples held back. Touches no database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO
from zlib import crc32

from hub.leaning import Said, read_examples, version_of, write_weights
from hub.lexicon import load_lexicon
from hub.policy.optout.leaning import Leaning
from hub.policy.optout.learning import Example, learn
from hub.policy.optout.lexicon import Lexicon
from hub.policy.optout.normalise import fold
from hub.policy.optout.tokens import tokenise
from hub.policy.optout.visible import visible

_PARTS = 5
_FALSE_FLAGS, _FALSE_AFTER_MARKETING = 0.02, 0.05  # of the examples that ask for nothing: what staff may be asked in vain
_NONE_OF = "everyday"  # the file of which no line may be flagged


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """An example and its score by weights that had not seen it."""

    said: Said
    score: float


def learn_from_examples(config_dir: Path, output: TextIO) -> int:
    """Write the weights anew and tell how well they do on examples held back. 1 where there is nothing to learn from."""
    said = read_examples(config_dir)
    if not said:
        output.write("There are no examples: nothing was learnt.\n")
        return 1
    lexicon = load_lexicon(config_dir)
    examples = [_example(one, lexicon) for one in said]
    held = _held_back(said, examples)
    least, after = _limit(held, _FALSE_FLAGS), _limit([h for h in held if h.said.after_marketing], _FALSE_AFTER_MARKETING)
    weights, bias = learn(examples)
    write_weights(
        config_dir,
        Leaning(
            version=version_of(said), weights=weights, bias=bias, least=round(least, 2), least_after_marketing=round(min(least, after), 2)
        ),
    )
    output.write(f"Learnt {len(weights):,} weights from {len(said):,} examples.\n")
    for name, limit, some in (("", least, [h for h in held if not h.said.after_marketing]), (" after marketing", after, held)):
        asked = [h.score >= limit for h in some if h.said.wants_out and (not name or h.said.after_marketing)]
        clean = [h.score >= limit for h in some if not h.said.wants_out and (not name or h.said.after_marketing)]
        output.write(
            f"Held back{name}: {_share(asked)} of those who want out would be put to staff, {_share(clean)} of the others in vain.\n"
        )
    return 0


def _share(found: Sequence[bool]) -> str:
    return f"{sum(found):,} of {len(found):,}"


def _example(said: Said, lexicon: Lexicon) -> Example:
    return Example(tokens=tokenise(fold(visible(said.text).text).text, lexicon), wants_out=said.wants_out)


def _held_back(said: Sequence[Said], examples: Sequence[Example]) -> list[_Held]:
    """Each example's score by weights learnt from the other parts."""
    order = sorted(range(len(said)), key=lambda at: crc32(said[at].text.encode("utf-8")))  # mixed, and the same every time
    held = []
    for part in range(_PARTS):
        out = order[part::_PARTS]
        kept = set(out)
        weights, bias = learn([e for at, e in enumerate(examples) if at not in kept])
        leaning = Leaning(version="", weights=weights, bias=bias, least=0.0, least_after_marketing=0.0)
        held += [_Held(said=said[at], score=leaning.score(examples[at].tokens)) for at in out]
    return held


def _limit(held: Sequence[_Held], false_flags: float) -> float:
    """The lowest score at which no more than this share is flagged in vain, and no everyday text."""
    scores = sorted((h.score for h in held if not h.said.wants_out), reverse=True)
    everyday = max((h.score for h in held if h.said.source == _NONE_OF), default=float("-inf"))
    allowed = scores[int(false_flags * len(scores))] if scores else 0.0
    return max(allowed, everyday) + 0.01
