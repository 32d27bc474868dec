"""Archiving the wordings when the hub starts. An entry somebody edited in place is one sentence for them, before any process runs."""

from __future__ import annotations

from hub import wordings
from hub.commands.common import Refusal
from hub.settings import Settings
from hub.store.pool import connect
from hub.store.wordings import ChangedWording, register


async def archive(settings: Settings) -> None:
    """Archive what is new. Raises Refusal naming the file, the entry and what to do, where a published text was changed."""
    folder = settings.config_dir / "wordings"
    connection = await connect(settings.database_url or "")
    try:
        await register(connection, wordings.load(folder).entries)
    except ChangedWording as fault:
        raise Refusal(refused(settings, fault)) from None
    except wordings.BadWording as fault:
        raise Refusal(f"{folder}: {fault}.") from None
    finally:
        await connection.close()


def refused(settings: Settings, fault: ChangedWording) -> str:
    """The sentence for whoever edited it: people agreed to the old text, so the new one is a version of its own."""
    folder = settings.config_dir / "wordings"
    return f'{folder / wordings.file_of(folder, fault.wording_id)}: raise "version". {fault}'
