-- Keeping house: what was purged, what is being removed, and the indexes by which that is found.

-- A purged version has no digest any more; its tombstone keeps it. `digest` is NULL of one that never had files here.
CREATE TABLE purges (
    model_version BIGINT PRIMARY KEY REFERENCES model_versions (id),
    digest TEXT COLLATE "C",
    actor TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C",
    reason TEXT COLLATE "C" NOT NULL,
    time_ms BIGINT NOT NULL
);

CREATE INDEX purges_by_digest ON purges (digest);

-- Runs that are gone, while rows of theirs are still there.
CREATE TABLE removed_runs (
    run BIGINT PRIMARY KEY
);

CREATE INDEX blobs_by_location ON blobs (location);
CREATE INDEX runs_by_deletion ON runs (id) WHERE deleted_ms IS NOT NULL;
CREATE INDEX promotion_snapshots_by_model ON promotion_snapshots (logged_model);
CREATE INDEX pending_promotions_by_run ON pending_promotions (run) WHERE run IS NOT NULL;
