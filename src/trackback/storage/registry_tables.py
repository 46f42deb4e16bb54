"""What the registry's searches look at: models and versions, with their attributes, their indexes and their order."""

from collections.abc import Mapping
from typing import NamedTuple

from trackback.storage.indexed_terms import INDEXED_LENGTH
from trackback.storage.model_versions import MODEL_NAME, MODEL_VERSION_COLUMNS
from trackback.storage.registered_models import REGISTERED_MODEL_COLUMNS


class Rank(NamedTuple):
    """A criterion of an order."""

    column: str
    descending: bool = False
    nullable: bool = False


class Searched(NamedTuple):
    """What is searched: the rows of ``table``, under their ``alias``, that meet ``present``.

    ``model`` is the registered model's id, and ``attributes`` are those of a filter, as expressions of these;
    ``indexed`` those by which the rows ``t`` of ``table`` are found, as expressions that an index has. Entities have
    tags in ``tags``, by ``owner``; ``ties`` are what their order ends with.
    """

    table: str
    alias: str
    model: str
    present: str
    columns: str
    attributes: Mapping[str, str]
    indexed: Mapping[str, str]
    tags: str
    owner: str
    ties: Mapping[str, Rank]


MODELS = Searched(
    table="registered_models",
    alias="m",
    model="m.id",
    present="m.deleted_ms IS NULL",
    columns=REGISTERED_MODEL_COLUMNS,
    attributes={"name": "m.name", "last_updated_timestamp": "m.updated_ms"},
    indexed={},
    tags="registered_model_tags",
    owner="model",
    ties={"name": Rank("m.name")},
)
VERSIONS = Searched(
    table="model_versions",
    alias="v",
    model="v.model",
    present="v.deleted_ms IS NULL AND (SELECT m.deleted_ms IS NULL FROM registered_models m WHERE m.id = v.model)",
    columns=MODEL_VERSION_COLUMNS,
    attributes={
        "name": MODEL_NAME,
        "version_number": "v.version",
        "run_id": "v.run_id",
        "source_path": "v.source",
        "creation_timestamp": "v.created_ms",
        "last_updated_timestamp": "v.updated_ms",
        "current_stage": "v.stage",
        "model_id": "v.logged_model",
        "digest": "v.digest",
    },
    indexed={
        "run_id": "t.run_id",
        "model_id": "t.logged_model",
        "digest": "t.digest",
        "source_path": f"substr(t.source, 1, {INDEXED_LENGTH})",
    },
    tags="model_version_tags",
    owner="model_version",
    ties={
        "last_updated_timestamp": Rank("v.updated_ms", descending=True),
        "name": Rank(MODEL_NAME),
        "version_number": Rank("v.version", descending=True),
    },
)
BY_TIME = ("last_updated_timestamp", "creation_timestamp")
NULLABLE = ("digest",)
