"""The notebook of a run, from real kernels of Jupyter."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.manager import KernelManager, start_new_kernel
from nbclient import NotebookClient

from trackback.provenance.files import KeptFiles
from trackback.provenance.notebook import capture_notebook

CAPTURE = """
import json
from trackback.provenance import CaptureOptions, capture
captured = capture(CaptureOptions(packages=False, git=False))
with open("captured.json", "w") as file:
    json.dump({path: content.decode() for path, content in captured.files.items()}, file)
"""
NOTEBOOK = "trackback/notebook.ipynb"


class Kernel:
    """A kernel, to which a client sends cells one by one."""

    def __init__(self, folder: Path, **env: str) -> None:
        self._folder = folder
        self._manager: KernelManager
        self._manager, self._client = start_new_kernel(
            kernel_name="python3", cwd=str(folder), env={**os.environ, **env}
        )

    def run(self, source: str) -> None:
        reply = self._client.execute_interactive(source, timeout=60, output_hook=lambda _: None)
        assert reply["content"]["status"] == "ok", reply["content"]

    def captured(self) -> Any:
        """The notebook that is captured by a cell that does so now."""
        self.run(CAPTURE)
        files = json.loads((self._folder / "captured.json").read_text())
        notebook = json.loads(files[NOTEBOOK])
        nbformat.validate(notebook)
        return notebook

    @property
    def id(self) -> str:
        return Path(self._manager.connection_file).stem.removeprefix("kernel-")

    def stop(self) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)
        self._manager.cleanup_resources()


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A notebook of two cells that was run and saved, with the output of one."""
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell("# Churn"),
            nbformat.v4.new_code_cell("depth = 6", execution_count=1),
            nbformat.v4.new_code_cell("print(depth)", execution_count=2, outputs=[output("6\n")]),
        ]
    )
    path = tmp_path / "churn.ipynb"
    nbformat.write(notebook, path)
    return path


def output(text: str) -> Any:
    return nbformat.v4.new_output("stream", text=text)


def sources(notebook: Any) -> list[str]:
    return ["".join(cell["source"]) for cell in notebook["cells"]]


@pytest.fixture
def kernel(saved: Path) -> Iterator[Kernel]:
    """A kernel as Jupyter's server starts it for the saved notebook."""
    running = Kernel(saved.parent, JPY_SESSION_NAME=str(saved))
    yield running
    running.stop()


def test_the_saved_notebook_is_kept_with_its_outputs_and_what_was_run_since(kernel: Kernel) -> None:
    kernel.run("depth = 6")
    kernel.run("print(depth)")
    kernel.run("depth = 7")

    notebook = kernel.captured()

    assert sources(notebook)[:-1] == ["# Churn", "depth = 6", "print(depth)", "depth = 7"]
    assert notebook["cells"][2]["outputs"][0]["text"] == ["6\n"]
    assert notebook["cells"][3]["metadata"]["tags"] == ["executed-but-not-saved"]
    assert notebook["cells"][3]["execution_count"] == 3


def test_secrets_in_code_and_output_are_hidden(tmp_path: Path) -> None:
    path = tmp_path / "n.ipynb"
    cell = nbformat.v4.new_code_cell("password = 'hunter2'", outputs=[output("postgresql://ada:hunter2@db.example\n")])
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    kernel = Kernel(tmp_path, JPY_SESSION_NAME=str(path))
    kernel.run("api_key = 'hunter2'")
    notebook = kernel.captured()
    kernel.stop()

    assert "hunter2" not in json.dumps(notebook)
    assert sources(notebook)[0] == "password = '[secret]'"


def test_vs_code_says_in_a_variable_which_notebook_it_is(saved: Path, tmp_path: Path) -> None:
    kernel = Kernel(tmp_path)
    kernel.run(f"__vsc_ipynb_file__ = {str(saved)!r}")
    notebook = kernel.captured()
    kernel.stop()

    assert sources(notebook)[0] == "# Churn"


def test_without_a_file_the_cells_that_were_run_are_the_notebook(tmp_path: Path) -> None:
    kernel = Kernel(tmp_path)
    kernel.run("depth = 6")
    kernel.run("x = 1 +\\\n 2")
    notebook = kernel.captured()
    kernel.stop()

    assert sources(notebook)[:2] == ["depth = 6", "x = 1 +\\\n 2"]
    assert [cell["execution_count"] for cell in notebook["cells"]] == [1, 2, 3]


def test_a_notebook_that_is_run_by_nbclient_is_captured_while_it_runs(tmp_path: Path) -> None:
    cells = [nbformat.v4.new_code_cell(source) for source in ("depth = 6", CAPTURE, "later = 1")]
    NotebookClient(nbformat.v4.new_notebook(cells=cells), resources={"metadata": {"path": str(tmp_path)}}).execute()

    notebook = json.loads(json.loads((tmp_path / "captured.json").read_text())[NOTEBOOK])

    assert sources(notebook)[0] == "depth = 6"
    assert "later = 1" not in sources(notebook)


def test_the_notebook_of_a_long_output_is_kept_without_outputs(saved: Path) -> None:
    notebook = nbformat.read(saved, as_version=4)
    notebook.cells[2].outputs = [output("6" * 3_000_000)]
    nbformat.write(notebook, saved)
    kernel = Kernel(saved.parent, JPY_SESSION_NAME=str(saved))
    kept = kernel.captured()
    kernel.stop()

    assert sources(kept)[:3] == ["# Churn", "depth = 6", "print(depth)"]
    assert kept["cells"][2]["outputs"] == []


def test_outside_of_ipython_there_is_no_notebook() -> None:
    assert capture_notebook(KeptFiles(1000)) is None
