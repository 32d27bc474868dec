-- Delivery: how statuses move, who may work on what, and what is paused.

CREATE FUNCTION delivery_rank(status text) RETURNS smallint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE status
        WHEN 'queued' THEN 0 WHEN 'sending' THEN 1 WHEN 'unknown' THEN 2 WHEN 'accepted' THEN 3
        WHEN 'sent' THEN 4 WHEN 'failed' THEN 5 WHEN 'delivered' THEN 6 WHEN 'read' THEN 7
        ELSE 99 END::smallint
$$;
COMMENT ON FUNCTION delivery_rank IS 'The one way statuses move; hub.model.delivery is the same table in Python and a test holds the two together.';

ALTER TABLE message ADD COLUMN content jsonb;
COMMENT ON COLUMN message.content IS 'What the content check found when it was queued, with the version of the rules; null for inbound.';
ALTER TABLE message ADD COLUMN template_id text;

DROP INDEX message_in_flight;
CREATE INDEX message_in_flight ON message (contact_id, claimed_at) WHERE status = 'sending';

ALTER TABLE account_state ADD COLUMN paused_until timestamptz;
ALTER TABLE account_state ADD COLUMN last_taken integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN account_state.paused_until IS 'When a paused account is tried again; null while nothing is paused.';

ALTER TABLE address ADD COLUMN aliases bytea[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN address.aliases IS 'Other hashes this address is suppressed under: the folded form of a mail address, older peppers.';

CREATE TABLE work_lease (
    subject       text PRIMARY KEY,          -- "deliver:<account>" or "outbox:<topic>"
    leased_until  timestamptz NOT NULL
);
COMMENT ON TABLE work_lease IS 'Which work a job is on, kept alive by the job itself; an emptied job queue just lets the lease run out.';

CREATE TABLE kill_switch (
    subject  text PRIMARY KEY,               -- "kind:MKT", "channel:sms", "account:<id>", "campaign:<id>"
    on_since timestamptz NOT NULL,
    by       text NOT NULL,
    reason   text NOT NULL
);

CREATE FUNCTION bucket_level(tokens float8, refilled_at timestamptz, rate_per_s float8, burst integer, at timestamptz)
RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT least(burst::float8, tokens + rate_per_s * greatest(0, extract(epoch FROM at - refilled_at))::float8)
$$;
COMMENT ON FUNCTION bucket_level IS 'How many sends an account may let go at a moment: what was left, refilled at its rate, never above its burst.';
