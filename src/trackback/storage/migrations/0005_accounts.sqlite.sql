-- Who may use the server, and the record of what was changed.

-- A name is never given to another: the audit log and the promotions know users by it. A service has no password, and
-- neither has a person who has not been given one.
CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    service INTEGER NOT NULL,
    password TEXT,
    created_ms INTEGER NOT NULL,
    disabled_ms INTEGER
) STRICT;

-- `digest` is the SHA-256 of the secret; `scopes` are roles parted by spaces, empty for all that the user may.
CREATE TABLE tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account INTEGER NOT NULL REFERENCES users (id),
    digest TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER,
    last_used_ms INTEGER,
    revoked_ms INTEGER
) STRICT;

CREATE INDEX tokens_of_user ON tokens (account, id);

-- `resource` is `experiments/<id>`, `models/<id>`, or empty for all there is.
CREATE TABLE grants (
    account INTEGER NOT NULL REFERENCES users (id),
    resource TEXT NOT NULL,
    role TEXT NOT NULL,
    PRIMARY KEY (account, resource, role)
) STRICT, WITHOUT ROWID;

CREATE INDEX grants_by_resource ON grants (resource, role);

CREATE TABLE audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    time_ms INTEGER NOT NULL,
    actor TEXT NOT NULL,
    address TEXT,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    details TEXT NOT NULL
) STRICT;

CREATE INDEX audit_by_actor ON audit (actor, seq);
CREATE INDEX audit_by_object ON audit (object, seq);
CREATE INDEX audit_by_time ON audit (time_ms, seq);

CREATE TRIGGER audit_never_changes BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_never_vanishes BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
