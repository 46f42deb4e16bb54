"""The test set: read as it lies in its file, and known by the digest of that."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trackback.client.api import Client
from trackback.errors import InvalidParameter, MissingLibrary, NotFound
from trackback.flavors.schema import DataType, Schema
from trackback.limits import find_sha256, shown
from trackback.provenance.datasets import describe_dataset, fetch

if TYPE_CHECKING:
    import pandas as pd

FORMATS = (".parquet", ".csv", ".jsonl", ".json")
_ARROW = {
    DataType.BOOLEAN: "bool",
    DataType.INTEGER: "int32",
    DataType.LONG: "int64",
    DataType.FLOAT: "float",
    DataType.DOUBLE: "double",
    DataType.STRING: "string",
    DataType.DATETIME: "timestamp[ns]",
}


@dataclass(frozen=True)
class TestSet:
    """``frame``: all of its rows and columns. ``sha256``: of the file, by which it is the same everywhere."""

    __test__ = False

    name: str
    sha256: str
    frame: pd.DataFrame

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(map(str, self.frame.columns))

    def document(self) -> dict[str, Any]:
        return {"name": self.name, "sha256": self.sha256, "rows": len(self.frame), "columns": len(self.frame.columns)}


def read_testset(client: Client, place: str, schema: Schema | None) -> TestSet:
    """Read a test set whole.

    place: a .parquet, .csv, .jsonl or .json file; or the digest of a data set that the server keeps, as 64 hex digits
        or ``datasets/<digest>``.
    schema: of the model's inputs: the columns of a CSV file that it names have its types; others those they look like.

    NotFound: there is no such file or data set. InvalidParameter: it can't be read, or has no rows. MissingLibrary.
    """
    digest = find_sha256(place.removeprefix("datasets/"))
    if digest is None or Path(place).exists():
        return _read(Path(place), schema)
    with tempfile.TemporaryDirectory(prefix="trackback-") as scratch:
        path = fetch(client.transport, digest, _named(client, digest, Path(scratch)))
        return _read(path, schema)


def _named(client: Client, digest: str, folder: Path) -> Path:
    """Where kept data goes: under the name that it has on the server, which tells its format."""
    names = [each.path.rpartition("/")[2] for each in client.list_files(f"datasets/{digest}") if not each.is_dir]
    if len(names) != 1:
        raise NotFound(
            f"The server keeps no file with the digest {digest}. It keeps what was logged with store=True; or give the "
            "test set as a file."
        )
    return folder / names[0]


def _read(path: Path, schema: Schema | None) -> TestSet:
    if path.suffix.lower() not in FORMATS:
        raise InvalidParameter(f"{path} is to end with one of {', '.join(FORMATS)}, which tells its format.")
    if not path.is_file():
        raise NotFound(f"There is no test set at {path}.")
    try:
        import pyarrow as pa  # noqa: PLC0415 - heavy
    except ImportError as error:
        raise MissingLibrary(
            f"To read a test set takes {error.name}, which is not installed: pip install 'trackback[deliver]'."
        ) from error
    described = describe_dataset(path, context="test")
    try:
        frame: pd.DataFrame = _READERS[path.suffix.lower()](path, schema)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InvalidParameter(f"{path} is no {path.suffix[1:]} file that can be read: {_first_line(error)}") from error
    if frame.empty:
        raise InvalidParameter(f"{path} has no rows, so nothing can be measured by it.")
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise InvalidParameter(f"{path} has two columns {shown(twice[0])}. Rename one.")
    assert described.sha256 is not None
    return TestSet(path.name, described.sha256, frame)


def _parquet(path: Path, schema: Schema | None) -> Any:
    from pyarrow import parquet  # noqa: PLC0415 - heavy

    with parquet.ParquetFile(path) as file:
        return file.read().to_pandas()


def _csv(path: Path, schema: Schema | None) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - heavy
    from pyarrow import csv  # noqa: PLC0415 - heavy

    columns = schema.columns if schema and schema.names and not schema.is_tensor else ()
    types = {
        str(each.name): pa.type_for_alias(_ARROW[each.type])
        for each in columns
        if isinstance(each.type, DataType) and each.type in _ARROW
    }
    numbers = ["", "NA", "NaN", "nan", "null"]
    convert = csv.ConvertOptions(column_types=types, strings_can_be_null=False, null_values=numbers)
    table = csv.read_csv(path, convert_options=convert)
    frame = table.to_pandas()
    for field in table.schema:
        if field.type == pa.string():  # where nothing stands is nothing, and NA is a text
            frame[field.name] = frame[field.name].where(frame[field.name] != "", None)
    return frame


def _json_lines(path: Path, schema: Schema | None) -> Any:
    from pyarrow import json  # noqa: PLC0415 - heavy

    return json.read_json(path).to_pandas()


def _json(path: Path, schema: Schema | None) -> Any:
    """A list of objects; or one a line, as some call that."""
    import json  # noqa: PLC0415 - of the standard library, whose name is Arrow's module's too

    import pandas as pd  # noqa: PLC0415 - heavy

    text = path.read_text(encoding="utf-8")
    if not text.lstrip().startswith("["):
        return _json_lines(path, schema)
    rows = json.loads(text)
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError("each of its rows is to be an object")
    return pd.DataFrame(rows)


_READERS = {".parquet": _parquet, ".csv": _csv, ".jsonl": _json_lines, ".json": _json}


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".") + "."
