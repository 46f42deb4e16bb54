"""Bodies of /invocations: what MLflow's scoring protocol allows, and the one decoder of it.

A body of JSON has exactly one of ``dataframe_split``, ``dataframe_records``, ``instances`` and ``inputs``, and may have
``params``. Rows become a Table, which several requests can share; all else is what the model is called with.
"""

import json
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from trackback.errors import BadRequest, InvalidParameter, UnsupportedMediaType
from trackback.flavors.schema import DataType
from trackback.limits import shown
from trackback.scoring.inputs import Inputs
from trackback.scoring.tables import Table

JSON = "application/json"
CSV = "text/csv"
PARQUET = "application/vnd.apache.parquet"

_TEXTS = (DataType.STRING, DataType.BINARY, DataType.DATETIME)

FORMATS = ("dataframe_split", "dataframe_records", "instances", "inputs")


class Split(msgspec.Struct, forbid_unknown_fields=True):
    """``DataFrame.to_dict("split")``."""

    data: list[list[Any]]
    columns: list[str | int] | None = None
    index: list[Any] | None = None


class Payload(msgspec.Struct):
    """The last three mark a request to a language model, whose body goes to the model as it is."""

    dataframe_split: Split | UnsetType = UNSET
    dataframe_records: list[dict[str, Any]] | UnsetType = UNSET
    instances: Any = UNSET
    inputs: Any = UNSET
    params: Any = None
    messages: Any = UNSET
    prompt: Any = UNSET
    input: Any = UNSET


@dataclass(frozen=True)
class Scorable:
    """What a model is called with. ``bare``: the answer is not wrapped as ``{"predictions": …}``."""

    data: Any
    params: dict[str, Any] | None = None
    bare: bool = False


def decode(content_type: str, body: bytes, inputs: Inputs) -> Scorable:
    """Raises UnsupportedMediaType, and BadRequest for what is no such body."""
    media_type = check_content_type(content_type)
    if media_type == JSON:
        return _decode_json(body, inputs)
    if media_type == CSV:
        return Scorable(_read_csv(body, inputs))
    return Scorable(_read_parquet(body))


def check_content_type(content_type: str) -> str:
    """The media type, without its parameters. Raises UnsupportedMediaType."""
    media_type, *parameters = (part.strip() for part in content_type.split(";"))
    values = {name: value for name, _, value in (parameter.partition("=") for parameter in parameters)}
    if values.pop("charset", "utf-8").lower() != "utf-8":
        raise UnsupportedMediaType("The scoring server only supports UTF-8")
    if values:
        raise UnsupportedMediaType(f"Unrecognized content type parameters: {', '.join(values)}.")
    if media_type not in (JSON, CSV, PARQUET):
        raise UnsupportedMediaType(
            f"This predictor only supports the following content types: {JSON}, {CSV}, {PARQUET}. "
            f"Got {shown(content_type)}."
        )
    return media_type


_decode_payload = msgspec.json.Decoder(Payload).decode


def _decode_json(body: bytes, inputs: Inputs) -> Scorable:
    payload = _payload(body)
    if payload.messages is not UNSET or payload.prompt is not UNSET or payload.input is not UNSET:
        return Scorable(_loads(body), bare=True)
    given = [name for name in FORMATS if getattr(payload, name) is not UNSET]
    if len(given) != 1:
        raise BadRequest(
            f"The input must be a JSON dictionary with exactly one of the input fields {', '.join(FORMATS)}; "
            f"this one has {' and '.join(given) or 'none of them'}."
        )
    return Scorable(_data(payload, inputs), payload.params)


