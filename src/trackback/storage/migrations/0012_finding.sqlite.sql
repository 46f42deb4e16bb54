-- For the search box: runs by how their names begin, whatever the case of letters from A to Z. And the audit log by what
-- was done.
CREATE INDEX runs_by_name ON runs (lower(substr(name, 1, 200)), id);
CREATE INDEX audit_by_action ON audit (action, seq);
