"""Words out and in: no text of a patient makes a mention, a link or a style; a colleague's mark-up becomes plain words."""

from __future__ import annotations

import html
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.slack.blocks import Button, Entry, Link, Post, body
from channels.slack.text import mentions, plain, safe, to_plain
from hub.model.sealed import Sealed

NASTY = ["<!channel>", "<!here|x>", "<@U0123>", "<#C01|a>", "<https://evil.example|your bank>", "*b*", "_i_", "~s~", "`c`",
         "&lt;!channel&gt;",
         "@channel", "@here", "https://a.example", "a.example", ":wave:", "\u202e", "\x00", "&", "<", ">", "|"]  # fmt: skip
texts = st.lists(st.sampled_from(NASTY) | st.text(max_size=8), max_size=12).map("".join)
MARK = re.compile(r"<[@#!]|<https?:|<mailto:|<[^<>]*\|")


@given(text=texts)
def test_no_text_makes_a_mention_a_link_or_a_style(text: str) -> None:
    for made in (safe(text), plain(text)):
        assert "<" not in made
        assert ">" not in made
    assert not re.search(r"@(channel|here|everyone)\b", safe(text))
    assert "://" not in safe(text)


@given(text=texts)
def test_what_is_shown_is_what_was_written_but_for_what_hides_or_turns(text: str) -> None:
    shown = html.unescape(plain(text)) if "&" not in text else plain(text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert shown == re.sub("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", "", text)


@given(name=texts, words=texts, title=texts)
@settings(max_examples=60)
def test_a_whole_post_holds_no_mark_that_came_from_outside(name: str, words: str, title: str) -> None:
    post = Post(
        title=Sealed(title or "x"),
        entries=(Entry(icon="", head=Sealed(name), words=Sealed(words), foot=words, buttons=(Button(action="a", label="b", value="c"),)),),
        links=(Link(label="Open", url="https://hub.example/inbox/1"),),
    )
    made = body(post, id="x")
    told = json.dumps({**made, "blocks": [b for b in made["blocks"] if b["type"] != "actions"]})
    assert not MARK.search(told)
    assert '"mrkdwn"' not in json.dumps(made["blocks"])  # not one object in which mark-up means anything
    assert made["unfurl_links"] is False
    assert made["unfurl_media"] is False


@given(words=st.text(alphabet="&<>a", min_size=1, max_size=8).map(lambda t: t * 700))
@settings(max_examples=20)
def test_the_longest_words_stay_within_slacks_limits(words: str) -> None:
    made = body(Post(entries=(Entry(icon="", head=Sealed(words), words=Sealed(words)),), title=Sealed(words)), id="x")
    for block in made["blocks"]:
        for held in [block.get("text"), *block.get("elements", [])]:
            if held:
                assert len(held["text"]) <= (3000 if block["type"] != "header" else 150)
    assert len(made["text"]) < 40_000


def test_a_simple_post_leaves_the_words_out() -> None:
    made = json.dumps(body(Post(entries=(Entry(icon="", head=Sealed("They wrote"), words=Sealed("sentinel-4711")),)), id="x", simple=True))
    assert "sentinel-4711" not in made
    assert "They wrote" in made


@pytest.mark.parametrize(
    ("marked", "read"),
    [
        ("Hello &amp; welcome", "Hello & welcome"),
        ("see <https://x.example/a?b=1&amp;c=2|our page>", "see our page (https://x.example/a?b=1&c=2)"),
        ("<https://x.example>", "https://x.example"),
        ("<mailto:a@b.example|a@b.example>", "a@b.example"),
        ("ask <@U1|Priya> in <#C1|desk>", "ask @Priya in #desk"),
        ("<!subteam^S1|@doctors> please", "@doctors please"),
        ("&lt;3", "<3"),
        ("&amp;lt;", "&lt;"),
        ("5 &gt; 3 and 1 &lt; 2", "5 > 3 and 1 < 2"),
    ],
)
def test_a_colleagues_marks_become_plain_words(marked: str, read: str) -> None:
    assert to_plain(marked) == read


@pytest.mark.parametrize(
    ("text", "held"), [("hi <@U1>", True), ("<!here>", True), ("<#C1>", True), ("<https://a.example>", False), ("a@b", False)]
)
def test_a_mention_in_an_answer_is_seen(text: str, held: bool) -> None:
    assert mentions(text) is held
