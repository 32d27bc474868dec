"""What Messenger and Instagram are asked to send (channels.md §7). Pure: the transport does the talking.

Text and file are separate sends there. Outside 24 hours a person's own words may still go for seven days under the
human-agent tag; whoever sends asks for it by `template_id = HUMAN_AGENT`, and never for what a robot wrote.
"""

from __future__ import annotations

import mimetypes
from typing import Final
from urllib.parse import urlsplit

from channels.errors import CannotExpress
from channels.texts import storable
from hub.model.address import Address, AddressClass
from hub.model.message import HUMAN_AGENT_TAG, Account, OutboundMessage, ProviderRequest
from hub.model.sealed import Sealed

SEND: Final = "messages.create"
HUMAN_AGENT: Final = HUMAN_AGENT_TAG
MAX_BODY_BYTES: Final = 3_145_728
# A leading dot: every host below; the names of Meta's file servers change by region and day.
MEDIA_HOSTS: Final = (".fbcdn.net", ".fbsbx.com", ".cdninstagram.com")
KINDS: Final = frozenset({"image", "video", "audio"})


def request(message: OutboundMessage, account: Account, *, kind: AddressClass, content: dict[str, object]) -> ProviderRequest:
    """A send request. Our own id rides along and comes back in the echo, so an unknown outcome settles itself.

    Raises CannotExpress: "foreign_user" for an address of another account or channel, "no_templates".
    """
    tagged = message.template_id == HUMAN_AGENT
    if message.template_id and not tagged:
        raise CannotExpress(account.id, "no_templates")
    how = {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"} if tagged else {"messaging_type": "RESPONSE"}
    fields = {"recipient": {"id": _person(message.to, account, kind)}, **how, "message": content | {"metadata": str(message.id)}}
    return ProviderRequest(operation=SEND, fields=Sealed(fields))


def _person(to: Address, account: Account, kind: AddressClass) -> str:
    owner, _, person = to.value.reveal().rpartition(":")
    if to.kind is not kind or owner != account.id or not person:
        raise CannotExpress(account.id, "foreign_user")  # the id means nothing to another account
    return person


def content(message: OutboundMessage, account: Account) -> dict[str, object]:
    """The words or the one file of a message. Raises CannotExpress: "empty", "text_and_file", "too_many_files"."""
    text = storable(message.text.reveal())
    if not message.media_urls:
        if not text.strip():
            raise CannotExpress(account.id, "empty")
        return {"text": text}
    if text.strip():
        raise CannotExpress(account.id, "text_and_file")
    if len(message.media_urls) > 1:
        raise CannotExpress(account.id, "too_many_files")
    url = message.media_urls[0].reveal()
    family = (mimetypes.guess_type(urlsplit(url).path)[0] or "").partition("/")[0]
    return {"attachment": {"type": family if family in KINDS else "file", "payload": {"url": url, "is_reusable": False}}}


def node_of(account: Account) -> str:
    """What sends: the page behind an Instagram account, or the account itself."""
    return str(account.options.get("page_id") or account.sender)
