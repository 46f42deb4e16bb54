-- Runs that have said by when they will be heard from again. `lost_ms` is set of those that were not, and that a server
-- has ended: such a run goes on when it is heard from after all.
CREATE TABLE run_heartbeats (
    run BIGINT PRIMARY KEY REFERENCES runs (id),
    heard_ms BIGINT NOT NULL,
    timeout_ms BIGINT NOT NULL,
    deadline_ms BIGINT NOT NULL,
    lost_ms BIGINT
);

CREATE INDEX run_heartbeats_by_deadline ON run_heartbeats (deadline_ms) WHERE lost_ms IS NULL;
