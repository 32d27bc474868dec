"""The archive of wordings: every sentence ever shown, kept so that a consent can be read word for word later."""

from __future__ import annotations

from collections.abc import Iterable

from hub.model.wording import Wording
from hub.store.pool import Connection

_INSERT = """
INSERT INTO wording (id, version, locale, text, text_hash, valid_from)
SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::bytea[], $6::timestamptz[])
ON CONFLICT (id, version, locale) DO NOTHING
"""
_CHANGED = """
SELECT w.id, w.version, w.locale FROM wording AS w
JOIN unnest($1::text[], $2::int[], $3::text[], $4::bytea[]) AS n (id, version, locale, text_hash) USING (id, version, locale)
WHERE w.text_hash <> n.text_hash ORDER BY 1, 2, 3 LIMIT 1
"""


class ChangedWording(Exception):
    """A published sentence was edited in place; the message is for the person who starts the hub. wording_id: which one."""

    def __init__(self, message: str, wording_id: str) -> None:
        super().__init__(message)
        self.wording_id = wording_id


async def register(conn: Connection, wordings: Iterable[Wording]) -> None:
    """Archive new versions, in one transaction.

    Raises ChangedWording, before anything is written, where an archived version now has another text: people
    agreed to the old one, so the new text needs a new version.
    """
    known = sorted(wordings, key=lambda w: (w.id, w.version, w.locale))
    keys = ([w.id for w in known], [w.version for w in known], [w.locale for w in known])
    hashes = [w.text_hash for w in known]
    async with conn.transaction():
        await conn.execute(_INSERT, *keys, [w.text for w in known], hashes, [w.valid_from for w in known])
        changed = await conn.fetchrow(_CHANGED, *keys, hashes)
        if changed is not None:
            raise ChangedWording(
                f"The wording {changed['id']}, version {changed['version']}, {changed['locale']}, was shown to people in another text."
                " Give the new text a new version number and keep the old entry as it was.",
                changed["id"],
            )
