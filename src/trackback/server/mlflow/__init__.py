"""MLflow's protocol: ``endpoints`` is how it is declared, ``protojson`` how it is written; the rest are its parts."""
