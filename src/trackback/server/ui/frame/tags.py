"""Tags: those that users set, and those that MLflow's clients do."""

from trackback.entities import Tag

OF_MLFLOW = "mlflow."
"""Prefix of the tags that MLflow's clients set for themselves."""

NOTE_TAG = f"{OF_MLFLOW}note.content"
"""The tag that a description is kept in."""


def split_tags(tags: tuple[Tag, ...]) -> tuple[dict[str, str], dict[str, str]]:
    """The users' own tags, and those that MLflow's clients set."""
    own = {tag.key: tag.value for tag in tags if not tag.key.startswith(OF_MLFLOW)}
    return own, {tag.key: tag.value for tag in tags if tag.key.startswith(OF_MLFLOW)}
