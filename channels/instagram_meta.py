"""Instagram messages, through the Page behind the account or by Instagram Login (channels.md §7).

A text is limited by its bytes, not its letters: a Chinese one ends after 333 characters.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Final

from channels.errors import CannotExpress
from channels.meta import answers, messaging_outbound
from channels.meta.messaging_events import parse
from channels.meta.signature import REQUIRED_SECRETS, reply, verify
from hub.model.address import AddressClass, Channel
from hub.model.message import Account, Adapter, Capabilities, OutboundMessage, ProviderRequest, Transport

MAX_BYTES: Final = 1000
LOGIN_BASE_URL: Final = "https://graph.instagram.com"

CAPABILITIES = Capabilities(
    outbound=True,
    attachments=True,
    templates=False,
    reply_window_h=24,
    max_text=MAX_BYTES,
    max_text_bytes=MAX_BYTES,
    read_receipts=True,
    provider_confirms_stop=False,
    max_body_bytes=messaging_outbound.MAX_BODY_BYTES,
    media_hosts=messaging_outbound.MEDIA_HOSTS,
    human_agent=True,
)


def render(message: OutboundMessage, account: Account) -> ProviderRequest:
    """The send request. Raises CannotExpress: "too_long" beyond 1000 bytes of UTF-8, and what `messaging_outbound` raises."""
    content = messaging_outbound.content(message, account)
    if len(str(content.get("text", "")).encode()) > MAX_BYTES:
        raise CannotExpress(account.id, "too_long")
    return messaging_outbound.request(message, account, kind=AddressClass.INSTAGRAM, content=content)


def open_transport(account: Account) -> AbstractAsyncContextManager[Transport]:
    """The transport; the HTTP client is only imported here, when something is to be sent or fetched.

    With `instagram_login = true` the calls go to Instagram's own host, for the account the token belongs to.
    """
    from channels.meta.transport import BASE_URL
    from channels.meta.transport import open_transport as opened

    by_login = account.options.get("instagram_login") is True
    return opened(
        account,
        node="me" if by_login else messaging_outbound.node_of(account),
        media_hosts=CAPABILITIES.media_hosts,
        credential_host="",
        base_url=LOGIN_BASE_URL if by_login else BASE_URL,
    )


ADAPTER = Adapter(
    "instagram_meta",
    Channel.INSTAGRAM,
    verify,
    parse,
    render,
    answers.messaging,
    reply,
    CAPABILITIES,
    REQUIRED_SECRETS,
    open_transport,
)
