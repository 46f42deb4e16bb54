"""`trackback deliver score`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from trackback.cli.deliver import Outcome, Stage, stage_options, subject_argument
from trackback.cli.progress import progress_bar, rows_bar
from trackback.cli.remote import connect
from trackback.cli.scoring import EVERYTHING, POSITIVE, trust_option, wanted_options

if TYPE_CHECKING:
    from trackback.delivery.batch.scoring import Done, Engine

ENGINES = ("local", "spark")


@click.command(cls=Stage, short_help="Predict for files of any size, here or on Spark.")
@subject_argument
@click.option(
    "--input",
    "inputs",
    required=True,
    multiple=True,
    metavar="PLACE",
    help="A .parquet or .csv file, or a folder of them; a path, or s3://, gs:// or az://. May be repeated.",
)
@click.option(
    "--output",
    required=True,
    metavar="PLACE",
    help="A .parquet, .csv or .jsonl file; or, with / at its end, a folder of Parquet files. It is there when all rows "
    "are predicted, and until then as it was.",
)
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default="local",
    show_default=True,
    help="What predicts: processes on this machine, or the executors of a Spark cluster.",
)
@wanted_options
@click.option(
    "--version-column",
    default="model_version",
    show_default=True,
    metavar="NAME",
    help="The column that says which version predicted a row, as models:/churn/7.",
)
@click.option(
    "--digest-column",
    default="model_digest",
    show_default=True,
    metavar="NAME",
    help="The column with the digest of that version's files.",
)
@click.option(
    "--rows",
    "rows_at_once",
    type=POSITIVE,
    metavar="NUMBER",
    help="How many rows the model is given at once, in each process; by default as many as 32 MB hold.",
)
@click.option(
    "--workers", type=POSITIVE, metavar="NUMBER", help="Processes of --engine local; by default one a processor."
)
@click.option(
    "--master",
    metavar="URL",
    help="Of --engine spark: the cluster, as spark://host:7077, yarn, k8s://… or local[4]; by default what Spark's own "
    "settings say.",
)
@click.option(
    "--conf", multiple=True, metavar="KEY=VALUE", help="Of --engine spark: a setting of its session. May be repeated."
)
@trust_option
@stage_options
def score(model: str | None, server: str | None, as_json: bool, trust: Sequence[str], **options: Any) -> Outcome:
    """Predict for data of any size, on all processors or a Spark cluster; memory holds a few batches of rows.

    Rows keep their ids, and are told which version predicted them, by its name and digest. A job that was killed and
    is run again goes on where it was: no partition is predicted twice, and none is lost.
    """
    from trackback.delivery.batch.plans import Loading, Stamp  # noqa: PLC0415 - heavy, and --help should not be
    from trackback.delivery.batch.scoring import Job, score as run  # noqa: PLC0415
    from trackback.delivery.record import recorded  # noqa: PLC0415
    from trackback.delivery.subject import resolve  # noqa: PLC0415
    from trackback.delivery.vouched import vouched_files  # noqa: PLC0415
    from trackback.scoring.files.predicting import Wanted  # noqa: PLC0415

    engine = _engine(options)
    with connect(server) as client:
        subject = resolve(client, model)
        with recorded(client, subject, "score", {name: options[name] for name in ("inputs", "output")}) as record:
            with progress_bar(subject.label) as progress:
                local = subject.fetch(client, progress)
            trusted = vouched_files(client, local, None if EVERYTHING in trust else trust)
            job = Job(
                inputs=options["inputs"],
                output=options["output"],
                wanted=Wanted(**{name: options[name] for name in Wanted.__struct_fields__}),
                stamp=Stamp(
                    version=subject.label,
                    digest=subject.digest,
                    version_column=options["version_column"],
                    digest_column=options["digest_column"],
                ),
                rows_at_once=options["rows_at_once"],
            )
            with rows_bar() as report:
                done = run(job, Loading(str(local.path.absolute()), tuple(trusted)), engine, report)
            record.passed = True
    document = {**subject.document(), **_document(done, options["engine"])}
    return Outcome(True, document, lambda: click.echo(_told(done)))


def _engine(options: dict[str, Any]) -> "Engine":
    from trackback.delivery.batch.processes import Processes  # noqa: PLC0415 - heavy, and --help should not be
    from trackback.delivery.batch.spark import Spark  # noqa: PLC0415

    if options["engine"] == "local":
        if options["master"] or options["conf"]:
            raise click.UsageError("--master and --conf are options of --engine spark.")
        return Processes(options["workers"])
    if options["workers"]:
        raise click.UsageError("--workers is an option of --engine local; Spark has --master and --conf.")
    pairs = [text.partition("=") for text in options["conf"]]
    if wrong := next((key for key, mark, _ in pairs if not (key and mark)), None):
        raise click.BadParameter(f"{wrong!r} is to be KEY=VALUE.", param_hint="--conf")
    return Spark(options["master"], {key: value for key, _, value in pairs})


def _document(done: "Done", engine: str) -> dict[str, Any]:
    return {
        "output": done.output,
        "rows": done.rows,
        "partitions": done.partitions,
        "resumed": done.resumed,
        "seconds": done.seconds,
        "engine": engine,
    }


def _told(done: "Done") -> str:
    if not done.partitions and done.rows:
        return f"{done.output} is there already, with {done.rows} rows: this very job has made it."
    before = f"; {done.resumed} of {done.partitions} partitions were there from before" if done.resumed else ""
    return f"{done.rows} rows scored in {done.seconds:.1f} s: {done.output}{before}"
