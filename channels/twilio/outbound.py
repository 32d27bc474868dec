"""What Twilio is asked for, and what its answers mean (channels.md §3). Pure: the transport does the talking."""

from __future__ import annotations

import json
from typing import Final

from channels.errors import CannotExpress
from channels.phones import is_e164
from channels.texts import storable
from channels.twilio.tables import ERRORS, HTTP
from hub.model.address import Address, AddressClass, Channel
from hub.model.message import Account, OutboundMessage, Outcome, ProviderRequest, ProviderResponse, RawRequest, Reply, SendCode, SendResult
from hub.model.sealed import Sealed

CREATE: Final = "messages.create"
MAX_TEXT: Final = 1600  # 21617 beyond
MAX_MEDIA: Final = 10  # 21623 beyond
MAX_BODY_BYTES: Final = 1_048_576
# Files are asked for at the API, which leads on to its file servers; only the API itself sees the credential.
MEDIA_HOSTS: Final = ("api.twilio.com", ".twiliocdn.com", "s3-external-1.amazonaws.com")
# An empty TwiML answer: text/plain might be sent on to the person, and an empty body draws warnings.
_EMPTY_TWIML: Final = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'


def reply(request: RawRequest, outcome: Outcome) -> Reply:
    """Tell Twilio that there is nothing to say at once."""
    return Reply(status=200, content_type="application/xml", body=_EMPTY_TWIML)


def phone_of(to: Address, account: Account) -> str:
    """The E.164 number of an address. Raises CannotExpress for anything else."""
    number = to.value.reveal()
    if to.kind is not AddressClass.PHONE or not is_e164(number):
        raise CannotExpress(account.id, "not_a_phone")
    return number


def sender_of(account: Account) -> str:
    """Our number as Twilio spells it: WhatsApp's bear a mark."""
    prefix = "whatsapp:" if account.channel is Channel.WHATSAPP else ""
    return account.sender if account.sender.startswith(prefix) else prefix + account.sender


def create(message: OutboundMessage, account: Account, *, to: str, prefix: str, text: str) -> ProviderRequest:
    """A create request. The callback carries our id in its path, which joins a status to the row even when the
    outcome of the create call was unknown."""
    fields: dict[str, object] = {
        "to": prefix + to,
        "status_callback": f"{account.public_url}/webhooks/{account.id}/status/{message.id}",
    }
    if account.sender:
        fields["from_"] = sender_of(account)
    if service := account.options.get("messaging_service_sid"):
        fields["messaging_service_sid"] = str(service)
    if message.template_id:
        fields["content_sid"] = message.template_id
        if message.template_variables:
            variables = {name: storable(value.reveal()) for name, value in message.template_variables}
            fields["content_variables"] = json.dumps(variables, ensure_ascii=False)
    elif text:
        fields["body"] = text
    if message.media_urls:
        fields["media_url"] = [url.reveal() for url in message.media_urls]
    return ProviderRequest(operation=CREATE, fields=Sealed(fields))


def checked_text(message: OutboundMessage, account: Account) -> str:
    """The text as it may go. Raises CannotExpress: "too_long", "too_many_files" or "empty". Nothing is ever split."""
    text = storable(message.text.reveal())
    if len(text) > MAX_TEXT:
        raise CannotExpress(account.id, "too_long")
    if len(message.media_urls) > MAX_MEDIA:
        raise CannotExpress(account.id, "too_many_files")
    if not text.strip() and not message.media_urls and not message.template_id:
        raise CannotExpress(account.id, "empty")
    return text


def interpret(response: ProviderResponse) -> SendResult:
    """What a create answer means. A 5xx, or a success that names no message, leaves the outcome unknown."""
    body = response.body.reveal()
    sid, code = _word(body.get("sid")), _word(body.get("error_code") or body.get("code"))
    if 200 <= response.status < 300:
        if sid is None:
            return SendResult(code=SendCode.OUTCOME_UNKNOWN, error_code="no_sid")
        if code is not None and body.get("status") in ("failed", "undelivered"):
            return SendResult(code=ERRORS.get(code, SendCode.REJECTED), provider_message_id=sid, error_code=code)
        return SendResult(code=SendCode.ACCEPTED, provider_message_id=sid)
    if response.status >= 500 or response.status < 400:
        return SendResult(code=SendCode.OUTCOME_UNKNOWN, error_code=code or str(response.status))
    known = ERRORS.get(code or "") or HTTP.get(response.status) or SendCode.REJECTED
    wait = response.retry_after_s if known is SendCode.THROTTLED else None
    return SendResult(code=known, error_code=code or str(response.status), retry_after_s=wait)


def _word(value: object) -> str | None:
    """An id or code from an answer: short and plain, or None."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value)
    return text if text and len(text) <= 64 and text.isascii() and text.isprintable() else None
