-- A person may have several roles: the first administrator of a practice hub also answers messages in it.

CREATE TABLE staff_role (
    staff_id    uuid NOT NULL,
    role        text NOT NULL,
    granted_at  timestamptz NOT NULL,
    PRIMARY KEY (staff_id, role),
    CONSTRAINT staff_role_of_staff FOREIGN KEY (staff_id) REFERENCES staff (id) ON DELETE CASCADE,
    CONSTRAINT staff_role_known CHECK (role IN ('front_desk', 'clinician', 'marketing', 'data_protection', 'administrator', 'auditor'))
);
INSERT INTO staff_role (staff_id, role, granted_at) SELECT id, role, created_at FROM staff;
ALTER TABLE staff DROP COLUMN role;

-- Sign-ins that failed, counted to slow guessing down. The subject is a hash: of the address tried, or of the network.
CREATE TABLE sign_in_failure (
    subject  bytea NOT NULL,
    at       timestamptz NOT NULL
);
CREATE INDEX sign_in_failure_recent ON sign_in_failure (subject, at);
CREATE INDEX sign_in_failure_by_age ON sign_in_failure (at);

CREATE INDEX conversation_assigned_newest ON conversation (assigned_to, last_message_at DESC, id DESC) WHERE status = 'open';
CREATE INDEX conversation_stop_unclear ON conversation (last_message_at DESC, id DESC) WHERE stop_unclear;
CREATE INDEX message_failed ON message (conversation_id) WHERE status IN ('failed', 'unknown');
