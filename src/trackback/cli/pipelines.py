"""`trackback deliver init` and `trackback deliver run`."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trackback.cli.deliver import Outcome, Stage, stage_options
from trackback.cli.remote import connect, json_option, print_table, server_option

if TYPE_CHECKING:
    from trackback.delivery.pipelines.running import PipelineRun

SYSTEMS = ("gocd", "github", "gitlab")
TARGETS = ("kubernetes", "systemd", "process")


@click.command(cls=Stage, short_help="Write a pipeline for GoCD, GitHub or GitLab.")
@click.argument("system", type=click.Choice(SYSTEMS))
@click.option("--model", required=True, metavar="NAME", help="The registered model whose promotions it is for.")
@click.option("--environment", default="production", show_default=True, help="Where they lead.")
@click.option("--data", required=True, metavar="PLACE", help="The test set, as `validate` takes it.")
@click.option("--target", required=True, metavar="COLUMN", help="Its column that is to be predicted.")
@click.option("--image", default="", metavar="NAME", help="What images are called; they are pushed if it is said.")
@click.option("--to", type=click.Choice(TARGETS), default="kubernetes", show_default=True, help="What runs the model.")
@click.option("--repository", default="", metavar="URL", help="GoCD: where the code is; that of 'origin' by default.")
@click.option("--package", default="", metavar="ID", help="GoCD: the id of the package that triggers the pipeline.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    metavar="FOLDER",
    help="Where the files go: the root of the repository, the current folder by default.",
)
@click.option("--force", is_flag=True, help="Write the system's own file anew.")
@server_option
@json_option
def init(system: str, server: str | None, as_json: bool, output: Path, force: bool, **options: str) -> Outcome:
    """Write a pipeline of all stages for SYSTEM, gocd, github or gitlab.

    `deliver.yaml` has the stages and `checks.yaml` what a model has to show; if they are there, they stay. The system's
    own file runs one stage of `deliver.yaml` after the other.
    """
    from trackback.delivery.pipelines.file import FILE  # noqa: PLC0415 - only who writes needs it
    from trackback.delivery.pipelines.writing import Wanted, write_pipeline  # noqa: PLC0415 - as above

    with connect(server) as client:
        wanted = Wanted(server=client.tracking_uri, **options)
    written = write_pipeline(system, wanted, output, force=force)

    def show() -> None:
        for path in written:
            click.echo(f"Written: {path}")
        click.echo(f"\nTry it on this machine: trackback deliver run {output / FILE}")

    return Outcome(True, {"files": [str(path) for path in written]}, show)


@click.command(cls=Stage, short_help="Run the stages of a pipeline's file on this machine.")
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=Path("deliver.yaml"), required=False
)
@click.option("--model", metavar="MODEL", help="What is delivered, before what the file and the environment say.")
@click.option("--stage", "only", metavar="NAME", help="Run this stage alone, with its output here, as CI does.")
@click.option("--again", is_flag=True, help="Begin with the first stage, also if some have passed before.")
@click.option(
    "--logs",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the stages' output goes; trackback-reports/logs beside FILE by default.",
)
@stage_options
def run(
    file: Path, model: str | None, only: str | None, again: bool, logs: Path | None, server: str | None, as_json: bool
) -> Outcome:
    """Run the stages of FILE, one after the other, on this machine. The first that fails ends it, with its exit code.

    To run it again goes on there, for the same model. What is delivered is settled once, for all stages.
    """
    from trackback.delivery.pipelines.file import read_pipeline  # noqa: PLC0415 - only who runs one needs it
    from trackback.delivery.pipelines.running import PipelineRun, run_stage  # noqa: PLC0415
    from trackback.delivery.pipelines.table import HEADINGS, cells, live  # noqa: PLC0415
    from trackback.delivery.subject import resolve, triggered  # noqa: PLC0415

    file = file.absolute()
    pipeline = read_pipeline(file)
    with connect(server) as client:
        subject = resolve(client, model or (None if triggered() else pipeline.model))
        logs = logs or file.parent / "trackback-reports" / "logs"
        if only is not None:
            code = run_stage(client, pipeline, file, subject, only, logs)
            return Outcome(code == 0, {"subject": subject.document()}, lambda: None, code)
        work = PipelineRun(client, pipeline, file, subject, logs)
        if sys.stderr.isatty() and not as_json:
            with live(work.runs) as work.changed:
                code = work.run(again=again)
        else:
            work.changed = _told(work)
            code = work.run(again=again)
    document = {"subject": subject.document(), "stages": [each.document() for each in work.runs]}

    def show() -> None:
        if not sys.stderr.isatty():
            print_table(HEADINGS, [cells(each) for each in work.runs])
        click.echo(f"{subject.label}: {'all stages have passed' if not code else 'not delivered'}.")
        failed = next((each for each in work.runs if each.code), None)
        if failed is not None:
            click.echo(f"The output of {failed.stage.name}: {failed.log}", err=True)

    return Outcome(code == 0, document, show, code)


def _told(work: "PipelineRun") -> Callable[[], None]:
    """Says on standard error when a stage begins and how it ends, with what it said, where no table can be shown."""
    from trackback.delivery.pipelines.running import Standing  # noqa: PLC0415 - as above

    seen = {id(each): Standing.WAITING for each in work.runs}

    def changed() -> None:
        for each in work.runs:
            if each.standing is seen[id(each)]:
                continue
            seen[id(each)] = each.standing
            if each.standing in (Standing.PASSED, Standing.FAILED):
                click.echo(each.log.read_text(errors="replace"), err=True, nl=False)
            code = f", exit code {each.code}" if each.code is not None else ""
            click.echo(f"=== {each.stage.name}: {each.standing}{code}", err=True)

    return changed
