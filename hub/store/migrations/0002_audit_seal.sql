-- Sealing the audit log. Appenders only add a row to a queue; a sealer takes what has committed, whenever it committed,
-- and chains it in batches. Rows of the log are never touched again.

CREATE TABLE audit_unsealed (
    event_id  uuid NOT NULL
);
COMMENT ON TABLE audit_unsealed IS 'Events no seal covers yet. A row becomes visible with the commit of its event, so a late commit is sealed later and never skipped.';

CREATE FUNCTION audit_queue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_unsealed (event_id) SELECT id FROM added;
    RETURN NULL;
END
$$;
CREATE TRIGGER audit_event_is_queued AFTER INSERT ON audit_event REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION audit_queue();
INSERT INTO audit_unsealed (event_id) SELECT id FROM audit_event;

CREATE TABLE audit_seal (
    seal_no     bigint PRIMARY KEY,          -- 1, 2, 3, … without gaps
    at          timestamptz NOT NULL,
    from_id     uuid NOT NULL,               -- first and last event of the batch; batches are ordered by event id
    to_id       uuid NOT NULL,
    count       integer NOT NULL,
    root        bytea NOT NULL,              -- Merkle root over the batch (RFC 6962 hashing)
    prev_chain  bytea NOT NULL,              -- chain of the seal before; 32 zero bytes for the first
    chain       bytea NOT NULL,              -- SHA-256 over all of the above: what is exported to another machine
    CONSTRAINT audit_seal_has_rows CHECK (count > 0),
    CONSTRAINT audit_seal_hashes_are_sha256 CHECK (octet_length(root) = 32 AND octet_length(prev_chain) = 32 AND octet_length(chain) = 32)
);

CREATE TABLE audit_leaf (
    seal_no    bigint NOT NULL,
    position   integer NOT NULL,             -- 0, 1, 2, … within the seal
    event_id   uuid NOT NULL,
    leaf_hash  bytea NOT NULL,
    PRIMARY KEY (seal_no, position),
    CONSTRAINT audit_leaf_once UNIQUE (event_id),
    CONSTRAINT audit_leaf_hash_is_sha256 CHECK (octet_length(leaf_hash) = 32)
);
COMMENT ON TABLE audit_leaf IS 'Where each event was sealed. Refers to audit_event without a foreign key: that would lock the rows and need the right to change them.';

CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only: % on % refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_event
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_seal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_seal
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_leaf_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_leaf
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
-- The owner may take the right from itself; only a superuser is beyond this, and for that there are exported roots.
REVOKE UPDATE, DELETE, TRUNCATE ON audit_event, audit_seal, audit_leaf FROM PUBLIC, CURRENT_USER;

ALTER TABLE consent_event ADD COLUMN prev_event_hash bytea;
COMMENT ON COLUMN consent_event.prev_event_hash IS 'Hash of the consent''s event before this one; null for its first.';
