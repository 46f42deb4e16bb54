"""Which files that can run code may be loaded.

A pickle is a program. So are the modules that some models bring along, and a skops file whose types are not known to
be harmless. They run only if somebody has vouched for exactly these bytes, or for everything.
"""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from trackback.errors import InvalidModel, UntrustedModel

ENVIRONMENT_VARIABLE = "TRACKBACK_TRUST_PICKLES"


@dataclass(frozen=True)
class Trust:
    """``digests``: the SHA-256, in hex digits, of each file that may run code. ``everything``: any file may."""

    digests: frozenset[str] = frozenset()
    everything: bool = False

    @classmethod
    def of(cls, digests: Iterable[str]) -> "Trust":
        """Trust in files by their SHA-256, in hex digits, with or without ``sha256:`` before them."""
        return cls(frozenset(digest.lower().removeprefix("sha256:") for digest in digests))

    def permits(self, content: bytes) -> bool:
        return (
            self.everything
            or os.environ.get(ENVIRONMENT_VARIABLE, "").lower() in ("1", "true")
            or hashlib.sha256(content).hexdigest() in self.digests
        )

    def read(self, file: Path, why: str) -> bytes:
        """The file's content: the very bytes that were looked at. UntrustedModel if they may not be loaded.

        ``why`` says what the file could do, and follows "is".
        """
        try:
            content = file.read_bytes()
        except OSError as error:
            raise InvalidModel(f"{file} can't be read: {error}") from error
        self.check(content, file, why)
        return content

    def check(self, content: bytes, file: Path, why: str) -> None:
        """UntrustedModel unless ``content``, which is that of ``file``, may be loaded."""
        if not self.permits(content):
            raise UntrustedModel(
                f"{file} is {why}: to load it runs whatever code is in it, and its digest, "
                f"sha256:{hashlib.sha256(content).hexdigest()}, is not among those that were logged here or promoted. "
                f"If you know where it comes from, pass trust=Trust.of([digest]), or set {ENVIRONMENT_VARIABLE}=1 to "
                "load any"
            )

    def read_all(self, directory: Path, why: str) -> None:
        """The same for every file in a directory."""
        for file in sorted(directory.rglob("*")):
            if file.is_file():
                self.read(file, why)


EVERYTHING = Trust(everything=True)
NOTHING = Trust()
