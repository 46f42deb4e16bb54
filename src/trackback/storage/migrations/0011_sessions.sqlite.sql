-- Who is signed in to the pages. `digest` is the SHA-256 of the secret in the browser's cookie; `token` is what was
-- signed in with, where that was no password: the session may no more than it, and ends with it.
CREATE TABLE sessions (
    digest TEXT PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES users (id),
    token INTEGER REFERENCES tokens (id),
    created_ms INTEGER NOT NULL,
    used_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    address TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_of_user ON sessions (account);
CREATE INDEX sessions_by_expiry ON sessions (expires_ms);
