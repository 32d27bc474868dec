"""What Meta's answers to a send mean (channels.md §6.2, §7). Classified by code and subcode, never by text. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from channels.meta.tables import HTTP, MESSAGING, WHATSAPP, classify
from hub.model.message import ProviderResponse, SendCode, SendResult

_ID: Final = re.compile(r"[!-~]{1,500}")


def whatsapp(response: ProviderResponse) -> SendResult:
    """The fate of a WhatsApp send. 200 means accepted, not sent; most refusals come later as a failed status."""
    messages = response.body.reveal().get("messages")
    first = messages[0] if isinstance(messages, list) and messages else None
    return _result(response, first.get("id") if isinstance(first, dict) else None, WHATSAPP)


def messaging(response: ProviderResponse) -> SendResult:
    """The fate of a Messenger or Instagram send: these say all they ever say here."""
    return _result(response, response.body.reveal().get("message_id"), MESSAGING)


def _result(response: ProviderResponse, found: object, table: dict[str, SendCode]) -> SendResult:
    """A 5xx, or a success that names no message, leaves the outcome unknown."""
    code, subcode = _codes(response.body.reveal())
    if 200 <= response.status < 300:
        if isinstance(found, str) and _ID.fullmatch(found):
            return SendResult(code=SendCode.ACCEPTED, provider_message_id=found)
        return SendResult(code=SendCode.OUTCOME_UNKNOWN, error_code="no_id")
    told = (f"{code}/{subcode}" if subcode else code) or str(response.status)
    if response.status >= 500 or response.status < 400:
        return SendResult(code=SendCode.OUTCOME_UNKNOWN, error_code=told)
    known = classify(table, code, subcode) or HTTP.get(response.status) or SendCode.REJECTED
    wait = response.retry_after_s if known is SendCode.THROTTLED else None
    return SendResult(code=known, error_code=told, retry_after_s=wait)


def _codes(body: Mapping[str, object]) -> tuple[str, str]:
    error = body.get("error")
    if not isinstance(error, dict):
        return "", ""
    return _code(error.get("code")), _code(error.get("error_subcode")).removeprefix("0")


def _code(value: object) -> str:
    return str(value) if type(value) is int and 0 <= value < 10**9 else ""
