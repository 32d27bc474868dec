"""The explain family: lines of JSON in, lines of JSON (or sentences) out. Touches no database and no settings."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO, TextIO

# A line longer than any message we take is no question anybody means.
LONGEST_LINE = 1_048_576


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookAsked:
    """A request as somebody has it: lines of `Name: value`, the raw body, the address it was sent to, aware time of arrival."""

    body: bytes = field(repr=False)
    headers: Iterable[str] = ()
    url: str = ""
    at: datetime | None = None


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


def explain_webhook(account: str, request: WebhookAsked, output: TextIO, *, human: bool) -> int:
    """What one webhook would mean to the account named. The exit code is 1 when it was refused. Raises Refusal, SettingsError."""
    from hub.commands.common import Refusal, config_dir, now, settings_now
    from hub.explain import webhook
    from hub.model.ids import AccountId
    from hub.model.message import RawRequest

    known = settings_now().accounts
    if (found := known.get(AccountId(account))) is None:
        raise Refusal(f"There is no account called {account}: choose from {', '.join(sorted(known))}.")
    at = request.at or now()
    raw = RawRequest(
        method="POST",
        path_and_query=webhook.path_of(request.url) if request.url else f"/webhooks/{account}",
        headers=webhook.read_headers(request.headers),
        body=request.body,
        received_at=at,
    )
    answers = webhook.explain(raw, found, now=at, config_dir=config_dir(os.environ))
    for answer in answers:
        output.write((webhook.human(answer) if human else json.dumps(answer, ensure_ascii=False)) + "\n")
    return 1 if any("refused" in answer for answer in answers) else 0
