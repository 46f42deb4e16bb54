"""trackback: a model repository. What Maven and Ivy are for jars, for trained models."""

__version__ = "0.1.0"
