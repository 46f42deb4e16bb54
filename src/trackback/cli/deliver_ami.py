"""`trackback deliver ami` and `trackback deliver ami prune`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trackback.cli.deliver import Outcome, Stage, stage_options, subject_argument
from trackback.cli.progress import progress_bar
from trackback.cli.remote import connect, print_table

if TYPE_CHECKING:
    from trackback.delivery.ami.pruning import Pruned
    from trackback.delivery.ami.stage import Made

PATH = click.Path(path_type=Path)
_MAKE = "make"


class Amis(click.Group):
    """A word that is no command begins the arguments of `make`, so that `deliver ami MODEL` does what it says."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        is_own = args and (args[0] in self.commands or args[0] in ("-h", "--help"))
        return super().parse_args(ctx, args if is_own else [_MAKE, *args])


_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")


@click.group(cls=Amis, short_help="Make a machine image that scores files, or remove old ones.")
def ami() -> None:
    """Machine images that score what their user data names, and shut down.

    `trackback deliver ami MODEL` is `trackback deliver ami make MODEL`.
    """


@click.command("ami", cls=Stage)
@subject_argument
@click.option(
    "--region",
    metavar="REGION",
    help="Where the AMI is made, such as eu-west-1; AWS_REGION says it, too, where there is no --disk and no --packer.",
)
@click.option(
    "--image",
    metavar="IMAGE",
    help="The model's image: oci:FOLDER:TAG, or one of a registry. By default the one that `trackback deliver image` "
    "made last, by the server's ledger.",
)
@click.option(
    "--expires-in",
    "days",
    type=click.IntRange(min=0),
    default=90,
    show_default=True,
    metavar="DAYS",
    help="After which `trackback deliver ami prune` removes it, unless it is deployed; 0 for never.",
)
@click.option("--environment", help="The environment that it is for, where no promotion says so.")
@click.option("--disk", type=PATH, metavar="FILE", help="Keep the disk's raw image there; without --region, only that.")
@click.option("--packer", type=PATH, metavar="FOLDER", help="Write a template for Packer there, which makes the same.")
@click.option("--mirror", metavar="URL", help="A mirror of Debian, or a file for apt; that of this machine by default.")
@stage_options
def make(model: str | None, server: str | None, as_json: bool, days: int, **options: Any) -> Outcome:
    """Make an AMI of MODEL's image for offline scoring: a bootable disk with the container and a unit that scores.

    The disk is made here, by mmdebstrap and the makers of file systems, written to an EBS snapshot by the EBS direct
    API, and registered with EC2. Without --region, --disk or --packer say what is made.
    """
    from trackback.delivery.ami.stage import Recipe, make_ami  # noqa: PLC0415 - heavy, and --help should not be
    from trackback.delivery.subject import resolve  # noqa: PLC0415

    if not (options["disk"] or options["packer"]):
        options["region"] = options["region"] or next(filter(None, map(os.environ.get, _REGIONS)), None)
    if not (options["region"] or options["disk"] or options["packer"]):
        raise click.UsageError("Say what is to be made: an AMI in a --region, a --disk, or a template for --packer.")
    with connect(server) as client:
        subject = resolve(client, model)
        with progress_bar(subject.label) as progress:
            made = make_ami(
                client,
                subject,
                Recipe(days=days or None, **options),
                progress or (lambda done, total: None),
                lambda text: click.echo(f"… {text}", err=True),
            )
    return Outcome(True, made.document(), lambda: _show_made(made))


@ami.command("prune", cls=Stage)
@click.option("--region", envvar=_REGIONS, metavar="REGION", help="AWS's region, such as eu-west-1, or AWS_REGION.")
@click.option("--dry-run", "dry", is_flag=True, help="Say what would be removed, and remove nothing.")
@stage_options
def prune(server: str | None, as_json: bool, region: str | None, dry: bool) -> Outcome:
    """Remove AMIs whose time is over, and their snapshots: never one that is deployed, by the server's ledger.

    Only AMIs that `trackback deliver ami` made are looked at. Who asks must be allowed to see all deployments: one that
    is not to be seen does not keep an AMI.
    """
    from trackback.delivery.ami.aws import connect_to_aws  # noqa: PLC0415 - heavy, and --help should not be
    from trackback.delivery.ami.pruning import prune as run  # noqa: PLC0415

    if not region:
        raise click.UsageError("Say which region: --region.")
    with connect(server) as client:
        pruned = run(client, connect_to_aws(region), dry=dry)
    return Outcome(True, {"region": region, **pruned.document()}, lambda: _show_pruned(pruned))


ami.add_command(make, _MAKE)


def _show_made(made: "Made") -> None:
    if made.ami is not None:
        there = ", which was there already" if made.known else ""
        click.echo(f"{made.ami.id} in {made.region}: {made.ami.name}{there}")
        if made.deployment is None:
            click.echo(
                "The server was not told: an AMI is for an environment, and nothing says which. Name it, by "
                "--environment, to have `trackback trace` find it, and `prune` keep it.",
                err=True,
            )
    for path in filter(None, (made.disk, made.template)):
        click.echo(path)


def _show_pruned(pruned: "Pruned") -> None:
    rows = [(each.id, each.name, each.expires, "removed") for each in pruned.removed]
    rows += [(each.id, each.name, each.expires, "deployed: kept") for each in pruned.deployed]
    rows += [(each, "", None, "snapshot without an AMI: removed") for each in pruned.orphans]
    if rows:
        print_table(("AMI", "Name", "Expired", "What"), rows)
    gone = "would be removed" if pruned.dry else "removed"
    click.echo(f"{len(pruned.removed)} {gone}, {pruned.kept} kept.")
