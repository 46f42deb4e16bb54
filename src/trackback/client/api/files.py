"""Calls that log whole files and folders to runs and logged models, and fetch them back."""

import json
import os
from pathlib import Path
from typing import Any

from trackback.client.api.artifacts import Artifacts
from trackback.client.api.logged_models import LoggedModels
from trackback.client.api.model_versions import ModelVersions
from trackback.client.api.runs import Runs
from trackback.client.places import kept_path
from trackback.client.progress import Progress
from trackback.client.uploads import UploadedFolder

LocalPath = str | os.PathLike[str]


class Files(Artifacts, LoggedModels, ModelVersions, Runs):
    """NotFound, where it says nothing else: there is no such run or model. InvalidParameter: its artifacts are not kept
    by the server, or the path is unsafe.
    """

    def log_artifact(self, run_id: str, local_path: LocalPath, artifact_path: str | None = None) -> None:
        """Keep a file, or a folder by its name, in a folder of a run (None: the topmost)."""
        local = Path(local_path)
        below = _join(artifact_path, local.name if local.is_dir() else None)
        self._upload(self.get_run(run_id).info.artifact_uri, local, below)

    def log_artifacts(
        self, run_id: str, local_dir: LocalPath, artifact_path: str | None = None, *, progress: Progress | None = None
    ) -> UploadedFolder:
        """Keep what lies in a folder in one of a run (None: the topmost). What is there already is not sent again."""
        return self._upload(self.get_run(run_id).info.artifact_uri, Path(local_dir), artifact_path, progress)

    def log_model_artifact(self, model_id: str, local_path: LocalPath, artifact_path: str | None = None) -> None:
        """Keep a file, or a folder by its name, in a folder of a logged model (None: the topmost)."""
        local = Path(local_path)
        below = _join(artifact_path, local.name if local.is_dir() else None)
        self._upload(self.get_logged_model(model_id).info.artifact_uri, local, below)

    def log_model_artifacts(
        self, model_id: str, local_dir: LocalPath, artifact_path: str | None = None, *, progress: Progress | None = None
    ) -> UploadedFolder:
        """Keep what lies in a folder in one of a logged model. What is there already is not sent again."""
        uri = self.get_logged_model(model_id).info.artifact_uri
        return self._upload(uri, Path(local_dir), artifact_path, progress)

    def log_text(self, run_id: str, text: str, artifact_file: str) -> None:
        """Keep a text as a file of a run."""
        top = kept_path(self.get_run(run_id).info.artifact_uri)
        self.upload_file(f"{top}/{artifact_file}", text.encode())

    def log_dict(self, run_id: str, dictionary: dict[str, Any], artifact_file: str) -> None:
        """Keep a dictionary as a file of a run: as YAML if it is named ``.yml`` or ``.yaml``, else as JSON.

        TypeError: it holds what can't be written down so.
        """
        if artifact_file.lower().endswith((".yml", ".yaml")):
            import yaml  # noqa: PLC0415 - only who writes YAML needs it

            text = yaml.safe_dump(dictionary, sort_keys=False, allow_unicode=True)
        else:
            text = json.dumps(dictionary, indent=2)
        self.log_text(run_id, text, artifact_file)

    def download_artifacts(
        self, run_id: str, path: str, dst_path: LocalPath | None = None, *, progress: Progress | None = None
    ) -> str:
        """Fetch a file or folder of a run; its path on this machine, in ``dst_path`` or else in a new temporary folder.

        DataLoss: what arrived is not what was kept. StorageFull: the disk is full.
        """
        import tempfile  # noqa: PLC0415 - only who fetches files needs it

        folder = Path(tempfile.mkdtemp(prefix="trackback-")) if dst_path is None else Path(dst_path)
        uri = f"runs:/{run_id}/{path}".rstrip("/")
        from trackback.client.models import fetch_model  # noqa: PLC0415 - only who fetches files needs it

        return str(fetch_model(self, uri, folder / path, progress=progress).path.resolve())

    def _upload(
        self, artifact_uri: str, local: Path, below: str | None, progress: Progress | None = None
    ) -> UploadedFolder:
        from trackback.client.folders import upload_folder  # noqa: PLC0415 - only who sends files needs it

        return upload_folder(self, local, _join(artifact_uri, below), progress=progress)


def _join(folder: str | None, path: str | None) -> str:
    return "/".join(part.rstrip("/") for part in (folder, path) if part)
