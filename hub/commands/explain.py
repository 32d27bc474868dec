"""The explain family: lines of JSON in, lines of JSON (or sentences) out. Touches no database and no settings."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable
from typing import Any, BinaryIO, TextIO

# A line longer than any message we take is no question anybody means.
LONGEST_LINE = 1_048_576


def explain(family: str, lines: Iterable[str], output: TextIO, *, human: bool) -> int:
    """Answer each line on a line of its own. The exit code is 1 when one of them was no valid question."""
    module = importlib.import_module(f"hub.explain.{family}")
    failed = False
    for line in lines:
        if not line.strip():
            continue
        answer: dict[str, Any] = {"error": "line too long"} if len(line) > LONGEST_LINE else module.explain_line(line)
        failed = failed or "error" in answer
        if human and "error" not in answer:
            output.write(module.human(answer) + "\n")
        else:
            output.write(json.dumps(answer, ensure_ascii=False) + "\n")
        output.flush()
    return 1 if failed else 0


def explain_mail(message: BinaryIO, output: TextIO, *, human: bool) -> int:
    """What the reader made of one raw message. The exit code is 1 when it was refused."""
    from hub.explain import mail

    answer = mail.explain(message.read())
    output.write((mail.human(answer) if human else json.dumps(answer, ensure_ascii=False)) + "\n")
    return 1 if "refused" in answer else 0
