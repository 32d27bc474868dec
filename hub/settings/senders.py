"""What an e-mail account says of itself: the clinic's name beside its address, and who it is at the foot of every mail.

A company's mails name it, its number, where it is registered and its office (policy §8.1); nobody should have to write that twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hub.model.address import Channel
from hub.model.ids import AccountId
from hub.model.message import Account
from hub.settings.values import Clinic


def identity_of(clinic: Clinic) -> str:
    """The lines at the foot of a mail."""
    company = f"{clinic.legal_name}, company number {clinic.company_number}, registered in {clinic.registered_in}"
    return f"{clinic.trading_name}\n{company}\nRegistered office: {clinic.registered_office}\nPost: {clinic.postal_address}"


def with_identity(accounts: Mapping[AccountId, Account], clinic: Clinic) -> Mapping[AccountId, Account]:
    """The accounts, those for mail with `sender_name` and `identity` where their entry gives none."""
    told = {"sender_name": clinic.trading_name, "identity": identity_of(clinic)}
    return {
        id: replace(account, options={**told, **account.options}) if account.channel is Channel.EMAIL else account
        for id, account in accounts.items()
    }
