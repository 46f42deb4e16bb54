-- For the page of deployments: at which times something began or ended, everywhere, in an environment, or of a model.
-- Without them all that was ever deployed is read and sorted.
CREATE INDEX deployments_in_time ON deployments (started_ms, id);
CREATE INDEX deployments_by_end ON deployments (ended_ms) WHERE ended_ms IS NOT NULL;
CREATE INDEX deployments_by_end_in ON deployments (environment, ended_ms) WHERE ended_ms IS NOT NULL;
CREATE INDEX deployments_by_stream ON deployments (stream, started_ms, id);
