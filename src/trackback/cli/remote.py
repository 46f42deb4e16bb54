"""Commands that ask a server: which one, and how they print what it says, for people or as JSON."""

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import click
import msgspec

from trackback.client.api import Client
from trackback.client.retries import Retries
from trackback.client.transport import Transport

F = TypeVar("F", bound=Callable[..., Any])

RETRIES = Retries(deadline_s=10)  # somebody is watching
_PIPE_WIDTH = 10_000


def server_option(command: F) -> F:
    return click.option(
        "--server",
        metavar="URI",
        help="The server, such as http://127.0.0.1:5000; by default that of TRACKBACK_TRACKING_URI or "
        "MLFLOW_TRACKING_URI. Who asks is in TRACKBACK_TOKEN, or MLFLOW_TRACKING_USERNAME and _PASSWORD.",
    )(command)


def json_option(command: F) -> F:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(command)


def connect(server: str | None) -> Client:
    """The server that ``--server`` or the environment names."""
    return Client(transport=Transport(server, retries=RETRIES))


def print_json(value: object) -> None:
    click.echo(msgspec.json.encode(value).decode())


def print_table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Columns for people; lines are cut nowhere, and wrapped only on a terminal."""
    from rich.console import Console  # noqa: PLC0415 - only who prints tables needs it
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(*headings, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    console = Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False)
    with console.capture() as printed:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in printed.get().splitlines()))


def moment(time_ms: int | None) -> str:
    """A time as people read it, in their own zone."""
    if time_ms is None:
        return ""
    return datetime.fromtimestamp(time_ms / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
