-- Campaigns: what is to be said to whom, the list frozen at approval, and what became of each person on it.

-- The present state of each consent, kept beside its events so that a million people can be counted at once.
-- The rules are hub.policy.consent.derive; a test holds the two together.
CREATE TABLE consent_state (
    consent_id        uuid PRIMARY KEY,
    contact_id        uuid NOT NULL,
    purpose           text NOT NULL,
    channel           text NOT NULL,
    address_hash      bytea,                 -- null when the consent is not tied to one address
    interests         text[] NOT NULL,
    health_relevance  boolean NOT NULL,
    given_at          timestamptz NOT NULL,  -- the last affirmative act
    confirmed         boolean NOT NULL,
    proven            boolean NOT NULL,
    ended             boolean NOT NULL,
    wording           text                   -- "id@version/locale"; null when not known, which proves nothing
);
CREATE INDEX consent_state_of_contact ON consent_state (contact_id, purpose, channel);

-- Planned anew for each call: one form has one person, an import has a hundred thousand.
CREATE FUNCTION consent_state_of(people uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
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
    )
    INSERT INTO consent_state
    SELECT g.consent_id, g.contact_id, g.purpose, g.channel, g.address_hash, g.interests, g.health_relevance,
           coalesce(f.at, g.occurred_at), NOT g.needs_confirmation OR coalesce(t.confirmed, false),
           g.wording_id IS NOT NULL AND g.wording_hash IS NOT NULL AND g.control IN ('unticked_box', 'native', 'spoken', 'paper'),
           coalesce(t.ended, false) OR coalesce(r.at >= g.occurred_at, false),
           CASE WHEN g.wording_hash IS NOT NULL THEN g.wording_id || '@' || g.wording_version || '/' || g.wording_locale END
    FROM given g
    LEFT JOIN refusal r ON r.contact_id = g.contact_id AND r.purpose = g.purpose AND r.channel = g.channel
    LEFT JOIN refreshed f ON f.consent_id = g.consent_id
    LEFT JOIN turned t ON t.consent_id = g.consent_id
    ON CONFLICT (consent_id) DO UPDATE SET
        contact_id = excluded.contact_id, purpose = excluded.purpose, channel = excluded.channel, address_hash = excluded.address_hash,
        interests = excluded.interests, health_relevance = excluded.health_relevance, given_at = excluded.given_at,
        confirmed = excluded.confirmed, proven = excluded.proven, ended = excluded.ended, wording = excluded.wording
    $q$ USING people;
END
$$;

CREATE FUNCTION consent_event_counts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM consent_state_of(array_agg(DISTINCT contact_id)) FROM added;
    RETURN NULL;
END
$$;
CREATE TRIGGER consent_event_changes_state AFTER INSERT ON consent_event REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION consent_event_counts();
CREATE TRIGGER consent_event_moves_state AFTER UPDATE ON consent_event REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION consent_event_counts();
SELECT consent_state_of(array_agg(DISTINCT contact_id)) FROM consent_event;

CREATE INDEX address_bad ON address (hash) WHERE state <> 'ok';
CREATE INDEX address_aliases ON address USING gin (aliases) WHERE aliases <> '{}';

CREATE TABLE campaign (
    id            uuid PRIMARY KEY,
    name          text NOT NULL,
    purpose       text NOT NULL,
    channel       text NOT NULL,
    account_id    text NOT NULL,
    interests     text[] NOT NULL,
    body          text NOT NULL,             -- with slots: {first_name}, {clinic}, {stop_line}
    state         text NOT NULL DEFAULT 'draft',
    created_by    uuid NOT NULL,
    created_at    timestamptz NOT NULL,
    edited_by     uuid NOT NULL,             -- whoever changed the draft last
    edited_at     timestamptz NOT NULL,
    approved_by   uuid,                      -- null until approved; never the one who wrote it
    approved_at   timestamptz,
    text_hash     bytea,                     -- SHA-256 of the body as approved; null until then
    content       jsonb,                     -- what the content check found at approval; null until then
    frozen_to     uuid,                      -- how far the list is written, by contact; null before its first slice
    frozen_at     timestamptz,               -- null until the list is whole
    list_hash     bytea,                     -- SHA-256 over the contacts on the list, in order; null until it is whole
    scheduled_at  timestamptz,               -- null unless planned
    started_at    timestamptz,               -- null until the first send may leave
    next_at       timestamptz,               -- nothing is tried before this (quiet hours); null when nothing holds it
    ended_at      timestamptz,               -- when it was finished or cancelled; null before
    CONSTRAINT campaign_created_by_staff FOREIGN KEY (created_by) REFERENCES staff (id),
    CONSTRAINT campaign_edited_by_staff FOREIGN KEY (edited_by) REFERENCES staff (id),
    CONSTRAINT campaign_approved_by_staff FOREIGN KEY (approved_by) REFERENCES staff (id),
    CONSTRAINT campaign_purpose_known CHECK (purpose IN ('promotion', 'newsletter', 'event')),
    CONSTRAINT campaign_state_known
        CHECK (state IN ('draft', 'approved', 'scheduled', 'running', 'paused', 'finished', 'cancelled')),
    CONSTRAINT campaign_approved_by_another CHECK (approved_by NOT IN (created_by, edited_by)),
    CONSTRAINT campaign_approval_is_whole
        CHECK (num_nonnulls(approved_by, approved_at, text_hash, content) IN (0, 4)
               AND (state IN ('draft', 'cancelled') OR approved_by IS NOT NULL)),
    CONSTRAINT campaign_scheduled_has_time CHECK (state <> 'scheduled' OR scheduled_at IS NOT NULL)
);
CREATE INDEX campaign_newest ON campaign (created_at DESC, id DESC);
CREATE INDEX campaign_at_work ON campaign (state) WHERE state NOT IN ('draft', 'finished');

