-- Notes colleagues leave for each other, conversations put aside for a while, and the mirror of conversations in Slack.

CREATE TABLE note (
    id               uuid PRIMARY KEY,
    conversation_id  uuid NOT NULL,
    class            text NOT NULL DEFAULT 'health',  -- policy R23: what a clinic writes down is health data unless somebody says otherwise
    body             text NOT NULL,
    source           text NOT NULL,
    written_by       uuid NOT NULL,
    version          integer NOT NULL DEFAULT 1,
    created_at       timestamptz NOT NULL,
    changed_at       timestamptz,                -- null until its words were changed
    deleted_at       timestamptz,                -- set when taken away; the words stay, since they are disclosable (policy R53)
    sent_message_id  uuid,                       -- the message its words became, once somebody sent them to the person
    CONSTRAINT note_of_conversation FOREIGN KEY (conversation_id) REFERENCES conversation (id),
    CONSTRAINT note_by_staff FOREIGN KEY (written_by) REFERENCES staff (id),
    CONSTRAINT note_sent_as_message FOREIGN KEY (sent_message_id) REFERENCES message (id),
    CONSTRAINT note_class_known CHECK (class IN ('health', 'administrative')),
    CONSTRAINT note_source_known CHECK (source IN ('web', 'slack'))
);
CREATE INDEX note_in_conversation ON note (conversation_id, created_at);
CREATE INDEX note_sent ON note (sent_message_id) WHERE sent_message_id IS NOT NULL;

CREATE TABLE note_version (
    note_id      uuid NOT NULL,
    version      integer NOT NULL,
    body         text NOT NULL,                  -- what it said before
    replaced_at  timestamptz NOT NULL,
    PRIMARY KEY (note_id, version),
    CONSTRAINT note_version_of_note FOREIGN KEY (note_id) REFERENCES note (id) ON DELETE CASCADE
);

CREATE TABLE note_file (
    id          uuid PRIMARY KEY,
    note_id     uuid NOT NULL,
    position    smallint NOT NULL,
    file_name   text,                            -- null where none was given
    mime_type   text NOT NULL,
    source_url  text,                            -- where it still lies; null once fetched or refused
    state       text NOT NULL DEFAULT 'pending',
    refusal     text,                            -- why it was not kept
    size        bigint,
    sha256      bytea,
    created_at  timestamptz NOT NULL,
    CONSTRAINT note_file_of_note FOREIGN KEY (note_id) REFERENCES note (id) ON DELETE CASCADE,
    CONSTRAINT note_file_state_known CHECK (state IN ('pending', 'stored', 'refused'))
);
CREATE INDEX note_file_of_note_index ON note_file (note_id);

ALTER TABLE conversation ADD COLUMN snoozed_at timestamptz;     -- null unless somebody put it aside
ALTER TABLE conversation ADD COLUMN snoozed_until timestamptz;  -- when it comes back by itself; null: when they write
ALTER TABLE conversation ADD CONSTRAINT conversation_snooze_is_whole CHECK (snoozed_until IS NULL OR snoozed_at IS NOT NULL);
CREATE INDEX conversation_wakes ON conversation (snoozed_until) WHERE snoozed_until IS NOT NULL;

CREATE TABLE slack_switch (
    one    boolean PRIMARY KEY DEFAULT true,
    since  timestamptz NOT NULL,
    CONSTRAINT slack_switch_is_one CHECK (one)
);
COMMENT ON TABLE slack_switch IS 'One row while conversations are mirrored in Slack, none otherwise: changes are noted only then.';

CREATE TABLE slack_change (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    conversation_id  uuid NOT NULL
);
COMMENT ON TABLE slack_change IS 'Conversations that changed, noted in the transaction that changed them. Appended only, so nobody waits for a lock.';

