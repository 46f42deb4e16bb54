"""A bar for those who wait."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from trackback.client.progress import Progress

if TYPE_CHECKING:
    from trackback.scoring.files.predicting import Progress as Predicted


@contextmanager
def progress_bar(title: str, quiet: bool = False) -> Iterator[Progress | None]:
    """A bar of bytes on standard error, if somebody looks at it."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich import progress  # noqa: PLC0415 - only who shows bars needs it
    from rich.console import Console  # noqa: PLC0415

    columns = (
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.DownloadColumn(),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def rows_bar() -> "Iterator[Callable[[Predicted], None]]":
    """A bar of what is predicted on standard error, if somebody looks at it."""
    if not sys.stderr.isatty():
        yield lambda progress: None
        return
    from rich import progress  # noqa: PLC0415 - only who shows bars needs it
    from rich.console import Console  # noqa: PLC0415

    columns = (
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        progress.TextColumn("{task.fields[rows]} rows"),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=None, rows=0)
        yield lambda seen: bar.update(task, total=seen.total, completed=seen.done, rows=seen.rows)
