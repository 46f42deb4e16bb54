"""The notebook as it stands: its file, and what was run of it that the file doesn't have.

In which file a kernel runs it isn't told. Its clients leave traces: VS Code a variable in the notebook, Jupyter's
server one in the environment, and a list of its sessions. Where none is found, as in IPython's terminal or under
papermill, the cells that were run make a notebook.
"""

import json
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trackback.entities import FileRecord
from trackback.provenance.files import KeptFiles
from trackback.provenance.secrets import redact

NOTEBOOK_PATH = "trackback/notebook.ipynb"
SESSION_VARIABLE = "JPY_SESSION_NAME"
_VS_CODE_VARIABLE = "__vsc_ipynb_file__"
_ANSWER_S = 1.0

log = logging.getLogger(__name__)


def capture_notebook(files: KeptFiles) -> FileRecord | None:
    """Keep the notebook that this process runs; None outside of IPython. To be called again keeps it as it is by then.

    Cells that were run and are not in the saved file, as it is not saved yet, follow at its end, marked so. Secrets
    are taken out of code and output; if it is too long, its outputs are left out.
    """
    shell = find_shell()
    if shell is None:
        return None
    executed = executed_cells(shell)
    path = find_notebook(shell)
    notebook = _read(path) if path else None
    notebook = _with_unsaved(notebook, executed) if notebook else _made_of(executed)
    notebook["cells"] = [_without_secrets(cell) for cell in notebook["cells"]]
    content = _encode(notebook)
    if len(content) > files.most_bytes:
        content = _encode({**notebook, "cells": [_without_outputs(cell) for cell in notebook["cells"]]})
    if len(content) > files.most_bytes:
        log.debug("the notebook is too long to be kept: %s bytes without its outputs", len(content))
        return None
    return files.keep(NOTEBOOK_PATH, content)


def find_shell() -> Any:
    """IPython's shell, if this process is one."""
    get = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return get() if get else None


def executed_cells(shell: Any) -> list[str]:
    """The sources of the cells that were run in this process, in order, the running one too."""
    return [source for source in list(shell.history_manager.input_hist_raw) if source.strip()]


def find_notebook(shell: Any) -> Path | None:
    """The notebook's file, if it is on this machine and one of the ways to find it leads there."""
    candidates = (
        lambda: shell.user_ns.get(_VS_CODE_VARIABLE),
        lambda: _of_sessions(shell),
        lambda: os.environ.get(SESSION_VARIABLE),
    )
    for candidate in candidates:
        if (name := candidate()) and str(name).endswith(".ipynb") and Path(name).is_file():
            return Path(name)
    return None


def _of_sessions(shell: Any) -> str | None:
    """The file by the sessions that Jupyter's servers have: right also after the notebook was renamed."""
    connection = getattr(getattr(shell, "kernel", None), "config", {}).get("IPKernelApp", {}).get("connection_file")
    if not connection:
        return None
    kernel = Path(connection).stem.removeprefix("kernel-")
    for server in _servers():
        for session in _sessions(server):
            if session.get("kernel", {}).get("id") == kernel:
                return str(Path(server["root_dir"], session["path"]))
    return None


def _servers() -> Iterator[dict[str, Any]]:
    """What the servers of this user left where Jupyter keeps such files."""
    from jupyter_core.paths import jupyter_runtime_dir  # noqa: PLC0415 - comes with the kernel that we run in

    for path in Path(jupyter_runtime_dir()).glob("jpserver-*.json"):
        try:
            server = json.loads(path.read_bytes())
        except (OSError, ValueError):
            continue
        if isinstance(server, dict) and {"url", "token", "root_dir"} <= set(server):
            yield server


def _sessions(server: dict[str, Any]) -> list[dict[str, Any]]:
    import httpx  # noqa: PLC0415 - only who runs in Jupyter's server asks it

    headers = {"authorization": f"token {server['token']}"}
    try:
        answer = httpx.get(f"{server['url']}api/sessions", headers=headers, timeout=_ANSWER_S, trust_env=False)
        found = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        log.debug("no answer from Jupyter's server at %s: %s", server["url"], type(error).__name__)
        return []
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _read(path: Path) -> dict[str, Any] | None:
    try:
        notebook = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        return None
    return notebook


def _with_unsaved(notebook: dict[str, Any], executed: list[str]) -> dict[str, Any]:
    saved = {_source(cell).strip() for cell in notebook["cells"] if isinstance(cell, dict)}
    unsaved = [_cell(source, number) for number, source in enumerate(executed, 1) if source.strip() not in saved]
    for cell in unsaved:
        cell["metadata"] = {"tags": ["executed-but-not-saved"]}
    with_ids = (notebook.get("nbformat", 4), notebook.get("nbformat_minor", 0)) >= (4, 5)
    for number, cell in enumerate(unsaved if with_ids else [], 1):
        cell["id"] = f"trackback-{number}"
    return {**notebook, "cells": [*notebook["cells"], *unsaved]}


def _made_of(executed: list[str]) -> dict[str, Any]:
    return {
        "cells": [_cell(source, number) for number, source in enumerate(executed, 1)],
        "metadata": {"language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 4,
    }


def _cell(source: str, number: int) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": number,
        "metadata": {},
        "outputs": [],
        "source": source.splitlines(keepends=True),
    }


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source", "")
    return "".join(source) if isinstance(source, list) else str(source)


def _without_secrets(cell: Any) -> Any:
    if not isinstance(cell, dict):
        return cell
    return {
        name: _redacted(value) if name in ("source", "outputs", "attachments") else value
        for name, value in cell.items()
    }


def _redacted(value: Any) -> Any:
    """A part of a cell, with all its text redacted; images stay as they are. Lines are told as they were."""
    match value:
        case str():
            return redact(value)
        case list() if all(isinstance(each, str) for each in value):
            return redact("".join(value)).splitlines(keepends=True)
        case list():
            return [_redacted(each) for each in value]
        case dict():
            return {name: each if _is_binary(name) else _redacted(each) for name, each in value.items()}
    return value


def _is_binary(name: str) -> bool:
    return name.startswith(("image/", "audio/", "video/", "application/pdf")) and name != "image/svg+xml"


def _without_outputs(cell: Any) -> Any:
    return {**cell, "outputs": []} if isinstance(cell, dict) and "outputs" in cell else cell


def _encode(notebook: dict[str, Any]) -> bytes:
    return json.dumps(notebook, indent=1, ensure_ascii=False).encode(errors="replace") + b"\n"
