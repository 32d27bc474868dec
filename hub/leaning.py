"""Reads config/leaning: the examples the last layer of the opt-out recogniser learns from, and the weights learnt.

An example is a line: `+ text` where a fair-minded receptionist would stop writing or ask a colleague, `- text` where not;
`M ` before either says that our last message was marketing, `\\n` inside is a line break, and a line of `#` is a remark.
The weights are made from the examples by `hub lexicon learn` and say which examples they are of.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from hub.policy.optout.leaning import Before, Leaning, Tongue

FOLDER = "leaning"
WEIGHTS = "weights.json"
_LINE = re.compile(r"(M )?([+-]) (\S.*)")


class BadLeaning(Exception):
    """The examples or the weights cannot be used; says file and line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One example. source: the name of its file."""

    text: str
    wants_out: bool
    after_marketing: bool
    source: str


def load_leaning(config_dir: Path) -> Leaning | None:
    """The weights of this installation; None where it keeps none (policy §3.3: L5 is optional). Raises BadLeaning."""
    file = config_dir / FOLDER / WEIGHTS
    if not file.exists():
        return None
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return Leaning.learnt(
            version=str(content["version"]),
            weights=_shared({str(name): float(weight) for name, weight in content["weights"].items()}),
            bias=float(content["bias"]),
            least={t: {b: float(content["least"][t][b]) for b in Before} for t in Tongue},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise BadLeaning(f"{file.name} is not as `hub lexicon learn` writes it ({type(fault).__name__}): learn again") from fault


def _shared(weights: dict[str, float]) -> dict[str, float]:
    """The same weights, equal ones the same object: there are some hundred thousand, of hardly a thousand sizes."""
    sizes: dict[float, float] = {}
    return {name: sizes.setdefault(weight, weight) for name, weight in weights.items()}


def read_examples(config_dir: Path) -> list[Said]:
    """All examples, file by file. Raises BadLeaning naming the first line that is none."""
    return [said for file in sorted((config_dir / FOLDER).glob("*.txt")) for said in read_said(file)]


def read_said(file: Path) -> list[Said]:
    """The examples of one file. Raises BadLeaning naming the first line that is none."""
    found = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if not line or line.startswith("#"):
            continue
        if (match := _LINE.fullmatch(line)) is None:
            raise BadLeaning(f"{file.name} line {number}: must read `+ text` or `- text`, with `M ` before it after marketing")
        text = match[3].replace("\\n", "\n")
        found.append(Said(text=text, wants_out=match[2] == "+", after_marketing=bool(match[1]), source=file.stem))
    return found


def version_of(examples: list[Said]) -> str:
    """Twelve hexadecimal digits that change with any example."""
    said = "\n".join(f"{e.source} {e.after_marketing} {e.wants_out} {e.text}" for e in examples)
    return hashlib.sha256(said.encode("utf-8")).hexdigest()[:12]


def write_weights(config_dir: Path, leaning: Leaning) -> None:
    """One weight a line, so that a reviewer sees what changed."""
    content = {
        "version": leaning.version,
        "bias": leaning.bias,
        "least": {tongue: dict(of_tongue) for tongue, of_tongue in leaning.least.items()},
        "weights": leaning.by_feature(),
    }
    (config_dir / FOLDER / WEIGHTS).write_text(json.dumps(content, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