CREATE FUNCTION campaign_stays_as_approved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.approved_at IS NOT NULL AND
       (NEW.name, NEW.purpose, NEW.channel, NEW.account_id, NEW.interests, NEW.body, NEW.created_by, NEW.edited_by, NEW.edited_at,
        NEW.approved_by, NEW.approved_at, NEW.text_hash, NEW.content) IS DISTINCT FROM
       (OLD.name, OLD.purpose, OLD.channel, OLD.account_id, OLD.interests, OLD.body, OLD.created_by, OLD.edited_by, OLD.edited_at,
        OLD.approved_by, OLD.approved_at, OLD.text_hash, OLD.content) THEN
        RAISE EXCEPTION 'an approved campaign does not change' USING ERRCODE = 'check_violation', CONSTRAINT = 'campaign_stays_as_approved';
    END IF;
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('draft', 'approved'), ('draft', 'cancelled'), ('approved', 'scheduled'), ('approved', 'running'), ('approved', 'cancelled'),
        ('scheduled', 'approved'), ('scheduled', 'running'), ('scheduled', 'cancelled'), ('running', 'paused'), ('running', 'finished'),
        ('running', 'cancelled'), ('paused', 'running'), ('paused', 'cancelled')) THEN
        RAISE EXCEPTION 'a campaign does not go that way' USING ERRCODE = 'check_violation', CONSTRAINT = 'campaign_state_moves';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER campaign_stays_as_approved BEFORE UPDATE ON campaign FOR EACH ROW EXECUTE FUNCTION campaign_stays_as_approved();

CREATE TABLE campaign_count (
    campaign_id  uuid NOT NULL,
    reason       text NOT NULL,              -- a refusal, or ALLOW for those on the list
    people       integer NOT NULL,
    PRIMARY KEY (campaign_id, reason),
    CONSTRAINT campaign_count_of_campaign FOREIGN KEY (campaign_id) REFERENCES campaign (id)
);
COMMENT ON TABLE campaign_count IS 'The sheet: everybody the campaign might have meant, counted once at the first reason, as the list was frozen.';

CREATE TABLE recipient (
    campaign_id   uuid NOT NULL,
    contact_id    uuid NOT NULL,
    identity_id   uuid NOT NULL,
    address_hash  bytea NOT NULL,
    state         text NOT NULL DEFAULT 'pending',
    reason        text,                      -- the judge's, once refused or put off
    not_before    timestamptz,               -- when a postponed one is asked again; null: as soon as may be
    decision_id   uuid,                      -- the last decision; null until the first
    message_id    uuid,                      -- null until let go for the first time
    decided_at    timestamptz,               -- null until decided
    PRIMARY KEY (campaign_id, contact_id),
    CONSTRAINT recipient_address_once UNIQUE (campaign_id, address_hash),
    CONSTRAINT recipient_state_known CHECK (state IN ('pending', 'claimed', 'refused', 'cancelled')),
    CONSTRAINT recipient_claimed_is_whole CHECK (state <> 'claimed' OR (message_id IS NOT NULL AND decision_id IS NOT NULL)),
    CONSTRAINT recipient_refused_says_why CHECK (state <> 'refused' OR (reason IS NOT NULL AND decision_id IS NOT NULL))
);
COMMENT ON TABLE recipient IS 'The frozen list: each person at most once, each address at most once. What became of a claimed one is its message''s status. Without foreign keys, which would look up a million rows one by one; nothing named here is ever deleted.';
CREATE INDEX recipient_pending ON recipient (campaign_id, contact_id) WHERE state = 'pending';
CREATE INDEX recipient_decided ON recipient (campaign_id, state, contact_id) WHERE state <> 'pending';

ALTER TABLE message ADD COLUMN campaign_id uuid;
COMMENT ON COLUMN message.campaign_id IS 'The campaign it was sent for; null for everything else. Its content check is kept on the campaign.';
CREATE INDEX message_of_campaign ON message (campaign_id, status) WHERE campaign_id IS NOT NULL;
CREATE INDEX message_marketing ON message (contact_id, claimed_at)
    WHERE kind = 'MKT' AND status IN ('sending', 'unknown', 'accepted', 'sent', 'delivered', 'read');
