"""The files that are kept with a run's record, by their paths among its artifacts."""

import hashlib

from trackback.entities import FileRecord


class KeptFiles(dict[str, bytes]):
    """Artifact path -> content. ``most_bytes``: how long one may be."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__()
        self.most_bytes = most_bytes

    def keep(self, path: str, content: bytes) -> FileRecord:
        self[path] = content
        return FileRecord(path, hashlib.sha256(content).hexdigest())
