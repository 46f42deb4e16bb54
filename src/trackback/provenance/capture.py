"""What went into a run, as far as the process knows: code, notebook, environment, hardware."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from msgspec import json
from msgspec.structs import replace

from trackback import __version__
from trackback.entities import PROVENANCE_VERSION, CodeRecord, EnvironmentRecord, ProvenanceRecord
from trackback.limits import escaped
from trackback.provenance.code import capture_code
from trackback.provenance.environment import capture_environment
from trackback.provenance.files import KeptFiles
from trackback.provenance.hardware import capture_hardware
from trackback.provenance.notebook import capture_notebook
from trackback.provenance.options import CaptureOptions

T = TypeVar("T")

log = logging.getLogger(__name__)
_failed: set[str] = set()


@dataclass(frozen=True)
class Captured:
    """``files`` are the artifacts that ``record`` refers to, by their paths in the run."""

    record: ProvenanceRecord
    files: dict[str, bytes]


def capture(options: CaptureOptions) -> Captured:
    """The record of this process, without data sets and parents. To be called in a thread of its own: git and others
    are waited for, up to ``options.timeout_s`` each.

    Raises nothing: a part that fails is left out, and is logged the first time.
    """
    files = KeptFiles(options.most_bytes)
    code = _part("code", lambda: capture_code(options, files)) or CodeRecord()
    if options.notebook:
        code = replace(code, notebook=_part("notebook", lambda: capture_notebook(files)))
    environment = _part("environment", lambda: capture_environment(options, files))
    if options.hardware:
        hardware = _part("hardware", lambda: capture_hardware(options.timeout_s))
        environment = replace(environment or EnvironmentRecord(), hardware=hardware)
    record = ProvenanceRecord(
        schema_version=PROVENANCE_VERSION,
        captured=time.time_ns() // 1_000_000,
        captured_by=f"trackback {__version__}",
        code=code if code != CodeRecord() else None,
        environment=environment,
    )
    return _in_unicode(Captured(record, dict(files)))


def _in_unicode(captured: Captured) -> Captured:
    """Names of files and command lines may hold bytes that are no text, which JSON has no form for."""
    try:
        json.encode([captured.record, list(captured.files)])
    except UnicodeEncodeError:
        record = msgspec.convert(_escaped(msgspec.to_builtins(captured.record)), ProvenanceRecord)
        return Captured(record, {escaped(path): content for path, content in captured.files.items()})
    return captured


def _escaped(value: Any) -> Any:
    """What JSON has a form for, with all texts in it escaped."""
    match value:
        case str():
            return escaped(value)
        case dict():
            return {escaped(key): _escaped(each) for key, each in value.items()}
        case list() | tuple():
            return list(map(_escaped, value))
        case _:
            return value


def _part(name: str, find: Callable[[], T]) -> T | None:
    try:
        return find()
    except Exception as error:  # noqa: BLE001 - the outermost edge: training goes on, whatever a machine is like
        if name not in _failed:
            _failed.add(name)
            log.warning("the %s of this run could not be captured: %s: %s", name, type(error).__name__, error)
        return None
