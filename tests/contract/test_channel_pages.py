"""docs/channels tells the truth: the feature matrix is what the adapters declare, and every adapter has a page of its own."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from channels.registry import ADAPTERS
from hub.model.message import Adapter
from hub.settings.accounts import secret_variable

DOCS = Path(__file__).parents[2] / "docs" / "channels"
HEADS = (
    "adapter",
    "sends",
    "text",
    "files",
    "templates",
    "window",
    "after it, by a person",
    "read receipts",
    "gateway confirms stops",
    "disk spool",
    "webhook body",
)


def yes(value: bool) -> str:
    return "yes" if value else "no"


def text_limit(adapter: Adapter) -> str:
    able = adapter.capabilities
    if not able.outbound:
        return "–"
    unit = f"{able.max_text_bytes} bytes" if able.max_text_bytes is not None else f"{able.max_text} characters"
    return f"{unit}, split" if able.splits_text else unit


def window(adapter: Adapter) -> str:
    able = adapter.capabilities
    if able.reply_window_h is None:
        return "none"
    count = f", {able.reply_window_messages} messages" if able.reply_window_messages is not None else ""
    return f"{able.reply_window_h} h{count}"


def row(adapter: Adapter) -> str:
    able = adapter.capabilities
    cells = (
        f"`{adapter.kind}`",
        yes(able.outbound),
        text_limit(adapter),
        yes(able.attachments),
        yes(able.templates),
        window(adapter),
        yes(able.human_agent),
        yes(able.read_receipts),
        yes(able.provider_confirms_stop),
        yes(able.spool),
        f"{able.max_body_bytes // 1024} KB",
    )
    return f"| {' | '.join(cells)} |"


def test_the_matrix_is_what_the_adapters_declare() -> None:
    written = [line for line in (DOCS / "README.md").read_text().splitlines() if line.startswith(("| `", "| adapter"))]
    declared = [f"| {' | '.join(HEADS)} |", *(row(adapter) for adapter in ADAPTERS.values())]
    difference = "\n".join(difflib.unified_diff(written, declared, "docs/channels/README.md", "declared by the adapters", lineterm=""))
    assert not difference, "\n" + difference


@pytest.mark.parametrize("kind", sorted(ADAPTERS))
def test_every_adapter_has_one_page_with_its_secrets_and_its_limits(kind: str) -> None:
    pages = [p for p in DOCS.glob("*.md") if p.name != "README.md" and f"(`{kind}`)" in p.read_text().splitlines()[0]]
    assert len(pages) == 1, f"{kind} needs one page in docs/channels whose title ends in (`{kind}`)"
    text = pages[0].read_text()
    names = [secret_variable("", secret).removeprefix("HUB_") for secret in ADAPTERS[kind].required_secrets]
    assert not [name for name in names if f"{name}`" not in text]
    assert "## What to set up" in text
    assert "## Not supported" in text
    assert f"]({pages[0].name})" in (DOCS / "README.md").read_text()
