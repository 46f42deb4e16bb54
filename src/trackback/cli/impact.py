"""`trackback impact`: what a data set, a package, a commit or a run went into."""

import click
import msgspec

from trackback.cli.deployed import place_of
from trackback.cli.remote import connect, json_option, moment, pages, print_json, print_table, server_option
from trackback.entities import AffectedModel, AffectedVersion

IMPACT = "/api/v1/impact"


class Page(msgspec.Struct):
    affected: int = 0
    models: tuple[AffectedModel, ...] = ()
    unindexed: int = 0
    next_page_token: str | None = None


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
    asked = {"dataset": dataset, "package": package, "commit": commit, "run": run}
    with connect(server) as transport:
        found = list(pages(transport, IMPACT, asked, Page))
    models = _joined(found)
    if as_json:
        for model in models:
            print_json(model)
    else:
        _print(found[0], models)


def _joined(found: list[Page]) -> list[AffectedModel]:
    """The models of all pages, each once: a page may end within one."""
    models: dict[str, AffectedModel] = {}
    for model in (model for page in found for model in page.models):
        if before := models.get(model.name):
            model = msgspec.structs.replace(before, versions=(*before.versions, *model.versions))
        models[model.name] = model
    return list(models.values())


def _print(first: Page, models: list[AffectedModel]) -> None:
    if first.unindexed:
        click.echo(f"{first.unindexed} versions are still being looked at: ask again in a moment.", err=True)
    if not models:
        click.echo("No version is affected.")
    for model in models:
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
