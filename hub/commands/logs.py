"""Logging: one JSON line per event on standard error, or readable lines on a terminal. Ids only.

Messages of libraries are cut down to their constant part, and failures to their kind and place: the rest may hold
what patients wrote (promise P6).
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog

QUIET = ("twilio", "twilio.http_client", "aiohttp.access", "asyncio", "rq.worker")
_LONGEST = 200


def configure(environ: Mapping[str, str], output: TextIO = sys.stderr) -> None:
    """Set logging up for this process. HUB_LOG: "pretty" or "json"; by default pretty on a terminal."""
    chosen = environ.get("HUB_LOG", "").strip().lower()
    pretty = chosen == "pretty" or (chosen != "json" and output.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        only_kind_and_place,
    ]
    renderer = structlog.dev.ConsoleRenderer(colors=output.isatty()) if pretty else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(output),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(_Foreign([*shared, renderer]))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def only_kind_and_place(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """An exception's text may hold a value it choked on, so only its type and where it came from are kept."""
    given = event.pop("exc_info", None)
    event.pop("stack_info", None)
    if given is True:
        given = sys.exc_info()
    error = given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["fault"] = type(error).__name__
        event["at"] = place_of(error)
    return event


def place_of(error: BaseException) -> str:
    """File and line of the innermost step, "file.py:12"."""
    steps = traceback.extract_tb(error.__traceback__)
    return f"{steps[-1].filename.rpartition('/')[2]}:{steps[-1].lineno}" if steps else ""


class _Foreign(logging.Formatter):
    """Renders a library's record: its message without the values put into it, and of that the first line."""

    def __init__(self, processors: list[Any]) -> None:
        super().__init__()
        self._processors = processors

    def format(self, record: logging.LogRecord) -> str:
        lines = str(record.msg).splitlines() or [""]
        event: Any = {"event": lines[0][:_LONGEST], "logger": record.name, "exc_info": record.exc_info}
        for processor in self._processors:
            event = processor(None, record.levelname.lower(), event)
        return str(event)
