"""A bar for those who wait."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from trackback.client.progress import Progress


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
