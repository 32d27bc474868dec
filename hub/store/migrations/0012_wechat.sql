-- Credentials that providers give out for a while, shared by every process, and the names of requests whose signature
-- does not cover their body.

CREATE TABLE provider_token (
    account_id  text PRIMARY KEY,
    sealed      bytea,                       -- under a key made from the house's own; null until one was given
    expires_at  timestamptz,                 -- as the provider said
    asked_at    timestamptz,                 -- when the provider was last asked for one
    forced_at   timestamptz,                 -- when it was last made to give a new one
    CONSTRAINT provider_token_is_whole CHECK ((sealed IS NULL) = (expires_at IS NULL))
);
COMMENT ON TABLE provider_token IS 'The row is locked while one process asks the provider; the others wait and find the answer.';

CREATE TABLE webhook_nonce (
    account_id  text NOT NULL,
    name        bytea NOT NULL,              -- SHA-256 of what names the request
    body        bytea NOT NULL,              -- SHA-256 of the body it came with
    seen_at     timestamptz NOT NULL,
    PRIMARY KEY (account_id, name)
);
COMMENT ON TABLE webhook_nonce IS 'A name is bound to the first body that comes with it; kept for longer than a signature stays fresh.';
CREATE INDEX webhook_nonce_by_age ON webhook_nonce (seen_at);
