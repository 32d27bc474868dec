"""What an answer by mail says beside its text: its subject, and the mail it answers. Pure.

The subject never says more than the person's own mail did: it is seen on locked screens (policy §2.2).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from channels.mail.build import thread
from channels.mail.letter import answer_subject
from hub.model.ids import ConversationId
from hub.model.message import Account, OutboundMail
from hub.model.permission import Kind
from hub.model.sealed import Sealed
from hub.store.mail_out import MailThread

# Where the person wrote elsewhere, by a form for example, and there is no subject to answer.
_FIRST_SUBJECT: Final[Mapping[str, str]] = {"en": "Your message to {clinic}", "zh": "您给{clinic}的留言"}
_WRITTEN_BY_PEOPLE: Final = frozenset({Kind.RPL})
# What may stand in a header of ours; a stranger's stranger id is left out rather than the mail held back.
_ID: Final = re.compile(r"[!-;=?-~]{1,250}")


def mail_of(kind: Kind, conversation_id: ConversationId, found: MailThread | None, account: Account, *, now: datetime) -> OutboundMail:
    """The mail details of an answer in this conversation."""
    known = found or MailThread(subject=None, answers=None, ids=(), locale=None)
    ids = [name for name in known.ids if _ID.fullmatch(name)]
    answers = known.answers if known.answers and _ID.fullmatch(known.answers) else (ids[-1] if ids else None)
    subject = answer_subject(known.subject.reveal()) if known.subject else ""
    return OutboundMail(
        subject=Sealed(subject or _first_subject(account, known.locale)),
        conversation_id=conversation_id,
        written_at=now,
        in_reply_to=answers,
        references=thread(ids, answers) if answers else (),
        automatic=kind not in _WRITTEN_BY_PEOPLE,
    )


def _first_subject(account: Account, locale: str | None) -> str:
    clinic = str(account.options.get("sender_name", "")) or account.sender.rpartition("@")[2]
    return _FIRST_SUBJECT["zh" if (locale or "").startswith("zh") else "en"].format(clinic=clinic)
