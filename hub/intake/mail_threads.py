"""Which thread a mail belongs to: our signed address, then the ids it answers, then who wrote (channels.md §2.1).

Never the subject. A mail from somebody else's address joins the thread it names and is shown as such; the address is not
added to the person, and nothing is said to it.
"""

from __future__ import annotations

from collections.abc import Sequence

from channels.mail.events import answered_rows
from hub.intake.submission import storable
from hub.intake.writes import Placed
from hub.model.address import AddressHasher
from hub.model.ids import MessageId
from hub.model.message import Account, InboundMessage
from hub.model.sealed import Sealed
from hub.store import mail
from hub.store.mail import MailRow, Thread, Wanted
from hub.store.people import Known
from hub.store.pool import Connection

MOST_ANSWERED = 20
MAX_WHOLE = 262_144  # characters kept of a mail with all its quotations; the journal keeps the raw body


async def named_threads(conn: Connection, inbound: Sequence[tuple[Account, InboundMessage]], hasher: AddressHasher) -> list[Thread | None]:
    """For each message the thread it names; None for those that are no mail or name none of ours."""
    mails = [(n, account, event) for n, (account, event) in enumerate(inbound) if event.mail]
    found: list[Thread | None] = [None] * len(inbound)
    if mails:
        answers = await mail.find_threads(conn, [_wanted(account, event, hasher) for _, account, event in mails])
        for (n, _, _), thread in zip(mails, answers, strict=True):
            found[n] = thread
    return found


def _wanted(account: Account, event: InboundMessage, hasher: AddressHasher) -> Wanted:
    detail = event.mail
    ids = detail.answers[:MOST_ANSWERED] if detail else ()
    return Wanted(
        thread=detail.thread if detail else None,
        rows=answered_rows(detail)[:MOST_ANSWERED] if detail else (),
        provider_ids=tuple(storable(i) for i in ids),
        account_id=account.id,
        address_hash=hasher.hash(event.senders[0]) if event.senders else None,
    )


def as_known(thread: Thread) -> Known:
    """The thread's person as a sender look-up would tell them."""
    return Known(
        identity_id=thread.identity_id,
        contact_id=thread.contact_id,
        verified=thread.verified,
        named=thread.named,
        conversation_id=thread.conversation_id,
        last_outbound_kind=thread.last_outbound_kind,
        last_outbound_at=thread.last_outbound_at,
    )


def mail_row(placed: Placed, message_id: MessageId) -> MailRow | None:
    """What the mail's own table keeps of it; None for what is no mail."""
    detail = placed.event.mail
    if detail is None:
        return None
    whole = storable(detail.whole_text.reveal())[:MAX_WHOLE]
    sender = placed.event.senders[0].value if placed.event.senders else None
    return MailRow(
        message_id=message_id,
        subject=Sealed(storable(detail.subject.reveal())[:1000]),
        whole_text=None if whole == storable(placed.event.text.reveal()) else Sealed(whole),
        header_id=storable(detail.message_id)[:500] if detail.message_id else None,
        mailbox=detail.mailbox,
        trusted=detail.trusted,
        trust_detail=detail.trust_detail,
        robot=detail.robot,
        flags=detail.flags,
        from_other=Sealed(storable(sender.reveal())) if placed.other and sender else None,
    )
