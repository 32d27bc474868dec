"""L5: weights learnt from examples put to staff what no pattern knows, raise NONE to AMBIGUOUS, and do nothing else."""

from __future__ import annotations

import io
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.commands.learning import learn_from_examples
from hub.leaning import BadLeaning, load_leaning, read_examples, version_of
from hub.lexicon import load_lexicon
from hub.model.permission import OptOutLabel
from hub.policy.optout import recognise
from hub.policy.optout.leaning import Before, Leaning, Tongue, features, scale, weighed
from hub.policy.optout.learning import Example, learn
from hub.policy.optout.normalise import fold
from hub.policy.optout.tokens import Tokens, tokenise
from tests.unit.optout.helpers import DATA, LEXICON, ROOT, context, rows

WITHOUT = replace(LEXICON, leaning=None)
WORDS = st.lists(
    st.sampled_from(
        ("stop", "texting", "me", "another", "one", "really", "why", "do", "you", "how", "much", "3", "3", "?", ".", "不要", "再", "发")
    ),
    max_size=12,
)


def tokens(text: str) -> Tokens:
    return tokenise(fold(text).text, LEXICON)


def shipped() -> Leaning:
    assert LEXICON.leaning is not None
    return LEXICON.leaning


@cache
def by_feature() -> dict[str, float]:
    return shipped().by_feature()


@given(WORDS.map(" ".join), st.sampled_from(("", "L4.dont_pester")), st.booleans())
@settings(max_examples=200, deadline=None)
def test_a_score_is_the_sum_of_what_its_features_weigh(text: str, hint: str, after_marketing: bool) -> None:
    leaning, said = shipped(), tokens(text)
    total = sum(by_feature().get(name, 0.0) for name in features(said, hint, after_marketing=after_marketing))
    assert leaning.score(said, hint, after_marketing=after_marketing) == pytest.approx(leaning.bias + total * scale(weighed(said)))


def test_the_shipped_weights_are_of_the_shipped_examples() -> None:
    """Whoever changes an example learns anew: `hub lexicon learn`."""
    assert shipped().version == version_of(read_examples(ROOT / "config"))


def test_weights_only_ever_raise_none_to_ambiguous() -> None:
    for row in (*rows("tuning.tsv"), *rows("unseen.tsv")):
        asked = context(row.channel, row.note)
        before, after = recognise(row.text, asked, WITHOUT), recognise(row.text, asked, LEXICON)
        if after != before:
            assert (before.label, after.label, after.rule_id[:3]) == (OptOutLabel.NONE, OptOutLabel.AMBIGUOUS, "L5.")


def test_a_complaint_no_pattern_knows_goes_to_staff_after_marketing() -> None:
    asked = context(note="after=MKT")
    for text in ("third one this week and I never even came in", "does this ever end with you lot"):
        assert recognise(text, asked, WITHOUT).label is OptOutLabel.NONE
        found = recognise(text, asked, LEXICON)
        assert (found.label, found.matched_span) == (OptOutLabel.AMBIGUOUS, (0, len(text)))


def test_everyday_texts_are_hardly_ever_weighed_as_an_opt_out() -> None:
    lines = (DATA / "everyday.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if recognise(line, context(), LEXICON).rule_id == "L5.leaning"] == []


def test_the_same_examples_give_the_same_weights() -> None:
    examples = [Example(tokens=tokens(text), wants_out=out, after_marketing=False) for text, out in CHEERS_AND_JEERS]
    assert learn(examples) == learn(list(examples))
    with pytest.raises(ValueError, match="both kinds"):
        learn(examples[:3])


CHEERS_AND_JEERS = [
    ("another one again", True), ("you lot again", True), ("again and again", True),
    ("see you again soon", False), ("lovely to see you", False), ("see you at three", False),
]  # fmt: skip


@pytest.fixture
def config(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "config" / "lexicon", tmp_path / "lexicon")
    (tmp_path / "leaning").mkdir()
    lines = [f"{'+' if out else '-'} {text}" for text, out in CHEERS_AND_JEERS] * 2
    (tmp_path / "leaning" / "en.txt").write_text(
        "# Remarks are passed over.\n" + "\n".join([*lines, "M + pass", "M - yes"]), encoding="utf-8"
    )
    return tmp_path


def test_learning_writes_weights_that_are_read_again_and_says_how_it_went(config: Path) -> None:
    output = io.StringIO()
    assert learn_from_examples(config, output) == 0
    assert "from 14 examples" in output.getvalue()
    leaning = load_lexicon(config).leaning
    assert leaning is not None
    assert leaning.version == version_of(read_examples(config))
    assert leaning.score(tokens("again again you lot"), after_marketing=False) > leaning.score(tokens("see you"), after_marketing=False)


def test_how_far_words_must_lean_in_a_conversation_is_measured_on_what_is_written_back_there(config: Path) -> None:
    """The same harmless lines: as examples like any other some may be put to staff in vain, as a conversation hardly one."""
    lines = "\n".join(f"- {who} again, {what}" for who in ("me", "you lot", "us", "them") for what in ("hi", "at three", "sorry", "soon"))
    least = {}
    for name in ("en-more.txt", "conversation-en.txt"):
        file = config / "leaning" / name
        file.write_text(lines, encoding="utf-8")
        learn_from_examples(config, io.StringIO())
        file.unlink()
        leaning = load_leaning(config)
        assert leaning is not None
        least[name] = leaning.least[Tongue.ENGLISH]
    assert least["conversation-en.txt"][Before.OURS] > least["en-more.txt"][Before.OURS]


def test_a_line_that_is_no_example_is_named(config: Path) -> None:
    file = config / "leaning" / "en.txt"
    file.write_text(file.read_text(encoding="utf-8") + "\n? who knows\n", encoding="utf-8")
    with pytest.raises(BadLeaning, match=r"en\.txt line 16"):
        read_examples(config)


def test_an_installation_may_do_without_weights_and_not_with_broken_ones(config: Path) -> None:
    assert load_leaning(config) is None
    (config / "leaning" / "weights.json").write_text('{"version": 3}', encoding="utf-8")
    with pytest.raises(BadLeaning, match="learn again"):
        load_leaning(config)
