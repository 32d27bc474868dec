"""What mail does once it is read: threads, trust, stop@ and data@, reports and complaints, files; in a real database."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import date
from uuid import UUID

import pytest

from channels.mail.account import token_keys
from channels.mail.tokens import Purpose, sign_unsubscribe
from hub.files import FileStore
from hub.settings import Settings
from hub.store.pool import Connection, Pool
from tests.conftest import NOW
from tests.integration.mail.letters import DATE, DOMAIN, account, letter, open_door, scopes, signed, texts
from tests.world import StandingClock
from workers.mail.door import MailDoor

ACCOUNT = account()


@pytest.fixture
async def door(settings: Settings, pool: Pool, clock: StandingClock) -> AsyncIterator[MailDoor]:
    async with open_door(settings, pool, clock) as opened:
        yield opened


async def sent_to(conn: Connection, contact_of: str = "amy@example.org") -> tuple[UUID, UUID]:
    """(message id, conversation id) of an answer that left to this address."""
    row = await conn.fetchrow(
        "SELECT i.id, i.contact_id, c.id AS conversation_id FROM identity i JOIN conversation c ON c.contact_id = i.contact_id"
        " WHERE i.address = $1 AND i.channel = 'email'",
        contact_of,
    )
    found = await conn.fetchval(
        """
        WITH d AS (INSERT INTO decision (id, contact_id, phase, asked_at, kind, channel, outcome, reason, gate, proofs, policy_version,
                                         facts_digest)
                   VALUES (gen_random_uuid(), $2, 'claim', $4, 'RPL', 'email', 'ALLOW', 'invitation', 17, '{}', 't', 't') RETURNING id)
        INSERT INTO message (id, conversation_id, contact_id, identity_id, channel, account_id, direction, kind, body, status, decision_id,
                             created_at, occurred_at, send_after)
        SELECT gen_random_uuid(), $3, $2, $1, 'email', 'mail', 'outbound', 'RPL', 'From 200 pounds.', 'sent', d.id, $4, $4, $4
        FROM d RETURNING id
        """,
        row["id"],
        row["contact_id"],
        row["conversation_id"],
        NOW,
    )
    return found, row["conversation_id"]


def report(to: str, *, status: str = "5.1.1", words: str = "550 5.1.1 no such user", recipient: str = "amy@example.org") -> bytes:
    return (
        f"From: MAILER-DAEMON@mx.example.org\r\nTo: {to}\r\nSubject: Undelivered Mail Returned to Sender\r\nDate: {DATE}\r\n"
        "Message-ID: <d1@mx.example.org>\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        f"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\n"
        f"Action: failed\r\nStatus: {status}\r\nDiagnostic-Code: smtp; {words}\r\n\r\n--b--\r\n"
    ).encode()


async def test_a_mail_becomes_a_message_with_its_subject_and_its_quotations(door: MailDoor, conn: Connection) -> None:
    text = "Yes please\r\n\r\nOn Mon, 23 Nov 2026 at 10:00, Clinic wrote:\r\n> Reply STOP to opt out.\r\n"
    await door.take(ACCOUNT, letter(text, subject="Re: Lips", trusted=True))
    assert await texts(conn) == ["Yes please"]
    kept = await conn.fetchrow("SELECT subject, whole_text, trusted, trust_detail, header_id FROM mail")
    assert kept["subject"] == "Re: Lips"
    assert "> Reply STOP" in kept["whole_text"]
    assert kept["trusted"]
    assert kept["trust_detail"] == "dmarc_pass"
    assert kept["header_id"] == "1@example.org"
    assert await scopes(conn) == set()  # our own footer, quoted, opts nobody out
    assert await conn.fetchval("SELECT verified FROM identity")


async def test_the_same_mail_twice_is_one_and_a_repeated_id_with_other_words_is_new(door: MailDoor, conn: Connection) -> None:
    await door.take(ACCOUNT, letter())
    await door.take(ACCOUNT, b"Received: from elsewhere\r\n" + letter(), recipients=[f"hello@{DOMAIN}"])
    await door.take(ACCOUNT, letter("Another question"))
    assert await texts(conn) == ["How much is lip filler?", "Another question"]
    assert await conn.fetchval("SELECT count(*) FROM conversation") == 1


async def test_a_mail_nobody_vouches_for_proves_no_address(door: MailDoor, conn: Connection) -> None:
    await door.take(ACCOUNT, letter())
    assert not await conn.fetchval("SELECT verified FROM identity")
    assert not await conn.fetchval("SELECT trusted FROM mail")
    await door.take(ACCOUNT, letter("And chin?", message_id="2@example.org", trusted=True))
    assert await conn.fetchval("SELECT array_agg(verified) FROM identity") == [True]


async def test_an_answer_finds_its_thread_by_the_signed_address_and_by_what_it_answers(door: MailDoor, conn: Connection) -> None:
    await door.take(ACCOUNT, letter(trusted=True))
    message, conversation = await sent_to(conn)
    await conn.execute("UPDATE conversation SET account_id = 'elsewhere'")  # so that the sender alone would not find it
    await door.take(ACCOUNT, letter("By address", to=signed(Purpose.REPLY, conversation), message_id="2@example.org", trusted=True))
    answers = f"In-Reply-To: <unknown@x>\r\nReferences: <ob-{message.hex}@in.{DOMAIN}> <unknown@x>\r\n"
    await door.take(ACCOUNT, letter("By reference", message_id="3@example.org", head=answers, trusted=True))
    assert await conn.fetchval("SELECT array_agg(DISTINCT conversation_id) FROM message") == [conversation]
    await door.take(ACCOUNT, letter("No thread", subject="Re: Lips", message_id="4@example.org", trusted=True))
    assert await conn.fetchval("SELECT count(*) FROM conversation") == 2  # a subject is no thread


async def test_a_reply_from_another_address_joins_the_thread_and_adds_nothing_to_the_person(door: MailDoor, conn: Connection) -> None:
    await door.take(ACCOUNT, letter(trusted=True))
    _, conversation = await sent_to(conn)
    before = await conn.fetchrow("SELECT * FROM invitation")
    other = letter("It is me", sender="amy.work@corp.example", to=signed(Purpose.REPLY, conversation), message_id="2@corp.example")
    await door.take(ACCOUNT, other)
    row = await conn.fetchrow("SELECT m.conversation_id, m.identity_id, e.from_other FROM message m JOIN mail e ON e.message_id = m.id"
                              " WHERE m.body = 'It is me'")  # fmt: skip
    assert (row["conversation_id"], row["identity_id"], row["from_other"]) == (conversation, None, "amy.work@corp.example")
    assert await conn.fetchval("SELECT count(*) FROM identity") == 1
    assert await conn.fetchval("SELECT count(*) FROM contact") == 1
    assert await conn.fetchrow("SELECT * FROM invitation") == before
    assert await conn.fetchval("SELECT count(*) FROM outbox WHERE topic = 'acknowledge'") == 1  # of the first mail only


async def test_a_signed_address_with_a_wrong_mark_names_no_thread(door: MailDoor, conn: Connection) -> None:
    await door.take(ACCOUNT, letter(trusted=True))
    _, conversation = await sent_to(conn)
    local, _, domain = signed(Purpose.REPLY, conversation).rpartition("@")
    wrong = f"{local[:-1]}{'a' if local[-1] != 'a' else 'b'}@{domain}"
    await door.take(ACCOUNT, letter("Guessed", sender="eve@evil.example", to=wrong, message_id="9@evil.example"))
    assert await conn.fetchval("SELECT conversation_id FROM message WHERE body = 'Guessed'") != conversation


async def test_a_robots_answer_begins_no_conversation_and_moves_none(door: MailDoor, conn: Connection) -> None:
    away = "Auto-Submitted: auto-replied\r\n"
    await door.take(ACCOUNT, letter("Back on Monday", head=away, message_id="8@example.org"))
    assert await texts(conn) == []
    assert await conn.fetchval("SELECT count(*) FROM contact") == 0
    assert await conn.fetchval("SELECT count(*) FROM inbound_event") == 1
    await door.take(ACCOUNT, letter(trusted=True))
    await conn.execute("UPDATE conversation SET unread = 0, status = 'resolved'")
    before = await conn.fetchrow("SELECT * FROM invitation")
    await door.take(ACCOUNT, letter("Back on Monday", head=away, message_id="9@example.org", trusted=True))
    assert await texts(conn) == ["How much is lip filler?", "Back on Monday"]
    assert await conn.fetchval("SELECT unread FROM conversation") == 0
    assert await conn.fetchval("SELECT status FROM conversation") == "resolved"
    after = await conn.fetchrow("SELECT * FROM invitation")
    assert (after["opened_at"], after["state"]) == (before["opened_at"], before["state"])
    assert await conn.fetchval("SELECT count(*) FROM outbox WHERE topic = 'acknowledge'") == 1


async def test_our_own_mail_come_back_is_no_message(door: MailDoor, conn: Connection) -> None:
    await door.take(ACCOUNT, letter(sender=f"hello@{DOMAIN}"))
    assert await texts(conn) == []
    assert await conn.fetchval("SELECT kind FROM inbound_event") == "unknown:mail:loop"


@pytest.mark.parametrize(
    ("status", "words", "state"),
    [
        ("5.1.1", "550 5.1.1 no such user", "invalid"),
        ("5.2.2", "552 5.2.2 mailbox full", "ok"),
        ("5.7.1", "550 5.7.1 blocked by policy", "ok"),
        ("4.4.1", "450 4.4.1 connection timed out", "ok"),
    ],
)
async def test_a_bounce_fails_its_message_and_marks_the_address_only_when_nobody_is_there(
    door: MailDoor, conn: Connection, status: str, words: str, state: str
) -> None:
    await door.take(ACCOUNT, letter(trusted=True))
    message, _ = await sent_to(conn)
    await door.take(ACCOUNT, report(signed(Purpose.BOUNCE, message), status=status, words=words), sender="")
    assert await conn.fetchval("SELECT status FROM message WHERE id = $1", message) == "failed"
    assert await conn.fetchval("SELECT state FROM address") == state
    assert len(await texts(conn)) == 1


async def test_a_bounce_about_an_address_we_did_not_write_to_marks_none(door: MailDoor, conn: Connection) -> None:
    await door.take(ACCOUNT, letter(trusted=True))
    message, _ = await sent_to(conn)
    await door.take(ACCOUNT, report(signed(Purpose.BOUNCE, message), recipient="amy.old@elsewhere.example"), sender="")
    assert await conn.fetchval("SELECT state FROM address") == "ok"


async def test_a_forged_bounce_marks_no_address(door: MailDoor, conn: Connection) -> None:
    await door.take(ACCOUNT, letter(trusted=True))
    message, _ = await sent_to(conn)
    forged = signed(Purpose.BOUNCE, message).replace("@in.", "@evil.")
    await door.take(ACCOUNT, report(forged), sender="")
    assert await conn.fetchval("SELECT state FROM address") == "ok"
    assert await conn.fetchval("SELECT status FROM message WHERE id = $1", message) == "sent"


async def test_a_complaint_with_its_recipient_blacked_out_ends_news_for_the_right_person(door: MailDoor, conn: Connection) -> None:
    await door.take(ACCOUNT, letter(trusted=True))
    message, _ = await sent_to(conn)
    await door.take(
        ACCOUNT,
        (
            f"From: fbl@provider.example\r\nTo: {signed(Purpose.BOUNCE, message)}\r\nSubject: complaint\r\nDate: {DATE}\r\n"
            "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n--b\r\n"
            "Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\n\r\n--b--\r\n"
        ).encode(),
    )
    assert await scopes(conn) == {("ALL_MARKETING", None, True, True), ("CHANNEL_MARKETING", "email", True, True)}
    assert await conn.fetchval("SELECT DISTINCT rule_id FROM suppression") == "provider:complaint"


async def test_a_forged_stop_quiets_the_address_and_spreads_to_no_other_channel(door: MailDoor, conn: Connection) -> None:
    await door.take(ACCOUNT, letter(trusted=True))
    contact = await conn.fetchval("SELECT id FROM contact")
    await door.take(ACCOUNT, letter("don't contact me again at all", subject="x", message_id="2@example.org"))
    found = await scopes(conn)
    assert ("ALL_MARKETING", None, True, True) in found
    assert ("ALL_CONTACT", None, True, False) in found
    assert not await conn.fetchval("SELECT count(*) FROM suppression WHERE scope <> 'ALL_MARKETING' AND contact_id = $1", contact)
    assert await conn.fetchval("SELECT stop_unclear FROM conversation")  # staff decide about the rest


async def test_a_vouched_stop_reaches_the_person(door: MailDoor, conn: Connection) -> None:
    await door.take(ACCOUNT, letter("don't contact me again at all", subject="x", trusted=True))
    assert ("ALL_CONTACT", None, True, True) in await scopes(conn)


@pytest.mark.parametrize("to", [f"stop@{DOMAIN}", "STOP@other.example"])
async def test_any_mail_to_stop_ends_all_at_once_on_both_domains(door: MailDoor, conn: Connection, to: str) -> None:
    await door.take(ACCOUNT, letter("", subject="", to=to))
    assert await scopes(conn) == {("CHANNEL", "email", True, False), ("ALL_MARKETING", None, True, True)}
    assert await conn.fetchval("SELECT count(*) FROM rights_case") == 0
    # Nobody vouches and nobody is on file: a confirmation might go to a stranger.
    assert await conn.fetchval("SELECT count(*) FROM outbox WHERE topic = 'confirm_stop'") == 0


async def test_a_subject_alone_that_says_stop_is_a_stop_and_an_answered_one_is_not(door: MailDoor, conn: Connection) -> None:
    await door.take(ACCOUNT, letter("When are you open?", subject="Re: unsubscribe"))
    assert await scopes(conn) == set()
    await door.take(ACCOUNT, letter("", subject="unsubscribe", message_id="2@example.org"))
    assert ("ALL_MARKETING", None, True, True) in await scopes(conn)


async def test_our_unsubscribe_token_sent_from_anywhere_acts_for_the_person_it_names(door: MailDoor, conn: Connection) -> None:
    await door.take(ACCOUNT, letter(trusted=True))
    contact = await conn.fetchval("SELECT id FROM contact")
    token = sign_unsubscribe(str(contact), "news", token_keys(ACCOUNT))
    await door.take(ACCOUNT, letter("", subject=token, to=f"stop@{DOMAIN}", sender="shared@example.org", message_id="2@x"))
    assert await conn.fetchval("SELECT count(*) FROM suppression WHERE contact_id = $1 AND scope = 'ALL_MARKETING'", contact)
    assert len(await texts(conn)) == 1


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Please send me a copy of my data", "access"),
        ("delete everything you hold on me", "erasure"),
        ("I want to complain about how you handled my photographs", "complaint"),
        ("Hello, are you there?", "unclear"),
    ],
)
async def test_every_mail_to_data_opens_a_case_with_its_clock(door: MailDoor, conn: Connection, text: str, kind: str) -> None:
    await door.take(ACCOUNT, letter(text, to="data@other.example", subject="x"))
    case = await conn.fetchrow("SELECT * FROM rights_case")
    assert (case["kind"], case["state"], case["verification"]) == (kind, "open", "V0")
    assert case["policy_due"] == date(2026, 12, 24)
    assert case["due"] <= case["statutory_due"]
    assert await conn.fetchval("SELECT message_id FROM rights_case_message") == await conn.fetchval("SELECT id FROM message")
    assert await conn.fetchval("SELECT count(*) FROM audit_event WHERE action = 'case.opened'") == 1
    assert bool(await scopes(conn)) == (kind == "erasure")
    assert await conn.fetchval("SELECT count(*) FROM outbox WHERE topic = 'acknowledge'") == 0


async def test_what_is_written_in_an_open_matter_joins_its_case(door: MailDoor, conn: Connection) -> None:
    await door.take(ACCOUNT, letter("Please send me a copy of my data", to=f"data@{DOMAIN}", subject="x"))
    await door.take(ACCOUNT, letter("Here I am again", to=f"data@{DOMAIN}", subject="x", message_id="2@x", trusted=True))
    assert await conn.fetchval("SELECT count(*) FROM rights_case") == 1
    assert await conn.fetchval("SELECT count(*) FROM rights_case_message") == 2
    assert await conn.fetchval("SELECT verification FROM rights_case") == "V1"


async def test_a_plain_stop_at_data_is_done_at_once_and_opens_no_case(door: MailDoor, conn: Connection) -> None:
    await door.take(ACCOUNT, letter("STOP", to=f"data@{DOMAIN}", subject="x"))
    assert await scopes(conn)
    assert await conn.fetchval("SELECT count(*) FROM rights_case") == 0


async def test_a_hidden_copy_to_data_is_not_lost_as_a_repeat(door: MailDoor, conn: Connection) -> None:
    raw = letter("A question about my file")
    await door.take(ACCOUNT, raw, recipients=[f"hello@{DOMAIN}"])
    await door.take(ACCOUNT, raw, recipients=[f"data@{DOMAIN}"])
    assert await conn.fetchval("SELECT count(*) FROM rights_case") == 1


async def test_files_lie_on_our_disk_when_the_message_is_stored(door: MailDoor, conn: Connection, settings: Settings) -> None:
    photo = b"\xff\xd8\xff" + b"photo" * 1000
    raw = (
        f"From: amy@example.org\r\nTo: hello@{DOMAIN}\r\nSubject: x\r\nDate: {DATE}\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee\r\n--b\r\nContent-Type: image/png; name=me.jpg\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n"
    ).encode() + base64.encodebytes(photo) + b"--b--\r\n"  # fmt: skip
    await door.take(ACCOUNT, raw)
    row = await conn.fetchrow("SELECT * FROM attachment")
    assert (row["state"], row["mime_type"], row["file_name"], row["size"]) == ("stored", "image/jpeg", "me.jpg", len(photo))
    assert FileStore(settings.data_dir / "files", settings.secret_key).get(row["sha256"]) == photo
    assert await conn.fetchval("SELECT count(*) FROM outbox WHERE topic = 'fetch_media'") == 0


async def test_odd_bytes_are_stored_and_never_lost(door: MailDoor, conn: Connection) -> None:
    for number, raw in enumerate((b"\0\xff", b"From: \0\r\nSubject: \0\r\n\r\n\0text \xed\xa0\x80", b"just words, no headers at all")):
        await door.take(ACCOUNT, raw + bytes([number]))
    assert await conn.fetchval("SELECT count(*) FROM inbound_event WHERE state <> 'failed'") == 3
