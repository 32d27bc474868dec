-- What only mail has, the places where mailboxes were read up to, and the cases that requests about data open.

CREATE TABLE mail (
    message_id    uuid PRIMARY KEY,
    subject       text NOT NULL,
    whole_text    text,                      -- with everything quoted; null where the message's own body is all of it
    header_id     text,                      -- the sender's Message-ID without brackets; null where it had none
    mailbox       text NOT NULL,
    trusted       boolean NOT NULL,          -- DMARC passed and aligned, by our own server's word
    trust_detail  text NOT NULL,
    robot         text NOT NULL DEFAULT '',  -- the sign that no person wrote it
    flags         text[] NOT NULL,
    from_other    text,                      -- the sender, where the thread is somebody else's; null otherwise
    CONSTRAINT mail_is_message FOREIGN KEY (message_id) REFERENCES message (id) ON DELETE CASCADE,
    CONSTRAINT mail_mailbox_known CHECK (mailbox IN ('enquiries', 'data', 'stop'))
);

CREATE TABLE mail_cursor (
    account_id   text NOT NULL,
    mailbox      text NOT NULL,
    uidvalidity  bigint NOT NULL,
    uid          bigint NOT NULL,            -- the last one that was stored or passed over
    read_at      timestamptz NOT NULL,
    PRIMARY KEY (account_id, mailbox)
);
COMMENT ON TABLE mail_cursor IS 'How far each mailbox was read. Another UIDVALIDITY means another numbering: look again, repeats fall out in the journal.';

CREATE TABLE mail_passed_over (
    account_id   text NOT NULL,
    mailbox      text NOT NULL,
    uidvalidity  bigint NOT NULL,
    uid          bigint NOT NULL,
    reason       text NOT NULL,              -- a constant: "too_big", "not_given"
    size         bigint,                     -- null where the server did not say
    at           timestamptz NOT NULL,
    PRIMARY KEY (account_id, mailbox, uidvalidity, uid)
);
COMMENT ON TABLE mail_passed_over IS 'Mails that could not be fetched. They lie in the mailbox still; one of them never holds up the rest.';

CREATE TABLE rights_case (
    id               uuid PRIMARY KEY,
    number           bigint GENERATED ALWAYS AS IDENTITY,
    kind             text NOT NULL,
    state            text NOT NULL DEFAULT 'open',
    contact_id       uuid,                   -- null once nobody is known by it any more
    conversation_id  uuid,
    channel          text NOT NULL,
    received_at      timestamptz NOT NULL,   -- day 0: the first receipt, even if nobody read it (policy §4.4)
    statutory_due    date NOT NULL,
    policy_due       date NOT NULL,
    due              date NOT NULL,          -- the earlier of both
    target           date NOT NULL,
    verification     text NOT NULL DEFAULT 'V0',
    opened_at        timestamptz NOT NULL,
    closed_at        timestamptz,            -- null while it is open
    CONSTRAINT rights_case_number_once UNIQUE (number),
    CONSTRAINT rights_case_of_contact FOREIGN KEY (contact_id) REFERENCES contact (id),
    CONSTRAINT rights_case_of_conversation FOREIGN KEY (conversation_id) REFERENCES conversation (id),
    CONSTRAINT rights_case_kind_known CHECK (kind IN
        ('access', 'erasure', 'rectification', 'restriction', 'objection', 'portability', 'complaint', 'unclear')),
    CONSTRAINT rights_case_state_known CHECK (state IN ('open', 'closed')),
    CONSTRAINT rights_case_end_is_recorded CHECK ((state = 'closed') = (closed_at IS NOT NULL)),
    CONSTRAINT rights_case_verification_known CHECK (verification IN ('V0', 'V1', 'V2', 'V3'))
);
CREATE INDEX rights_case_open ON rights_case (contact_id) WHERE state = 'open';
CREATE INDEX rights_case_in_conversation ON rights_case (conversation_id) WHERE state = 'open';
CREATE INDEX rights_case_by_due ON rights_case (due) WHERE state = 'open';

CREATE TABLE rights_case_message (
    case_id      uuid NOT NULL,
    message_id   uuid NOT NULL,
    trusted      boolean NOT NULL,           -- whether that message proves an address on file (policy §4.2, V1)
    added_at     timestamptz NOT NULL,
    PRIMARY KEY (case_id, message_id),
    CONSTRAINT rights_case_message_of_case FOREIGN KEY (case_id) REFERENCES rights_case (id),
    CONSTRAINT rights_case_message_is_message FOREIGN KEY (message_id) REFERENCES message (id) ON DELETE CASCADE
);
COMMENT ON TABLE rights_case_message IS 'What was written in a matter: the request itself, and what came after it while it was open.';
