-- Consent made real: what people object to, how age was stated, and the questions whether a typed address is theirs.

CREATE TABLE objection (
    id            uuid PRIMARY KEY,
    contact_id    uuid NOT NULL,
    about         text NOT NULL,
    occurred_at   timestamptz NOT NULL,      -- when the person said so
    recorded_at   timestamptz NOT NULL,
    source        text NOT NULL,             -- "message", "staff", "merge"
    recorded_by   text NOT NULL,             -- "person" or "staff:<id>"
    evidence_id   uuid,                      -- the message that said so; null when said to staff
    withdrawn_at  timestamptz,               -- null while it stands; only a recorded act of the person takes it back
    withdrawn_by  text,
    CONSTRAINT objection_of_contact FOREIGN KEY (contact_id) REFERENCES contact (id),
    CONSTRAINT objection_about_known CHECK (about IN
        ('enquiry', 'automation', 'service', 'care', 'marketing', 'profiling', 'ads_match', 'all', 'promotion', 'newsletter', 'event')),
    CONSTRAINT objection_withdrawal_is_recorded CHECK ((withdrawn_at IS NULL) = (withdrawn_by IS NULL))
);
COMMENT ON TABLE objection IS 'What a person does not want their data used for (policy R21, R22). Rows are added and withdrawn, never changed or deleted.';
CREATE INDEX objection_standing ON objection (contact_id) WHERE withdrawn_at IS NULL;

ALTER TABLE consent_event ADD COLUMN age_attested text;
COMMENT ON COLUMN consent_event.age_attested IS 'The wording of "I am 18 or over" that was ticked with it, as id@version/locale; null when it was not.';

-- One question to one address in 90 days (policy §2.2, footnote 3).
CREATE INDEX message_questions ON message (identity_id, claimed_at) WHERE kind = 'DOI';
