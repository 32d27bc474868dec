"""WhatsApp through Twilio (channels.md §5). Free text inside 24 hours, templates by ContentSid outside."""

from __future__ import annotations

import re
from contextlib import AbstractAsyncContextManager
from typing import Final

from channels.errors import CannotExpress
from channels.twilio import outbound
from channels.twilio.events import parse
from channels.twilio.signature import verify
from hub.model.address import Address, AddressClass, Channel
from hub.model.message import Account, Adapter, Capabilities, OutboundMessage, ProviderRequest, Transport

_CONTENT_SID: Final = re.compile(r"HX[0-9a-fA-F]{32}")

CAPABILITIES = Capabilities(
    outbound=True,
    attachments=True,
    templates=True,
    reply_window_h=24,
    max_text=outbound.MAX_TEXT,
    read_receipts=True,
    provider_confirms_stop=False,
    max_body_bytes=outbound.MAX_BODY_BYTES,
    media_hosts=outbound.MEDIA_HOSTS,
)


def render(message: OutboundMessage, account: Account) -> ProviderRequest:
    """The create request. Raises CannotExpress: "not_a_phone", "foreign_user", "template_name", "too_long", "too_many_files", "empty"."""
    if message.template_id and not _CONTENT_SID.fullmatch(message.template_id):
        raise CannotExpress(account.id, "template_name")
    text = outbound.checked_text(message, account)
    return outbound.create(message, account, to=_recipient(message.to, account), prefix="whatsapp:", text=text)


def _recipient(to: Address, account: Account) -> str:
    if to.kind is not AddressClass.WHATSAPP_USER:
        return outbound.phone_of(to, account)
    owner, _, user_id = to.value.reveal().rpartition(":")
    if owner != account.id or not user_id:
        raise CannotExpress(account.id, "foreign_user")  # the id means nothing to another account
    return user_id


def open_transport(account: Account) -> AbstractAsyncContextManager[Transport]:
    """The transport; the SDK is only imported here, when something is to be sent."""
    from channels.twilio.transport import open_transport as opened

    return opened(account, render, CAPABILITIES.media_hosts)


ADAPTER = Adapter(
    "whatsapp_twilio",
    Channel.WHATSAPP,
    verify,
    parse,
    render,
    outbound.interpret,
    outbound.reply,
    CAPABILITIES,
    ("auth_token",),
    open_transport,
)
