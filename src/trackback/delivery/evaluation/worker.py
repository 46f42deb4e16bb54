"""A process that loads a model and predicts a test set, so that nothing which the model does harms who asks.

It runs in the environment that the model is tried in, where of trackback's own dependencies only msgspec, PyYAML and
packaging have to be. What it is to do, and what came of it, are files of one folder.
"""

import json
import sys
import time
import traceback
from contextlib import suppress
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import Any

from trackback.delivery.evaluation.exchange import read_table, write_table
from trackback.delivery.parents import end_with
from trackback.errors import StorageFull, TrackbackError
from trackback.flavors import Predictor, Trust, load_predictor
from trackback.flavors.enforcement import enforce_inputs

JOB, RESULT = "job.json", "result.json"
INPUTS, OUTPUTS, PROBABILITIES = "inputs", "outputs", "probabilities"
_MOST_SINGLE = 100
_SINGLE_S = 2.0
_WARM_UP = 3


def main(folder: Path, parent: int) -> None:
    end_with(parent)
    _be_ended_first()
    job = json.loads((folder / JOB).read_text())
    told: dict[str, Any] = {"phase": "load"}
    try:
        began = time.perf_counter()
        trust = Trust(everything=True) if job["trust"] is None else Trust.of(job["trust"])
        predictor = load_predictor(Path(job["model"]), trust=trust)
        told |= {"load_s": time.perf_counter() - began, "phase": "predict"}
        _predict(predictor, folder, told, measure=job["measure"])
        told["phase"] = "done"
    except Exception as error:  # noqa: BLE001 - the outermost edge: whatever a model raises is told
        known = _known(error)
        told["error"] = {"known": known, "type": type(error).__name__, "message": str(error)}
        traceback.print_exc()
    partial = folder / f"{RESULT}.partial"  # a full disk is to leave no half of it
    partial.write_text(json.dumps(told))
    partial.rename(folder / RESULT)


def _be_ended_first() -> None:
    """Where memory is short, Linux is to end this process, and not who asks."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def _known(error: Exception) -> str | None:
    """The name of an error of ours; a full disk is none of the model's."""
    if isinstance(error, OSError) and error.errno in (ENOSPC, EDQUOT):
        return StorageFull.__name__
    return type(error).__name__ if isinstance(error, TrackbackError) else None


def _predict(predictor: Predictor, folder: Path, told: dict[str, Any], *, measure: bool) -> None:
    import numpy as np  # noqa: PLC0415 - heavy

    frame = read_table(folder, INPUTS)
    loaded = _memory("VmRSS")
    _forget_peak()
    data = _as_model_takes(predictor, frame)
    began = time.perf_counter()
    predictions = predictor.predict(data)
    took = time.perf_counter() - began
    peak = _memory("VmHWM")
    told |= {"predict_s": took, "rows": len(frame)}
    told["memory"] = {"loaded": loaded, "predict": max(peak - loaded, 0), "peak": peak} if loaded and peak else None
    write_table(_as_table(predictions, len(frame)), folder, OUTPUTS)
    found = _probabilities(predictor, data)
    if found is not None:
        classes, values = found
        told["classes"] = classes
        np.save(folder / f"{PROBABILITIES}.npy", values)
    if measure:
        told["latency_ms"] = _latency(predictor, frame)


def _as_model_takes(predictor: Predictor, frame: Any) -> Any:
    """Columns as they are; of tensors an array of all columns, or each by its name."""
    schema = predictor.signature.inputs if predictor.signature else None
    if schema is None or not schema.is_tensor:
        return frame
    named = {each.name: each for each in schema.tensors}
    if None not in named:
        return {name: _stacked(frame[name]).astype(each.dtype, copy=False) for name, each in named.items()}
    single = named[None]
    shape = (len(frame), *single.shape[1:])
    return frame.to_numpy().astype(single.dtype, copy=False).reshape(shape)


def _stacked(column: Any) -> Any:
    import numpy as np  # noqa: PLC0415 - heavy

    return np.array(column.tolist())


def _probabilities(predictor: Predictor, data: Any) -> tuple[list[Any], Any] | None:
    """Of each row and class, where the library's model tells them; and the classes, as JSON has them."""
    import numpy as np  # noqa: PLC0415 - heavy

    model = predictor.model
    classes = getattr(model, "classes_", None)
    if classes is None or not hasattr(model, "predict_proba") or getattr(classes, "ndim", 1) != 1:
        return None
    schema = predictor.signature.inputs if predictor.signature else None
    given = data if schema is None else enforce_inputs(data, schema)
    values = np.asarray(model.predict_proba(given), dtype=float)
    return np.asarray(classes).tolist(), values


def _as_table(predictions: Any, rows: int) -> Any:
    """A column ``prediction``, ``prediction_0`` and so on of several, or those of a frame."""
    import numpy as np  # noqa: PLC0415 - heavy
    import pandas as pd  # noqa: PLC0415 - heavy

    if hasattr(predictions, "toPandas"):  # of Spark
        predictions = predictions.toPandas()
    if hasattr(predictions, "toarray"):  # sparse matrices
        predictions = predictions.toarray()
    if isinstance(predictions, pd.DataFrame):
        table = predictions.reset_index(drop=True)
    elif isinstance(predictions, dict):
        table = pd.DataFrame({str(name): list(values) for name, values in predictions.items()})
    elif isinstance(predictions, list) and predictions and isinstance(predictions[0], dict):
        table = pd.DataFrame(predictions)
    else:
        array = np.asarray(predictions)
        if array.ndim == 0:
            raise ValueError(f"the model returned one {type(predictions).__name__} for {rows} rows, not one for each")
        flat = array.reshape(len(array), -1)
        names = ["prediction"] if flat.shape[1] == 1 else [f"prediction_{place}" for place in range(flat.shape[1])]
        table = pd.DataFrame({name: flat[:, place] for place, name in enumerate(names)})
    if len(table) != rows:
        raise ValueError(f"the model returned {len(table)} predictions for {rows} rows, not one for each")
    table.columns = [str(name) for name in table.columns]
    return table


def _latency(predictor: Predictor, frame: Any) -> list[float]:
    """How long single rows take, in milliseconds: up to 100 of them, or as many as fit in 2 seconds."""

    def ask(row: int) -> None:
        predictor.predict(_as_model_takes(predictor, frame.iloc[row : row + 1]))

    for row in range(min(_WARM_UP, len(frame))):
        ask(row)
    step = max(1, len(frame) // _MOST_SINGLE)
    took, ends = [], time.perf_counter() + _SINGLE_S
    for row in range(0, len(frame), step):
        began = time.perf_counter()
        ask(row)
        took.append(1000 * (time.perf_counter() - began))
        if time.perf_counter() > ends:
            break
    return took


def _memory(field: str) -> int:
    """Bytes that this process has, or had at most, by what Linux says of it; 0 elsewhere."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:")), 0)


def _forget_peak() -> None:
    """Have Linux count anew from now; where it does not let us, the peak is that of loading, too."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