def _payload(body: bytes) -> Payload:
    try:
        return _decode_payload(body)
    except msgspec.ValidationError as error:
        raise BadRequest(
            f"Invalid input. The input must be a JSON dictionary with exactly one of the input fields "
            f"{', '.join(FORMATS)}. {error}."
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _liberal_payload(body)


def _liberal_payload(body: bytes) -> Payload:
    """Python's JSON has NaN and Infinity, which clients in Python send."""
    found = _loads(body)
    try:
        return msgspec.convert(found, Payload)
    except msgspec.ValidationError as error:
        raise BadRequest(f"Invalid input. {error}.") from error


def _loads(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest(
            f"Invalid input. Ensure that input is a valid JSON formatted string. Error: {error}"
        ) from error


def _data(payload: Payload, inputs: Inputs) -> Any:
    if inputs.raw:
        if payload.inputs is UNSET:
            raise InvalidParameter(
                "This model was made with type hints: it takes a JSON dictionary with the field inputs only."
            )
        return payload.inputs
    if isinstance(payload.dataframe_split, Split):
        split = payload.dataframe_split
        return Table.from_rows(split.data, split.columns, split.index)
    if isinstance(payload.dataframe_records, list):
        return Table.from_records(payload.dataframe_records)
    if payload.instances is not UNSET:
        return _instances(payload.instances, inputs)
    return _inputs(payload.inputs, inputs)


def _instances(values: Any, inputs: Inputs) -> Any:
    """A list with a row, or a value, for each prediction."""
    if _are_records(values):
        if any(record.keys() != values[0].keys() for record in values):
            raise BadRequest("Invalid input. The length of values for each input/column name are not the same")
        table = Table.from_records(values)
        return table if inputs.kinds else _arrays(table.by_column(), inputs)
    return _inputs(values, inputs)


def _inputs(values: Any, inputs: Inputs) -> Any:
    """Columns by name, records, rows, or one value."""
    if inputs.kinds:
        return _as_table(values, inputs)
    names = list(inputs.dtypes)
    if isinstance(values, dict):
        if names == [None]:
            raise BadRequest("Invalid input. This model takes one array without a name, not a dictionary.")
        return _arrays(values, inputs)
    if _are_records(values):
        return [_arrays(record, inputs) for record in values]
    if len(names) == 1 and names[0] is not None:
        return _arrays({names[0]: values}, inputs)
    return _array(None, values, inputs.dtypes.get(None))


def _as_table(values: Any, inputs: Inputs) -> Table:
    if isinstance(values, dict):
        return Table.from_columns(values)
    if _are_records(values):
        return Table.from_records(values)
    rows = values if isinstance(values, list) else [values]
    if len(inputs.kinds) == 1 and not any(isinstance(row, dict) for row in rows):
        return Table.from_columns({next(iter(inputs.kinds)): rows})
    if all(isinstance(row, list) for row in rows):
        return Table.from_rows(rows)
    return Table.from_rows([[row] for row in rows])


def _are_records(values: Any) -> bool:
    return isinstance(values, list) and bool(values) and all(isinstance(value, dict) for value in values)


def _arrays(values: dict[Any, Any], inputs: Inputs) -> dict[str, Any]:
    return {name: _array(name, value, inputs.dtypes.get(name)) for name, value in values.items()}


def _array(name: str | None, values: Any, dtype: str | None) -> Any:
    import numpy as np  # noqa: PLC0415 - heavy

    try:
        return np.array(values, dtype=dtype)
    except (ValueError, TypeError, OverflowError) as error:
        what = f"Input {shown(name)}" if name is not None else "The input"
        raise BadRequest(f"Invalid input. {what} is no array of {dtype or 'values'}: {error}.") from error


def _read_csv(body: bytes, inputs: Inputs) -> Any:
    import pandas as pd  # noqa: PLC0415 - heavy

    try:
        text = {name: str for name, kind in inputs.kinds.items() if kind in _TEXTS}
        frame = pd.read_csv(BytesIO(body), dtype=text)
    except (ValueError, pd.errors.ParserError) as error:
        raise BadRequest(
            f"Failed to parse input as a Pandas DataFrame. Ensure that the input is a valid CSV-formatted Pandas "
            f"DataFrame produced using the `pandas.DataFrame.to_csv()` method. Error: {error}"
        ) from error
    return Table.from_frame(frame) if inputs.kinds else frame


def _read_parquet(body: bytes) -> Any:
    import pandas as pd  # noqa: PLC0415 - heavy

    try:
        return pd.read_parquet(BytesIO(body))
    except (ValueError, OSError) as error:  # pyarrow's errors are both
        raise BadRequest(
            f"Failed to parse input as a Pandas DataFrame. Ensure that the input is a valid Parquet Pandas DataFrame "
            f"produced using the `pandas.DataFrame.to_parquet()` method. Error: {error}"
        ) from error
