-- The registry: models, their versions, and the snapshots of files that versions are.

-- `id` is never given again: streams of promotions name it. A deleted model keeps its row, but not its name.
CREATE TABLE registered_models (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    last_version INTEGER NOT NULL,
    deleted_ms INTEGER
) STRICT;

CREATE UNIQUE INDEX registered_models_by_name ON registered_models (name) WHERE deleted_ms IS NULL;
CREATE INDEX registered_models_by_update ON registered_models (updated_ms, name) WHERE deleted_ms IS NULL;

CREATE TABLE registered_model_tags (
    model INTEGER NOT NULL REFERENCES registered_models (id),
    key INTEGER NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (model, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX registered_model_tags_by_value ON registered_model_tags (key, substr(value, 1, 200), model);

-- `version` is a version's number within its model; `model_version`, elsewhere, is the id of its row.
CREATE TABLE registered_model_aliases (
    model INTEGER NOT NULL REFERENCES registered_models (id),
    alias TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (model, alias)
) STRICT, WITHOUT ROWID;

CREATE INDEX registered_model_aliases_by_version ON registered_model_aliases (model, version);

-- A tree of files as it was, kept for good: its manifest's root is `versions/<digest>`. Equal trees share one.
CREATE TABLE snapshots (
    digest TEXT PRIMARY KEY,
    manifest INTEGER NOT NULL UNIQUE REFERENCES manifests (id),
    files INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- `digest` is NULL of a version whose files this server could not take in. A deleted version keeps its number.
CREATE TABLE model_versions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    model INTEGER NOT NULL REFERENCES registered_models (id),
    version INTEGER NOT NULL,
    description TEXT NOT NULL,
    user_id TEXT NOT NULL,
    source TEXT NOT NULL,
    location TEXT NOT NULL,
    digest TEXT REFERENCES snapshots (digest),
    run_id TEXT NOT NULL,
    run_link TEXT NOT NULL,
    logged_model TEXT NOT NULL,
    copied_from INTEGER REFERENCES model_versions (id),
    stage TEXT NOT NULL,
    status TEXT NOT NULL,
    status_message TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    deleted_ms INTEGER,
    UNIQUE (model, version)
) STRICT;

CREATE INDEX model_versions_by_update ON model_versions (updated_ms) WHERE deleted_ms IS NULL;
CREATE INDEX model_versions_of_model_by_update ON model_versions (model, updated_ms, version) WHERE deleted_ms IS NULL;
CREATE INDEX model_versions_by_creation ON model_versions (created_ms) WHERE deleted_ms IS NULL;
CREATE INDEX model_versions_of_model_by_creation ON model_versions (model, created_ms, version) WHERE deleted_ms IS NULL;
CREATE INDEX model_versions_by_stage ON model_versions (model, stage, version) WHERE deleted_ms IS NULL;
CREATE INDEX model_versions_by_run ON model_versions (run_id);
CREATE INDEX model_versions_by_logged_model ON model_versions (logged_model);
CREATE INDEX model_versions_by_digest ON model_versions (digest);
CREATE INDEX model_versions_by_source ON model_versions (substr(source, 1, 200));

CREATE TABLE model_version_tags (
    model_version INTEGER NOT NULL REFERENCES model_versions (id),
    key INTEGER NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (model_version, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX model_version_tags_by_value ON model_version_tags (key, substr(value, 1, 200), model_version);

-- What the run, or the logged model, had when the version was registered.
CREATE TABLE model_version_params (
    model_version INTEGER NOT NULL REFERENCES model_versions (id),
    key INTEGER NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (model_version, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE model_version_metrics (
    model_version INTEGER NOT NULL REFERENCES model_versions (id),
    key INTEGER NOT NULL,
    value REAL NOT NULL,
    is_nan INTEGER NOT NULL,
    step INTEGER NOT NULL,
    timestamp_ms INTEGER NOT NULL,
    PRIMARY KEY (model_version, key)
) STRICT, WITHOUT ROWID;
