"""WeChat official accounts, service or subscription (channels.md §8). Free text inside 48 hours, five of them; templates outside."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Final

from channels.wechat.crypto import faults
from channels.wechat.events import parse
from channels.wechat.outbound import MAX_TEXT_BYTES, answer, interpret, render
from channels.wechat.signature import REQUIRED_SECRETS, handshake, nonce, reply, verify
from hub.model.address import Channel
from hub.model.message import Account, Adapter, Capabilities, SharedTokens, Transport

MAX_BODY_BYTES: Final = 131_072  # a push is a few kilobytes; the longest text is 2048 bytes
# Where the API and the films it points at are fetched from.
MEDIA_HOSTS: Final = ("api.weixin.qq.com", "mp.weixin.qq.com", ".video.qq.com", ".tc.qq.com")

CAPABILITIES = Capabilities(
    outbound=True,
    attachments=True,
    templates=True,
    reply_window_h=48,
    reply_window_messages=5,
    max_text=MAX_TEXT_BYTES,
    max_text_bytes=MAX_TEXT_BYTES,
    read_receipts=False,
    provider_confirms_stop=False,
    max_body_bytes=MAX_BODY_BYTES,
    media_hosts=MEDIA_HOSTS,
    spool=True,
)


def open_transport(account: Account) -> AbstractAsyncContextManager[Transport]:
    """The transport with a token of its own; for where there is one process only."""
    from channels.wechat.transport import open_transport as opened

    return opened(account, MEDIA_HOSTS, None)


def open_with_tokens(account: Account, tokens: SharedTokens) -> AbstractAsyncContextManager[Transport]:
    """The transport; the HTTP client is only imported here, when something is to be sent or fetched."""
    from channels.wechat.transport import open_transport as opened

    return opened(account, MEDIA_HOSTS, tokens)


ADAPTER = Adapter(
    "wechat_official",
    Channel.WECHAT,
    verify,
    parse,
    render,
    interpret,
    reply,
    CAPABILITIES,
    REQUIRED_SECRETS,
    open_transport,
    open_with_tokens,
    handshake,
    answer,
    nonce,
    faults,
)
