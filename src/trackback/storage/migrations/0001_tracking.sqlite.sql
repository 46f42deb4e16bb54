-- Short integer keys inside, MLflow's string ids outside (uuid). Times are milliseconds since the epoch.
-- What is written with every metric, param or tag has no foreign keys: on PostgreSQL each would lock the run's row.

CREATE TABLE schema_version (
    singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
    version INTEGER NOT NULL
) STRICT;

CREATE TABLE names (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE experiments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    artifact_location TEXT NOT NULL,
    lifecycle TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE experiment_tags (
    experiment INTEGER NOT NULL REFERENCES experiments (id),
    key INTEGER NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (experiment, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    experiment INTEGER NOT NULL REFERENCES experiments (id),
    name TEXT NOT NULL,
    user_id TEXT NOT NULL,
    status TEXT NOT NULL,
    start_ms INTEGER NOT NULL,
    end_ms INTEGER,
    lifecycle TEXT NOT NULL,
    deleted_ms INTEGER,
    artifact_uri TEXT NOT NULL
) STRICT;

CREATE INDEX runs_by_start ON runs (experiment, lifecycle, start_ms DESC, uuid);

-- `experiment` is repeated in what searches filter by, so that an index can begin with it.
CREATE TABLE params (
    run INTEGER NOT NULL,
    key INTEGER NOT NULL,
    experiment INTEGER NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX params_by_value ON params (experiment, key, substr(value, 1, 200), run);

CREATE TABLE tags (
    run INTEGER NOT NULL,
    key INTEGER NOT NULL,
    experiment INTEGER NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX tags_by_value ON tags (experiment, key, substr(value, 1, 200), run);

-- The last point of each series by MLflow's rule (the greatest step, timestamp, value; NaN counts as 0 and is
-- flagged), and the extremes of all its points, NaN aside.
CREATE TABLE latest_metrics (
    run INTEGER NOT NULL,
    key INTEGER NOT NULL,
    experiment INTEGER NOT NULL,
    value REAL NOT NULL,
    is_nan INTEGER NOT NULL,
    step INTEGER NOT NULL,
    timestamp_ms INTEGER NOT NULL,
    min REAL,
    max REAL,
    PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX latest_metrics_by_value ON latest_metrics (experiment, key, is_nan, value, run);

-- Points as they came: one packed record a request, all its keys together. The server that writes a record numbers it,
-- so that a commit touches no page for a sequence.
CREATE TABLE metric_records (
    run INTEGER NOT NULL,
    id INTEGER NOT NULL,
    points INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (run, id)
) STRICT, WITHOUT ROWID;

-- Points re-cut: sorted and compressed pieces of one series.
CREATE TABLE metric_chunks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL,
    key INTEGER NOT NULL,
    points INTEGER NOT NULL,
    first_ms INTEGER NOT NULL,
    first_step INTEGER NOT NULL,
    last_ms INTEGER NOT NULL,
    last_step INTEGER NOT NULL,
    data BLOB NOT NULL
) STRICT;

CREATE INDEX metric_chunks_by_series ON metric_chunks (run, key, first_ms, first_step);

CREATE TABLE datasets (
    id INTEGER PRIMARY KEY,
    experiment INTEGER NOT NULL REFERENCES experiments (id),
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    source_type TEXT NOT NULL,
    source TEXT NOT NULL,
    schema TEXT,
    profile TEXT,
    UNIQUE (experiment, name, digest)
) STRICT;

CREATE TABLE dataset_inputs (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (id),
    dataset INTEGER NOT NULL REFERENCES datasets (id),
    UNIQUE (run, dataset)
) STRICT;

CREATE INDEX dataset_inputs_by_dataset ON dataset_inputs (dataset, run);

CREATE TABLE dataset_input_tags (
    input INTEGER NOT NULL REFERENCES dataset_inputs (id),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (input, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE logged_models (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    experiment INTEGER NOT NULL REFERENCES experiments (id),
    name TEXT NOT NULL,
    model_type TEXT,
    source_run TEXT,
    status TEXT NOT NULL,
    status_message TEXT,
    artifact_uri TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    lifecycle TEXT NOT NULL,
    deleted_ms INTEGER
) STRICT;

CREATE INDEX logged_models_by_creation ON logged_models (experiment, lifecycle, created_ms DESC, uuid);
CREATE INDEX logged_models_by_name ON logged_models (experiment, name);
CREATE INDEX logged_models_by_run ON logged_models (source_run);

CREATE TABLE logged_model_params (
    model INTEGER NOT NULL REFERENCES logged_models (id),
    key INTEGER NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (model, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE logged_model_tags (
    model INTEGER NOT NULL REFERENCES logged_models (id),
    key INTEGER NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (model, key)
) STRICT, WITHOUT ROWID;

-- Points logged for a model; the data set's columns are empty texts where none was named.
CREATE TABLE model_metrics (
    model INTEGER NOT NULL REFERENCES logged_models (id),
    key INTEGER NOT NULL,
    step INTEGER NOT NULL,
    timestamp_ms INTEGER NOT NULL,
    value REAL NOT NULL,
    is_nan INTEGER NOT NULL,
    run TEXT NOT NULL,
    dataset_name TEXT NOT NULL,
    dataset_digest TEXT NOT NULL,
    PRIMARY KEY (model, key, step, timestamp_ms, value, is_nan, run, dataset_name, dataset_digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE model_inputs (
    run INTEGER NOT NULL REFERENCES runs (id),
    model TEXT NOT NULL,
    PRIMARY KEY (run, model)
) STRICT, WITHOUT ROWID;

CREATE TABLE model_outputs (
    run INTEGER NOT NULL REFERENCES runs (id),
    model TEXT NOT NULL,
    step INTEGER NOT NULL,
    PRIMARY KEY (run, model)
) STRICT, WITHOUT ROWID;

-- Bytes, kept once by SHA-256. `location` is the key in the artifact store; `condemned_ms` is set while a blob that
-- nothing refers to waits to be deleted.
CREATE TABLE blobs (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    location TEXT NOT NULL,
    condemned_ms INTEGER
) STRICT;

-- A manifest is the tree of files under `root`: of a run, of a logged model, or of another proxy path.
CREATE TABLE manifests (
    id INTEGER PRIMARY KEY,
    root TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE manifest_entries (
    manifest INTEGER NOT NULL REFERENCES manifests (id),
    path TEXT NOT NULL,
    blob INTEGER NOT NULL REFERENCES blobs (id),
    modified_ms INTEGER NOT NULL,
    PRIMARY KEY (manifest, path)
) STRICT, WITHOUT ROWID;

CREATE INDEX manifest_entries_by_blob ON manifest_entries (blob);
