-- People over their lives: joined and parted again, brought along from elsewhere, erased, and re-keyed.

CREATE TABLE contact_merge (
    id           uuid PRIMARY KEY,
    kept_id      uuid NOT NULL,
    merged_id    uuid NOT NULL,
    merged_at    timestamptz NOT NULL,
    merged_by    text NOT NULL,
    unmerged_at  timestamptz,               -- null while they are one
    unmerged_by  text,
    CONSTRAINT contact_merge_kept FOREIGN KEY (kept_id) REFERENCES contact (id),
    CONSTRAINT contact_merge_merged FOREIGN KEY (merged_id) REFERENCES contact (id),
    CONSTRAINT contact_merge_of_two CHECK (kept_id <> merged_id),
    CONSTRAINT contact_merge_end_is_recorded CHECK ((unmerged_at IS NULL) = (unmerged_by IS NULL))
);
CREATE UNIQUE INDEX contact_merge_once ON contact_merge (merged_id) WHERE unmerged_at IS NULL;
CREATE INDEX contact_merge_of_kept ON contact_merge (kept_id);

CREATE TABLE contact_merge_item (
    merge_id  uuid NOT NULL,
    kind      text NOT NULL,
    ref       uuid NOT NULL,
    PRIMARY KEY (merge_id, kind, ref),
    CONSTRAINT contact_merge_item_of_merge FOREIGN KEY (merge_id) REFERENCES contact_merge (id),
    CONSTRAINT contact_merge_item_known CHECK (kind IN ('identity', 'conversation', 'consent', 'verified'))
);
COMMENT ON TABLE contact_merge_item IS 'Who had what: goes back to the merged contact when the merge is undone. "verified" names an identity of the merged contact whose proof passed to the same address of the kept one.';
CREATE INDEX contact_merged_into ON contact (merged_into) WHERE merged_into IS NOT NULL;

-- A claim or a stop that waits for an address finds it under its new hash.
ALTER TABLE identity DROP CONSTRAINT identity_has_address;
ALTER TABLE identity ADD CONSTRAINT identity_has_address FOREIGN KEY (address_hash) REFERENCES address (hash) ON UPDATE CASCADE;

CREATE TABLE pepper (
    key_id      smallint PRIMARY KEY,
    proof       bytea NOT NULL,              -- HMAC of a constant: shows that a key is the same, and nothing else
    first_used  timestamptz NOT NULL,
    CONSTRAINT pepper_proof_is_sha256 CHECK (octet_length(proof) = 32)
);
COMMENT ON TABLE pepper IS 'Every key suppressions may lie under. None may be missing or changed when addresses get a newer one.';
CREATE INDEX address_by_key ON address (key_id, hash);
CREATE INDEX consent_event_by_address ON consent_event (address_hash) WHERE address_hash IS NOT NULL;

CREATE TABLE import_run (
    id           uuid PRIMARY KEY,
    what         text NOT NULL,
    file_sha256  bytea NOT NULL,
    statement    bytea,                      -- SHA-256 of the signed statement that there is no suppression list; null with a list
    source       text NOT NULL,
    started_at   timestamptz NOT NULL,
    started_by   text NOT NULL,
    ended_at     timestamptz,                -- null while it runs, or when it was cut short
    rows_read    integer NOT NULL DEFAULT 0,
    added        integer NOT NULL DEFAULT 0,
    known        integer NOT NULL DEFAULT 0,
    refused      integer NOT NULL DEFAULT 0,
    CONSTRAINT import_run_what_known CHECK (what IN ('suppressions', 'contacts'))
);
CREATE INDEX import_run_of_file ON import_run (what, file_sha256);
