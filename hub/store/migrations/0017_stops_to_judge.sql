-- Stops that only might be stops, for the view of what staff have still to judge: few rows of a large table.
CREATE INDEX suppression_to_judge ON suppression (contact_id) WHERE provisional AND lifted_at IS NULL;
