"""Whatever the text: no exception, no blow-up, and a bare stop word stays one under any decoration."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.model.permission import OptOutLabel, Signal
from hub.policy.optout.lexicon import ASCII_TOKEN, TOKEN
from hub.policy.optout.normalise import fold
from hub.policy.optout.tokens import tokenise
from hub.policy.optout.visible import visible
from tests.cost import grows_in_step
from tests.unit.optout.helpers import LEXICON, read
from tests.unit.optout.test_visible import QUOTES

ANY_TEXT = st.text(st.characters(codec=None, categories=None), max_size=200)
WORDS = st.sampled_from(
    [
        "stop",
        "don't",
        "never",
        "text",
        "me",
        "不要",
        "再",
        "发",
        "no",
        "more",
        "messages",
        ">",
        "\n",
        "wrote:",
        ".",
        "?",
        "07700",
        "🛑",
        "unsubscribe",
        "remove",
        "list",
        "لا",
        "ترسل",
        "мне",
    ]
)
KEYWORDS = ["stop", "unsubscribe", "quit", "optout", "revoke", "退订", "退訂", "arrêt", "стоп", "توقف", "dezabonare", "durdur"]
COURTESY = ["", "please ", "pls ", "hi ", "Hello, ", "sorry ", "请 ", "por favor "]
AFTER = ["", " please", " thanks", "!!!", ".", " 🙏", " 🛑🛑", " thank you x", "…", " now", "?", " - 07700 900123"]
HOSTILE = {
    "stop": "stop ", "glued": "stop", "zalgo": "s\u0336\u0321\u0322", "invisible": "s\u200b", "lines": "\n", "quotes": "> x\n", "han": "退",
    "dots": ".", "apostrophes": "a'", "hyphens": "a-",
    "sentences": "stop. ", "wrote": "on 1 wrote:\n", "brackets": "[1:1", "grammar": "don't the text ",
    "emoji": "🛑", "letters": "x", "spaces": " ", "labels": "From: a\n", "corner": "「", "single": "s t ",
}  # fmt: skip


@given(text=ANY_TEXT, channel=st.sampled_from(["sms", "email", "wechat"]), note=st.sampled_from(["", "after=MKT", "offered=T"]))
@settings(max_examples=300, deadline=None)
def test_no_text_makes_it_raise(text: str, channel: str, note: str) -> None:
    signal = read(text, channel, note)
    assert isinstance(signal, Signal)
    assert 0 <= signal.matched_span[0] <= signal.matched_span[1] <= len(text)


@given(words=st.lists(WORDS, max_size=30))
@settings(max_examples=300, deadline=None)
def test_no_row_of_our_own_words_makes_it_raise(words: list[str]) -> None:
    text = " ".join(words)
    signal = read(text)
    assert (signal.label is OptOutLabel.NONE) or signal.matched_span[1] <= len(text)


@given(st.text("aZ7'`_-.$ \n\r\t\x0b\x0c\x00\x1c\x1f\x7f", max_size=40))
def test_plain_letters_are_cut_as_all_others_are(text: str) -> None:
    """They have an expression of their own, which is sooner done."""
    folded = fold(text).text
    assert ASCII_TOKEN.findall(folded) == TOKEN.findall(folded)


def test_lone_surrogates_are_harmless() -> None:
    assert read("\ud800 stop \udfff").label is OptOutLabel.OPT_OUT


@given(
    keyword=st.sampled_from(KEYWORDS),
    before=st.sampled_from(COURTESY),
    after=st.sampled_from(AFTER),
    case=st.sampled_from([str.lower, str.upper, str.title]),
    wide=st.booleans(),
    invisible=st.sampled_from(["", "\u200b", "\u00ad", "\ufe0f", "\u2060"]),
)
@settings(max_examples=300, deadline=None)
def test_a_stop_word_stays_one_however_it_is_dressed(keyword, before, after, case, wide, invisible) -> None:  # type: ignore[no-untyped-def]
    word = case(keyword)
    if wide:
        word = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in word)
    assert read(before + invisible.join(word) + after).label is OptOutLabel.OPT_OUT


@pytest.mark.parametrize(
    "text", ["s t o p", "S.T.O.P.", "s-t-o-p", "s_t_o_p", "stoooop", "STОP", "*STOP*", "_stop_", "stopstopstop", "u n s u b s c r i b e"]
)
def test_a_stop_word_stays_one_when_its_letters_are_spread(text: str) -> None:
    assert read(text).label is OptOutLabel.OPT_OUT


@given(own=ANY_TEXT.filter(lambda t: not visible(t).left_out), quote=st.sampled_from(QUOTES[1:4]))
@settings(max_examples=100, deadline=None)
def test_the_label_never_depends_on_what_is_quoted(own: str, quote: str) -> None:
    own = own.replace("\n", " ").replace("\r", " ").strip(" ->—:：")
    if own and visible(own).text == own:
        assert read(own + "\n\n" + quote).label is read(own).label


@pytest.mark.parametrize("kind", HOSTILE)
def test_the_work_is_bounded_however_long_the_text(kind: str) -> None:
    """Beyond the window the number of tokens and the text kept do not grow, and the time with the text at most."""
    small, large = (HOSTILE[kind] * (size // len(HOSTILE[kind])) for size in (100_000, 1_000_000))
    counts = []
    for text in (small, large):
        kept = visible(text).text
        counts.append(len(tokenise(fold(kept).text, LEXICON)))
        assert len(kept) <= 60_001
    assert counts[1] <= counts[0] * 1.2 + 10
    texts = {len(small): small, len(large): large}
    assert grows_in_step(lambda size: read(texts[size]), len(small), len(large))


def test_a_stop_at_either_end_of_a_long_text_is_found() -> None:
    filler = "We had a lovely time in Cornwall and the weather was kind to us. " * 4000
    assert read("Please stop texting me. " + filler).label is OptOutLabel.OPT_OUT
    assert read(filler + " Please stop texting me.").label is OptOutLabel.OPT_OUT


def test_ten_thousand_invisible_characters_hide_nothing() -> None:
    assert read("\u200b" * 10_000 + "stop" + "\u200b" * 10_000).label is OptOutLabel.OPT_OUT
    assert read("s" + "\u200b" * 10_000 + "top").label is OptOutLabel.OPT_OUT
