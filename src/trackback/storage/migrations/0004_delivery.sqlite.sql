-- What CI reports, builds and deployments; and what runs and versions were made of, kept so that indexes find it.

-- `key` is the reporter's own, by which a repeat is known.
CREATE TABLE builds (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    promotion INTEGER NOT NULL REFERENCES promotions (seq),
    system TEXT NOT NULL,
    pipeline TEXT NOT NULL,
    counter TEXT NOT NULL,
    stage TEXT NOT NULL,
    job TEXT NOT NULL,
    url TEXT NOT NULL,
    log_url TEXT NOT NULL,
    result TEXT NOT NULL,
    actor TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    finished_ms INTEGER
) STRICT;

CREATE INDEX builds_by_promotion ON builds (promotion, id);
CREATE INDEX builds_by_url ON builds (substr(url, 1, 200));

-- What runs somewhere: a digest, a version, or both. `slot` is the place that one takes over from another; `stream` is
-- the promotions' (see there). `replaced_by` is the deployment that took over.
CREATE TABLE deployments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    environment TEXT NOT NULL,
    kind TEXT NOT NULL,
    locator TEXT NOT NULL,
    image TEXT NOT NULL,
    region TEXT NOT NULL,
    slot TEXT NOT NULL,
    stream TEXT NOT NULL,
    model_version INTEGER REFERENCES model_versions (id),
    digest TEXT,
    promotion INTEGER REFERENCES promotions (seq),
    build INTEGER REFERENCES builds (id),
    actor TEXT NOT NULL,
    reported_ms INTEGER NOT NULL,
    started_ms INTEGER NOT NULL,
    ended_ms INTEGER,
    replaced_by INTEGER,
    CHECK (model_version IS NOT NULL OR digest IS NOT NULL)
) STRICT;

CREATE INDEX deployments_by_start ON deployments (environment, started_ms, id);
CREATE INDEX deployments_live ON deployments (environment, kind, slot) WHERE ended_ms IS NULL;
CREATE INDEX deployments_by_version ON deployments (model_version) WHERE model_version IS NOT NULL;
CREATE INDEX deployments_by_digest ON deployments (digest) WHERE digest IS NOT NULL;
CREATE INDEX deployments_by_promotion ON deployments (promotion) WHERE promotion IS NOT NULL;
CREATE INDEX deployments_by_build ON deployments (build) WHERE build IS NOT NULL;

-- All that a deployment may be asked for by: its locator, and the digests of images in it.
CREATE TABLE deployment_names (
    name TEXT NOT NULL,
    deployment INTEGER NOT NULL REFERENCES deployments (id),
    PRIMARY KEY (name, deployment)
) STRICT, WITHOUT ROWID;

