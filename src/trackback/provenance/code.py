"""The code that runs: its repository and what is changed there, its script, and the command line."""

import logging
import os
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from trackback.entities import CodeRecord, FileRecord
from trackback.provenance.files import KeptFiles
from trackback.provenance.git import Changes, Repository
from trackback.provenance.options import CaptureOptions
from trackback.provenance.secrets import redact, redact_arguments

DIFF_PATH = "trackback/diff.patch"
SCRIPT_FOLDER = "trackback/code"
_UNTRACKED_NAMES = 1000

log = logging.getLogger(__name__)


def capture_code(options: CaptureOptions, files: KeptFiles) -> CodeRecord:
    """What is known of the code without its notebook; the diff and the script go to ``files``."""
    script = find_script()
    record = CodeRecord()
    if options.command:
        record = replace(record, command=redact_arguments(sys.orig_argv), entry_point=_entry_point(script))
    if options.script and script:
        record = replace(record, script=_keep_script(script, files))
    if options.git and (repository := _find_repository(script, options.timeout_s)):
        record = _with_repository(record, repository, options, files)
        if options.command and script and script.is_relative_to(repository.top):
            record = replace(record, entry_point=script.relative_to(repository.top).as_posix())
    return record


def find_script() -> Path | None:
    """The file that Python was started with, unless it is one of an installed program: then it is not the user's."""
    path = getattr(sys.modules.get("__main__"), "__file__", None)
    if not path:
        return None
    script = Path(path).absolute()
    installed = {Path(sysconfig.get_path(name)) for name in ("scripts", "purelib", "platlib", "stdlib")}
    if any(script.is_relative_to(folder) for folder in installed) or not script.is_file():
        return None
    return script.resolve()


def _entry_point(script: Path | None) -> str | None:
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    if spec is not None and spec.name:
        return f"-m {spec.name.removesuffix('.__main__')}"
    return script.name if script else None


def _keep_script(script: Path, files: KeptFiles) -> FileRecord | None:
    if script.stat().st_size > files.most_bytes:
        log.debug("%s is too long to be kept", script)
        return None
    text = script.read_bytes().decode(errors="replace")
    name = script.name.encode(errors="replace").decode()  # not escaped: clients refuse backslashes in paths
    return files.keep(f"{SCRIPT_FOLDER}/{name}", redact(text).encode())


def _find_repository(script: Path | None, timeout_s: float) -> Repository | None:
    folders = [script.parent] if script else []
    for folder in (*folders, Path.cwd()):
        if found := Repository.find(folder, timeout_s):
            return found
    return None


def _with_repository(
    record: CodeRecord, repository: Repository, options: CaptureOptions, files: KeptFiles
) -> CodeRecord:
    record = replace(record, repository=repository.remote(), commit=repository.commit(), branch=repository.branch())
    changes = repository.changes()
    if changes is None:
        log.debug("git status took longer than %s s in %s", options.timeout_s, repository.top)
        return record
    record = replace(record, dirty=changes.dirty)
    if changes.dirty and options.diff:
        record = replace(record, diff=files.keep(DIFF_PATH, _diff(repository, changes, files.most_bytes)))
    return record


def _diff(repository: Repository, changes: Changes, most_bytes: int) -> bytes:
    """The diff, after the names of untracked files as comments, which ``git apply`` skips."""
    head = _comment("untracked, and not kept", changes.untracked)
    if not changes.changed:
        return head
    printed = repository.diff(most_bytes)
    text = redact(printed.content.decode(errors="replace"))
    end = "" if printed.well else "\n# The diff goes on here: it was too long, or took too long.\n"
    return head + (text + end).encode()


def _comment(what: str, names: Sequence[str]) -> bytes:
    shown = [redact(os.fspath(name)) for name in names[:_UNTRACKED_NAMES]]
    more = [f"and {len(names) - len(shown)} more"] if len(names) > len(shown) else []
    return "".join(f"# {what}: {name}\n" for name in (*shown, *more)).encode(errors="replace")
