"""Calls for artifacts: of runs, of logged models, of versions, and by their path at the proxy.

``mlflow-artifacts:/1/<run>/artifacts/model`` is the proxy path ``1/<run>/artifacts/model``.
"""

from pathlib import Path

from trackback.client.api.calls import MLFLOW, MLFLOW_AJAX, OURS, Calls, segment
from trackback.client.pages import Page
from trackback.client.transport import ARTIFACTS, artifact_target
from trackback.entities import FileInfo, TreeFile


class Artifacts(Calls):
    def list_artifacts(self, run_id: str, path: str | None = None) -> list[FileInfo]:
        """What lies in a folder of a run (None: the topmost), by path within the run; nothing if it is no folder.

        NotFound: there is no such run. InvalidParameter: its artifacts lie where the server can't read them.
        """
        fields = {"run_id": run_id, "path": path}
        return list(self._several("files", FileInfo, "GET", f"{MLFLOW}artifacts/list", fields))

    def list_logged_model_artifacts(self, model_id: str, path: str | None = None) -> list[FileInfo]:
        """What lies in a folder of a logged model (None: the topmost), by path within it.

        NotFound: there is no such model. InvalidParameter: its artifacts lie where the server can't read them.
        """
        route = f"{MLFLOW}logged-models/{segment(model_id)}/artifacts/directories"
        return list(self._several("files", FileInfo, "GET", route, {"artifact_directory_path": path}))

    def list_files(self, path: str = "") -> list[FileInfo]:
        """What lies in a folder of the proxy's, by name; nothing if it is none. InvalidParameter: an unsafe path."""
        return list(self._several("files", FileInfo, "GET", ARTIFACTS.rstrip("/"), {"path": path or None}))

    def list_tree(self, path: str, max_results: int | None = None, page_token: str | None = None) -> Page[TreeFile]:
        """All files below a path of the proxy, with their digests; a file's own path there is empty. Trackback only.

        InvalidParameter: the path is unsafe, or above those of runs and models.
        """
        fields = {"path": path, "max_results": max_results, "page_token": page_token}
        return self._page("files", TreeFile, "GET", f"{OURS}files", fields)

    def upload_file(self, path: str, content: bytes | Path) -> str:
        """Keep bytes, or a file's, at a path of the proxy; their SHA-256, in hex digits.

        InvalidParameter: the path is unsafe, a folder, frozen, or of a deleted run. DataLoss: the server keeps others.
        """
        return self._transport.upload(path, content)

    def download_file(self, path: str, destination: Path) -> str:
        """Fetch the file at a path of the proxy; the SHA-256 of its content, in hex digits.

        NotFound: there is none. DataLoss: it is not what the server's digest says. StorageFull: the disk is full.
        """
        return self._transport.download(path, destination)

    def delete_files(self, path: str) -> None:
        """Delete a file of the proxy's, or a folder with all in it; nothing there is no error.

        InvalidParameter: the path is unsafe, or frozen.
        """
        self._do("DELETE", artifact_target(path), {})

    def download_run_file(self, run_id: str, path: str, destination: Path) -> str:
        """Fetch a file by its path within a run, also where the server reads it from elsewhere; its SHA-256.

        Errors: as for ``download_file``. InvalidParameter: the run's artifacts lie where the server can't read them.
        """
        return self._transport.fetch("/get-artifact", {"run_id": run_id, "path": path}, destination)

    def download_logged_model_file(self, model_id: str, path: str, destination: Path) -> str:
        """Fetch a file by its path within a logged model; its SHA-256. Errors: as for ``download_run_file``."""
        route = f"{MLFLOW_AJAX}logged-models/{segment(model_id)}/artifacts/files"
        return self._transport.fetch(route, {"artifact_file_path": path}, destination)

    def download_version_file(self, name: str, version: str | int, path: str, destination: Path) -> str:
        """Fetch a file by its path within a version; its SHA-256. Errors: as for ``download_run_file``."""
        fields = {"name": name, "version": str(version), "path": path}
        return self._transport.fetch("/model-versions/get-artifact", fields, destination)
