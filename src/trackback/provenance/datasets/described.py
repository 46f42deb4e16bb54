"""A data set as a run records it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from trackback import limits
from trackback.entities import Dataset, DatasetInput, DatasetRecord, Tag
from trackback.errors import InvalidParameter

CONTEXT_TAG: Final = "mlflow.data.context"
JSON_LENGTH: Final = limits.DATASET_SCHEMA_LENGTH
"""A schema or a profile that is longer, as JSON, is left out."""

# MLflow's names of the types of columns.
_MLFLOW_TYPES = {
    "bool": "boolean",
    **dict.fromkeys(("int8", "int16", "int32", "uint8", "uint16"), "integer"),
    **dict.fromkeys(("int64", "uint32", "uint64"), "long"),
    **dict.fromkeys(("float16", "float32"), "float"),
    "float64": "double",
    "string": "string",
    "binary": "binary",
}


@dataclass(frozen=True)
class DescribedDataset:
    """What is known of a data set.

    sha256: of all of its content, in hex digits; None if its bytes were not read.
    source, source_type: where it is from, without credentials: ``s3://bucket/key?versionId=…`` and ``s3``.
    context: what the run does with it: ``training``, ``validation``, ``test``.
    schema, profile: JSON.
    derived_from: digests of the data sets that it was made from.
    weak_digest: what MLflow's protocol calls it by where there is no ``sha256``: of its name and version.
    """

    name: str
    sha256: str | None
    source: str | None = None
    source_type: str | None = None
    context: str | None = None
    rows: int | None = None
    schema: Any = None
    profile: Any = None
    derived_from: tuple[str, ...] = ()
    weak_digest: str = ""
    write: Callable[[Path], dict[str, Path]] | None = None

    @property
    def digest(self) -> str:
        """As MLflow's protocol has it, whose digests are of 36 characters at most: the first of ours."""
        return (self.sha256 or self.weak_digest)[: limits.DATASET_DIGEST_LENGTH]

    @property
    def record(self) -> DatasetRecord | None:
        """Its part of the provenance record, which is of data sets whose digest is known; else None."""
        if self.sha256 is None:
            return None
        return DatasetRecord(
            self.name,
            self.sha256,
            self.source,
            self.source_type,
            self.context,
            self.rows,
            _short(self.schema),
            _short(self.profile),
            self.derived_from,
        )

    @property
    def input(self) -> DatasetInput:
        """As MLflow's ``runs/log-inputs`` takes it."""
        dataset = Dataset(
            name=self.name,
            digest=self.digest,
            source_type=self.source_type or "code",
            source=json.dumps(_mlflow_source(self.source, self.source_type)),
            schema=_json(_mlflow_schema(self.schema)),
            profile=_json({"num_rows": self.rows, **(self.profile or {})} if self.rows is not None else self.profile),
        )
        return DatasetInput(dataset, (Tag(CONTEXT_TAG, self.context),) if self.context else ())

    def content(self, folder: Path) -> dict[str, Path]:
        """The files to keep, by their names: a file or folder as it is; else what is written to ``folder``.

        ``folder`` has to stay until they are stored.

        InvalidParameter: such data can't be kept.
        """
        if self.write is None:
            raise InvalidParameter(
                f"The data set {limits.shown(self.name)} can't be kept. Write it to a file, and log that."
            )
        return self.write(folder)


def _short(value: Any) -> Any:
    return value if value is None or len(json.dumps(value)) <= JSON_LENGTH else None


def _json(value: Any) -> str | None:
    text = None if value is None else json.dumps(value)
    return text if text is None or len(text) <= JSON_LENGTH else None


def _mlflow_source(source: str | None, source_type: str | None) -> dict[str, Any]:
    if source is None:
        return {"tags": {}}
    return {"url": source} if source_type == "http" else {"uri": source}


def _mlflow_schema(schema: Any) -> Any:
    """MLflow's schema of columns, which its pages show; ours where it has no word for a column."""
    columns: Sequence[dict[str, Any]] = schema.get("columns", ()) if isinstance(schema, dict) else ()
    if not columns or any("shape" in column or _mlflow_type(column["type"]) is None for column in columns):
        return schema
    return {
        "mlflow_colspec": [
            {"type": _mlflow_type(column["type"]), "name": column["name"], "required": True} for column in columns
        ]
    }


def _mlflow_type(name: str) -> str | None:
    return "datetime" if name.startswith(("timestamp", "date")) else _MLFLOW_TYPES.get(name)
