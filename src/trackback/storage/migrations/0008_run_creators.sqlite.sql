-- Who signed in to make a run; `user_id` is what the client says. Runs from before have none.
ALTER TABLE runs ADD COLUMN creator TEXT NOT NULL DEFAULT '';
