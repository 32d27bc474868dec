"""WhatsApp straight from Meta, the Cloud API (channels.md §6). Free text inside 24 hours, approved templates outside."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Final
from urllib.parse import urlsplit

from channels.errors import CannotExpress
from channels.meta import answers
from channels.meta.signature import REQUIRED_SECRETS, reply, verify
from channels.meta.template import template
from channels.meta.whatsapp_events import parse, phone_number_id
from channels.phones import is_e164
from channels.texts import storable
from hub.model.address import Address, AddressClass, Channel
from hub.model.message import Account, Adapter, Capabilities, OutboundMessage, ProviderRequest, Transport
from hub.model.sealed import Sealed

SEND: Final = "messages.create"
MAX_TEXT: Final = 4096
MAX_CAPTION: Final = 1024
MAX_BODY_BYTES: Final = 3_145_728  # Meta's own limit: a smaller one would refuse a full batch for seven days
MEDIA_HOSTS: Final = ("lookaside.fbsbx.com",)
_WAMID: Final = re.compile(r"[!-~]{1,300}")

CAPABILITIES = Capabilities(
    outbound=True,
    attachments=True,
    templates=True,
    reply_window_h=24,
    max_text=MAX_TEXT,
    read_receipts=True,
    provider_confirms_stop=False,
    max_body_bytes=MAX_BODY_BYTES,
    media_hosts=MEDIA_HOSTS,
)


def render(message: OutboundMessage, account: Account) -> ProviderRequest:
    """The send request. Raises CannotExpress: "not_a_phone", "foreign_user", "too_long", "too_many_files", "no_caption", "empty",
    and for templates "template_name", "parameter".

    Our own id rides along as opaque data and comes back in every status, so an unknown outcome settles itself.
    """
    fields: dict[str, object] = {"messaging_product": "whatsapp", "recipient_type": "individual", **_recipient(message.to, account)}
    if message.template_id:
        fields |= {"type": "template", "template": template(message, account)}
    else:
        fields |= _content(message, account)
        if message.reply_to_provider_id and _WAMID.fullmatch(message.reply_to_provider_id):
            fields["context"] = {"message_id": message.reply_to_provider_id}
    fields["biz_opaque_callback_data"] = str(message.id)
    return ProviderRequest(operation=SEND, fields=Sealed(fields))


def _recipient(to: Address, account: Account) -> Mapping[str, str]:
    """`to` for a number, `recipient` for a user id (channels.md §6.2: when both are given, `to` wins)."""
    value = to.value.reveal()
    if to.kind is AddressClass.PHONE and is_e164(value):
        return {"to": value.removeprefix("+")}
    if to.kind is not AddressClass.WHATSAPP_USER:
        raise CannotExpress(account.id, "not_a_phone")
    owner, _, user_id = value.rpartition(":")
    if owner != account.id or not user_id:
        raise CannotExpress(account.id, "foreign_user")  # the id means nothing to another account
    return {"recipient": user_id}


def _content(message: OutboundMessage, account: Account) -> Mapping[str, object]:
    text = storable(message.text.reveal())
    if len(message.media_urls) > 1:
        raise CannotExpress(account.id, "too_many_files")
    if message.media_urls:
        return _file(message.media_urls[0].reveal(), text, account)
    if not text.strip():
        raise CannotExpress(account.id, "empty")
    if len(text) > MAX_TEXT:
        raise CannotExpress(account.id, "too_long")
    return {"type": "text", "text": {"body": text, "preview_url": False}}


def _file(url: str, caption: str, account: Account) -> Mapping[str, object]:
    path = urlsplit(url).path
    mime = mimetypes.guess_type(path)[0] or ""
    kind = FILE_KINDS.get(mime) or ("audio" if mime.startswith("audio/") else "document")
    if caption and kind == "audio":
        raise CannotExpress(account.id, "no_caption")
    if len(caption) > MAX_CAPTION:
        raise CannotExpress(account.id, "too_long")
    file: dict[str, object] = {"link": url}
    if caption:
        file["caption"] = caption
    if kind == "document" and (name := path.rpartition("/")[2]):
        file["filename"] = name[:200]
    return {"type": kind, kind: file}


# What WhatsApp shows as such; every other file goes as a document.
FILE_KINDS: Final = {"image/jpeg": "image", "image/png": "image", "video/mp4": "video", "video/3gpp": "video"}


def open_transport(account: Account) -> AbstractAsyncContextManager[Transport]:
    """The transport; the HTTP client is only imported here, when something is to be sent or fetched."""
    from channels.meta.transport import open_transport as opened

    return opened(account, node=phone_number_id(account), media_hosts=MEDIA_HOSTS, credential_host=MEDIA_HOSTS[0])


ADAPTER = Adapter(
    "whatsapp_meta",
    Channel.WHATSAPP,
    verify,
    parse,
    render,
    answers.whatsapp,
    reply,
    CAPABILITIES,
    REQUIRED_SECRETS,
    open_transport,
)
