"""How things look in Slack: posts, buttons and the modal, as Block Kit. Every word from outside goes through plain_text.

Limits (https://docs.slack.dev/reference/block-kit): 50 blocks, 3,000 characters a section, 75 a button, 255 a metadata id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from channels.slack.text import clip, plain, safe
from hub.model.sealed import Sealed

LINE_MOST: Final = 300
ENTRIES_MOST: Final = 12
TEXT_MOST: Final = 600
EVENT_TYPE: Final = "hub_message"
BLOCK_MARK: Final = "hub:"

NOTHING: Final = Sealed("")

Block = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """style: "", "primary" or "danger". confirm: a question asked first; "" for none."""

    action: str
    label: str
    value: str
    style: str = ""
    confirm: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A button that opens a page of the hub. Addresses hold ids only."""

    label: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that is told. head: who or what; words: what was said, "" for nothing to show; foot: state and time.

    mention: a Slack user to be told, by id; the only mention there ever is, and never from a text.
    """

    icon: str
    head: Sealed[str]
    words: Sealed[str] = NOTHING
    foot: str = ""
    buttons: tuple[Button, ...] = ()
    mention: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A post as it shall stand. title: its first line, bold; links and buttons stand under the entries."""

    entries: tuple[Entry, ...]
    title: Sealed[str] | None = None
    links: tuple[Link, ...] = ()
    buttons: tuple[Button, ...] = ()
    foot: str = ""


def body(post: Post, *, id: str, simple: bool = False) -> Mapping[str, Any]:
    """What chat.postMessage and chat.update take beside channel and thread. simple: no words from outside, for a text Slack refused."""
    drawn = _blocks(post, simple=simple)
    if drawn:
        drawn[0]["block_id"] = f"{BLOCK_MARK}{id}"  # history shows it even to an app that may not read metadata
    return {
        "text": safe(clip(summary(post, simple=simple), TEXT_MOST)),
        "blocks": drawn,
        "unfurl_links": False,
        "unfurl_media": False,
        "mrkdwn": False,
        "metadata": {"event_type": EVENT_TYPE, "event_payload": {"id": id}},
    }


def summary(post: Post, *, simple: bool = False) -> str:
    """One line for notifications; not yet escaped."""
    if post.title is not None:
        return post.title.reveal()
    heads = [e.head.reveal() if simple or not e.words.reveal() else f"{e.head.reveal()}: {e.words.reveal()}" for e in post.entries]
    return " / ".join(heads[:3]) or "Update"


def _blocks(post: Post, *, simple: bool) -> list[Block]:
    blocks: list[Block] = []
    if post.title is not None:
        blocks.append({"type": "header", "text": _plain(post.title.reveal(), 150)})
    for entry in post.entries[:ENTRIES_MOST]:
        blocks += _entry(entry, simple=simple)
    if post.foot:
        blocks.append(_context(post.foot))
    actions = [_button(b) for b in post.buttons] + [_link(link) for link in post.links]
    if actions:
        blocks.append({"type": "actions", "elements": actions[:25]})
    return blocks


def _entry(entry: Entry, *, simple: bool) -> list[Block]:
    blocks: list[Block] = []
    if entry.mention:
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": f"<@{entry.mention}>", "verbatim": True}})
    blocks.append(_context(f"{entry.icon} {clip(entry.head.reveal(), LINE_MOST)}".strip()))
    if entry.words.reveal() and not simple:
        blocks.append({"type": "section", "text": _plain(entry.words.reveal())})
    if entry.foot:
        blocks.append(_context(clip(entry.foot, LINE_MOST)))
    if entry.buttons:
        blocks.append({"type": "actions", "elements": [_button(b) for b in entry.buttons]})
    return blocks


def _plain(text: str, most: int = 3000) -> Block:
    return {"type": "plain_text", "text": plain(text, most), "emoji": False}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [_plain(text)]}


def _button(button: Button) -> Block:
    found: Block = {"type": "button", "text": _plain(button.label, 75), "action_id": button.action, "value": button.value}
    if button.style:
        found["style"] = button.style
    if button.confirm:
        found["confirm"] = {
            "title": _plain("Are you sure?"),
            "text": _plain(button.confirm),
            "confirm": _plain(button.label),
            "deny": _plain("Not now"),
        }
    return found


def _link(link: Link) -> Block:
    return {"type": "button", "text": _plain(link.label, 75), "action_id": f"open:{link.label}"[:100], "url": link.url}


def reply_modal(
    *, title: str, callback: str, private: str, channels: Sequence[tuple[str, str]], note: str, most: int, text: str = ""
) -> Block:
    """The modal "Reply to patient". channels: value and words of each way out, the first chosen. most: characters it takes."""
    options = [{"text": _plain(words, 75), "value": value} for value, words in channels]
    writing: Block = {"type": "plain_text_input", "action_id": "text", "multiline": True, "max_length": max(1, min(3000, most))}
    if text:
        writing["initial_value"] = clip(text, min(3000, most))
    blocks: list[Block] = [
        {
            "type": "input",
            "block_id": "channel",
            "label": _plain("Answer by"),
            "element": {"type": "static_select", "action_id": "channel", "options": options, "initial_option": options[0]},
        },
        {"type": "input", "block_id": "text", "label": _plain("What the person will read"), "element": writing},
        _context(note),
    ]
    return {
        "type": "modal",
        "callback_id": callback,
        "private_metadata": private,
        "title": _plain(title, 24),
        "submit": _plain("Send"),
        "close": _plain("Cancel"),
        "blocks": blocks,
    }
