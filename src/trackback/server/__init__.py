"""The HTTP server. ``app`` puts it together; ``mlflow`` is the part that speaks MLflow's protocol."""
