"""A loopback double of the world's mail: a server that takes what the hub sends, mailboxes that write to it.

    double = MailDouble()
    async with double.serve(port=0):
        account options: smtp_host = "127.0.0.1", smtp_port = double.port, smtp_security = "none", sandbox = true
        double.own(account)
        await double.send_in(account, "amy@patient.example", "Opening hours", "Are you open on Sunday?")
        await double.bounce(account, double.sent[-1])
        double.trouble(Trouble.DROP_AFTER, to="amy@patient.example")
        double.sent

What the hub sends arrives over real SMTP. What people write is posted as raw MIME, signed with the account's `webhook_key`; an
account without that key cannot be written to here. It never talks to any but the hub.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Final

from aiohttp import web

from channels.mail.webhook import sign
from channels.sandbox import mail_letters
from channels.sandbox.doubles import Act, Button, CannotDo, Diary, Do, File, Item, Note, Person, Standing
from channels.sandbox.mail_server import MailServer
from channels.sandbox.poster import FAILED, Poster
from channels.sandbox.values import Changes, Rule, Trouble, Troubles
from hub.model.message import Account

_ABLE: Final = frozenset({Do.WRITE, Do.SUBJECT, Do.FILE, Do.REPLY, Do.UNSUBSCRIBE, Do.COMPLAIN})


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMail:
    """One mail the hub handed over. sid: its Message-ID without brackets. mail_from: the envelope's, "" for the null sender."""

    sid: str
    mail_from: str
    to: str
    raw: bytes = field(repr=False)
    mail: EmailMessage = field(repr=False)
    at: datetime

    @property
    def subject(self) -> str:
        return str(self.mail["Subject"] or "")

    @property
    def text(self) -> str:
        return mail_letters.body_of(self.mail, "plain")

    @property
    def html(self) -> str:
        return mail_letters.body_of(self.mail, "html")


