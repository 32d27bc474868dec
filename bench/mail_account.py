"""The mail account the benches send through: a server on this machine, no signature, no limit."""

from __future__ import annotations

from hub.model.address import Channel
from hub.model.ids import AccountId
from hub.model.message import Account
from hub.model.sealed import Sealed

MAIL = AccountId("mail-bench")


def mail_account(port: int) -> Account:
    """The account; `port` is the sink's."""
    return Account(
        id=MAIL,
        adapter="email",
        channel=Channel.EMAIL,
        sender="hello@clinic.example",
        public_url="https://hub.clinic.example",
        secrets={"address_key": Sealed("bench" * 8)},
        options={
            "sandbox": True,
            "smtp_host": "127.0.0.1",
            "smtp_port": port,
            "smtp_security": "none",
            "smtp_connections": 16,
            "smtp_per_connection": 1000,
            "sender_name": "Fenwick Lane Clinic",
            "identity": "Fenwick Lane Clinic Ltd, company number 00000000, registered in England and Wales\nPost: 12 Fenwick Lane",
        },
        processor="sandbox",
        rate_per_s=1e6,
        burst=1_000_000,
    )
