"""`trackback deliver image` and `trackback deliver base`."""

import os
import sys
from pathlib import Path
from typing import Any

import click

from trackback.cli.deliver import Outcome, Stage, say, stage_options, subject_argument
from trackback.cli.gc import shown_bytes
from trackback.cli.remote import connect, json_option, print_table
from trackback.cli.scoring import EVERYTHING, trust_option

PATH = click.Path(path_type=Path)


@click.command(cls=Stage, short_help="Make an image of a model, with its packages and server.")
@subject_argument
@click.option(
    "--tag",
    required=True,
    metavar="NAME",
    help="What the image is called: registry.example/team/churn:7. Without a tag after the colon, that is the version.",
)
@click.option(
    "--base",
    metavar="IMAGE",
    help="What it stands on: an image of a registry, oci:FOLDER:TAG, a folder or a tar with a file system. By default "
    "the slim image of the Python that the model was made with.",
)
@click.option("--push", is_flag=True, help="Push it to its registry.")
@click.option("--load", is_flag=True, help="Have podman, docker or buildah on this machine know it.")
@click.option("--engine", type=click.Choice(("podman", "docker", "buildah")), help="Which of them; the first there is.")
@click.option("--output", type=PATH, metavar="FOLDER", help="Where the OCI layout is written; in the cache by default.")
@click.option("--environment", help="The environment that it is meant for, where no promotion says so.")
@click.option(
    "--python",
    "interpreter",
    type=PATH,
    default=sys.executable,
    metavar="PATH",
    help="A Python of the model's version that has pip; the one that runs this, by default.",
)
@click.option(
    "--constraint",
    "constraints",
    multiple=True,
    type=PATH,
    metavar="FILE",
    help="Versions of packages, as pip takes them; may be repeated.",
)
@click.option("--find-links", multiple=True, type=PATH, metavar="FOLDER", help="A folder with wheels; may be repeated.")
@click.option(
    "--architecture",
    type=click.Choice(("amd64", "arm64")),
    help="The machine that it is for, of a base for several; this one's by default.",
)
@trust_option
@stage_options
def image(
    model: str | None, server: str | None, as_json: bool, tag: str, trust: tuple[str, ...], **options: Any
) -> Outcome:
    """Make an OCI image of MODEL: its files, just the packages that it needs, and a scoring server.

    The same inputs give the same digest. With --push or --load it is brought to where it runs. The server is told its
    digest, from which `trackback trace` leads back.
    """
    from trackback.delivery.image import make_image  # noqa: PLC0415 - heavy, and --help should not be
    from trackback.delivery.images.build import Recipe  # noqa: PLC0415 - as above
    from trackback.delivery.images.references import parse_reference  # noqa: PLC0415 - as above
    from trackback.delivery.subject import resolve  # noqa: PLC0415 - as above

    recipe = Recipe(
        tag=parse_reference(tag),
        base=options["base"],
        output=options["output"],
        interpreter=options["interpreter"],
        constraints=options["constraints"],
        find_links=options["find_links"],
        architecture=options["architecture"],
    )
    with connect(server) as client:
        made = make_image(
            client,
            resolve(client, model),
            recipe,
            trust=None if EVERYTHING in trust else trust,
            push=options["push"],
            load=options["load"] or bool(options["engine"]),
            engine=options["engine"],
            environment=options["environment"],
            say=say,
        )

    def show() -> None:
        click.echo(made.locator)
        how = [f"pushed as {made.reference}"] if made.pushed else []
        how += [f"loaded into {made.loaded} as {made.reference}"] if made.loaded else []
        click.echo(f"{made.subject.label}, {', '.join(how) or f'in {made.image.layout.folder}'}")
        parts = [*made.image.parts, _total(made.image.parts)]
        print_table(
            ("Part", "Packed", "Unpacked"),
            [(name, shown_bytes(packed), shown_bytes(unpacked)) for name, packed, unpacked in parts],
        )
        if made.deployment is None:
            click.echo(
                "The server was not told: an image is kept for an environment, and nothing says which this one is for. "
                "Name it, by --environment, to have `trackback trace` find it.",
                err=True,
            )

    return Outcome(True, made.document(), show)


@click.command(cls=Stage, short_help="Make the base of images: Debian, with its Python.")
@click.argument("target", type=PATH)
@click.option(
    "--suite",
    type=click.Choice(("bookworm", "trixie")),
    default="bookworm",
    show_default=True,
    help="The Debian: bookworm has Python 3.11, trixie 3.13.",
)
@click.option("--mirror", metavar="URL", help="A mirror of Debian, or a file for apt; that of this machine by default.")
@json_option
def base(target: Path, suite: str, mirror: str | None, as_json: bool) -> Outcome:
    """Make a base of Debian, with its Python, as the tar TARGET. mmdebstrap makes it, in about a minute.

    The same packages give the same bytes. SOURCE_DATE_EPOCH is the time that no file is newer than; 1970, if not set.
    """
    from trackback.client.cache import sha256_of  # noqa: PLC0415 - heavy, and --help should not be
    from trackback.delivery.images.debian import make_base  # noqa: PLC0415 - as above

    make_base(target, suite, mirror, int(os.environ.get("SOURCE_DATE_EPOCH") or 0))
    digest, size = sha256_of(target), target.stat().st_size
    document = {"base": str(target), "suite": suite, "sha256": digest, "bytes": size}
    return Outcome(True, document, lambda: click.echo(f"{target}: {shown_bytes(size)}, sha256:{digest}"))


def _total(parts: Any) -> tuple[str, int, int]:
    return "together", sum(each.packed for each in parts), sum(each.unpacked for each in parts)
