"""WhatsApp templates: a name, a language, and parameters for header, body and buttons (channels.md §6.2). Pure.

How a message names them:

    template_id            "appt_reminder:en_GB"; without a language, the account's `template_language`, else en_GB
    template_variables     ("1", …), ("2", …)                body, by place
                           ("first_name", …)                 body, by name
                           ("header.1", …)                   header text; also by name: "header.first_name"
                           ("header.image", …)               header file by link; also document, video
                           ("button.0.payload", …)           what a quick reply sends back
                           ("button.1.url", …)               the changing end of a link
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from channels.errors import CannotExpress
from channels.texts import storable
from hub.model.message import Account, OutboundMessage

DEFAULT_LANGUAGE: Final = "en_GB"
HEADER_FILES: Final = frozenset({"image", "document", "video"})
BUTTONS: Final = {"payload": ("quick_reply", "payload", "payload"), "url": ("url", "text", "text")}
_ID: Final = re.compile(r"(?P<name>[a-z0-9_]{1,512})(?::(?P<language>[a-z]{2,3}(?:_[A-Za-z]{2,4})?))?")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,99}")
_BUTTON: Final = re.compile(r"button\.([0-9])\.(payload|url)")

Component = dict[str, object]


def template(message: OutboundMessage, account: Account) -> Mapping[str, object]:
    """The `template` member. Raises CannotExpress: "template_name", or "parameter" for a variable it cannot place."""
    found = _ID.fullmatch(message.template_id or "")
    if found is None:
        raise CannotExpress(account.id, "template_name")
    language = found["language"] or str(account.options.get("template_language", DEFAULT_LANGUAGE))
    said: dict[str, object] = {"name": found["name"], "language": {"code": language}}
    if components := _components(message, account):
        said["components"] = components
    return said


def _components(message: OutboundMessage, account: Account) -> list[Component]:
    header: list[tuple[str, str]] = []
    body: list[tuple[str, str]] = []
    buttons: list[Component] = []
    for name, sealed in message.template_variables:
        value = storable(sealed.reveal())
        if button := _BUTTON.fullmatch(name):
            buttons.append(_button(button[1], button[2], value))
        elif name.startswith("header."):
            header.append((name.removeprefix("header."), value))
        else:
            body.append((name, value))
    parts = [_part("header", header, account), _part("body", body, account)]
    return [part for part in parts if part] + sorted(buttons, key=lambda b: str(b["index"]))


def _part(kind: str, variables: list[tuple[str, str]], account: Account) -> Component:
    if not variables:
        return {}
    if all(name.isascii() and name.isdigit() for name, _ in variables):
        placed = sorted(variables, key=lambda pair: int(pair[0]))
        if [int(name) for name, _ in placed] != list(range(1, len(placed) + 1)):
            raise CannotExpress(account.id, "parameter")
        return {"type": kind, "parameters": [{"type": "text", "text": value} for _, value in placed]}
    return {"type": kind, "parameters": [_named(kind, name, value, account) for name, value in variables]}


def _named(kind: str, name: str, value: str, account: Account) -> Component:
    if kind == "header" and name in HEADER_FILES:
        return {"type": name, name: {"link": value}}
    if not _NAME.fullmatch(name):
        raise CannotExpress(account.id, "parameter")
    return {"type": "text", "parameter_name": name, "text": value}


def _button(index: str, what: str, value: str) -> Component:
    sub_type, kind, member = BUTTONS[what]
    return {"type": "button", "sub_type": sub_type, "index": index, "parameters": [{"type": kind, member: value}]}
