"""`trackback deliver validate` and `delta`."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from trackback.cli.deliver import Outcome, Stage, say, stage_options, subject_argument
from trackback.cli.progress import progress_bar
from trackback.cli.remote import connect, print_table
from trackback.cli.scoring import SECONDS

if TYPE_CHECKING:
    from trackback.delivery.evaluation.checks import Checked
    from trackback.delivery.evaluation.delta import Delta
    from trackback.delivery.evaluation.validation import Measuring, Validation

F = TypeVar("F", bound=Callable[..., Any])

TASKS = ("classification", "regression", "ranking", "text-classification")
_REQUIRED = re.compile(r"\s*(.+?)\s*(>=|<=)\s*([-+0-9.eE]+)\s*")
_REPORTS = "trackback-reports"
_MOST_SHOWN = 24


def _measuring(command: F) -> F:
    """The options of both."""
    for option in reversed(
        (
            click.option(
                "--data",
                required=True,
                metavar="PLACE",
                help="The test set: a .parquet, .csv, .jsonl or .json file, or the digest of a data set that the "
                "server keeps.",
            ),
            click.option("--target", metavar="COLUMN", help="What is to be predicted; or 'target' in the spec."),
            click.option(
                "--spec",
                "spec_file",
                type=click.Path(exists=True, dir_okay=False, path_type=Path),
                help="A YAML file that says what the model is measured by, and what it has to show.",
            ),
            click.option("--task", type=click.Choice(TASKS), help="What kind of task it is; found out by default."),
            click.option("--id", metavar="COLUMN", help="What rows are called in the report."),
            click.option("--group", metavar="COLUMN", help="Of a ranking: what rows are ranked among."),
            click.option(
                "--isolated",
                is_flag=True,
                help="Load the model in a clean environment: a new one with just what its requirements.txt says.",
            ),
            click.option(
                "--timeout",
                "timeout_s",
                type=SECONDS,
                default=3600.0,
                show_default=True,
                metavar="SECONDS",
                help="What the model may take to load and to predict; one that takes longer has failed.",
            ),
            click.option(
                "--report",
                "reports",
                type=click.Path(file_okay=False, path_type=Path),
                default=Path(_REPORTS),
                show_default=True,
                help="The folder that gets the report: as HTML, Markdown and JSON.",
            ),
            click.option("--no-verdict", is_flag=True, help="Tell the server nothing."),
            click.option(
                "--trust",
                multiple=True,
                metavar="DIGEST",
                help="The SHA-256 of a pickle that may be loaded, beside those that this user has logged; 'all' for "
                "any. May be repeated.",
            ),
        )
    ):
        command = option(command)
    return command


@click.command(cls=Stage, short_help="Measure a model on a test set, for a verdict.")
@subject_argument
@_measuring
@click.option(
    "--require",
    "required",
    multiple=True,
    metavar="CHECK",
    help="A check beside those of the spec, such as 'accuracy>=0.9' or 'root_mean_squared_error<=3'. May be repeated.",
)
@click.option("--verdict", default="validation", show_default=True, metavar="NAME", help="What the verdict is called.")
@stage_options
def validate(model: str | None, server: str | None, required: tuple[str, ...], verdict: str, **options: Any) -> Outcome:
    """Measure MODEL on a test set, and hold it against what it has to show.

    The verdict is on the files' digest, with metrics, their intervals, slices and checks as its report.
    """
    from trackback.delivery.evaluation.reports import page, validated  # noqa: PLC0415 - heavy, --help should not be
    from trackback.delivery.evaluation.validation import report, validate as run  # noqa: PLC0415 - as above
    from trackback.delivery.record import recorded  # noqa: PLC0415 - as above
    from trackback.delivery.subject import resolve  # noqa: PLC0415 - as above

    folder, silent = options.pop("reports"), options.pop("no_verdict")
    job = _job(options, tuple(_check(each) for each in required))
    job.spec()
    with connect(server) as client:
        subject = resolve(client, model)
        if silent:
            with progress_bar(subject.label) as progress:
                found = run(client, subject, job, verdict, progress)
            files = page.write_reports(validated.page(found), folder, "validation")
        else:
            with recorded(client, subject, "validate", {**job.inputs(), "verdict": verdict}) as record:
                with progress_bar(subject.label) as progress:
                    found = run(client, subject, job, verdict, progress)
                files = page.write_reports(validated.page(found), folder, "validation")
                report(found, record)
    document = {**found.document(), "reports": [str(each) for each in files]}
    return Outcome(found.passed, document, lambda: _show_validation(found, files))


@click.command(cls=Stage, short_help="Compare a model with what is deployed, for a verdict.")
@subject_argument
@click.option(
    "--against",
    required=True,
    metavar="WHICH",
    help="What it is compared with: an environment, for what is deployed there now; 'previous', for what was there "
    "before; or a model's URI.",
)
@_measuring
@click.option("--verdict", default="delta", show_default=True, metavar="NAME", help="What the verdict is called.")
@stage_options
def delta(model: str | None, server: str | None, against: str, verdict: str, **options: Any) -> Outcome:
    """Compare MODEL with what is there, on the same test set: figures, predictions, inputs, size and latency.

    Where nothing is deployed yet, it is a first release: it passes, and says so.
    """
    from trackback.delivery.evaluation.delta import delta as run, report  # noqa: PLC0415 - heavy, --help should not be
    from trackback.delivery.evaluation.reports import differing, page  # noqa: PLC0415 - as above
    from trackback.delivery.record import recorded  # noqa: PLC0415 - as above
    from trackback.delivery.subject import resolve  # noqa: PLC0415 - as above

    folder, silent = options.pop("reports"), options.pop("no_verdict")
    job = _job(options)
    job.spec()
    with connect(server) as client:
        subject = resolve(client, model)
        if silent:
            found = run(client, subject, against, job, verdict)
            files = page.write_reports(differing.page(found), folder, "delta")
        else:
            inputs = {**job.inputs(), "verdict": verdict, "against": against}
            with recorded(client, subject, "delta", inputs) as record:
                found = run(client, subject, against, job, verdict)
                files = page.write_reports(differing.page(found), folder, "delta")
                report(found, record)
    document = {**found.document(), "reports": [str(each) for each in files]}
    return Outcome(found.passed, document, lambda: _show_delta(found, files))


def _job(options: dict[str, Any], further: tuple[Any, ...] = ()) -> "Measuring":
    from trackback.delivery.evaluation.validation import Measuring  # noqa: PLC0415 - heavy, and --help should not be

    said = {name: options[name] for name in ("target", "task", "id", "group") if options[name] is not None}
    how = {name: options[name] for name in ("trust", "isolated", "timeout_s")}
    return Measuring(options["data"], options["spec_file"], said, further, **how, say=say)


def _check(text: str) -> Any:
    from trackback.delivery.evaluation.check_kinds import MetricCheck  # noqa: PLC0415 - as above

    match = _REQUIRED.fullmatch(text)
    try:
        assert match is not None
        limit = float(match[3])
    except (AssertionError, ValueError):
        raise click.BadParameter(f"{text!r} is no check: write a metric, >= or <=, and a number.") from None
    return MetricCheck(match[1], min=limit) if match[2] == ">=" else MetricCheck(match[1], max=limit)


def _show_validation(found: "Validation", files: list[Path]) -> None:
    from trackback.delivery.evaluation.reports.validated import cells  # noqa: PLC0415 - as above

    click.echo(found.sentence())
    if found.parts:
        click.echo()
        figures = list(found.parts[0].figures.items())
        shown = [(name, *cells(figure)) for name, figure in figures[:_MOST_SHOWN]]
        print_table(("METRIC", "VALUE", "LOW", "HIGH"), shown)
        _show_rest(len(figures), len(found.parts) - 1)
    _show_checks(found.checks)
    _show_files(files)


def _show_delta(found: "Delta", files: list[Path]) -> None:
    from trackback.delivery.evaluation.reports.differing import difference_cells  # noqa: PLC0415 - as above

    click.echo(found.sentence())
    if found.parts:
        click.echo()
        differences = list(found.parts[0].differences.items())
        rows = [(name, *difference_cells(each)) for name, each in differences[:_MOST_SHOWN]]
        print_table(("METRIC", "BEFORE", "NOW", "CHANGE", "LOW", "HIGH", "P", ""), rows)
        _show_rest(len(differences), len(found.parts) - 1)
    _show_checks(found.checks)
    _show_files(files)


def _show_rest(metrics: int, slices: int) -> None:
    """What of the figures is in the report only."""
    further = [f"{metrics - _MOST_SHOWN} more metrics"] if metrics > _MOST_SHOWN else []
    further += [f"{slices} slices"] if slices else []
    if further:
        click.echo(f"{' and '.join(further)} in the report")


def _show_checks(checks: "tuple[Checked, ...]") -> None:
    click.echo()
    rows = [("passed" if each.passed else "FAILED", each.check, each.found) for each in checks]
    print_table(("CHECK", "WHAT HAS TO BE SO", "WHAT IS"), rows)


def _show_files(files: list[Path]) -> None:
    click.echo(f"\nReport: {files[0]}", err=True)
