"""A process that loads the model before the server is there that asks for it: most of what both take are imports."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from trackback.scoring.messages import Start, framed, start_of
from trackback.scoring.processes import ModelProcess, threads_each
from trackback.scoring.settings import Settings

MODULE = "trackback.scoring.worker"
_END_S = 5.0


class EarlyWorker:
    """Begun at once if the model is in a folder of this machine, of which it is known what it will resolve to."""

    def __init__(self, settings: Settings, trusted: Sequence[str] | None) -> None:
        self._process: ModelProcess | None = None
        folder = Path(settings.model_uri)
        if folder.is_dir():
            self._start = start_of(settings, str(folder.resolve()), None if trusted is None else tuple(trusted))
            self._process = ModelProcess(MODULE, threads_each(settings.workers))
            self._process.connection.sendall(framed(self._start))

    def take(self, start: Start) -> ModelProcess | None:
        """The process, for the first who asks, if it was told the same."""
        if self._process is None or self._start != start:
            return None
        process, self._process = self._process, None
        return process

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it if nobody has taken it."""
        if self._process is not None:
            self._process.kill()
            self._process.let_go()
            self._process.wait(_END_S)
