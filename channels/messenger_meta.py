"""Facebook Messenger through a Page (channels.md §7). Free text inside 24 hours; for seven days under the human-agent tag."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Final

from channels.errors import CannotExpress
from channels.meta import answers, messaging_outbound
from channels.meta.messaging_events import parse
from channels.meta.signature import REQUIRED_SECRETS, reply, verify
from hub.model.address import AddressClass, Channel
from hub.model.message import Account, Adapter, Capabilities, OutboundMessage, ProviderRequest, Transport

MAX_TEXT: Final = 2000

CAPABILITIES = Capabilities(
    outbound=True,
    attachments=True,
    templates=False,
    reply_window_h=24,
    max_text=MAX_TEXT,
    read_receipts=True,
    provider_confirms_stop=False,
    max_body_bytes=messaging_outbound.MAX_BODY_BYTES,
    media_hosts=messaging_outbound.MEDIA_HOSTS,
    human_agent=True,
)


def render(message: OutboundMessage, account: Account) -> ProviderRequest:
    """The send request. Raises CannotExpress: "too_long" beyond 2000 characters, and what `messaging_outbound` raises."""
    content = messaging_outbound.content(message, account)
    if len(str(content.get("text", ""))) > MAX_TEXT:
        raise CannotExpress(account.id, "too_long")
    return messaging_outbound.request(message, account, kind=AddressClass.MESSENGER, content=content)


def open_transport(account: Account) -> AbstractAsyncContextManager[Transport]:
    """The transport; the HTTP client is only imported here, when something is to be sent or fetched."""
    from channels.meta.transport import open_transport as opened

    return opened(account, node=messaging_outbound.node_of(account), media_hosts=CAPABILITIES.media_hosts, credential_host="")


ADAPTER = Adapter(
    "messenger_meta",
    Channel.MESSENGER,
    verify,
    parse,
    render,
    answers.messaging,
    reply,
    CAPABILITIES,
    REQUIRED_SECRETS,
    open_transport,
)
