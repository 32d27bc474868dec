"""The pure core on one processor: the judge, the recogniser, the content check."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bench.clinic import CONFIG
from bench.report import Line, show
from bench.requests import TEXTS
from hub import collector
from hub.gate.examine import rules_in
from hub.lexicon import load_lexicon
from hub.model.address import Channel
from hub.model.permission import (
    AddressState,
    ConsentFacts,
    ContentFacts,
    Env,
    ErasureState,
    Facts,
    InvitationFacts,
    InvitationState,
    Kind,
    PolicySettings,
    Selection,
    TextContext,
)
from hub.policy.lint import LintText, check
from hub.policy.optout import Lexicon, recognise
from hub.policy.permission import decide

EVERYDAY = Path(__file__).parents[1] / "tests/data/optout/days.txt"
NOW = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)
SETTINGS = PolicySettings()
REPLY = Facts(
    kind=Kind.RPL,
    channel=Channel.SMS,
    env=Env(now=NOW, store_healthy=True, paused=False, route_ok=True, reply_window_h=None, marketing_sent_7d=0, marketing_sent_30d=0),
    country="GB",
    address=AddressState.VERIFIED,
    invitation=InvitationFacts(
        state=InvitationState.OPEN, opened_at=NOW, last_inbound_at=NOW, consecutive_outbound=0, inbound_automatic=False
    ),
    consents=(),
    suppressions=(),
    content=ContentFacts(
        promo=False,
        pom=False,
        pressure=False,
        health_terms=False,
        books_u18_procedure=False,
        identity_ok=True,
        optout_ok=True,
        images_ok=True,
        interests=("laser",),
    ),
    restricted=False,
    objections=(),
    erasure=ErasureState.NONE,
    deceased=False,
    age=34,
    age_confirmed=True,
)
AGREED = ConsentFacts(
    id="c1",
    purpose="newsletter",
    channel=Channel.SMS,
    interests=("laser",),
    given_at=datetime(2026, 3, 1, tzinfo=UTC),
    confirmed=True,
    proven=True,
    ended=False,
    wording="consent_sms@1/en",
)
NEWS = replace(
    REPLY,
    kind=Kind.MKT,
    purpose="newsletter",
    selection=Selection.DECLARED_INTEREST,
    consents=(AGREED,),
    env=replace(REPLY.env, campaign_already_sent=False),
)


def _reading(case: str, texts: Sequence[str], lexicon: Lexicon, context: TextContext) -> Line:
    """How many of these texts are read a second."""
    read = rate(lambda: [recognise(text, context, lexicon) for text in texts]) * len(texts)
    return Line(case=f"recogniser, {case}", figure=f"{read:,.0f}/s", target=">= 20,000/s", ok=read >= 20_000)


def main() -> None:
    """Measure and show."""
    lexicon, rules = load_lexicon(CONFIG), rules_in(CONFIG)
    collector.look_rarely()  # as every process of ours does that has loaded them
    hostile = "stop " * 200_000
    context = TextContext(channel=Channel.SMS, now=NOW)
    sms = "Fenwick Lane Clinic: our open evening on skincare is on 3 December at six. Reply STOP to opt out."
    if not (decide(REPLY, SETTINGS).allowed and decide(NEWS, SETTINGS).allowed):
        raise SystemExit("the prepared facts are not allowed: nothing was measured")
    judge = min(rate(lambda: decide(REPLY, SETTINGS)), rate(lambda: decide(NEWS, SETTINGS)))
    days = EVERYDAY.read_text(encoding="utf-8").splitlines()[::40]
    lint = rate(lambda: check(LintText(channel=Channel.SMS, text=sms, kind=Kind.MKT), rules))
    began = time.perf_counter()
    recognise(hostile, context, lexicon)
    worst = (time.perf_counter() - began) * 1000
    show(
        "The pure core, one processor",
        [
            Line(case="decide(), the slower of reply and news", figure=f"{judge:,.0f}/s", target=">= 150,000/s", ok=judge >= 150_000),
            _reading(f"{len(TEXTS)} short messages", TEXTS, lexicon, context),
            _reading(f"{len(days)} texts of ordinary days", days, lexicon, context),
            Line(case='recogniser, 1 MB of "stop stop ..."', figure=f"{worst:.0f} ms", target="< 100 ms", ok=worst < 100),
            Line(case="content check, an SMS", figure=f"{lint:,.0f}/s", target=">= 5,000/s", ok=lint >= 5_000),
        ],
    )


def rate(work: Callable[[], object], *, for_s: float = 1.0) -> float:
    """How often a second the work is done, the best of three."""
    best = 0.0
    for _ in range(3):
        done, began = 0, time.perf_counter()
        while time.perf_counter() - began < for_s / 3:
            for _ in range(50):
                work()
            done += 50
        best = max(best, done / (time.perf_counter() - began))
    return best


if __name__ == "__main__":
    main()
