"""E-mail (channels.md §2). Mail comes in by IMAP, LMTP or SMTP (workers.mail) and by webhook; all three are read here.
It leaves by SMTP (`channels.mail.outgoing` says what, `channels.mail.transport` how).

A mail fetched or delivered by the mail process is handed over as the request a webhook would have made, with the envelope in
trace fields on top, so that one reading serves the three ways and a replay.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from channels.errors import BadPayload
from channels.mail import outgoing, webhook
from channels.mail.account import ADDRESS_KEY, site_of
from channels.mail.bounds import MailTooLarge
from channels.mail.events import events_of
from channels.mail.faults import faults
from channels.mail.reader import read_mail
from channels.mail.webhook import verify
from hub.model.address import Channel
from hub.model.message import (
    Account,
    Adapter,
    Capabilities,
    ChannelEvent,
    Outcome,
    RawRequest,
    Reply,
    Transport,
)

CAPABILITIES = Capabilities(
    outbound=True,
    attachments=False,
    templates=False,
    reply_window_h=None,
    max_text=outgoing.MAX_TEXT,
    read_receipts=False,
    provider_confirms_stop=False,
    attempts=56,  # about a day: mail is expected to wait for a server that is away (RFC 5321 §4.5.4.1)
    longest_wait_s=1800.0,
    in_flight=512,
    max_body_bytes=41 * 1024 * 1024,  # a mail of the greatest size, and a form around it
)


def parse(request: RawRequest, account: Account) -> list[ChannelEvent]:
    """The events of one mail, at least one. Raises BadPayload: "content_type", "mail", "empty", "too_big"."""
    raw, envelope = webhook.mail_in(request, account)
    if not raw.strip():
        raise BadPayload(account.id, "empty")
    try:
        mail = read_mail(raw, site=site_of(account), envelope=envelope)
    except MailTooLarge:
        raise BadPayload(account.id, "too_big") from None
    return events_of(mail, account, received_at=request.received_at)


def reply(request: RawRequest, outcome: Outcome) -> Reply:
    """An empty 200; a provider that posts mail reads no more than the status."""
    return Reply(status=200)


def open_transport(account: Account) -> AbstractAsyncContextManager[Transport]:
    """The transport; the SMTP client is only imported here, when something is to be sent."""
    from channels.mail.transport import open_transport as opened

    return opened(account)


ADAPTER = Adapter(
    "email",
    Channel.EMAIL,
    verify,
    parse,
    outgoing.render,
    outgoing.interpret,
    reply,
    CAPABILITIES,
    (ADDRESS_KEY,),
    open_transport,
    faults=faults,
)