-- The runs' provenance documents, as far as they could be read; `faults` says where they could not. `record` is the
-- document without what has tables of its own or is long.
CREATE TABLE provenance_documents (
    run INTEGER PRIMARY KEY REFERENCES runs (id),
    digest TEXT NOT NULL,
    record TEXT NOT NULL,
    faults TEXT NOT NULL,
    indexed_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE provenance_datasets (
    run INTEGER NOT NULL REFERENCES runs (id),
    digest TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (run, digest, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX provenance_datasets_by_digest ON provenance_datasets (digest, run);
CREATE INDEX provenance_datasets_by_name ON provenance_datasets (name, run);

-- `origin` says where this is known from: the run's tags, or its document.
CREATE TABLE run_commits (
    run INTEGER NOT NULL,
    origin TEXT NOT NULL,
    commit_id TEXT NOT NULL,
    PRIMARY KEY (run, origin)
) STRICT, WITHOUT ROWID;

CREATE INDEX run_commits_by_commit ON run_commits (commit_id, run);

-- What a run came from, beside the models that it names as inputs: a run, a logged model (by their ids), or a version
-- (by the number of its row). It may not be here.
CREATE TABLE run_sources (
    run INTEGER NOT NULL,
    origin TEXT NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run, origin, kind, value)
) STRICT, WITHOUT ROWID;

CREATE INDEX run_sources_by_value ON run_sources (kind, value, run);

-- Packages with their versions. Equal sets are one, however many runs had it. `version` is empty where none was pinned;
-- `specifier` is then what was asked for.
CREATE TABLE package_sets (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE package_set_members (
    package_set INTEGER NOT NULL REFERENCES package_sets (id),
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    specifier TEXT NOT NULL,
    PRIMARY KEY (package_set, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX package_set_members_by_version ON package_set_members (name, version, package_set);

-- Files that list packages, by the SHA-256 of their bytes, so that each is read once. Without a set: it is none.
CREATE TABLE package_files (
    digest TEXT PRIMARY KEY,
    package_set INTEGER REFERENCES package_sets (id)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_packages (
    run INTEGER NOT NULL,
    path TEXT NOT NULL,
    package_set INTEGER NOT NULL REFERENCES package_sets (id),
    PRIMARY KEY (run, path)
) STRICT, WITHOUT ROWID;

CREATE INDEX run_packages_by_set ON run_packages (package_set, run);

CREATE TABLE version_packages (
    model_version INTEGER NOT NULL REFERENCES model_versions (id),
    path TEXT NOT NULL,
    package_set INTEGER NOT NULL REFERENCES package_sets (id),
    PRIMARY KEY (model_version, path)
) STRICT, WITHOUT ROWID;

-- Every run that a version descends from: its own, and those that its own came from, by whatever way.
CREATE TABLE version_origins (
    run INTEGER NOT NULL,
    model_version INTEGER NOT NULL REFERENCES model_versions (id),
    PRIMARY KEY (run, model_version)
) STRICT, WITHOUT ROWID;

CREATE INDEX version_origins_by_version ON version_origins (model_version, run);

-- What went into a version, or into a run that it descends from: data sets by digest and by name, commits, sets of
-- packages. The version's model and number, which never change, are repeated, so that to count needs no join.
CREATE TABLE version_ingredients (
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    model_version INTEGER NOT NULL REFERENCES model_versions (id),
    model INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (kind, value, model_version)
) STRICT, WITHOUT ROWID;

CREATE INDEX version_ingredients_by_version ON version_ingredients (model_version);

-- Versions whose origins and ingredients are still to be found. The database itself enters them, so that none is missed.
CREATE TABLE unindexed_versions (
    model_version INTEGER PRIMARY KEY REFERENCES model_versions (id)
) STRICT;

CREATE TRIGGER new_versions_are_unindexed AFTER INSERT ON model_versions
BEGIN INSERT OR IGNORE INTO unindexed_versions (model_version) VALUES (NEW.id); END;
CREATE TRIGGER changed_versions_are_unindexed AFTER UPDATE OF digest, run_id, logged_model ON model_versions
BEGIN INSERT OR IGNORE INTO unindexed_versions (model_version) VALUES (NEW.id); END;
INSERT INTO unindexed_versions (model_version) SELECT id FROM model_versions;

CREATE INDEX datasets_by_digest ON datasets (digest);
CREATE INDEX datasets_by_name ON datasets (name);
CREATE INDEX model_inputs_by_model ON model_inputs (model, run);
CREATE INDEX model_versions_by_copy ON model_versions (copied_from) WHERE copied_from IS NOT NULL;

-- What the tags of runs say that are here already.
INSERT INTO run_commits (run, origin, commit_id)
SELECT t.run, 'tags', substr(lower(trim(t.value)), 1, 64) FROM tags t JOIN names n ON n.id = t.key
WHERE n.name = 'mlflow.source.git.commit';
INSERT INTO run_sources (run, origin, kind, value)
SELECT t.run, 'tags', 'run', t.value FROM tags t JOIN names n ON n.id = t.key
WHERE n.name = 'mlflow.parentRunId' AND length(t.value) <= 256;
