"""What speaks to a tracking server over HTTP: trackback's own, or MLflow's as far as its protocol goes."""
