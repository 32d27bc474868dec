"""config/templates.toml: the texts each provider approved. What cannot be sent as it stands is told at start."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeVar
from uuid import UUID

from channels.errors import CannotExpress
from hub.model.address import Address, AddressClass, Channel
from hub.model.ids import AccountId, MessageId
from hub.model.message import Account, OutboundMessage
from hub.model.sealed import Sealed
from hub.model.template import MAX_BODY, SLOT, Template, TemplateCategory, TemplateUse
from hub.settings.problems import Problems, Reader, Table

_ID: Final = re.compile(r"[a-z][a-z0-9-]{0,62}")
_LOCALE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,4})?")
# What the hub itself fills in; every other slot of an answer is a field staff write into.
HOUSE_SLOTS: Final = frozenset({"clinic", "legal_name", "company_number", "registered_in", "registered_office", "postal_address"})
E = TypeVar("E", bound=StrEnum)


def read_templates(table: Table, accounts: Mapping[AccountId, Account], problems: Problems, *, sandbox: bool) -> tuple[Template, ...]:
    """Every template; those marked `sandbox` only while the sandbox is on."""
    top = Reader("templates.toml", table, problems)
    entries = top.tables("template")
    top.finish()
    found: list[Template] = []
    for number, entry in enumerate(entries, start=1):
        reader = Reader(f"templates.toml, entry {number},", entry, problems)
        if reader.flag("sandbox", default=False) and not sandbox:
            continue
        template = _template(reader, accounts)
        if template is None:
            continue
        if any((t.id, t.account_id, t.locale) == (template.id, template.account_id, template.locale) for t in found):
            reader.problem(f"gives the template {template.id} twice for {template.account_id} in {template.locale}")
        found.append(template)
    return tuple(found)


def _template(reader: Reader, accounts: Mapping[AccountId, Account]) -> Template | None:
    id, account = reader.text("id"), accounts.get(AccountId(reader.text("account")))
    if not _ID.fullmatch(id):
        reader.problem("needs an id of small letters, digits and hyphens")
    if account is None:
        reader.problem("names an account that is not in channels.toml")
    locale = reader.text("language")
    if locale and not _LOCALE.fullmatch(locale):
        reader.problem('needs a language written like "en" or "en-GB"')
    template = Template(
        id=id,
        account_id=account.id if account else AccountId(""),
        locale=locale,
        title=reader.text("title"),
        body=_body(reader),
        category=_choice(reader, "category", TemplateCategory, TemplateCategory.MARKETING),
        use=_choice(reader, "use", TemplateUse, TemplateUse.REPLY, default=True),
        provider_id=reader.text("provider_id"),
        named=reader.flag("named_slots", default=False),
        approved=reader.flag("approved", default=False),
    )
    reader.finish()
    if account is None:
        return None
    _check(reader, template, account)
    return template


def _body(reader: Reader) -> str:
    body = reader.text("body")
    bare = SLOT.sub("", body)
    if "{" in bare or "}" in bare:
        reader.problem("has a brace in its body that is no slot, like {first_name}")
    if len(body) > MAX_BODY:
        reader.problem(f"has a body of more than {MAX_BODY} characters")
    if body.startswith("{") or body.endswith("}"):
        reader.problem("begins or ends with a slot, which providers do not approve")
    return body


def _check(reader: Reader, template: Template, account: Account) -> None:
    """Whether the account's adapter can word it: asked of the adapter itself, with a sample."""
    from channels.registry import ADAPTERS

    adapter = ADAPTERS[account.adapter]
    if not adapter.capabilities.templates:
        reader.problem(f"belongs to {account.id}, whose channel has no templates")
        return
    if template.use is TemplateUse.CONFIRMATION and not set(template.slots) <= HOUSE_SLOTS:
        reader.problem(f"may only use these slots, since nobody fills it in: {', '.join(sorted(HOUSE_SLOTS))}")
    sample = OutboundMessage(
        id=MessageId(UUID(int=0)),
        to=_somebody(account),
        text=Sealed(""),
        template_id=template.provider_id,
        template_variables=template.variables(dict.fromkeys(template.slots, "x")),
    )
    try:
        adapter.render(sample, account)
    except CannotExpress as refusal:
        reader.problem(f"cannot be sent by {account.id} ({refusal.constant})")


def _somebody(account: Account) -> Address:
    if account.channel is Channel.WECHAT:
        return Address(kind=AddressClass.WECHAT, value=Sealed(f"{account.id}:openid"))
    return Address(kind=AddressClass.PHONE, value=Sealed("+447700900000"))


def _choice(reader: Reader, key: str, kinds: type[E], fallback: E, *, default: bool = False) -> E:
    value = reader.text(key, fallback if default else None)
    if value in set(kinds):
        return kinds(value)
    if value:
        reader.problem(f"needs a {key} out of these: {', '.join(kinds)}")
    return fallback
