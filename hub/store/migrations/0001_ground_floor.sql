-- The ground floor: people, what they wrote, what we may say, and the proof. PostgreSQL 15 to 18.
-- Lock order everywhere: address (by hash), contact, conversation, message (each by id), then the rest.

CREATE TABLE address (
    hash        bytea PRIMARY KEY,          -- HMAC under the newest pepper; outlives the erasure of the address
    key_id      smallint NOT NULL,
    kind        text NOT NULL,
    state       text NOT NULL DEFAULT 'ok',
    created_at  timestamptz NOT NULL,
    CONSTRAINT address_hash_is_sha256 CHECK (octet_length(hash) = 32),
    CONSTRAINT address_state_known CHECK (state IN ('ok', 'invalid', 'reassigned', 'wrong_person'))
);
COMMENT ON TABLE address IS 'One row per distinct address. Claims and stops lock these rows first, so neither can slip past the other.';

CREATE TABLE contact (
    id             uuid PRIMARY KEY,
    display_name   text,                     -- null until somebody tells us a name
    locale         text,                     -- null until known
    birth_date     date,                     -- null unless given
    age_confirmed  boolean NOT NULL DEFAULT false,
    restricted     boolean NOT NULL DEFAULT false,
    erasure        text NOT NULL DEFAULT 'none',
    deceased       boolean NOT NULL DEFAULT false,
    merged_into    uuid,                     -- set when merged away; the row stays so that a merge can be undone
    created_at     timestamptz NOT NULL,
    CONSTRAINT contact_erasure_known CHECK (erasure IN ('none', 'pending', 'done')),
    CONSTRAINT contact_merged_into_contact FOREIGN KEY (merged_into) REFERENCES contact (id)
);

CREATE TABLE identity (
    id            uuid PRIMARY KEY,
    contact_id    uuid NOT NULL,
    channel       text NOT NULL,
    address_hash  bytea NOT NULL,
    address       text,                      -- canonical and in clear; null once erased
    country       text,                      -- ISO 3166 alpha-2 of the address; null where it has none
    verified      boolean NOT NULL,          -- a provider vouches that the person holds it; a typed one is false
    created_at    timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    CONSTRAINT identity_of_contact FOREIGN KEY (contact_id) REFERENCES contact (id),
    CONSTRAINT identity_has_address FOREIGN KEY (address_hash) REFERENCES address (hash),
    CONSTRAINT identity_once_per_contact UNIQUE (contact_id, channel, address_hash)
);
CREATE UNIQUE INDEX identity_verified_once ON identity (channel, address_hash) WHERE verified;
CREATE INDEX identity_by_address ON identity (address_hash);

CREATE TABLE staff (
    id             uuid PRIMARY KEY,
    email          text NOT NULL,
    name           text NOT NULL,
    role           text NOT NULL,
    password_hash  text,                     -- null until the first one-time link was used
    totp_secret    text,                     -- null unless a second factor is set up
    locale         text NOT NULL DEFAULT 'en',
    created_at     timestamptz NOT NULL,
    disabled_at    timestamptz,              -- null while the account may sign in
    CONSTRAINT staff_email_lower CHECK (email = lower(email)),
    CONSTRAINT staff_email_once UNIQUE (email),
    CONSTRAINT staff_role_known CHECK (role IN ('front_desk', 'clinician', 'marketing', 'data_protection', 'administrator', 'auditor'))
);

CREATE TABLE staff_session (
    token_hash    bytea PRIMARY KEY,
    staff_id      uuid NOT NULL,
    created_at    timestamptz NOT NULL,
    last_used_at  timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    CONSTRAINT staff_session_of_staff FOREIGN KEY (staff_id) REFERENCES staff (id) ON DELETE CASCADE
);

CREATE TABLE staff_link (
    token_hash  bytea PRIMARY KEY,
    staff_id    uuid NOT NULL,
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz,                 -- null until used; a link works once
    CONSTRAINT staff_link_of_staff FOREIGN KEY (staff_id) REFERENCES staff (id) ON DELETE CASCADE
);

