"""Images: a model, what it needs and the scoring server, as an OCI image whose digest follows from what went in."""
