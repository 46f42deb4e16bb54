-- The promotion log, what waits to enter it, and what a promotion rests on.

-- The one row that numbers the log: who holds it is the only one to write, so that numbers have no gaps and entries
-- are seen in their order. `last_ms` keeps the times in that order too.
CREATE TABLE promotion_counter (
    singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
    last_seq INTEGER NOT NULL,
    last_ms INTEGER NOT NULL
) STRICT;

INSERT INTO promotion_counter (singleton, last_seq, last_ms) VALUES (1, 0, 0);

-- `stream` is `models/<id>` or `experiments/<id>`. The subject is a version or a run. `replaced` is the entry by which
-- the environment was held until then.
CREATE TABLE promotions (
    seq INTEGER PRIMARY KEY,
    stream TEXT NOT NULL,
    environment TEXT NOT NULL,
    kind TEXT NOT NULL,
    model_version INTEGER REFERENCES model_versions (id),
    run INTEGER REFERENCES runs (id),
    digest TEXT,
    replaced INTEGER,
    actor TEXT NOT NULL,
    address TEXT,
    time_ms INTEGER NOT NULL,
    reason TEXT NOT NULL,
    origin TEXT NOT NULL,
    overridden INTEGER NOT NULL,
    unverified INTEGER NOT NULL,
    basis TEXT NOT NULL,
    CHECK ((model_version IS NULL) <> (run IS NULL))
) STRICT;

CREATE INDEX promotions_by_stream ON promotions (stream, seq);
CREATE INDEX promotions_by_place ON promotions (stream, environment, seq);
CREATE INDEX promotions_by_environment ON promotions (environment, stream, seq);
CREATE INDEX promotions_by_version ON promotions (model_version) WHERE model_version IS NOT NULL;
CREATE INDEX promotions_by_run ON promotions (run) WHERE run IS NOT NULL;
CREATE INDEX promotions_by_digest ON promotions (digest);

-- What was promoted of a run: its own files (`path` is empty), and each of its models.
CREATE TABLE promotion_snapshots (
    promotion INTEGER NOT NULL REFERENCES promotions (seq),
    path TEXT NOT NULL,
    logged_model TEXT NOT NULL,
    digest TEXT NOT NULL REFERENCES snapshots (digest),
    main INTEGER NOT NULL,
    PRIMARY KEY (promotion, logged_model, path)
) STRICT, WITHOUT ROWID;

CREATE INDEX promotion_snapshots_by_digest ON promotion_snapshots (digest);

CREATE TRIGGER promotions_never_change BEFORE UPDATE ON promotions
BEGIN SELECT RAISE(ABORT, 'the promotion log is append-only'); END;
CREATE TRIGGER promotions_never_vanish BEFORE DELETE ON promotions
BEGIN SELECT RAISE(ABORT, 'the promotion log is append-only'); END;
CREATE TRIGGER promotion_snapshots_never_change BEFORE UPDATE ON promotion_snapshots
BEGIN SELECT RAISE(ABORT, 'the promotion log is append-only'); END;
CREATE TRIGGER promotion_snapshots_never_vanish BEFORE DELETE ON promotion_snapshots
BEGIN SELECT RAISE(ABORT, 'the promotion log is append-only'); END;

-- Promotions that were asked for and wait: for a run to finish, or for what a policy wants. `outcome` is NULL as long.
-- Tags of those who may not promote wait too, not `permitted`.
CREATE TABLE pending_promotions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    stream TEXT NOT NULL,
    environment TEXT NOT NULL,
    model_version INTEGER REFERENCES model_versions (id),
    run INTEGER REFERENCES runs (id),
    actor TEXT NOT NULL,
    address TEXT,
    reason TEXT NOT NULL,
    origin TEXT NOT NULL,
    permitted INTEGER NOT NULL,
    allow_unverified INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    outcome TEXT,
    settled_ms INTEGER,
    promotion INTEGER REFERENCES promotions (seq),
    CHECK ((model_version IS NULL) <> (run IS NULL))
) STRICT;

CREATE INDEX pending_promotions_waiting ON pending_promotions (stream, environment) WHERE outcome IS NULL;
CREATE INDEX pending_promotions_of_run ON pending_promotions (run) WHERE outcome IS NULL AND run IS NOT NULL;

-- Every revision of every policy; the last one counts, and an empty document is none.
CREATE TABLE policies (
    stream TEXT NOT NULL,
    environment TEXT NOT NULL,
    revision INTEGER NOT NULL,
    document TEXT NOT NULL,
    actor TEXT NOT NULL,
    time_ms INTEGER NOT NULL,
    PRIMARY KEY (stream, environment, revision)
) STRICT, WITHOUT ROWID;

-- `stream` is whose promotions the reporter may speak for: of one model or experiment, or, where it is empty, of all.
-- `key` is the reporter's own, by which a repeat is known.
CREATE TABLE verdicts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    digest TEXT NOT NULL,
    stream TEXT NOT NULL,
    name TEXT NOT NULL,
    passed INTEGER NOT NULL,
    actor TEXT NOT NULL,
    time_ms INTEGER NOT NULL,
    url TEXT NOT NULL,
    report TEXT NOT NULL,
    key TEXT,
    UNIQUE (actor, key)
) STRICT;

CREATE INDEX verdicts_by_digest ON verdicts (digest, name, time_ms);

CREATE TABLE approvals (
    stream TEXT NOT NULL,
    environment TEXT NOT NULL,
    digest TEXT NOT NULL,
    actor TEXT NOT NULL,
    time_ms INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (digest, stream, environment, actor)
) STRICT, WITHOUT ROWID;

-- Whether an MLmodel has a signature, by the SHA-256 of its bytes, so that each is read once.
CREATE TABLE model_signatures (
    digest TEXT PRIMARY KEY,
    signed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
