-- Messages a provider kept while we could not be reached, unknown outcomes asked about ever more rarely, and long texts in parts.

CREATE TABLE missed_look (
    account_id  text PRIMARY KEY,
    seen_until  timestamptz NOT NULL,  -- everything the provider has up to here was listed and stored
    looked_at   timestamptz NOT NULL,  -- when the provider was last asked, with or without success
    deep_at     timestamptz NOT NULL   -- when it was last asked about more than what is new
);
COMMENT ON TABLE missed_look IS 'How far each account''s own list of messages has been compared with the journal';

ALTER TABLE message ADD COLUMN look_ups smallint NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN looked_up_at timestamptz;  -- null until the provider was asked what became of an unknown send

ALTER TABLE message ADD COLUMN follows uuid;  -- set on the later parts of a long text: the part before, which must be sent first
ALTER TABLE message ADD CONSTRAINT message_follows FOREIGN KEY (follows) REFERENCES message (id);
CREATE INDEX message_followed ON message (follows) WHERE follows IS NOT NULL;
