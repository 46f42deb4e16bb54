"""A real S3 server: Versity's gateway over a local folder, built by `make .tools/bin/versitygw`."""

import signal
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.program import Program, accepts_connections, free_port

VERSITYGW = Path(__file__).parents[2] / ".tools" / "bin" / "versitygw"
REGION = "us-east-1"
ACCESS_KEY = "trackback-tests"
SECRET_KEY = "a-secret-of-the-tests-only"


def missing() -> str | None:
    """Why the S3 server cannot be started here, or None."""
    return None if VERSITYGW.exists() else "no S3 server: `make .tools/bin/versitygw` builds it, and needs Go"


class S3:
    """An S3 server of its own, in a temporary folder, on a free port of loopback."""

    def __init__(self) -> None:
        self.port = free_port()
        self._folder = tempfile.TemporaryDirectory(prefix="trackback-s3-")
        self._buckets = Path(self._folder.name) / "buckets"
        self._attributes = Path(self._folder.name) / "attributes"
        self._buckets.mkdir()
        self._attributes.mkdir()
        listen = f"--port 127.0.0.1:{self.port} --region {REGION}"
        self._program = Program(
            [VERSITYGW, *listen.split(), "posix", "--sidecar", self._attributes, self._buckets],
            log=Path(self._folder.name) / "log",
            answers=lambda: accepts_connections(self.port),
            env={"ROOT_ACCESS_KEY": ACCESS_KEY, "ROOT_SECRET_KEY": SECRET_KEY},
        )

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def env(self) -> dict[str, str]:
        """What a client finds this server and its keys by, in the names that AWS's own tools use."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        }

    @property
    def log_text(self) -> str:
        return self._program.log_text

    def make_bucket(self, name: str) -> str:
        """Make a bucket; its URI. The gateway takes a folder for a bucket."""
        (self._buckets / name).mkdir()
        return f"s3://{name}"

    def files(self, bucket: str) -> list[str]:
        """The files that the bucket named is kept in: one an object, and one a part of an upload under way."""
        folder = self._buckets / bucket
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())

    def start(self) -> None:
        self._program.start()

    def stop(self) -> None:
        self._program.end(signal.SIGTERM)

    def kill(self) -> None:
        self._program.end(signal.SIGKILL)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._folder.cleanup()
