-- A message belongs to its conversation, which belongs to a contact, and contacts are never deleted: who is merged or erased
-- keeps the row. Looking the contact up once more for each message written bought nothing, and cost a campaign and intake
-- alike some four microseconds a message.
ALTER TABLE message DROP CONSTRAINT message_of_contact;
COMMENT ON COLUMN message.contact_id IS 'The contact of its conversation, kept here so that a person''s messages are found by one index.';
