"""What the public pages know of the clinic: a value built once at start from the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from aiohttp import web

from channels.form_token import FormShown, ShownConsent, issue
from hub.model.address import Channel
from hub.model.message import Account, Attestation
from hub.model.wording import Wording
from hub.public.limits import Limits
from hub.settings import Clinic, Interest, Settings
from hub.wordings import Wordings

TEMPLATES = Path(__file__).parent / "templates"
# The languages the form is written in, with the word for its address and its own name.
LOCALES: Final[Mapping[str, tuple[str, str]]] = {"en": ("en", "English"), "zh-Hans": ("zh", "简体中文")}


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicSite:
    """Who the clinic is (policy R4) and what its form offers. account: the web_form account that takes submissions."""

    clinic: Clinic
    account: Account
    wordings: Wordings
    interests: tuple[Interest, ...]
    form_id: str = "main"

    def shown(self, locale: str, issued_at: datetime) -> FormShown:
        """What a form rendered now shows; its token says exactly this."""
        notice = self.wordings.notice(locale)
        return FormShown(
            form_id=self.form_id,
            issued_at=issued_at,
            locale=locale,
            notice_version=f"{notice.id}@{notice.version}",
            consents=tuple(_shown(w) for w in self.wordings.offered(locale)),
            interests=tuple(i.id for i in self.interests),
            adult=_attestation(self.wordings.adult(locale)),
        )

    def token(self, locale: str, issued_at: datetime) -> str:
        return issue(self.shown(locale, issued_at), self.account.secrets["form_token_key"])


def site_of(settings: Settings, wordings: Wordings) -> PublicSite | None:
    """The public site of these settings; None for a clinic without a contact form, whose pages are then not there.

    The first account of the form's adapter takes what the hosted page sends.
    """
    account = next((a for a in settings.accounts.values() if a.adapter == "web_form"), None)
    if account is None:
        return None
    return PublicSite(clinic=settings.clinic, account=account, wordings=wordings, interests=settings.interests)


PUBLIC: web.AppKey[PublicSite] = web.AppKey("public_site", PublicSite)
LIMITS: web.AppKey[Limits] = web.AppKey("public_limits", Limits)


def _attestation(wording: Wording | None) -> Attestation | None:
    if wording is None:
        return None
    return Attestation(wording_id=wording.id, wording_version=wording.version, locale=wording.locale)


def _shown(wording: Wording) -> ShownConsent:
    if wording.channel is None or wording.purpose is None:
        raise ValueError(f"the wording {wording.id} is offered and names no channel or purpose")
    return ShownConsent(
        channel=Channel(wording.channel),
        purpose=wording.purpose,
        wording_id=wording.id,
        wording_version=wording.version,
        locale=wording.locale,
    )
