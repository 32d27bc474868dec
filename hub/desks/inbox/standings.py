"""Asking the judge how we stand, for every channel of many conversations at once: three statements, whatever their number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hub.desks.inbox.views import Standing, standing_of
from hub.gate.parts import longest
from hub.gate.routes import account_for, capabilities, route_ok, window_messages
from hub.gate.templates import human_agent, offered
from hub.model.ids import ConversationId
from hub.model.permission import ContentFacts, Kind, TemplateStatus
from hub.policy.consent import derive
from hub.policy.permission import decide
from hub.settings import Settings
from hub.store import consents, facts, inbox
from hub.store.facts import Ask
from hub.store.inbox import Place
from hub.store.pool import Connection

# A reply nobody could object to: what is asked here is whether we may speak, not whether a text is good.
PLAIN = ContentFacts(
    promo=False, pom=False, pressure=False, health_terms=False, books_u18_procedure=False, identity_ok=True, optout_ok=True, images_ok=True
)
TAGGED = replace(PLAIN, template=TemplateStatus.HUMAN_AGENT_TAG)


async def standings(
    conn: Connection, conversation_ids: Sequence[ConversationId], *, now: datetime, settings: Settings
) -> dict[ConversationId, list[Standing]]:
    """Per conversation, one standing per channel: where they wrote last first, then what they named, then what we know."""
    places = await inbox.places(conn, conversation_ids)
    asked = [_ask(place, settings) for place in places]
    gathered = await facts.gather(conn, asked, now=now) if asked else []
    events = await consents.of_contacts(conn, {p.contact_id for p in places})
    agreed = {who: derive(found, now=now, months=settings.policy.consent_months) for who, found in events.items()}
    found: dict[ConversationId, list[Standing]] = {i: [] for i in conversation_ids}
    for place, fact in zip(places, gathered, strict=True):
        account = account_for(settings.accounts, place.channel, prefer=place.account_id)
        able = capabilities(account) if account else None
        offers = tuple(offered(settings, account)) if able and able.templates else ()
        found[place.conversation_id].append(
            standing_of(
                fact,
                decide(fact, settings.policy),
                agreed[place.contact_id],
                channel=place.channel,
                identity_id=place.identity_id,
                margin=timedelta(minutes=settings.policy.window_margin_min),
                max_text=longest(able) if able else 0,
                max_text_bytes=able.max_text_bytes if able else None,
                templates=bool(able and able.templates),
                offers=offers,
            )
        )
    return found


def _ask(place: Place, settings: Settings) -> Ask:
    account = account_for(settings.accounts, place.channel, prefer=place.account_id)
    return Ask(
        conversation_id=place.conversation_id,
        contact_id=place.contact_id,
        identity_id=place.identity_id,
        channel=place.channel,
        kind=Kind.RPL,
        account_id=account.id if account else "",
        content=TAGGED if account and human_agent(account) else PLAIN,
        route_ok=route_ok(account),
        reply_window_h=capabilities(account).reply_window_h if account else 0,
        window_messages=window_messages(account),
    )
