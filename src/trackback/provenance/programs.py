"""Other programs, asked with a bound on their time and on what they print."""

import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Printed(NamedTuple):
    """``ended``: the program came to its end by itself, well or not; what it printed is all."""

    content: bytes
    status: int
    ended: bool

    @property
    def well(self) -> bool:
        return self.ended and self.status == 0


def ask(
    program: Sequence[str],
    folder: Path | None = None,
    *,
    timeout_s: float,
    most_bytes: int = 1 << 20,
    variables: Mapping[str, str] | None = None,
) -> Printed:
    """Run a program for what it prints to its standard output: at most ``most_bytes`` of it, then it is ended, as it is
    after ``timeout_s`` seconds.

    OSError: it can't be started.
    """
    with subprocess.Popen(
        program,
        cwd=folder,
        env={**os.environ, **(variables or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout
        ended_by_us = threading.Event()

        def end() -> None:
            ended_by_us.set()
            process.kill()

        timer = threading.Timer(timeout_s, end)
        timer.daemon = True
        timer.start()
        try:
            content = process.stdout.read(most_bytes + 1)
            if len(content) > most_bytes:
                end()
            process.wait()
        finally:
            timer.cancel()
            if process.poll() is None:
                process.kill()
    return Printed(content[:most_bytes], process.returncode, not ended_by_us.is_set())
