-- A campaign that pauses itself is looked at, and counted anew once somebody lets it go on; one that is not approved says why.

ALTER TABLE campaign
    ADD COLUMN resumed_at timestamptz,
    ADD COLUMN sent_back_by uuid,
    ADD COLUMN sent_back_at timestamptz,
    ADD COLUMN sent_back_reason text,
    ADD CONSTRAINT campaign_sent_back_by_staff FOREIGN KEY (sent_back_by) REFERENCES staff (id),
    ADD CONSTRAINT campaign_sent_back_is_whole CHECK (num_nonnulls(sent_back_by, sent_back_at, sent_back_reason) IN (0, 3));
COMMENT ON COLUMN campaign.resumed_at IS 'When it last began to run; what happened before was seen by whoever let it. Null before it first did.';
COMMENT ON COLUMN campaign.sent_back_reason IS 'What the approver wants changed; null unless the draft was sent back since it was last changed.';
UPDATE campaign SET resumed_at = started_at WHERE started_at IS NOT NULL;
