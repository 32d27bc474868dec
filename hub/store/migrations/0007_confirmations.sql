-- Confirmations are counted per person and day (policy §2.3, OOC): found without reading anybody's other messages.

CREATE INDEX message_confirmations ON message (contact_id, created_at) WHERE kind = 'OOC';
