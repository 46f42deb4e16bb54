"""What a machine of `trackback deliver ami` runs, once, before it shuts down: it scores what its user data names.

User data is YAML or JSON with the fields of ``Order``. Nothing but the machine's own metadata and the object store has
to be reached.
"""

import argparse
import os
import sys
import time
from typing import Any

import httpx
import msgspec
import yaml

from trackback.delivery.batch.places import place_at
from trackback.delivery.batch.plans import Loading, Stamp
from trackback.delivery.batch.processes import Processes
from trackback.delivery.batch.scoring import Job, score
from trackback.delivery.exits import ExitCode, exit_code_of
from trackback.errors import InvalidParameter, TrackbackError, Unavailable
from trackback.scoring.files.predicting import Progress, Wanted

METADATA = "http://169.254.169.254/latest"
WAIT_S = 120
_TOLD_EVERY_S = 30.0


class Order(msgspec.Struct, forbid_unknown_fields=True):
    """``input``, ``output``: as of `trackback deliver score`, s3://bucket/prefix mostly. ``environment``: variables for
    the object store, where the machine's own role is not what counts. ``report``: where a document of how it went is to
    be written, whether it went well or not.
    """

    input: str | list[str]
    output: str
    id: list[str] = []
    keep_all: bool = False
    column: str = "prediction"
    params: dict[str, Any] | None = None
    rows: int | None = None
    environment: dict[str, str] = {}
    report: str | None = None


def main() -> int:
    """The exit code."""
    said = _arguments()
    report: str | None = None
    document: dict[str, Any] = {"model": said.version, "digest": said.digest}
    code = ExitCode.PASSED
    try:
        order = read_order()
        report = order.report
        os.environ.update({"AWS_REGION": _region(), **order.environment})
        document |= _score(order, said)
    except TrackbackError as error:
        code = exit_code_of(error)
        document["error"] = {"code": error.code, "message": error.message}
    except Exception as error:  # noqa: BLE001 - the outermost edge: the machine shuts down, and this is what is left of it
        code = ExitCode.UNABLE
        document["error"] = {"code": "INTERNAL_ERROR", "message": f"{type(error).__name__}: {error}"}
    told = msgspec.json.encode({"passed": code is ExitCode.PASSED, "exit_code": int(code), **document})
    _say(told.decode())
    if report:
        place_at(report).write(told)
    return code


def read_order() -> Order:
    """What the user data says. InvalidParameter: it is no order. Unavailable: there is no answer from the metadata."""
    text = _metadata("user-data")
    if text is None:
        raise InvalidParameter("The machine has no user data: start it with some that names an input and an output.")
    try:
        return msgspec.convert(yaml.safe_load(text), Order)
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise InvalidParameter(f"The user data is no order that can be carried out: {error}") from error


def _score(order: Order, said: argparse.Namespace) -> dict[str, Any]:
    wanted = Wanted(params=order.params, ids=order.id, keep_all=order.keep_all, column=order.column)
    job = Job(
        inputs=[order.input] if isinstance(order.input, str) else order.input,
        output=order.output,
        wanted=wanted,
        stamp=Stamp(version=said.version, digest=said.digest),
        rows_at_once=order.rows,
    )
    done = score(job, Loading(said.model, tuple(said.trust)), Processes(), _Told())
    return msgspec.to_builtins(done)  # type: ignore[no-any-return]


class _Told:
    """Says how far it is on the machine's console, now and then."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        if time.monotonic() - self._last > _TOLD_EVERY_S:
            self._last = time.monotonic()
            _say(f"{progress.done} of {progress.total} {progress.unit}, {progress.rows} rows")


def _region() -> str:
    return _metadata("meta-data/placement/region") or "us-east-1"


def _metadata(path: str) -> str | None:
    """By EC2's metadata service, version 2; None for what there is not."""
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            with httpx.Client(trust_env=False, timeout=5) as http:
                token = http.put(f"{METADATA}/api/token", headers={"X-aws-ec2-metadata-token-ttl-seconds": "300"})
                answer = http.get(f"{METADATA}/{path}", headers={"X-aws-ec2-metadata-token": token.text})
            if answer.status_code == 404:
                return None
            answer.raise_for_status()
            return answer.text
        except httpx.HTTPError as error:
            if time.monotonic() > deadline:
                raise Unavailable(f"The machine's metadata does not answer at {METADATA}: {error!r}") from error
        time.sleep(1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m trackback.delivery.batch.instance", description=__doc__)
    parser.add_argument("--model", required=True, help="the folder of the model")
    parser.add_argument("--version", required=True, help="what the predictions are said to be of: models:/churn/7")
    parser.add_argument("--digest", required=True, help="the digest of its files")
    parser.add_argument("--trust", action="append", default=[], help="the digest of a pickle that may be loaded")
    return parser.parse_args()


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
