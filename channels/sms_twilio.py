"""SMS through Twilio (channels.md §4). Refuses British landlines: the text might be read out by a robot."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from channels.errors import CannotExpress
from channels.phones import is_uk_landline
from channels.segments import plain_punctuation
from channels.twilio import outbound
from channels.twilio.events import parse
from channels.twilio.signature import verify
from hub.model.address import Channel
from hub.model.message import Account, Adapter, Capabilities, OutboundMessage, ProviderRequest, Transport

CAPABILITIES = Capabilities(
    outbound=True,
    attachments=False,  # British numbers take no MMS; a file becomes a link in the text
    templates=False,
    reply_window_h=None,
    max_text=outbound.MAX_TEXT,
    read_receipts=False,
    provider_confirms_stop=True,
    max_body_bytes=outbound.MAX_BODY_BYTES,
    media_hosts=outbound.MEDIA_HOSTS,
    splits_text=True,
)


def render(message: OutboundMessage, account: Account) -> ProviderRequest:
    """The create request. Raises CannotExpress: "not_a_phone", "landline", "no_files", "no_templates", "too_long", "empty"."""
    number = outbound.phone_of(message.to, account)
    if is_uk_landline(number):
        raise CannotExpress(account.id, "landline")
    if message.media_urls:
        raise CannotExpress(account.id, "no_files")
    if message.template_id:
        raise CannotExpress(account.id, "no_templates")
    text = plain_punctuation(outbound.checked_text(message, account))
    if len(text) > outbound.MAX_TEXT:  # an ellipsis became three characters
        raise CannotExpress(account.id, "too_long")
    return outbound.create(message, account, to=number, prefix="", text=text)


def open_transport(account: Account) -> AbstractAsyncContextManager[Transport]:
    """The transport; the SDK is only imported here, when something is to be sent."""
    from channels.twilio.transport import open_transport as opened

    return opened(account, render, CAPABILITIES.media_hosts)


ADAPTER = Adapter(
    "sms_twilio", Channel.SMS, verify, parse, render, outbound.interpret, outbound.reply, CAPABILITIES, ("auth_token",), open_transport
)