class MailDouble:
    """One mail server with everybody's mailboxes. port: of SMTP, once it serves. web_url: where the hub is really reached, when
    that is not its public URL (`public_url`). keep: mails kept. clock: aware UTC."""

    name = "mail"
    title = "Mail"
    offers = frozenset(
        {
            Trouble.REFUSED,
            Trouble.THROTTLED,
            Trouble.DROP_BEFORE,
            Trouble.SERVER_ERROR,
            Trouble.CREDENTIALS,
            Trouble.DROP_AFTER,
            Trouble.HANG,
            Trouble.SLOW,
            Trouble.UNDELIVERED,
            Trouble.TRIPLE,
            Trouble.FORGED,
        }
    )

    def __init__(
        self,
        *,
        public_url: str = "",
        web_url: str = "",
        smtp_port: int = 0,
        keep: int = 20_000,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.clock, self.port = clock, smtp_port
        self.messages: OrderedDict[str, SentMail] = OrderedDict()
        self.counts: Counter[str] = Counter()  # how often each Message-ID was taken
        self.changes, self.troubles, self.closing = Changes(), Troubles(), asyncio.Event()
        self.diary = Diary(keep)
        self.accounts: list[Account] = []
        self._keep = keep
        self._last: dict[tuple[str, str], tuple[Account, bytes]] = {}
        self._poster = Poster(reach=(public_url, web_url) if public_url and web_url else None)
        self.server = MailServer(self.troubles, self._take, self.closing)

    # -- for tests, benches and the practice phone

    @property
    def sent(self) -> list[SentMail]:
        """What was taken, oldest first; the last `keep` of it."""
        return list(self.messages.values())

    def sends_of(self, message_id: object) -> int:
        """How often the mail with one id of ours was taken."""
        wanted = f"ob-{str(message_id).replace('-', '')}@"
        return sum(count for sid, count in self.counts.items() if sid.startswith(wanted))

    def own(self, account: Account) -> None:
        """Serve this account."""
        self.accounts.append(account)

    def trouble(self, kind: Trouble, *, to: str | None = None, times: int | None = 1, code: int | None = None, wait_s: float = 1.0) -> None:
        """Ask for trouble. to: a person's address, None for anybody. times: None for ever. code: another SMTP code."""
        self.troubles.add(Rule(trouble=kind, to=to, left=times, code=code, wait_s=wait_s))

    async def send_in(
        self,
        account: Account,
        from_: str,
        subject: str,
        text: str,
        *,
        html: str = "",
        attachments: Sequence[File] = (),
        answers: SentMail | None = None,
        to: str = "",
        name: str = "",
    ) -> tuple[str, list[int]]:
        """A person writes, or answers one of the hub's mails: the Message-ID, and the status of each post."""
        sid = f"{secrets.token_hex(12)}@{from_.rpartition('@')[2]}"
        mail = mail_letters.written(
            from_, to or account.sender, subject, text, name=name, html=html, files=attachments, answers=answers.mail if answers else None,
            sid=sid, at=self.clock(),
        )  # fmt: skip
        pair = (account.sender, from_)
        target = answers.sid if answers else ""
        item = Item(id=sid, at=self.clock(), mine=True, text=text, subject=subject, html=html, standing=Standing.SENDING, target=target)
        item.files = tuple(f.name for f in attachments)
        self.diary.add(pair, item)
        answered = await self._deliver(account, from_, mail.as_bytes(policy=policy.SMTP))
        item.standing = Standing.STORED if any(200 <= status < 300 for status in answered) else Standing.REFUSED
        self.changes.notify()
        return sid, answered

    async def bounce(self, account: Account, sent: SentMail, *, status: str = "5.1.1", words: str = "550 5.1.1 User unknown") -> list[int]:
        """The far server gives a mail back: a report (RFC 3464) to its envelope sender."""
        self._note(sent, "Bounced", words)
        item = self.diary.get(sent.sid)
        if item is not None:
            item.standing, item.code = Standing.LOST, status
        return await self._deliver(account, sent.to, mail_letters.report(sent.raw, sent.mail_from, sent.to, status, words, at=self.clock()))

    async def complain(self, account: Account, sent: SentMail) -> list[int]:
        """Somebody pressed "this is spam": a report (RFC 5965) about the mail."""
        self._note(sent, "Marked as spam", "")
        return await self._deliver(account, sent.to, mail_letters.complaint(sent.raw, account.sender, sent.to, at=self.clock()))

    async def one_click(self, sent: SentMail) -> int:
        """The button a mail program shows (RFC 8058): one post, without cookies; the hub's status. Raises CannotDo."""
        url = mail_letters.one_click_url(sent.mail)
        if url is None:
            raise CannotDo("That mail has no button to unsubscribe.")
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        status, _ = await self._poster.carry(url, b"List-Unsubscribe=One-Click", headers)
        self._note(sent, "Unsubscribed by one click", str(status))
        return status

    # -- the Double of the practice phone

    def abilities(self, account: Account) -> frozenset[Do]:
        return _ABLE

    def menu(self, account: Account) -> Sequence[Button]:
        return ()

    def thread(self, account: Account, person: Person) -> Sequence[Item]:
        return self.diary.between((account.sender, person.handle(account.channel)))

    def notes(self, account: Account, person: Person) -> Sequence[Note]:
        pair = (account.sender, person.handle(account.channel))
        return [note for note in self.diary.notes if note.pair in (None, pair)]

    async def act(self, account: Account, person: Person, act: Act) -> list[int]:
        """Write, answer, unsubscribe or complain. Raises CannotDo."""
        from_, answered = person.handle(account.channel), self.messages.get(act.target)
        if act.do in (Do.UNSUBSCRIBE, Do.COMPLAIN):
            if answered is None:
                raise CannotDo("That mail is no longer here.")
            return [await self.one_click(answered)] if act.do is Do.UNSUBSCRIBE else await self.complain(account, answered)
        if act.do not in _ABLE:
            raise CannotDo("Mail has no such thing.")
        subject = act.subject or (f"Re: {answered.subject}" if answered else "")
        _, statuses = await self.send_in(account, from_, subject, act.text, attachments=act.files, answers=answered, name=person.name)
        return statuses

    async def again(self, account: Account, person: Person) -> list[int]:
        """The person's last mail once more, unchanged. Raises CannotDo."""
        last = self._last.get((account.sender, person.handle(account.channel)))
        if last is None:
            raise CannotDo("Nothing was written yet.")
        return await self._post(*last)

    def routes(self) -> list[web.RouteDef]:
        """Mail has no HTTP API."""
        return []

    @asynccontextmanager
    async def open(self, base_url: str) -> AsyncIterator[None]:
        """Run while open; the SMTP server listens on `port`."""
        async with self._poster, self.server.serve(self.port) as self.port:
            yield

    @asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator[MailDouble]:
        """Serve on a port; 0 takes a free one."""
        self.port = port
        async with self.open(""):
            yield self

    # -- what happens inside

    async def _take(self, mail_from: str, to: str, raw: bytes) -> None:
        mail = message_from_bytes(raw, policy=policy.default)
        sid = str(mail["Message-ID"] or secrets.token_hex(8)).strip().strip("<>")
        self.counts[sid] += 1
        sent = SentMail(sid=sid, mail_from=mail_from, to=to, raw=raw, mail=mail, at=self.clock())
        self.messages[sid] = sent
        if len(self.messages) > self._keep:
            self.messages.popitem(last=False)
        account = next((a for a in self.accounts if a.sender.lower() in str(mail["From"]).lower()), None)
        if account is not None:
            acts = frozenset({Do.UNSUBSCRIBE, Do.COMPLAIN}) if mail["List-Unsubscribe"] else frozenset({Do.COMPLAIN})
            item = Item(id=sid, at=sent.at, mine=False, text=sent.text, subject=sent.subject, html=sent.html, standing=Standing.DELIVERED)
            item.acts = acts
            self.diary.add((account.sender, to), item)
            if self.troubles.take(frozenset({Trouble.UNDELIVERED}), to=to, sender="") is not None:
                asyncio.get_running_loop().create_task(self.bounce(account, sent))
        self.changes.notify()

    async def _deliver(self, account: Account, from_: str, raw: bytes) -> list[int]:
        self._last[account.sender, from_] = (account, raw)
        return await self._post(account, raw)

    async def _post(self, account: Account, raw: bytes) -> list[int]:
        key = account.secrets.get("webhook_key")
        if key is None:
            raise CannotDo("This account takes no mail by webhook: it needs a webhook_key.")
        forged = self.troubles.take(frozenset({Trouble.FORGED}), to="", sender="") is not None
        copies = 3 if self.troubles.take(frozenset({Trouble.TRIPLE}), to="", sender="") else 1
        secret = secrets.token_hex(16) if forged else key.reveal()
        signature = sign(secret, raw, at=int(self.clock().timestamp()))
        headers = {"Content-Type": "message/rfc822", "X-Mail-Signature": signature}
        url = f"{account.public_url}/webhooks/{account.id}"
        done = await asyncio.gather(*(self._poster.carry(url, raw, headers) for _ in range(copies)))
        return [status for status, _ in done] or [FAILED]

    def _note(self, sent: SentMail, title: str, detail: str) -> None:
        sender = next((a.sender for a in self.accounts if a.sender.lower() in str(sent.mail["From"]).lower()), "")
        self.diary.notes.append(Note(at=self.clock(), title=title, detail=detail, pair=(sender, sent.to)))
        self.changes.notify()
