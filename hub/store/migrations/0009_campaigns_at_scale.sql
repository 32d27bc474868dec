-- Campaigns to a million people: each person found once among their consents without grouping, and lists cheap to write and to work off.

ALTER TABLE consent_state
    ADD COLUMN first boolean NOT NULL DEFAULT false,
    ADD COLUMN alone boolean NOT NULL DEFAULT false,
    ADD COLUMN held text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN consent_state.first IS 'True on exactly one of a person''s rows: whoever looks at those sees everybody once.';
COMMENT ON COLUMN consent_state.alone IS 'The person has no other consent for the same purpose and channel, so that none has to be chosen among.';
COMMENT ON COLUMN consent_state.held IS 'On the first row: what else the person has consents for, as "sms" and "sms/promotion". Empty on the others.';

-- As in 0005, and each person's rows know of each other: so the person is locked, and what is read is read after that.
CREATE OR REPLACE FUNCTION consent_state_of(people uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM contact WHERE id = ANY (people) ORDER BY id FOR NO KEY UPDATE;
    EXECUTE $q$
    WITH ev AS (
        SELECT e.* FROM consent_event e WHERE e.contact_id = ANY ($1)
    ), given AS (
        SELECT DISTINCT ON (consent_id) * FROM ev WHERE event = 'given' ORDER BY consent_id, occurred_at DESC, id DESC
    ), refusal AS (
        SELECT contact_id, purpose, channel, max(occurred_at) AS at FROM ev WHERE event = 'withdrawn' GROUP BY 1, 2, 3
    ), later AS (
        -- a refresh counts only while the consent was alive: none after the first gap of more than 24 months (policy §5)
        SELECT consent_id, at, bool_or(gap) OVER (PARTITION BY consent_id ORDER BY at) AS lapsed
        FROM (
            SELECT g.consent_id, e.occurred_at AS at,
                   e.occurred_at > coalesce(lag(e.occurred_at) OVER (PARTITION BY g.consent_id ORDER BY e.occurred_at), g.occurred_at)
                       + interval '24 months' AS gap
            FROM given g JOIN ev e ON e.consent_id = g.consent_id AND e.event = 'refreshed' AND e.occurred_at >= g.occurred_at
        ) r
    ), refreshed AS (
        SELECT consent_id, max(at) AS at FROM later WHERE NOT lapsed GROUP BY 1
    ), turned AS (
        SELECT g.consent_id,
               bool_or(e.event IN ('withdrawn', 'expired', 'invalidated')) AS ended, bool_or(e.event = 'confirmed') AS confirmed
        FROM given g JOIN ev e ON e.consent_id = g.consent_id AND e.occurred_at >= g.occurred_at AND e.event NOT IN ('given', 'refreshed')
        GROUP BY 1
    ), told AS (
        SELECT contact_id, array_agg(DISTINCT said ORDER BY said) AS held
        FROM given CROSS JOIN LATERAL unnest(ARRAY[channel, channel || '/' || purpose]) AS s(said) GROUP BY 1
    ), placed AS (
        SELECT consent_id, row_number() OVER (PARTITION BY contact_id ORDER BY consent_id) = 1 AS first,
               count(*) OVER (PARTITION BY contact_id, purpose, channel) = 1 AS alone
        FROM given
    )
    INSERT INTO consent_state (consent_id, contact_id, purpose, channel, address_hash, interests, health_relevance, given_at, confirmed,
                               proven, ended, wording, first, alone, held)
    SELECT g.consent_id, g.contact_id, g.purpose, g.channel, g.address_hash, g.interests, g.health_relevance,
           coalesce(f.at, g.occurred_at), NOT g.needs_confirmation OR coalesce(t.confirmed, false),
           g.wording_id IS NOT NULL AND g.wording_hash IS NOT NULL AND g.control IN ('unticked_box', 'native', 'spoken', 'paper'),
           coalesce(t.ended, false) OR coalesce(r.at >= g.occurred_at, false),
           CASE WHEN g.wording_hash IS NOT NULL THEN g.wording_id || '@' || g.wording_version || '/' || g.wording_locale END,
           p.first, p.alone, CASE WHEN p.first THEN told.held ELSE '{}' END
    FROM given g
    JOIN placed p ON p.consent_id = g.consent_id
    JOIN told ON told.contact_id = g.contact_id
    LEFT JOIN refusal r ON r.contact_id = g.contact_id AND r.purpose = g.purpose AND r.channel = g.channel
    LEFT JOIN refreshed f ON f.consent_id = g.consent_id
    LEFT JOIN turned t ON t.consent_id = g.consent_id
    ON CONFLICT (consent_id) DO UPDATE SET
        contact_id = excluded.contact_id, purpose = excluded.purpose, channel = excluded.channel, address_hash = excluded.address_hash,
        interests = excluded.interests, health_relevance = excluded.health_relevance, given_at = excluded.given_at,
        confirmed = excluded.confirmed, proven = excluded.proven, ended = excluded.ended, wording = excluded.wording,
        first = excluded.first, alone = excluded.alone, held = excluded.held
    $q$ USING people;
END
$$;

-- Events that move from one person to another leave both with a state of their own.
CREATE FUNCTION consent_event_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM consent_state_of(array_agg(DISTINCT contact_id))
    FROM (SELECT contact_id FROM was UNION SELECT contact_id FROM added) touched;
    RETURN NULL;
END
$$;
DROP TRIGGER consent_event_moves_state ON consent_event;
CREATE TRIGGER consent_event_moves_state AFTER UPDATE ON consent_event REFERENCING OLD TABLE AS was NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION consent_event_moves();
SELECT consent_state_of(array_agg(DISTINCT contact_id)) FROM consent_event;
CREATE INDEX consent_state_rivals ON consent_state (contact_id) WHERE NOT alone;

-- Who shares an address on a channel is read from this index alone.
DROP INDEX identity_by_address;
CREATE INDEX identity_by_address ON identity (address_hash, channel);

-- A person on a list is written once and changed once or twice. With no index on what changes, and room on the page, a
-- change touches the row and nothing else. Workers keep their place by the contact, so no index of the pending is missed.
DROP INDEX recipient_pending;
DROP INDEX recipient_decided;
ALTER TABLE recipient SET (fillfactor = 45);

ALTER TABLE campaign ADD COLUMN cleared_at timestamptz;
COMMENT ON COLUMN campaign.cleared_at IS 'When everybody left on a cancelled campaign''s list was marked so; null before, and for all others.';