CREATE TABLE conversation (
    id               uuid PRIMARY KEY,
    contact_id       uuid NOT NULL,
    channel          text NOT NULL,          -- where it began; messages carry their own
    account_id       text NOT NULL,
    status           text NOT NULL DEFAULT 'open',
    assigned_to      uuid,                   -- null while nobody has it
    created_at       timestamptz NOT NULL,
    last_message_at  timestamptz NOT NULL,   -- our receive time, so the list order cannot be forged
    last_inbound_at  timestamptz,            -- null when we wrote first
    last_message_id  uuid,                   -- null only inside the transaction that opens it
    unread           integer NOT NULL DEFAULT 0,
    stop_unclear     boolean NOT NULL DEFAULT false,
    CONSTRAINT conversation_of_contact FOREIGN KEY (contact_id) REFERENCES contact (id),
    CONSTRAINT conversation_assigned_to_staff FOREIGN KEY (assigned_to) REFERENCES staff (id),
    CONSTRAINT conversation_status_known CHECK (status IN ('open', 'resolved', 'spam')),
    CONSTRAINT conversation_unread_not_negative CHECK (unread >= 0)
);
CREATE INDEX conversation_by_contact ON conversation (contact_id);
CREATE INDEX conversation_newest ON conversation (status, last_message_at DESC, id DESC);

CREATE TABLE invitation (
    conversation_id       uuid NOT NULL,
    channel               text NOT NULL,
    identity_id           uuid,              -- where an answer on this channel goes; null for web_form itself
    state                 text NOT NULL,
    opened_at             timestamptz,
    last_inbound_at       timestamptz,       -- provider time of their last message on this channel; null: never wrote on it
    reopened_at           timestamptz,       -- set when they write again after withdrawing
    consecutive_outbound  integer NOT NULL DEFAULT 0,
    last_outbound_at      timestamptz,
    turn_started_at       timestamptz,
    last_ack_at           timestamptz,
    named_by_person       boolean NOT NULL DEFAULT false,
    inbound_automatic     boolean NOT NULL DEFAULT false,
    bot_barred            boolean NOT NULL DEFAULT false,
    PRIMARY KEY (conversation_id, channel),
    CONSTRAINT invitation_of_conversation FOREIGN KEY (conversation_id) REFERENCES conversation (id),
    CONSTRAINT invitation_to_identity FOREIGN KEY (identity_id) REFERENCES identity (id),
    CONSTRAINT invitation_state_known CHECK (state IN ('NONE', 'OPEN', 'DIALOGUE', 'NO_ANSWER', 'DORMANT', 'WITHDRAWN', 'CLOSED'))
);

CREATE TABLE message (
    id                   uuid PRIMARY KEY,
    conversation_id      uuid NOT NULL,
    contact_id           uuid NOT NULL,
    identity_id          uuid,               -- null for a form, which comes from no proven address
    channel              text NOT NULL,
    account_id           text NOT NULL,
    direction            text NOT NULL,
    kind                 text,               -- why we wrote (RPL, OOC, ...); null for inbound
    content_kind         text NOT NULL DEFAULT 'text',
    body                 text NOT NULL,
    status               text,               -- null for inbound
    provider_message_id  text,               -- null until the provider named it
    error_code           text,               -- the provider's code, or ours, after a failure
    decision_id          uuid,               -- the ALLOW it left on; null until claimed
    priority             smallint NOT NULL DEFAULT 1,
    attempts             smallint NOT NULL DEFAULT 0,
    written_by           uuid,               -- null for automatic messages and inbound
    reply_to_id          uuid,
    signal               text,               -- what the recogniser made of an inbound text; null when nothing
    signal_rule          text,
    created_at           timestamptz NOT NULL,   -- our clock
    occurred_at          timestamptz NOT NULL,   -- provider's clock for inbound, ours for outbound
    send_after           timestamptz,        -- null for inbound
    claimed_at           timestamptz,        -- null until claimed
    status_at            timestamptz,        -- when the present status was reported
    detail               jsonb,              -- location, button payload and the like; null when plain
    CONSTRAINT message_of_conversation FOREIGN KEY (conversation_id) REFERENCES conversation (id),
    CONSTRAINT message_of_contact FOREIGN KEY (contact_id) REFERENCES contact (id),
    CONSTRAINT message_of_identity FOREIGN KEY (identity_id) REFERENCES identity (id),
    CONSTRAINT message_by_staff FOREIGN KEY (written_by) REFERENCES staff (id),
    CONSTRAINT message_direction_known CHECK (direction IN ('inbound', 'outbound')),
    CONSTRAINT message_status_known CHECK (status IN ('queued', 'sending', 'accepted', 'sent', 'delivered', 'read', 'failed', 'unknown', 'refused', 'cancelled')),
    CONSTRAINT message_outbound_is_whole CHECK (direction = 'inbound' OR (kind IS NOT NULL AND status IS NOT NULL AND send_after IS NOT NULL)),
    CONSTRAINT message_left_on_a_decision CHECK (direction = 'inbound' OR status IN ('queued', 'refused', 'cancelled') OR decision_id IS NOT NULL)
);
CREATE INDEX message_in_conversation ON message (conversation_id, id);
CREATE UNIQUE INDEX message_provider_once ON message (account_id, provider_message_id) WHERE provider_message_id IS NOT NULL;
CREATE INDEX message_queue ON message (account_id, priority, send_after, id) WHERE status = 'queued';
CREATE INDEX message_in_flight ON message (claimed_at) WHERE status = 'sending';
CREATE INDEX message_unsettled ON message (claimed_at) WHERE status = 'unknown';

