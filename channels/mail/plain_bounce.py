"""Delivery reports that do not follow RFC 3464: plain words, a format per mail program.

A report is believed to be one only when a robot sent it and its words are those of a report; a person who forwards
"Undeliverable: …" is a person. Our own words in the returned copy are cut off first, so that they prove nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from channels.mail import dsn, phrases, words
from channels.mail.bounds import Limits
from channels.mail.parts import Part
from channels.mail.site import Site
from channels.mail.values import Bounce
from hub.model.sealed import Sealed

_WORDS = words.load("reports")
_OPENER = re.compile(words.any_of(pattern for row in _WORDS["opener"] for pattern in row["patterns"]))
_SUBJECT = re.compile(words.any_of(_WORDS["words"]["subject"]))
_ROBOT_NAME = re.compile(words.any_of(_WORDS["words"]["robot_name"]))
_ROBOTS = frozenset(_WORDS["words"]["robot_local_part"])
_DELAYED = re.compile(words.any_of(_WORDS["words"]["delayed"]))
_COPY = re.compile(r"(?im)^[ \t>]{0,4}" + words.any_of(_WORDS["words"]["copy"]))
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,10}[A-Za-z0-9-]{2,63}")
_HELP = frozenset({"postmaster", "mailer-daemon", "abuse", "support", "help", "helpdesk", "hostmaster", "admin", "noc"})
_MOST_TEXT = 20_000
_MOST_RECIPIENTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What the classifier knows of the sender: address and display name lower-cased, subject, and whether the
    envelope or the headers say that a machine sent it."""

    address: str
    name: str
    subject: str
    machine: bool


def is_report(root: Part, text: str, signs: Signs) -> bool:
    """Whether a mail without a machine-readable part is a delivery report."""
    if root.raw("x-failed-recipients"):
        return True
    local = signs.address.partition("@")[0]
    robot = local in _ROBOTS or bool(_ROBOT_NAME.search(signs.name)) or local.startswith(("mailer-daemon", "microsoftexchange"))
    titled = bool(_SUBJECT.search(signs.subject.lower()))
    if not robot and not (signs.machine and titled):
        return False
    return (robot and titled) or bool(_OPENER.search(_flat(_report_text(text)[:4000])))


def read_bounces(root: Part, text: str, recipients: tuple[str, ...], signs: Signs, site: Site, limits: Limits) -> tuple[Bounce, ...]:
    """One Bounce per failed address found; a single one without recipient when no address can be told."""
    report = _report_text(text)
    copy = text[len(report) :].partition("\n")[2].lstrip("\n").encode("utf-8", "replace")
    returned = dsn.read_returned(root, recipients, site, limits, copy)
    ours = {address.lower() for address in recipients} | set(site.own_addresses)
    sections = _sections(report, _failed_header(root), ours)
    delayed = bool(_DELAYED.search(_flat(f"{signs.subject}\n{report}")))
    action = "delayed" if delayed else "failed"
    found = []
    for recipient, diagnostic in sections or [("", report)]:
        said = phrases.judge(action=action, status="", diagnostic=diagnostic)
        if said.permanence is phrases.UNKNOWN and len(sections) <= 1:
            said = phrases.judge(action=action, status="", diagnostic=f"{diagnostic}\n{report}")
        found.append(
            Bounce(
                recipient=Sealed(recipient),
                action=action,
                status=said.status,
                permanence=said.permanence,
                suppress=said.suppress and bool(recipient or returned.token),
                evidence=said.evidence,
                diagnostic=Sealed(diagnostic.strip()[:2000]),
                original_message_id=returned.message_id,
                token=returned.token,
                authentic=returned.authentic,
            )
        )
    return tuple(found)


def _flat(text: str) -> str:
    return " ".join(text.lower().replace("’", "'").split())


def _report_text(text: str) -> str:
    """The report without the returned copy."""
    text = text[:_MOST_TEXT]
    found = _COPY.search(text)
    return text[: found.start()] if found else text


def _failed_header(root: Part) -> list[str]:
    """Exim, and Gmail after it, name the failed addresses in a header of their own."""
    return [address for value in root.raw("x-failed-recipients") for address in _ADDRESS.findall(value.decode("ascii", "ignore"))]


def _sections(report: str, named: list[str], ours: set[str]) -> list[tuple[str, str]]:
    """(address, the words about it). A line that begins with an address opens a section; with one address only, all
    the words are about it."""
    wanted = [a for a in dict.fromkeys(named) if a.lower() not in ours]
    seen: dict[str, list[str]] = {address: [] for address in wanted[:_MOST_RECIPIENTS]}
    current: str | None = None
    for line in report.split("\n"):
        for address in _ADDRESS.findall(line[:2000])[:5]:
            if address.lower() in ours or address.partition("@")[0].lower() in _HELP or (wanted and address not in seen):
                continue
            if len(seen) < _MOST_RECIPIENTS or address in seen:
                seen.setdefault(address, [])
                current = address
                break
        if current is not None:
            seen[current].append(line)
    if len(seen) == 1:
        return [(next(iter(seen)), report)]
    return [(address, "\n".join(lines)) for address, lines in seen.items()]
