"""A folder with a git repository in which people train: the programs beside this file, and what becomes of them."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from scripts.pictures.calendar import Calendar
from tests.servers.accounts import PASSWORD

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
REMOTE = "https://github.com/example/tumours.git"


class Workplace:
    """``env/`` is Python with the libraries that are trained with; ``lib/`` has trackback, and the story's clock."""

    def __init__(self, folder: Path, server: str, calendar: Calendar) -> None:
        self.folder = folder
        self._server = server
        self._calendar = calendar

    def make(self) -> None:
        self.folder.mkdir(parents=True)
        (self.folder / "env").symlink_to(ROOT / ".venvs" / "libraries")
        shutil.copytree(HERE / "lib", self.folder / "lib", ignore=shutil.ignore_patterns("__pycache__"))
        (self.folder / "lib" / "trackback").symlink_to(ROOT / "src" / "trackback")
        (self.folder / ".gitignore").write_text("*\n!*.py\n!.gitignore\n")
        self._git("init", "--quiet", "--initial-branch=main")
        self._git("remote", "add", "origin", REMOTE)

    def take(self, program: str) -> None:
        shutil.copyfile(HERE / "programs" / program, self.folder / program)

    def change(self, program: str, before: str, after: str) -> None:
        file = self.folder / program
        text = file.read_text()
        assert before in text, f"{program} has no {before!r}"
        file.write_text(text.replace(before, after))

    def commit(self, message: str) -> None:
        self._git("add", ".")
        self._git("commit", "--quiet", "--message", message)

    def train(self, who: str, program: str, *arguments: str, fails: bool = False) -> None:
        """As it is typed. ``fails``: whether it is meant to."""
        ended = subprocess.run(
            ["env/bin/python", program, *arguments], cwd=self.folder, env=self._as(who), stdin=subprocess.DEVNULL
        )
        if (ended.returncode != 0) is not fails:
            raise SystemExit(f"{program} ended with {ended.returncode}")

    def run_notebook(self, who: str, notebook: str) -> None:
        """In a kernel of this Python; what its cells print is in the notebook then."""
        file = self.folder / notebook
        kept = nbformat.read(file, as_version=4)
        named = {"JPY_SESSION_NAME": str(file), "TRACKBACK_CAPTURE_COMMAND": "0"}
        client = NotebookClient(kept, timeout=120, kernel_name="python3")
        client.execute(cwd=str(self.folder), env=self._as(who) | named)
        nbformat.write(kept, file)

    def deliver(self, token: str, *arguments: str) -> None:
        """A command of CI's, in an environment that has all that commands need."""
        command = [str(ROOT / ".venv/bin/trackback"), "deliver", *arguments]
        who = {"PYTHONPATH": str(HERE / "lib"), "TRACKBACK_TOKEN": token, "MLFLOW_TRACKING_USERNAME": ""}
        subprocess.run(command, cwd=self.folder, env=self._as("ci") | who, stdin=subprocess.DEVNULL, check=True)

    def _as(self, who: str) -> dict[str, str]:
        mine = {name: os.environ[name] for name in ("HOME", "LANG", "PATH", "TMPDIR") if name in os.environ}
        return mine | {
            "PYTHONPATH": "lib",
            "STORY_AGO_S": str(self._calendar.ago_s),
            "TRACKBACK_TRACKING_URI": self._server,
            "MLFLOW_TRACKING_USERNAME": who,
            "MLFLOW_TRACKING_PASSWORD": PASSWORD,
            "MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL": "0.1",
            "LOGNAME": who,
            "USER": who,
            "XDG_STATE_HOME": str(self.folder / "state"),
            "TRACKBACK_CACHE_DIR": str(self.folder / "cache"),
            "OMP_NUM_THREADS": "1",
            "MPLBACKEND": "agg",
            "MPLCONFIGDIR": str(self.folder / "state"),
        }

    def _git(self, *arguments: str) -> None:
        date = f"@{self._calendar.now_ms // 1000} +0000"
        variables: Mapping[str, str] = os.environ | {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org"]
        subprocess.run(["git", *who, *arguments], cwd=self.folder, env=variables, check=True)
