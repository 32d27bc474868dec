"""What the tests of outbound mail share: an account that reaches a server on this machine, and a message to somebody."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hub.model.address import Address, AddressClass, Channel
from hub.model.ids import AccountId, ContactId, ConversationId, MessageId, uuid7
from hub.model.message import Account, OutboundMail, OutboundMessage
from hub.model.sealed import Sealed

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
AMY = "amy@patient.example"
IDENTITY = "Harbour Clinic\nHarbour Clinic Ltd, company 1234567, registered in England and Wales"


def account(port: int = 0, **options: Any) -> Account:
    """A sandbox account whose server is on this machine."""
    given: dict[str, str | int | float | bool] = {
        "sandbox": True,
        "smtp_host": "127.0.0.1",
        "smtp_port": port,
        "smtp_security": "none",
        "sender_name": "Harbour Clinic",
    }
    secrets = {name: Sealed(value) for name, value in options.pop("secrets", {}).items()}
    return Account(
        id=AccountId("mail-main"),
        adapter="email",
        channel=Channel.EMAIL,
        sender="hello@clinic.example",
        public_url="https://hub.clinic.example",
        secrets={"address_key": Sealed("k" * 32), "webhook_key": Sealed("w" * 32), **secrets},
        options={**given, "identity": IDENTITY, **options},
        processor="own-systems",
        rate_per_s=1e6,
        burst=1_000_000,
    )


def message(
    text: str = "Yes, we are open on Sunday.", *, to: str = AMY, news: bool = False, subject: str = "Re: Opening hours"
) -> OutboundMessage:
    """A message as the gate hands it over."""
    mail = OutboundMail(
        subject=Sealed(subject),
        conversation_id=ConversationId(uuid7()),
        written_at=NOW,
        in_reply_to="abc@patient.example",
        references=("abc@patient.example",),
        leaves_list=ContactId(uuid7()) if news else None,
        automatic=False,
    )
    return OutboundMessage(id=MessageId(uuid7()), to=Address(kind=AddressClass.EMAIL, value=Sealed(to)), text=Sealed(text), mail=mail)
