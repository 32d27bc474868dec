"""The mail process. No mailbox can be configured yet, so it says so once and waits to be stopped."""

from __future__ import annotations

import signal

import structlog

from hub.settings import Settings

log = structlog.get_logger("mail")


def run_mail(settings: Settings) -> None:
    """Wait for SIGTERM or SIGINT."""
    stop = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stop)
    log.info("mail.no_mailbox", accounts=len(settings.accounts))
    signal.sigwait(stop)
