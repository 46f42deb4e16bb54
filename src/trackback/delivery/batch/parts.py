"""Parts as they are read again, and what they have in common."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from trackback.delivery.batch.places import LocalPlace, Place
from trackback.delivery.batch.plans import Plan
from trackback.errors import BadRequest

if TYPE_CHECKING:
    import pyarrow as pa


def read_part(place: Place) -> "pa.Table":
    """One that ``PartWriter`` has written; of a file on this machine only what is looked at is read."""
    import pyarrow as pa  # noqa: PLC0415 - heavy

    if isinstance(place, LocalPlace):
        return pa.ipc.open_file(pa.memory_map(place.text)).read_all()
    return pa.ipc.open_file(pa.py_buffer(place.read())).read_all()


def table_without_rows(plan: Plan) -> "pa.Table":
    """The only part of an input that has none."""
    import pyarrow as pa  # noqa: PLC0415 - heavy

    return pa.ipc.read_schema(pa.py_buffer(plan.without_rows)).empty_table()


def common_schema(schemas: Iterable["pa.Schema"]) -> "pa.Schema":
    """The types that all values fit. BadRequest: there are none, as of numbers and text, or columns differ."""
    import pyarrow as pa  # noqa: PLC0415 - heavy

    each = list(schemas)
    if different := next((schema for schema in each if set(schema.names) != set(each[0].names)), None):
        raise BadRequest(
            f"Some rows have the columns {', '.join(each[0].names)}, and others {', '.join(different.names)}: "
            "all files of the input are to have the columns that are kept, and the model is to predict the same ones."
        )
    try:
        return pa.unify_schemas(each, promote_options="permissive")
    except pa.ArrowException as error:
        raise _unlike(error) from error


def cast(table: "pa.Table", schema: "pa.Schema") -> "pa.Table":
    import pyarrow as pa  # noqa: PLC0415 - heavy

    if table.schema == schema:
        return table
    try:
        return table.select(schema.names).cast(schema)
    except pa.ArrowException as error:
        raise _unlike(error) from error


def _unlike(error: Exception) -> BadRequest:
    return BadRequest(f"Columns have types that do not go together in different parts of the input: {error}")
