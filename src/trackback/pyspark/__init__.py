"""Where MLflow has the autologging of Spark ML: in ``ml``."""

from trackback.pyspark import ml

__all__ = ["ml"]
