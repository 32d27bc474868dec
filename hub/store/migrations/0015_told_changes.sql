-- What providers tell about messages: taken back, un-reacted, read up to a moment, written elsewhere; people whose address changed;
-- files nobody refers to any more.

CREATE TABLE told_change (
    id           uuid PRIMARY KEY,
    account_id   text NOT NULL,
    what         text NOT NULL,
    target       text,                      -- the provider's id of the message it is about; null for a watermark
    said_by      bytea[] NOT NULL,          -- hashes of the person's address
    at           timestamptz NOT NULL,      -- provider's clock; for a watermark the moment it reaches up to
    received_at  timestamptz NOT NULL,
    CONSTRAINT told_change_what_known CHECK (what IN ('retraction', 'reaction_removed', 'delivered', 'read')),
    CONSTRAINT told_change_names_its_message CHECK ((target IS NULL) = (what IN ('delivered', 'read')))
);
COMMENT ON TABLE told_change IS 'Kept for as long as a provider repeats itself, since a change may come before the message it is about. Holds no words.';
CREATE INDEX told_change_of_message ON told_change (account_id, target) WHERE target IS NOT NULL;
CREATE INDEX told_change_of_person ON told_change USING gin (said_by) WHERE target IS NULL;
CREATE INDEX told_change_by_age ON told_change (received_at);

CREATE INDEX message_answered_or_edited ON message (account_id, (coalesce(detail ->> 'edit_of', detail ->> 'reply_to')))
    WHERE direction = 'inbound' AND (detail ? 'edit_of' OR content_kind = 'reaction');

ALTER TABLE message ADD COLUMN written_elsewhere boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN message.written_elsewhere IS 'Staff wrote it in the provider''s own app: no decision of ours stands behind it, and we never send it.';
ALTER TABLE message DROP CONSTRAINT message_outbound_is_whole;
ALTER TABLE message ADD CONSTRAINT message_outbound_is_whole
    CHECK (direction = 'inbound' OR (status IS NOT NULL AND send_after IS NOT NULL AND (kind IS NOT NULL OR written_elsewhere)));
ALTER TABLE message DROP CONSTRAINT message_left_on_a_decision;
ALTER TABLE message ADD CONSTRAINT message_left_on_a_decision
    CHECK (direction = 'inbound' OR status IN ('queued', 'refused', 'cancelled') OR decision_id IS NOT NULL OR written_elsewhere);
ALTER TABLE message ADD CONSTRAINT message_written_elsewhere_is_theirs
    CHECK (NOT written_elsewhere OR (direction = 'outbound' AND status IN ('sent', 'delivered', 'read', 'failed') AND kind IS NULL
           AND decision_id IS NULL AND written_by IS NULL AND claimed_at IS NULL AND provider_message_id IS NOT NULL));

CREATE TABLE address_change (
    id           uuid PRIMARY KEY,
    account_id   text NOT NULL,
    channel      text NOT NULL,
    contact_id   uuid NOT NULL,
    kind         text NOT NULL,             -- the provider's own word for it
    before       text,                      -- in clear, like identity.address; null where it was not named, or once erased
    after        text,
    occurred_at  timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL,
    CONSTRAINT address_change_of_contact FOREIGN KEY (contact_id) REFERENCES contact (id)
);
COMMENT ON TABLE address_change IS 'A provider says that a person has another address now. It may have a new owner: staff decide, nothing is joined by itself.';
CREATE INDEX address_change_of_contact_index ON address_change (contact_id, occurred_at);

CREATE TABLE released_file (
    sha256  bytea PRIMARY KEY,
    CONSTRAINT released_file_is_sha256 CHECK (octet_length(sha256) = 32)
);
COMMENT ON TABLE released_file IS 'Files a row stopped referring to: deleted from the disk by the clock, unless another row still does.';

CREATE FUNCTION release_file() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.sha256 IS NOT NULL AND (TG_OP = 'DELETE' OR NEW.sha256 IS DISTINCT FROM OLD.sha256) THEN
        INSERT INTO released_file (sha256) VALUES (OLD.sha256) ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION release_file IS 'In the transaction that lets go of a file, so that no act can forget it.';
CREATE TRIGGER attachment_releases_its_file AFTER DELETE OR UPDATE OF sha256 ON attachment FOR EACH ROW EXECUTE FUNCTION release_file();
CREATE TRIGGER note_file_releases_its_file AFTER DELETE OR UPDATE OF sha256 ON note_file FOR EACH ROW EXECUTE FUNCTION release_file();
CREATE INDEX attachment_by_file ON attachment (sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX note_file_by_file ON note_file (sha256) WHERE sha256 IS NOT NULL;
