"""The lists as the data protection contact keeps them: loadable, checkable, faults named."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from hub.lexicon import BadLexicon, load_lexicon, read_lists, unreviewed
from hub.model.permission import OptOutLabel
from hub.policy.optout import recognise
from hub.policy.optout.leaning import Before, Leaning, Tongue
from tests.unit.optout.helpers import ROOT, context

WANTED = (  # noqa: SIM905 - a list of 28 strings reads worse
    "en zh-Hans zh-Hant fr es it pt pl ro ru tr ar hi ur fa de nl sv "  # policy §3.4 and the first additions
    "ja ko vi th id ms tl he el uk"
).split()
HEAD = 'language = "xx"\nversion = "1"\n'


def folder(tmp_path: Path, **files: str) -> Path:
    (tmp_path / "lexicon").mkdir()
    for name, content in files.items():
        (tmp_path / "lexicon" / f"{name}.toml").write_text(content, encoding="utf-8")
    return tmp_path


def test_every_language_of_the_policy_is_there() -> None:
    lists, faults = read_lists(ROOT / "config")
    assert faults == []
    assert {words.language for words in lists} == set(WANTED)
    assert all(words.keywords["stop"] for words in lists)


def test_the_number_of_unreviewed_entries_is_known_per_language() -> None:
    assert set(unreviewed(ROOT / "config")) == set(WANTED)


def test_a_word_added_to_a_file_is_recognised(tmp_path: Path) -> None:
    config = folder(tmp_path, xx=HEAD + '[keywords]\nstop = [{ text = "blimp", reviewed = false }]\n')
    assert recognise("Blimp!", context(), load_lexicon(config)).label is OptOutLabel.OPT_OUT


def test_a_refusal_counts_as_the_whole_message_and_nowhere_else(tmp_path: Path) -> None:
    lists = load_lexicon(folder(tmp_path, xx=HEAD + '[keywords]\nstop = ["halt"]\nrefusal = ["blah", "nu blah"]\n[classes]\n'))
    found = [recognise(text, context(), lists).label for text in ("Blah!", "nu, blah", "the blah is ready", "blah. halt")]
    assert found == [OptOutLabel.AMBIGUOUS, OptOutLabel.AMBIGUOUS, OptOutLabel.NONE, OptOutLabel.OPT_OUT]


def test_a_longer_entry_is_found_however_a_text_shortens_its_words(tmp_path: Path) -> None:
    english = 'language = "en"\nversion = "1"\n[keywords]\nstop = ["stop"]\n[classes]\n[spellings]\nnumber = ["nr"]\n'
    other = HEAD + '[keywords]\nstop = ["halt"]\n[classes]\nleave_alone = ["lass min nr"]\n'
    lists = load_lexicon(folder(tmp_path, en=english, xx=other))
    assert recognise("lass min nr", context(), lists).label is OptOutLabel.OPT_OUT


def test_the_same_lists_make_the_same_guesses_in_every_process(tmp_path: Path) -> None:
    """What a misspelt word is taken for must not hang on the order in which a process keeps its sets."""
    content = HEAD + '[keywords]\nstop = ["halt"]\n[classes]\nremove = ["cancellarmi", "cancellarci", "cancellarvi", "cancellarti"]\n'
    folder(tmp_path, xx=content)
    asked = (
        "import pathlib, sys; from hub.lexicon import load_lexicon;"
        "lists = load_lexicon(pathlib.Path(sys.argv[1])); print(sorted(lists.near.items()))"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", asked, str(tmp_path)],
            env={**os.environ, "PYTHONHASHSEED": seed}, cwd=ROOT, capture_output=True, check=True, timeout=60,
        ).stdout
        for seed in ("1", "2", "3", "4")
    }  # fmt: skip
    assert len(answers) == 1


def test_all_faults_are_reported_at_once_with_file_and_entry(tmp_path: Path) -> None:
    config = folder(
        tmp_path,
        aa="language =",
        bb=HEAD + '[keywords]\nhalt = [{ text = "x", reviewed = true }]\n',
        cc=HEAD
        + '[classes]\nstop = [{ text = "stop" }, { text = "!!", reviewed = true }, { text = "a b*", reviewed = true }]\nnouns = []\n',
        dd='version = "1"\n[keywords]\nstop = [{ text = "x", reviewed = true }, { text = "x", reviewed = true }]\n',
    )
    with pytest.raises(BadLexicon) as caught:
        load_lexicon(config)
    faults = "\n".join(caught.value.faults)
    for said in (
        "aa.toml",
        "bb.toml: keywords.halt",
        "cc.toml: classes.stop entry 1",
        "entry 2",
        "entry 3",
        "classes.nouns",
        "`language` is missing",
        "'x' is listed twice",
    ):
        assert said in faults


def test_a_folder_without_lists_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadLexicon):
        load_lexicon(tmp_path)


def test_weights_may_raise_none_to_ambiguous_and_nothing_else() -> None:
    always = Leaning.learnt(version="", weights={}, bias=0.0, least={tongue: dict.fromkeys(Before, -1.0) for tongue in Tongue})
    lexicon = replace(load_lexicon(ROOT / "config"), leaning=always)
    assert recognise("call me at 3", context(), lexicon).label is OptOutLabel.AMBIGUOUS
    assert (
        recognise("lovely weather", context(), lexicon).label is OptOutLabel.NONE
    )  # weights never act alone: a word of the lists must be there
    assert [recognise(nothing, context(note="after=MKT"), lexicon).label for nothing in ("", "\n", "!!!")] == [OptOutLabel.NONE] * 3
    assert recognise("stop", context(), lexicon).label is OptOutLabel.OPT_OUT
    assert recognise("HELP", context(), lexicon).label is OptOutLabel.HELP
