"""The jobs, each a slice of work named by ids. PostgreSQL holds what is to be done; a lost job is simply made again."""

from __future__ import annotations

from uuid import UUID

from hub.model.ids import AccountId, CampaignId
from hub.store import accounts
from workers import campaigns, follow_ups
from workers.runtime import Runtime, run_job

DELIVER_FOR_S = 20.0
LEASE_S = 4.0


def deliver(account_id: str) -> int:
    """Send what waits on one account, for at most DELIVER_FOR_S. How many messages were let go."""

    async def work(runtime: Runtime) -> int:
        subject = f"deliver:{account_id}"

        async def alive() -> None:
            async with runtime.pool.acquire() as conn:
                await accounts.keep_lease(conn, subject, now=runtime.clock(), for_s=LEASE_S)

        await alive()
        try:
            delivery = await runtime.delivery(AccountId(account_id))
            return await delivery.run(deadline_s=DELIVER_FOR_S, alive=alive) if delivery else 0
        finally:
            async with runtime.pool.acquire() as conn:
                await accounts.end_lease(conn, subject)

    return run_job(work)


def follow_up(topic: str) -> int:
    """Do what waits in the outbox under one topic. How many rows were finished."""

    async def work(runtime: Runtime) -> int:
        try:
            return await follow_ups.run(runtime, topic)
        finally:
            async with runtime.pool.acquire() as conn:
                await accounts.end_lease(conn, f"outbox:{topic}")

    return run_job(work)


def campaign(campaign_id: str) -> int:
    """A slice of one campaign: its list, or its sends. How many people were let go."""

    async def work(runtime: Runtime) -> int:
        subject = f"campaign:{campaign_id}"

        async def alive() -> None:
            async with runtime.pool.acquire() as conn:
                await accounts.keep_lease(conn, subject, now=runtime.clock(), for_s=LEASE_S)

        await alive()
        try:
            return await campaigns.run(runtime, CampaignId(UUID(campaign_id)), alive=alive)
        finally:
            async with runtime.pool.acquire() as conn:
                await accounts.end_lease(conn, subject)

    return run_job(work)
