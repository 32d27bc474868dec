"""Puts together what intake needs from the settings: the recogniser with its word lists, and the archived wordings."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from hub import wordings
from hub.files import FileStore
from hub.intake.kept_lexicon import kept_lexicon
from hub.intake.record import Tools
from hub.model.message import Account
from hub.model.permission import Signal, TextContext
from hub.policy.optout import recognise
from hub.settings import Settings


def tools(settings: Settings) -> Tools:
    """The real recogniser with this installation's word lists. Raises what the loaders raise, at start and not later."""
    lexicon = kept_lexicon(settings.config_dir, settings.data_dir / "cache", settings.secret_key)

    def understand(text: str, context: TextContext) -> Signal:
        return recognise(text, context, lexicon)

    return Tools(
        hasher=settings.hasher,
        recognise=understand,
        wordings=wordings.load(settings.config_dir / "wordings"),
        confirms_stop=gateway_confirms,
        keep=FileStore(settings.data_dir / "files", settings.secret_key).put,
        zone=ZoneInfo(settings.clinic.time_zone),
        policy=settings.policy,
    )


def gateway_confirms(account: Account, signal: Signal) -> bool:
    """Whether the provider answers this stop itself: account option `gateway_confirms_stop`, whole keywords only."""
    return account.options.get("gateway_confirms_stop") is True and signal.rule_id.startswith("L1")
