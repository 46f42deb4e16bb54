"""MLflow's name for the autologging of Spark ML."""

from trackback.spark import autolog

__all__ = ["autolog"]
