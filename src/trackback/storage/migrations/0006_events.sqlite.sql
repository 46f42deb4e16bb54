-- Webhooks: who is told of what, and what they were told.

-- `secret` signs, `credential` lets into the target. `options` are the target's own. `stream` and `environment` narrow
-- promotions down; empty for all. Deliveries of a webhook are sent one after the other, by the server that holds its
-- `lease`, the next not before `due_ms`.
CREATE TABLE webhooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    target TEXT NOT NULL,
    url TEXT NOT NULL,
    options TEXT NOT NULL,
    stream TEXT NOT NULL,
    environment TEXT NOT NULL,
    secret TEXT NOT NULL,
    credential TEXT NOT NULL,
    status TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    deleted_ms INTEGER,
    due_ms INTEGER NOT NULL DEFAULT 0,
    lease TEXT NOT NULL DEFAULT '',
    lease_until_ms INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX webhooks_active ON webhooks (id) WHERE deleted_ms IS NULL;

-- `event` is `<entity>.<action>`, in lower case.
CREATE TABLE webhook_events (
    webhook INTEGER NOT NULL REFERENCES webhooks (id),
    event TEXT NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY (webhook, event)
) STRICT, WITHOUT ROWID;

CREATE INDEX webhook_events_by_event ON webhook_events (event, webhook);

-- Each is written with the change that it tells of. `seq` is that of the promotion. `finished_ms` is NULL as long as it
-- is to be sent.
CREATE TABLE webhook_deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    webhook INTEGER NOT NULL,
    event TEXT NOT NULL,
    seq INTEGER,
    replay_of TEXT,
    body TEXT NOT NULL,
    status TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    attempted_ms INTEGER,
    finished_ms INTEGER,
    response_status INTEGER,
    response_body TEXT,
    error TEXT
) STRICT;

CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook, id);
CREATE INDEX webhook_deliveries_by_status ON webhook_deliveries (webhook, status, id);
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (webhook, id) WHERE finished_ms IS NULL;
CREATE INDEX webhook_deliveries_by_end ON webhook_deliveries (finished_ms) WHERE finished_ms IS NOT NULL;
