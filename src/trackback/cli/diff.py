"""`trackback diff`: in what two runs differ."""

from typing import TYPE_CHECKING, Any

import click

from trackback.cli.remote import connect, json_option, print_json, print_table, server_option

if TYPE_CHECKING:
    from trackback.provenance.differences import Difference

_LONG = 60


@click.command()
@click.argument("run_a")
@click.argument("run_b")
@server_option
@json_option
def diff(run_a: str, run_b: str, server: str | None, as_json: bool) -> None:
    """Show in what RUN_A and RUN_B differ: params, metrics, tags, code, data sets, packages and environment.

    Each is the id of a run. Of data sets whose columns are known, it is told which ones differ.
    """
    from trackback.provenance.differences import compare, read_run  # noqa: PLC0415 - only who compares needs it

    with connect(server) as client:
        found = compare(read_run(client.transport, run_a), read_run(client.transport, run_b))
    if as_json:
        print_json({"run_a": run_a, "run_b": run_b, "differences": found})
    elif found:
        print_table(("What", "Name", run_a, run_b), [_row(each) for each in found])
    else:
        click.echo("They do not differ in anything that is known.")


def _row(each: "Difference") -> tuple[str, ...]:
    return each.part, each.name, _shown(each.a), _shown(each.b)


def _shown(value: Any) -> str:
    text = "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _LONG else f"{text[:_LONG]}…"
