"""The compiled lexicon is kept between starts, is what it was compiled from, and is read only where we signed it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hub.intake import kept_lexicon as module
from hub.intake.kept_lexicon import keep, kept_lexicon
from hub.lexicon import BadLexicon, load_lexicon
from hub.model.permission import OptOutLabel
from hub.model.sealed import Sealed
from hub.policy.optout import Lexicon, recognise
from tests.unit.optout.helpers import context

KEY, OTHER = Sealed(b"k" * 32), Sealed(b"o" * 32)
LIST = 'language = "xx"\nversion = "1"\n[keywords]\nstop = ["{word}"]\n'


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "_in_memory", Forgetful())
    write(tmp_path, "blimp")
    return tmp_path


class Forgetful(dict[str, Lexicon]):
    """As if every look were a new process."""

    def __contains__(self, _: object) -> bool:
        return False


def write(config: Path, word: str) -> None:
    (config / "lexicon").mkdir(exist_ok=True)
    (config / "lexicon" / "xx.toml").write_text(LIST.format(word=word), encoding="utf-8")
    load_lexicon.cache_clear()


def stops(lexicon: Lexicon, word: str) -> bool:
    return recognise(word, context(), lexicon).label is OptOutLabel.OPT_OUT


def kept(folder: Path) -> list[Path]:
    return sorted(folder.glob("*"))


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Which folders were compiled from their lists, here instead of in a process of its own."""
    done: list[Path] = []

    def here(config_dir: Path, folder: Path, key: Sealed[bytes]) -> None:
        done.append(config_dir)
        keep(config_dir, folder, key)

    monkeypatch.setattr(module, "_compile_aside", here)
    return done


def test_it_is_compiled_once_and_understands_the_same_afterwards(config: Path, compiled: list[Path]) -> None:
    for _ in range(3):
        assert stops(kept_lexicon(config, config / "cache", KEY), "blimp")
    assert len(compiled) == 1
    assert len(kept(config / "cache")) == 1


def test_two_that_start_together_compile_once(config: Path, compiled: list[Path]) -> None:
    with ThreadPoolExecutor(2) as pool:
        started = [pool.submit(kept_lexicon, config, config / "cache", KEY) for _ in range(2)]
    assert all(stops(one.result(), "blimp") for one in started)
    assert len(compiled) == 1


def test_a_changed_list_is_compiled_anew_and_the_old_one_goes(config: Path, compiled: list[Path]) -> None:
    kept_lexicon(config, config / "cache", KEY)
    write(config, "blump")
    lexicon = kept_lexicon(config, config / "cache", KEY)
    assert (stops(lexicon, "blump"), stops(lexicon, "blimp")) == (True, False)
    assert len(compiled) == 2
    assert len(kept(config / "cache")) == 1


@pytest.mark.parametrize("at", [0, 31, 32, -1])
def test_what_we_did_not_sign_is_never_unpickled(config: Path, compiled: list[Path], monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    kept_lexicon(config, config / "cache", KEY)
    [file] = kept(config / "cache")
    spoilt = bytearray(file.read_bytes())
    spoilt[at] ^= 1
    file.write_bytes(spoilt)
    with monkeypatch.context() as inside:
        inside.setattr(module, "_compile_aside", lambda *_: None)
        inside.setattr(module.pickle, "loads", lambda _: pytest.fail("unpickled what nobody signed"))
        assert stops(kept_lexicon(config, config / "cache", KEY), "blimp")
    assert stops(kept_lexicon(config, config / "cache", KEY), "blimp")
    assert len(compiled) == 2


def test_another_key_reads_nothing_of_ours(config: Path, compiled: list[Path]) -> None:
    kept_lexicon(config, config / "cache", KEY)
    kept_lexicon(config, config / "cache", OTHER)
    assert len(compiled) == 2


def test_a_folder_that_cannot_be_written_only_costs_time(config: Path) -> None:
    (config / "cache").write_text("in the way", encoding="utf-8")
    assert stops(kept_lexicon(config, config / "cache", KEY), "blimp")


def test_it_is_compiled_in_a_process_of_its_own(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "load_lexicon", lambda _: pytest.fail("compiled here"))
    assert stops(kept_lexicon(config, config / "cache", KEY), "blimp")


def test_broken_lists_are_told_here(config: Path) -> None:
    (config / "lexicon" / "yy.toml").write_text("language =", encoding="utf-8")
    with pytest.raises(BadLexicon, match=r"yy\.toml"):
        kept_lexicon(config, config / "cache", KEY)
