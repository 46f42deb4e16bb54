"""How the stages stand, for people who look on."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from trackback.delivery.pipelines.running import StageRun, Standing

if TYPE_CHECKING:
    from rich.table import Table

HEADINGS = ("STAGE", "", "EXIT CODE", "TIME", "LAST LINE")
"""How a stage stands, its exit code, how long it took, and what it said last."""

_STYLES = {
    Standing.RUNNING: "bold",
    Standing.PASSED: "green",
    Standing.BEFORE: "green",
    Standing.FAILED: "bold red",
    Standing.WAITING: "dim",
    Standing.LEFT: "dim",
}


def cells(run: StageRun) -> tuple[str, str, str, str, str]:
    """Of a stage, below ``HEADINGS``."""
    code = "" if run.code is None else str(run.code)
    seconds = f"{run.seconds:.1f} s" if run.seconds else ""
    last = run.last_line() if run.standing in (Standing.RUNNING, Standing.PASSED, Standing.FAILED) else ""
    return run.stage.name, run.standing, code, seconds, last


def table(runs: Sequence[StageRun]) -> "Table":
    """A line a stage; what it said last is cut where the terminal ends, and nothing else is."""
    from rich.table import Table  # noqa: PLC0415 - only who looks on needs it
    from rich.text import Text  # noqa: PLC0415

    told = Table(box=None, pad_edge=False, header_style="bold", expand=True)
    *short, long = HEADINGS
    for heading in short:
        told.add_column(heading, no_wrap=True)
    told.add_column(long, no_wrap=True, overflow="ellipsis", ratio=1)
    for each in runs:
        name, standing, code, seconds, last = cells(each)
        told.add_row(name, Text(standing, style=_STYLES[each.standing]), code, seconds, Text(last))
    return told


@contextmanager
def live(runs: Sequence[StageRun]) -> Iterator[Callable[[], None]]:
    """A table that is kept up to date by calls, on standard error."""
    from rich.console import Console  # noqa: PLC0415 - only who looks on needs it
    from rich.live import Live  # noqa: PLC0415

    with Live(console=Console(stderr=True), get_renderable=lambda: table(runs), refresh_per_second=4) as shown:
        yield shown.refresh