CREATE TABLE attachment (
    id           uuid PRIMARY KEY,
    message_id   uuid NOT NULL,
    position     smallint NOT NULL,
    mime_type    text NOT NULL,              -- as the provider claims until fetched, as sniffed after
    file_name    text,
    source_url   text,                       -- where the provider keeps it; null once fetched or refused
    state        text NOT NULL DEFAULT 'pending',
    refusal      text,                       -- why it was not fetched
    size         bigint,
    sha256       bytea,                      -- of the stored file; its name on disk
    created_at   timestamptz NOT NULL,
    CONSTRAINT attachment_of_message FOREIGN KEY (message_id) REFERENCES message (id),
    CONSTRAINT attachment_state_known CHECK (state IN ('pending', 'stored', 'refused'))
);
CREATE INDEX attachment_of_message_index ON attachment (message_id);

CREATE TABLE inbound_event (
    id                 uuid PRIMARY KEY,
    account_id         text NOT NULL,
    provider_event_id  text NOT NULL,
    kind               text NOT NULL,
    state              text NOT NULL,
    received_at        timestamptz NOT NULL,
    request            jsonb,                -- method, path, headers needed to parse again; null on all but the first of a request
    body               bytea,                -- the raw bytes, kept 14 days for replay
    request_of         uuid,                 -- the event that carries the request this one came in
    error              text,                 -- exception class when the state is failed; never its text
    CONSTRAINT inbound_event_once UNIQUE (account_id, provider_event_id),
    CONSTRAINT inbound_event_state_known CHECK (state IN ('processed', 'unknown', 'failed'))
);
CREATE INDEX inbound_event_failed ON inbound_event (received_at) WHERE state = 'failed';

