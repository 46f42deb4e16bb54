"""How the stages stand, for people who look on."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from trackback.delivery.pipelines.running import StageRun, Standing

if TYPE_CHECKING:
    from rich.table import Table

_STYLES = {
    Standing.RUNNING: "bold",
    Standing.PASSED: "green",
    Standing.BEFORE: "green",
    Standing.FAILED: "bold red",
    Standing.WAITING: "dim",
    Standing.LEFT: "dim",
}


def table(runs: Sequence[StageRun]) -> "Table":
    """A line a stage: how it stands, its exit code, how long it took, and what it said last."""
    from rich.table import Table  # noqa: PLC0415 - only who looks on needs it
    from rich.text import Text  # noqa: PLC0415

    told = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("STAGE", "", "EXIT CODE", "TIME"):
        told.add_column(heading, no_wrap=True)
    told.add_column("LAST LINE", no_wrap=True, overflow="ellipsis")
    for each in runs:
        code = "" if each.code is None else str(each.code)
        seconds = f"{each.seconds:.1f} s" if each.seconds else ""
        last = each.last_line() if each.standing in (Standing.RUNNING, Standing.PASSED, Standing.FAILED) else ""
        standing = Text(each.standing, style=_STYLES[each.standing])
        told.add_row(each.stage.name, standing, code, seconds, Text(last))
    return told


@contextmanager
def live(runs: Sequence[StageRun]) -> Iterator[Callable[[], None]]:
    """A table that is kept up to date by calls, on standard error."""
    from rich.console import Console  # noqa: PLC0415 - only who looks on needs it
    from rich.live import Live  # noqa: PLC0415

    with Live(console=Console(stderr=True), get_renderable=lambda: table(runs), refresh_per_second=4) as shown:
        yield shown.refresh
