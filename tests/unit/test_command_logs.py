"""What is logged: one line per event, ids only. The text of a failure or of a library's values never is."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from hub.commands import logs


@pytest.fixture
def output() -> Iterator[io.StringIO]:
    root, before = logging.getLogger(), list(logging.getLogger().handlers)
    level = root.level
    written = io.StringIO()
    logs.configure({"HUB_LOG": "json"}, written)
    yield written
    structlog.reset_defaults()
    for handler in list(root.handlers):
        root.removeHandler(handler)
    for handler in before:
        root.addHandler(handler)
    root.setLevel(level)


def lines(output: io.StringIO) -> list[dict[str, str]]:
    return [json.loads(line) for line in output.getvalue().splitlines()]


def fail(text: str) -> None:
    raise ValueError(text)


def test_an_event_is_one_json_line_with_level_and_time(output: io.StringIO) -> None:
    structlog.get_logger("x").info("intake.stored", count=2)
    [line] = lines(output)
    assert (line["event"], line["level"], line["count"]) == ("intake.stored", "info", 2)
    assert line["timestamp"].endswith("Z")


def test_a_failure_leaves_its_kind_and_place_and_not_its_text(output: io.StringIO) -> None:
    log = structlog.get_logger("x")
    try:
        fail("Sentinel Name")
    except ValueError:
        log.exception("job.failed")
        logging.getLogger("aiohttp.server").exception("Error handling request from %s", "Sentinel Address")
    first, second = lines(output)
    assert first["fault"] == second["fault"] == "ValueError"
    assert first["at"].startswith("test_command_logs.py:")
    assert second["event"] == "Error handling request from %s"
    assert "Sentinel" not in output.getvalue()


def test_of_a_library_only_the_first_line_is_kept(output: io.StringIO) -> None:
    logging.getLogger("asyncio").error("Task exception was never retrieved\nfuture: <Task exception=ValueError('Sentinel')>")
    [line] = lines(output)
    assert line["event"] == "Task exception was never retrieved"


def test_chatty_libraries_are_quiet(output: io.StringIO) -> None:
    logging.getLogger("aiohttp.access").info("GET /Sentinel")
    logging.getLogger("twilio.http_client").info("Sentinel")
    assert output.getvalue() == ""
