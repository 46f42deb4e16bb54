"""`trackback models`."""

from pathlib import Path
from typing import NamedTuple

import click

from trackback.cli.gc import shown_bytes
from trackback.cli.progress import progress_bar
from trackback.cli.remote import connect, json_option, moment, print_json, print_table, server_option
from trackback.cli.scoring import predict, serve
from trackback.client.api import Client, walk
from trackback.entities import ModelVersion, RegisteredModel

uri_argument = click.argument("uri")


class FileLine(NamedTuple):
    path: str
    size: int | None
    digest: str | None


@click.group()
def models() -> None:
    """Fetch models, list them, show what they are, serve them, and predict for files.

    URI is a version (models:/churn/7, models:/churn@champion, models:/churn/Production, or models:/churn for the
    newest), a logged model (models:/m-…), or artifacts of a run (runs:/ID/model).
    """


models.add_command(serve)
models.add_command(predict)


@models.command()
@uri_argument
@click.argument("destination", required=False, type=click.Path(path_type=Path))
@click.option("--quiet", is_flag=True, help="No progress bar. There is none either where nobody looks.")
@server_option
@json_option
def download(uri: str, destination: Path | None, quiet: bool, server: str | None, as_json: bool) -> None:
    """Fetch the files of URI, verify them, and print the folder that they are in.

    DESTINATION is the folder that they become; without one it is in the cache, and not to be changed. What was fetched
    before is not fetched again; a download that was cut goes on where it ended. Exit code 1 if a digest is wrong.
    """
    from trackback.client.models import fetch_model  # noqa: PLC0415 - only who fetches files needs it

    with connect(server) as client, progress_bar(uri, quiet) as progress:
        fetched = fetch_model(client, uri, destination, progress=progress)
    if as_json:
        print_json({"uri": fetched.uri, "path": str(fetched.path), "digest": fetched.digest})
    else:
        click.echo(fetched.path)


@models.command("list")
@click.argument("name", required=False)
@click.option("--filter", "filter_string", default="", help="Such as: name LIKE 'churn%'.")
@server_option
@json_option
def list_models(name: str | None, filter_string: str, server: str | None, as_json: bool) -> None:
    """List registered models; or the versions of the one named NAME, the newest first. With --json one a line."""
    with connect(server) as client:
        if name is not None:
            client.get_registered_model(name)
            _print_versions(_versions(client, name), as_json)
            return
        _print_models(list(walk(client.search_registered_models, filter_string or None)), as_json)


@models.command()
@uri_argument
@server_option
@json_option
def show(uri: str, server: str | None, as_json: bool) -> None:
    """Show what URI is now: its version, run, digest, params, metrics and files."""
    from trackback.client.places import locate  # noqa: PLC0415 - only who looks into models needs them
    from trackback.client.trees import tree_at  # noqa: PLC0415

    with connect(server) as client:
        place = locate(client, uri)
        tree = tree_at(client, place)
    files = [FileLine(each.path or tree.name, each.size, each.digest) for each in tree.files]
    if as_json:
        shown = {"uri": place.uri, "artifact_uri": place.artifact_uri, "digest": tree.digest, "version": place.version}
        print_json({**shown, "files": [each._asdict() for each in files]})
        return
    print_table(("", ""), [("URI", place.uri), ("Files at", place.artifact_uri), *_facts(place.version, tree.digest)])
    click.echo()
    print_table(
        ("File", "Size", "SHA-256"),
        [(each.path, "" if each.size is None else shown_bytes(each.size), each.digest) for each in files],
    )


def _versions(client: Client, name: str) -> list[ModelVersion]:
    if "'" in name:  # filters have no way to write it
        return [each for each in walk(client.search_model_versions) if each.name == name]
    return list(walk(client.search_model_versions, f"name = '{name}'", order_by=["version_number DESC"]))


def _print_models(found: list[RegisteredModel], as_json: bool) -> None:
    if as_json:
        for each in found:
            print_json(each)
        return
    print_table(
        ("Name", "Newest", "Aliases", "Changed", "Description"),
        [
            (
                each.name,
                max((int(version.version) for version in each.latest_versions), default=None),
                ", ".join(f"{alias.alias}: {alias.version}" for alias in each.aliases),
                moment(each.last_updated_timestamp),
                each.description,
            )
            for each in found
        ],
    )


def _print_versions(found: list[ModelVersion], as_json: bool) -> None:
    if as_json:
        for each in found:
            print_json(each)
        return
    print_table(
        ("Version", "Registered", "Stage", "Aliases", "Run", "Digest", "Description"),
        [
            (
                each.version,
                moment(each.creation_timestamp),
                each.current_stage,
                ", ".join(each.aliases),
                each.run_id,
                (each.digest or "")[:12],
                each.description,
            )
            for each in found
        ],
    )


def _facts(version: ModelVersion | None, digest: str | None) -> list[tuple[str, object]]:
    facts: list[tuple[str, object]] = [("Digest", digest or "not told by the server")]
    if version is None:
        return facts
    return [
        *facts,
        ("Registered", moment(version.creation_timestamp)),
        ("By", version.user_id),
        ("Run", version.run_id),
        ("Stage", version.current_stage),
        ("Aliases", ", ".join(version.aliases)),
        ("Tags", ", ".join(f"{tag.key}={tag.value}" for tag in version.tags)),
        ("Description", version.description),
        *((f"Param {each.name}", each.value) for each in version.model_params),
        *((f"Metric {each.key}", f"{each.value:.6g}") for each in version.model_metrics),
    ]