CREATE FUNCTION tell(channel text, payload text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify(channel, payload);
    IF channel = 'live' AND EXISTS (SELECT 1 FROM slack_switch) THEN
        INSERT INTO slack_change (conversation_id) SELECT value::uuid FROM jsonb_array_elements_text(payload::jsonb -> 'c');
    END IF;
END $$;
COMMENT ON FUNCTION tell IS 'pg_notify, and for the live stream a note that survives: whatever open pages hear of, Slack hears of too.';

CREATE TABLE slack_user (
    user_id     text PRIMARY KEY,
    team_id     text NOT NULL,
    standing    text NOT NULL,
    name        text NOT NULL,
    email       text,                            -- small letters; null where Slack has not confirmed one
    checked_at  timestamptz NOT NULL,
    staff_id    uuid,                            -- null until the link was confirmed
    linked_at   timestamptz,
    CONSTRAINT slack_user_is_staff FOREIGN KEY (staff_id) REFERENCES staff (id),
    CONSTRAINT slack_user_link_is_whole CHECK ((staff_id IS NULL) = (linked_at IS NULL)),
    CONSTRAINT slack_user_standing_known CHECK (standing IN ('member', 'guest', 'bot', 'stranger', 'gone'))
);
CREATE UNIQUE INDEX slack_user_once_per_staff ON slack_user (staff_id) WHERE staff_id IS NOT NULL;
CREATE INDEX slack_user_by_email ON slack_user (email) WHERE email IS NOT NULL;

CREATE TABLE slack_thread (
    conversation_id  uuid PRIMARY KEY,
    channel          text NOT NULL,
    ts               text,                       -- of its first post; null until Slack named it
    opened_at        timestamptz NOT NULL,
    CONSTRAINT slack_thread_of_conversation FOREIGN KEY (conversation_id) REFERENCES conversation (id)
);
CREATE UNIQUE INDEX slack_thread_by_ts ON slack_thread (channel, ts) WHERE ts IS NOT NULL;

CREATE TABLE slack_post (
    id               uuid PRIMARY KEY,           -- travels in the post's metadata, so that its fate can be looked up
    number           bigint GENERATED ALWAYS AS IDENTITY,  -- the order within a thread
    conversation_id  uuid NOT NULL,
    kind             text NOT NULL,
    subject          uuid,                       -- the message, note or file it shows; null for lines about the conversation
    code             text,                       -- what a line says, as a constant
    about            text,                       -- whom it speaks of or to: a staff id or a Slack user id; null for nobody
    at               timestamptz NOT NULL,
    state            text NOT NULL DEFAULT 'waiting',
    channel          text,                       -- null until posted
    ts               text,
    wanted           text NOT NULL DEFAULT '',   -- digest of what it should show just now
    shown            text,                       -- digest of what Slack shows; null until posted
    plain            boolean NOT NULL DEFAULT false,  -- Slack refused its blocks: a notice and the link only
    attempts         smallint NOT NULL DEFAULT 0,
    run_after        timestamptz NOT NULL,
    claimed_at       timestamptz,                -- when the call began; null until the first
    carried_by       uuid,                       -- the post that shows it, where several became one
    file_id          text,                       -- Slack's name of an uploaded file; null for everything else
    error            text,                       -- Slack's error constant, after a failure
    CONSTRAINT slack_post_of_thread FOREIGN KEY (conversation_id) REFERENCES slack_thread (conversation_id),
    CONSTRAINT slack_post_kind_known CHECK (kind IN ('root', 'message', 'note', 'file', 'line')),
    CONSTRAINT slack_post_state_known CHECK (state IN ('waiting', 'posting', 'unknown', 'posted', 'carried', 'failed')),
    CONSTRAINT slack_post_was_named CHECK (state <> 'posted' OR (ts IS NOT NULL AND channel IS NOT NULL))
);
CREATE UNIQUE INDEX slack_post_once ON slack_post (conversation_id, kind, subject) NULLS NOT DISTINCT WHERE kind <> 'line';
CREATE UNIQUE INDEX slack_post_line_once ON slack_post (conversation_id, code, subject) WHERE kind = 'line' AND subject IS NOT NULL;
CREATE INDEX slack_post_to_do ON slack_post (run_after, number) WHERE state IN ('waiting', 'posting', 'unknown');
CREATE INDEX slack_post_in_thread ON slack_post (conversation_id, number) WHERE state IN ('waiting', 'posting', 'unknown');
CREATE INDEX slack_post_stale ON slack_post (run_after, number) WHERE state = 'posted' AND wanted IS DISTINCT FROM shown;
CREATE INDEX slack_post_by_subject ON slack_post (subject) WHERE subject IS NOT NULL;
CREATE INDEX slack_post_by_ts ON slack_post (ts) WHERE ts IS NOT NULL;

CREATE TABLE slack_pause (
    subject  text PRIMARY KEY,                   -- "all", "channel:C…" or "method:…"
    until    timestamptz NOT NULL,
    reason   text NOT NULL
);

CREATE TABLE slack_event (
    id           text PRIMARY KEY,               -- Slack's event id, or what names a press of a button
    number       bigint GENERATED ALWAYS AS IDENTITY,
    kind         text NOT NULL,
    body         bytea,                          -- as it came; null once worked through
    received_at  timestamptz NOT NULL,
    run_after    timestamptz NOT NULL,
    attempts     smallint NOT NULL DEFAULT 0,
    state        text NOT NULL DEFAULT 'waiting',
    CONSTRAINT slack_event_kind_known CHECK (kind IN ('event', 'action')),
    CONSTRAINT slack_event_state_known CHECK (state IN ('waiting', 'done', 'failed'))
);
CREATE INDEX slack_event_to_do ON slack_event (run_after, number) WHERE state = 'waiting';
CREATE INDEX slack_event_by_age ON slack_event (received_at);

CREATE TABLE slack_note (
    channel  text NOT NULL,
    ts       text NOT NULL,                      -- the colleague's own words in Slack
    note_id  uuid NOT NULL,
    PRIMARY KEY (channel, ts),
    CONSTRAINT slack_note_is_note FOREIGN KEY (note_id) REFERENCES note (id) ON DELETE CASCADE
);
CREATE INDEX slack_note_by_note ON slack_note (note_id);
