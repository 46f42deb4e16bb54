"""A model asked for predictions, in a process of its own."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from errno import ENOSPC
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from trackback import errors
from trackback.client.api import Client
from trackback.client.models import LocalModel
from trackback.delivery.evaluation import worker
from trackback.delivery.evaluation.clean import make_environment, variables
from trackback.delivery.evaluation.exchange import read_table, write_table
from trackback.errors import (
    CheckFailed,
    InvalidParameter,
    StorageFull,
    TrackbackError,
    UntrustedModel,
)
from trackback.flavors import ModelSignature, read_mlmodel
from trackback.tracking.trusted import promoted, trusted

if TYPE_CHECKING:
    import pandas as pd

    from trackback.delivery.evaluation.cases import Floats

Say = Callable[[str], None]
LATENCIES = {"p50": 50.0, "p95": 95.0, "p99": 99.0}
_LOG = "said.log"
TIMEOUT_S = 3600.0
_log = logging.getLogger(__name__)


def silent(text: str) -> None:
    """Nobody is told."""


@dataclass(frozen=True)
class Asked:
    """``table``: the predictions, a row each. ``probabilities``: of ``classes``, (rows, classes), where there are any.

    costs: seconds to load and to predict all, ``latency_ms`` of single rows (``mean``, ``p50``, …), ``memory`` and
        ``size`` in bytes; what could not be measured is not there.
    """

    table: pd.DataFrame
    classes: tuple[Any, ...] = ()
    probabilities: Floats | None = None
    costs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Candidate:
    """A model's files here, and what may be loaded of them. ``trust``: digests, or None for everything.

    timeout_s: what it may take, all in all, to load and to predict. say: is told what is being done.
    """

    local: LocalModel
    trust: tuple[str, ...] | None
    isolated: bool = False
    timeout_s: float = TIMEOUT_S
    say: Say = silent

    @property
    def signature(self) -> ModelSignature | None:
        """InvalidModel: its MLmodel file is missing or damaged."""
        text = read_mlmodel(self.local.path).signature
        return ModelSignature.from_text(text) if text else None

    @property
    def size(self) -> int:
        """Bytes of all of its files."""
        return sum(each.stat().st_size for each in self.local.path.rglob("*") if each.is_file())


def trusted_of(client: Client, local: LocalModel, trust: Sequence[str]) -> tuple[str, ...] | None:
    """``trust``: digests of pickles that may be loaded, beside those logged here or promoted; ``all`` for any."""
    if "all" in trust:
        return None
    return tuple(sorted({*trusted().digests, *promoted(client, local).digests, *trust}))


def ask(model: Candidate, frame: pd.DataFrame, *, measure: bool = True) -> Asked:
    """Predict the rows of a frame.

    CheckFailed: the model can't be loaded, or raises an error, or ends its process, or does not predict each row.
    InvalidParameter: the frame is not what its signature says. UntrustedModel: it may not be loaded. MissingLibrary,
    Unavailable: it could not be tried.
    """
    with tempfile.TemporaryDirectory(prefix="trackback-") as scratch:
        folder = Path(scratch)
        job = {"model": str(model.local.path), "trust": model.trust, "measure": measure}
        (folder / worker.JOB).write_text(json.dumps(job))
        write_table(frame, folder, worker.INPUTS)
        python, environment = sys.executable, None
        if model.isolated:
            model.say("making a clean environment")
            python = str(make_environment(model.local.path, folder / "environment"))
            environment = variables(folder / "paths")
        model.say(f"predicting {len(frame)} rows")
        _run(python, folder, environment, model.timeout_s)
        told = json.loads((folder / worker.RESULT).read_text())
        if error := told.get("error"):
            raise _raised(error, told["phase"], isolated=model.isolated)
        return _read(folder, told, model)


def _run(python: str, folder: Path, environment: dict[str, str] | None, timeout_s: float) -> None:
    """CheckFailed, if it ends before it has told what came of it, or does not end in time."""
    log = folder / _LOG
    with log.open("wb") as said:
        process = start(python, folder, environment, said)
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise CheckFailed(
                f"The model did not predict the test set within {timeout_s:g} s, and was ended. Is it to take longer? "
                "Then say so: --timeout."
            ) from None
        finally:
            _end(process)
    text = log.read_text(errors="replace")
    if text:
        _log.debug("the model's process said: %s", text)
    if not (folder / worker.RESULT).is_file():
        raise _ended(code, text)


def start(python: str, folder: Path, environment: dict[str, str] | None, said: BinaryIO) -> subprocess.Popen[bytes]:
    """The process, in a group of its own, which ends when we do; what it says goes to a file."""
    command = [python, "-m", worker.__name__, str(folder), str(os.getpid())]
    return subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """With whatever it has started and left behind."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _ended(code: int, text: str) -> TrackbackError:
    """What a process has died of that has told nothing itself."""
    if f"[Errno {ENOSPC}]" in text:
        return StorageFull("There is no room for what the model predicts. Make some, and run the stage again.")
    by = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
    last = text.strip().splitlines()[-1:] or ["It said nothing"]
    short = " Linux ends processes so when memory is short." if code == -signal.SIGKILL else ""
    return CheckFailed(f"The process with the model ended {by} before it had predicted. {last[0].rstrip('.')}.{short}")


def _raised(error: dict[str, str], phase: str, *, isolated: bool) -> TrackbackError:
    """What ended the model's process, as an error of ours."""
    where = " in a clean environment" if isolated else ""
    kind = getattr(errors, error["known"] or "", None)
    if kind is UntrustedModel:
        return UntrustedModel(f"{error['message']}; here, give the digest as --trust.")
    if kind is StorageFull:
        return StorageFull(f"There is no room to try the model: {error['message']}. Make some, and run it again.")
    if kind is InvalidParameter and phase == "predict":
        return InvalidParameter(f"The test set is not what the model's signature says: {error['message']}.")
    if kind is errors.MissingLibrary and not isolated:
        return errors.MissingLibrary(error["message"])
    said = error["message"] if kind else f"{error['type']}: {error['message']}"
    if phase == "load":
        return CheckFailed(f"The model can't be loaded{where}: {said}")
    return CheckFailed(f"The model can't predict the test set{where}: {said}")


def _read(folder: Path, told: dict[str, Any], model: Candidate) -> Asked:
    import numpy as np  # noqa: PLC0415 - heavy

    costs: dict[str, Any] = {"load_s": told["load_s"], "predict_s": told["predict_s"], "size": model.size}
    costs["rows_per_s"] = told["rows"] / max(told["predict_s"], 1e-9)
    if told.get("memory"):
        costs["memory"] = told["memory"]
    if took := told.get("latency_ms"):
        points = {name: float(np.percentile(took, each)) for name, each in LATENCIES.items()}
        costs["latency_ms"] = {"mean": float(np.mean(took)), **points, "rows": len(took)}
    values = folder / f"{worker.PROBABILITIES}.npy"
    return Asked(
        read_table(folder, worker.OUTPUTS),
        tuple(told.get("classes", ())),
        np.load(values, allow_pickle=False) if values.is_file() else None,
        costs,
    )
