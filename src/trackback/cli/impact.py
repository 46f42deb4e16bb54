"""`trackback impact`: what a data set, a package, a commit or a run went into."""

import click

from trackback.cli.deployed import place_of
from trackback.cli.remote import connect, json_option, moment, print_json, print_table, server_option
from trackback.entities import AffectedVersion, Impact


@click.command()
@click.option("--dataset", default="", metavar="DIGEST", help="A data set, by its digest or its name.")
@click.option("--package", default="", metavar="NAME==VERSION", help="A package: numpy==1.26.0, or numpy for any.")
@click.option("--commit", default="", metavar="COMMIT", help="A git commit, of at least 7 digits.")
@click.option("--run", default="", metavar="ID", help="A run.")
@server_option
@json_option
def impact(dataset: str, package: str, commit: str, run: str, server: str | None, as_json: bool) -> None:
    """Show every version that something went into, also by way of parent runs and source models; where each is live,
    or was; and the last version of each model that is not affected. With --json a model a line.
    """
    with connect(server) as client:
        found = client.impact(dataset=dataset, package=package, commit=commit, run=run)
    if as_json:
        for model in found.models:
            print_json(model)
    else:
        _print(found)


def _print(found: Impact) -> None:
    if found.unindexed:
        click.echo(f"{found.unindexed} versions are still being looked at: ask again in a moment.", err=True)
    if not found.models:
        click.echo("No version is affected.")
    for model in found.models:
        last = f"; the last that is not: {model.last_unaffected}" if model.last_unaffected else "; none is not"
        click.echo(f"{model.name}: {model.affected} affected{last}")
        print_table(
            ("  Version", "Registered", "Through run", "Promoted to", "Live", "Was live"),
            [_row(version) for version in model.versions],
        )


def _row(version: AffectedVersion) -> tuple[str, ...]:
    live = [each for each in version.deployments if each.ended is None]
    gone = [each for each in version.deployments if each.ended is not None]
    return (
        f"  {version.version}{' (deleted)' if version.deleted else ''}",
        moment(version.created),
        version.through or "",
        ", ".join(version.environments),
        "\n".join(f"{each.environment}: {place_of(each)}" for each in live),
        "\n".join(f"{each.environment}: {place_of(each)}, until {moment(each.ended)}" for each in gone),
    )
