"""Whoever uploads, lists and downloads artifacts, and looks at the folder that the server keeps them in."""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from tests.server.wire import Answer, ask

ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
LIMIT = 50_000_000
MEGABYTE = 1 << 20
CONTENT = b"0123456789" * 1000
ETAG = f'"{hashlib.sha256(CONTENT).hexdigest()}"'


class ArtifactClient:
    """A client of one server, and a look at the folder that the server keeps artifacts in."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port = port
        self.folder = folder

    def put(self, path: str, content: bytes = CONTENT, prefix: str = ARTIFACTS) -> Answer:
        return ask(self.port, "PUT", f"{prefix}/{path}", content, {"Content-Type": "application/octet-stream"})

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return ask(self.port, method, f"{ARTIFACTS}/{path}", headers=names)

    def delete(self, path: str) -> Answer:
        return ask(self.port, "DELETE", f"{ARTIFACTS}/{path}")

    def names(self, path: str = "") -> list[str]:
        files = ask(self.port, "GET", f"{ARTIFACTS}?path={quote(path)}").json.get("files", [])
        return [file["path"] for file in files]

    def files(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file()]


def eventually(condition: Callable[[], bool], within_s: float = 10) -> bool:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