CREATE TABLE delivery_report (
    id                   uuid PRIMARY KEY,
    account_id           text NOT NULL,
    provider_message_id  text,
    message_id           uuid,
    status               text NOT NULL,
    error_code           text,
    occurred_at          timestamptz NOT NULL,
    received_at          timestamptz NOT NULL,
    recipient_stopped    boolean NOT NULL DEFAULT false,
    address_invalid      boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE delivery_report IS 'Statuses that arrived before their send result: parked by provider id, joined when the id becomes known, swept after a day.';
CREATE INDEX delivery_report_by_provider_id ON delivery_report (account_id, provider_message_id);
CREATE INDEX delivery_report_by_age ON delivery_report (received_at);

CREATE TABLE wording (
    id          text NOT NULL,
    version     integer NOT NULL,
    locale      text NOT NULL,
    text        text NOT NULL,
    text_hash   bytea NOT NULL,
    valid_from  timestamptz NOT NULL,
    PRIMARY KEY (id, version, locale)
);

CREATE TABLE consent_event (
    id                uuid PRIMARY KEY,
    consent_id        uuid NOT NULL,         -- the consent whose life this event is part of
    contact_id        uuid NOT NULL,
    event             text NOT NULL,
    purpose           text NOT NULL,
    channel           text NOT NULL,
    address_hash      bytea,                 -- null when the consent is not tied to one address
    interests         text[] NOT NULL,
    health_relevance  boolean NOT NULL DEFAULT false,
    occurred_at       timestamptz NOT NULL,
    recorded_at       timestamptz NOT NULL,
    source            text NOT NULL,
    wording_id        text,
    wording_version   integer,
    wording_locale    text,
    wording_hash      bytea,
    control           text NOT NULL,         -- "unticked_box", "preticked_box", "native", "spoken", "paper"
    needs_confirmation boolean NOT NULL,
    notice_version    text,
    actor             text NOT NULL,         -- "person" or a staff id
    evidence_ref      text,                  -- submission or message id
    ip_truncated      text,
    ua_family         text,
    expires_at        timestamptz,
    CONSTRAINT consent_event_of_contact FOREIGN KEY (contact_id) REFERENCES contact (id),
    CONSTRAINT consent_event_known CHECK (event IN ('given', 'confirmed', 'refreshed', 'withdrawn', 'expired', 'invalidated')),
    CONSTRAINT consent_event_wording FOREIGN KEY (wording_id, wording_version, wording_locale) REFERENCES wording (id, version, locale)
);
CREATE INDEX consent_event_by_contact ON consent_event (contact_id, consent_id, occurred_at);

CREATE TABLE suppression (
    id            uuid PRIMARY KEY,
    address_hash  bytea,                     -- by address, whoever holds it; null when only the person is meant
    key_id        smallint,                  -- pepper of address_hash
    contact_id    uuid,                      -- by person; null once erased or when nobody is known at the address
    scope         text NOT NULL,
    channel       text,
    interest      text,
    purpose       text,
    occurred_at   timestamptz NOT NULL,      -- provider time of the words or event
    recorded_at   timestamptz NOT NULL,
    source        text NOT NULL,             -- "message", "provider_keyword", "provider_error", "staff", "form", "import"
    rule_id       text,
    evidence_id   uuid,                      -- the message that said so
    provisional   boolean NOT NULL DEFAULT false,
    lifted_at     timestamptz,               -- null while it stands; only a recorded act of the person lifts it
    lifted_by     text,                      -- what lifted it: message or consent id
    CONSTRAINT suppression_names_somebody CHECK (address_hash IS NOT NULL OR contact_id IS NOT NULL),
    CONSTRAINT suppression_scope_known CHECK (scope IN ('ALL_CONTACT', 'CHANNEL', 'ALL_MARKETING', 'CHANNEL_MARKETING', 'INTEREST', 'PURPOSE')),
    CONSTRAINT suppression_channel_with_scope CHECK ((scope IN ('CHANNEL', 'CHANNEL_MARKETING')) = (channel IS NOT NULL)),
    CONSTRAINT suppression_interest_with_scope CHECK ((scope = 'INTEREST') = (interest IS NOT NULL)),
    CONSTRAINT suppression_purpose_with_scope CHECK ((scope = 'PURPOSE') = (purpose IS NOT NULL)),
    CONSTRAINT suppression_lift_is_recorded CHECK ((lifted_at IS NULL) = (lifted_by IS NULL))
);
CREATE INDEX suppression_by_address ON suppression (address_hash) WHERE address_hash IS NOT NULL;
CREATE INDEX suppression_by_contact ON suppression (contact_id) WHERE contact_id IS NOT NULL;

CREATE TABLE decision (
    id              uuid PRIMARY KEY,
    message_id      uuid,                    -- null for a campaign recipient that was refused before a message existed
    contact_id      uuid NOT NULL,
    phase           text NOT NULL,
    asked_at        timestamptz NOT NULL,
    kind            text NOT NULL,
    channel         text NOT NULL,
    address_hash    bytea,
    outcome         text NOT NULL,
    reason          text NOT NULL,
    gate            smallint NOT NULL,
    retry_at        timestamptz,
    proofs          text[] NOT NULL,
    policy_version  text NOT NULL,
    facts_digest    text NOT NULL,
    content_hash    bytea,
    lint_version    text,
    campaign_id     uuid,
    operator        text,                    -- staff id or job name
    CONSTRAINT decision_phase_known CHECK (phase IN ('queue', 'claim')),
    CONSTRAINT decision_outcome_known CHECK (outcome IN ('ALLOW', 'REFUSE'))
);
CREATE INDEX decision_of_message ON decision (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX decision_of_contact ON decision (contact_id, asked_at);

CREATE TABLE outbox (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic         text NOT NULL,
    ref           uuid NOT NULL,             -- ids only: what is private stays in its own table
    run_after     timestamptz NOT NULL,
    attempts      smallint NOT NULL DEFAULT 0,
    created_at    timestamptz NOT NULL
);
COMMENT ON TABLE outbox IS 'Follow-ups that must happen. A row goes when its work is done, so an emptied job queue loses nothing.';
CREATE INDEX outbox_due ON outbox (run_after, id);

CREATE TABLE account_state (
    account_id   text PRIMARY KEY,
    tokens       double precision NOT NULL,  -- sends allowed right now, refilled by the clock at the account's rate
    refilled_at  timestamptz NOT NULL,
    paused       text,                       -- reason code while nothing may leave; null normally
    last_inbound_at timestamptz
);

CREATE TABLE audit_event (
    id      uuid PRIMARY KEY,
    at      timestamptz NOT NULL,
    actor   text NOT NULL,                   -- "staff:<id>", "person", "system:<part>"
    role    text,
    action  text NOT NULL,                   -- policy §7.1
    object  text NOT NULL,                   -- "message:<id>", "contact:<id>"
    reason  text,
    result  text,
    detail  jsonb                            -- ids, codes and numbers only
);
