"""The engine of a cluster: Spark's executors predict partitions, with the model and this package shipped to them.

A partition is the same as without Spark, and so is its part: executors read the input and write parts by themselves,
so that both have to be at places that all of them reach. What an executor loses, Spark gives to another.
"""

import json
import os
import shutil
import sys
import tempfile
import threading
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from trackback.delivery.batch.messages import Failed
from trackback.delivery.batch.partitions import Report, score_partition
from trackback.delivery.batch.places import place_at
from trackback.delivery.batch.plans import Loading, Plan
from trackback.delivery.batch.scoring import Predict
from trackback.delivery.batch.work import Work
from trackback.errors import InvalidParameter, MissingLibrary, TrackbackError, Unavailable
from trackback.flavors import read_mlmodel
from trackback.scoring.predictors import Model, load_to_stay

POLL_S = 0.5
_MODEL = "trackback-model"
_FAILURE = "failure.json"


class Spark:
    """``master``: as local[4], spark://host:7077, yarn, k8s://…; by default what Spark's own settings say, else
    local[*]. ``conf``: settings of the session.
    """

    def __init__(self, master: str | None = None, conf: Mapping[str, str] | None = None) -> None:
        self._master = master
        self._conf = dict(conf or {})

    @contextmanager
    def started(self, work: Work, loading: Loading, partitions: int) -> Iterator[Predict]:
        """As of ``Engine``; it takes its time later. To predict raises MissingLibrary: pyspark or Java. Unavailable:
        the cluster can't be reached, or gave up.
        """
        yield partial(self._predict, work, loading)

    def _predict(
        self, work: Work, loading: Loading, plan: Plan, numbers: Sequence[int], report: Report
    ) -> Generator[int, None, None]:
        if "spark" in read_mlmodel(Path(loading.directory)).flavors:
            raise InvalidParameter(
                "A model of Spark MLlib can't be loaded within Spark's executors. Score it with --engine local, which "
                "starts a Spark for it."
            )
        session = _session(self._master, self._conf)
        context = session.sparkContext
        group = f"trackback-{uuid.uuid4().hex}"
        with tempfile.TemporaryDirectory(prefix="trackback-") as folder:
            archive = _ship(context, Path(folder), Path(loading.directory))
            task = _task(work.folder.text, archive, loading.trusted)
            running = _Running(context, group, task, numbers)
            try:
                yield from _watched(running, plan, work, numbers, report)
            finally:
                running.cancel()
                session.stop()


def _session(master: str | None, conf: Mapping[str, str]) -> Any:
    try:
        from pyspark.errors import PySparkException  # noqa: PLC0415 - only who scores with Spark has it
        from pyspark.sql import SparkSession  # noqa: PLC0415
    except ImportError as error:
        raise MissingLibrary("To score with Spark takes pyspark: pip install pyspark") from error
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        raise MissingLibrary("Spark runs on Java, and there is none: on Debian, apt install default-jre-headless")
    builder = SparkSession.builder.appName("trackback deliver score")
    settings = {"spark.ui.enabled": "false", **conf, **({"spark.master": master} if master else {})}
    chosen = settings.get("spark.master")
    if chosen.startswith("local") if chosen else "SPARK_HOME" not in os.environ:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    for name, value in settings.items():
        builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
    except (PySparkException, OSError, RuntimeError) as error:
        raise Unavailable(f"No Spark at {chosen or 'the default master'}: {_first_line(error)}") from error
    session.sparkContext.setLogLevel("ERROR")
    return session


def _ship(context: Any, folder: Path, model: Path) -> str:
    """Send the model and this package to the executors, which may have neither; what the model's folder is there."""
    import trackback  # noqa: PLC0415 - its own folder is what is looked for

    package = Path(trackback.__file__).parent
    name = f"{_MODEL}-{uuid.uuid4().hex[:8]}"
    code = shutil.make_archive(str(folder / "trackback"), "zip", root_dir=package.parent, base_dir=package.name)
    archive = shutil.make_archive(str(folder / name), "zip", root_dir=model)
    context.addPyFile(code)
    context.addArchive(archive)
    return Path(archive).name


def _task(work: str, archive: str, trusted: tuple[str, ...] | None) -> Callable[[int], int]:
    def run(number: int) -> int:
        return predict_on_executor(work, archive, trusted, number)

    return run


_models: dict[str, Model] = {}


def predict_on_executor(work: str, archive: str, trusted: tuple[str, ...] | None, number: int) -> int:
    """What a task does. An error that another try would not change is left in the job's folder, for the driver."""
    from pyspark import SparkFiles  # noqa: PLC0415 - only who scores with Spark has it

    place = Work(place_at(work))
    plan = place.plan()
    if plan is None:
        raise Unavailable(f"{work} can't be seen from the executor: write to a place that all machines reach.")
    try:
        if archive not in _models:
            _models[archive] = load_to_stay(SparkFiles.get(archive), trusted)
        score_partition(_models[archive], plan, number, place, lambda rows, size: None)
    except Unavailable:
        raise
    except TrackbackError as error:
        failed = Failed.of(error)
        place.folder.below(_FAILURE).write(json.dumps([failed.kind, failed.message]).encode())
        raise
    return number


class _Running:
    """The Spark job, in a thread."""

    def __init__(self, context: Any, group: str, task: Callable[[int], int], numbers: Sequence[int]) -> None:
        from pyspark import InheritableThread  # noqa: PLC0415 - only who scores with Spark has it

        self._context, self._group = context, group
        self.error: Exception | None = None
        self._ended = threading.Event()

        def run() -> None:
            try:
                context.setJobGroup(group, "trackback deliver score", True)
                context.parallelize(numbers, len(numbers)).map(task).count()
            except Exception as error:  # noqa: BLE001 - told by the thread that waits
                self.error = error
            finally:
                self._ended.set()

        self._thread = InheritableThread(target=run, daemon=True)
        self._thread.start()

    def wait(self) -> bool:
        """For a moment; whether it has ended."""
        return self._ended.wait(POLL_S)

    def cancel(self) -> None:
        if not self._ended.is_set():
            with suppress(Exception):
                self._context.cancelJobGroup(self._group)
        self._thread.join(POLL_S * 20)


def _watched(
    running: _Running, plan: Plan, work: Work, numbers: Sequence[int], report: Report
) -> Generator[int, None, None]:
    """The partitions as their parts come to be there."""
    left = set(numbers)
    failure = work.folder.below(_FAILURE)
    failure.remove()
    ended = False
    while not ended:
        ended = running.wait()
        for number in sorted(left & work.done(plan)):
            left.discard(number)
            size = plan.partitions[number].size
            report(size if plan.unit == "rows" else 0, size)
            yield number
        with suppress(FileNotFoundError):
            kind, message = json.loads(failure.read())
            raise Failed(kind, message).error()
    if running.error is not None:
        raise Unavailable(f"Spark gave up: {_first_line(running.error)}") from running.error
    if left:
        raise Unavailable(
            f"{len(left)} partitions are not there, though Spark has done them: {work.folder.text} is another place "
            "for its executors. Write to one that all machines reach, as s3://…, or a shared folder."
        )


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
