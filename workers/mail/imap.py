"""Talking to one IMAP server, blocking, for a thread of its own. Reads only: the folder is opened with EXAMINE and mail is
fetched with BODY.PEEK, so nothing is ever marked as read (channels.md §2.1)."""

from __future__ import annotations

import imaplib
import re
import shlex
import socket
import ssl
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from imap_tools import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError, MailboxLoginError

from hub.model.message import Account

TIMEOUT_S = 60.0
COMMAND_S = 30.0
FAULTS: tuple[type[Exception], ...] = (OSError, imaplib.IMAP4.error, ImapToolsError)
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")
_DATE = re.compile(rb'INTERNALDATE "([^"]{1,40})"')


class LoginRefused(Exception):
    """The server does not take our name and secret, or no token could be had: a person must look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One mail as the server describes it, before it is fetched."""

    uid: int
    size: int
    arrived_at: datetime | None


class ImapSession:
    """One connection to one folder. Every method blocks; none is called while another runs, but for `abort`."""

    def __init__(self, account: Account, folder: str) -> None:
        self._account, self._folder = account, folder
        self._box: BaseMailBox | None = None

    def open(self) -> tuple[int, int]:
        """Connect, log in, open the folder; (UIDVALIDITY, UIDNEXT). Raises LoginRefused and FAULTS."""
        box = self._box = _connect(self._account)
        _log_in(box, self._account)
        box.folder.set(self._folder, readonly=True)
        status = box.folder.status(self._folder, ["UIDVALIDITY", "UIDNEXT"])
        return int(status["UIDVALIDITY"]), int(status["UIDNEXT"])

    def uids_after(self, uid: int) -> list[int]:
        """UIDs beyond this one, ascending."""
        # "5:*" always names the last mail, even one before 5 (RFC 3501 §6.4.8).
        return [found for found in self._search(f"UID {uid + 1}:*") if found > uid]

    def uids_since(self, day: date) -> list[int]:
        """UIDs of what arrived on this day or later, ascending."""
        month = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")[day.month - 1]
        return self._search(f"SINCE {day.day}-{month}-{day.year}")

    def describe(self, uid: int) -> Found | None:
        """Size and time of arrival; None when it is gone."""
        said = b" ".join(_flat(self._uid("FETCH", str(uid), "(RFC822.SIZE INTERNALDATE)")))
        size, arrived = _SIZE.search(said), _DATE.search(said)
        return Found(uid=uid, size=int(size[1]), arrived_at=_time(arrived[1]) if arrived else None) if size else None

    def fetch(self, uid: int) -> bytes | None:
        """The whole mail, without marking it as read; None when the server gives none."""
        data = self._uid("FETCH", str(uid), "(BODY.PEEK[])")
        return next((part[1] for part in data if isinstance(part, tuple) and len(part) > 1), None)

    def wait(self, seconds: float) -> bool:
        """IDLE until something happens or the time is over (well before the 29 minutes of RFC 2177); whether it did."""
        return bool(self._opened.idle.wait(timeout=seconds))

    def can_idle(self) -> bool:
        return "IDLE" in self._opened.client.capabilities

    def close(self) -> None:
        """Log out, as far as the server still listens."""
        if self._box is not None:
            with suppress(*FAULTS):
                self._box.logout()
            with suppress(OSError, AttributeError):  # a log-out that fails leaves the socket open
                self._box.client.shutdown()

    def abort(self) -> None:
        """Break the connection, from another thread: whoever waits on it gets an error."""
        if self._box is not None:
            with suppress(OSError, AttributeError):
                self._box.client.sock.shutdown(socket.SHUT_RDWR)

    @property
    def _opened(self) -> BaseMailBox:
        if self._box is None:
            raise ConnectionError("not open")
        return self._box

    def _search(self, criteria: str) -> list[int]:
        numbers = b" ".join(_flat(self._uid("SEARCH", criteria))).split()
        return sorted(int(n) for n in numbers if n.isdigit())

    def _uid(self, command: str, *given: str) -> list[Any]:
        status, data = self._opened.client.uid(command, *given)
        if status != "OK":
            raise imaplib.IMAP4.error(f"{command} was answered {status}")
        return list(data)


def _flat(data: list[Any]) -> list[bytes]:
    return [part[0] if isinstance(part, tuple) else part for part in data if part]


def _connect(account: Account) -> BaseMailBox:
    options = account.options
    host, security = str(options["imap_host"]), str(options.get("imap_security", "tls"))
    port = int(options.get("imap_port", 993 if security == "tls" else 143))
    if security == "tls":
        return MailBox(host, port, timeout=TIMEOUT_S, ssl_context=ssl.create_default_context())
    if security == "starttls":
        return MailBoxStartTls(host, port, timeout=TIMEOUT_S, ssl_context=ssl.create_default_context())
    return MailBoxUnencrypted(host, port, timeout=TIMEOUT_S)


def _log_in(box: BaseMailBox, account: Account) -> None:
    user = str(account.options.get("imap_user", account.sender))
    try:
        if account.options.get("imap_auth") == "xoauth2":
            box.xoauth2(user, _token(account), initial_folder=None)
            return
        password = account.secrets.get("imap_password")
        if password is None:
            raise LoginRefused
        box.login(user, password.reveal(), initial_folder=None)
    except imaplib.IMAP4.abort:
        raise
    except (MailboxLoginError, imaplib.IMAP4.error):
        raise LoginRefused from None


def _token(account: Account) -> str:
    """The OAuth access token: what the option `imap_oauth_command` prints, else the secret `imap_oauth`. Raises LoginRefused."""
    command = shlex.split(str(account.options.get("imap_oauth_command", "")))
    if command:
        try:
            # The clinic's own command from its own settings, without a shell.
            done = subprocess.run(command, capture_output=True, timeout=COMMAND_S, check=True, stdin=subprocess.DEVNULL)
        except (OSError, subprocess.SubprocessError):
            raise LoginRefused from None
        return done.stdout.decode("ascii", "replace").strip()
    given = account.secrets.get("imap_oauth")
    if given is None:
        raise LoginRefused
    return given.reveal()


def _time(text: bytes) -> datetime | None:
    try:
        return datetime.strptime(text.decode("ascii").strip(), "%d-%b-%Y %H:%M:%S %z").astimezone(UTC)
    except ValueError:
        return None
