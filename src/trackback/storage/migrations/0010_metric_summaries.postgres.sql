-- What charts draw of a filled chunk: a few points of each of its stretches (storage/summaries.py). A row goes with its
-- run, as chunks do.
CREATE TABLE metric_summaries (
    chunk BIGINT PRIMARY KEY,
    run BIGINT NOT NULL,
    data BYTEA NOT NULL
);

CREATE INDEX metric_summaries_by_run ON metric_summaries (run);
