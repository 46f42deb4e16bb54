"""`trackback models serve` and `trackback models predict`."""

import json
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from trackback.cli.progress import progress_bar, rows_bar
from trackback.cli.remote import server_option
from trackback.scoring.settings import Settings

if TYPE_CHECKING:
    from trackback.scoring.resolving import Resolver

F = TypeVar("F", bound=Callable[..., Any])

DEFAULTS = Settings(model_uri="")
LOG_LEVELS = ("debug", "info", "warning", "error")
SECONDS = click.FloatRange(min=0, min_open=True)
POSITIVE = click.IntRange(min=1)
EVERYTHING = "all"


def option(flag: str, field: str, help: str, **attributes: Any) -> Callable[[F], F]:  # noqa: A002 - click's word
    """An option for a field of Settings, which can also be given in the environment, as TRACKBACK_SCORING_…."""
    return click.option(
        flag,
        field,
        help=help,
        default=getattr(DEFAULTS, field),
        envvar="TRACKBACK_SCORING_" + flag.removeprefix("--").split("/")[0].replace("-", "_").upper(),
        show_envvar=True,
        show_default=getattr(DEFAULTS, field) not in ("", None, ()),
        **attributes,
    )


def model_option(command: F) -> F:
    return click.option(
        "-m",
        "--model-uri",
        "model_uri",
        required=True,
        metavar="URI",
        help="The model: models:/NAME/VERSION, models:/NAME@ALIAS, runs:/RUN_ID/NAME, or a folder that holds one.",
    )(command)


def trust_option(command: F) -> F:
    return click.option(
        "--trust",
        "trust",
        multiple=True,
        metavar="DIGEST",
        help="The SHA-256 of a pickle that may be loaded, beside those that this user has logged; 'all' for any. A "
        "pickle runs whatever code is in it. May be repeated.",
    )(command)


def wanted_options(command: F) -> F:
    """What of a row is kept, and what of it is predicted: fields of ``Wanted``."""
    for option in reversed(
        (
            click.option(
                "--id",
                "ids",
                multiple=True,
                metavar="COLUMN",
                help="A column that is written beside the predictions; may be repeated. By default, those that the "
                "model's signature does not name.",
            ),
            click.option("--keep-all", is_flag=True, help="Write all columns of the input beside the predictions."),
            click.option(
                "--column",
                default="prediction",
                show_default=True,
                metavar="NAME",
                help="The name of the predictions' column; with a number each, where a row has several.",
            ),
            click.option(
                "--params",
                callback=lambda context, parameter, value: _params(value),
                metavar="JSON",
                help="Params of the predictions, as a JSON object.",
            ),
        )
    ):
        command = option(command)
    return command


@click.command()
@model_option
@option(
    "--follow",
    "follow",
    "Move with the alias: load the version that it comes to stand for, and then let it take over. No request fails.",
    is_flag=True,
)
@option(
    "--follow-every",
    "follow_every_s",
    "Seconds between looks at the alias.",
    type=SECONDS,
    metavar="SECONDS",
)
@trust_option
@server_option
@option("--name", "name", "What /health and /metrics call the model; its URI without this.", metavar="NAME")
@option("--host", "host", "The address to listen on; 0.0.0.0 for all of this machine's.", metavar="ADDRESS")
@option("--port", "port", "The port to listen on; 0 for any that is free.", type=click.IntRange(0, 65535))
@option(
    "--fd",
    "fd",
    "The descriptor of a listening socket that this process is started with, in place of --host and --port.",
    type=click.IntRange(min=0),
    metavar="NUMBER",
)
@option(
    "--standby",
    "standby",
    "Answer on a Unix socket at PATH, and take requests from the address only while there is a file PATH.open.",
    metavar="PATH",
)
@option(
    "--allowed-hosts",
    "allowed_hosts",
    "Names, parted by commas, that clients may call this server by beside those of loopback; * for any. Without it, "
    "a server that listens on loopback answers to loopback's names only, another to all.",
    metavar="NAMES",
    callback=lambda context, parameter, value: _names(value),
)
@option("--workers", "workers", "Processes that hold the model, each with a copy of its own.", type=POSITIVE)
@option(
    "--batch/--no-batch",
    "batch",
    "Whether requests that come while the model is busy are predicted together. By default they are, if its library "
    "predicts each row by itself; never for a Python function.",
)
@option("--max-batch", "max_batch", "How many requests are predicted together at most.", type=POSITIVE)
@option(
    "--max-waiting",
    "max_waiting",
    "How many requests may wait for the model; others are refused with 429.",
    type=POSITIVE,
)
@option("--max-body-bytes", "max_body_bytes", "The largest body that is taken, in bytes.", type=POSITIVE)
@option(
    "--timeout",
    "timeout_s",
    "Seconds after which a request is answered with 504, its wait included.",
    type=SECONDS,
    metavar="SECONDS",
)
@option(
    "--header-deadline",
    "header_deadline_s",
    "Seconds that a client has to send a request's headers.",
    type=SECONDS,
    metavar="SECONDS",
)
@option(
    "--body-deadline",
    "body_deadline_s",
    "Seconds after which a client is cut off that sends nothing more of a body, or takes nothing more of an answer.",
    type=SECONDS,
    metavar="SECONDS",
)
@option(
    "--keep-alive",
    "keep_alive_s",
    "Seconds that a connection without a request is kept open.",
    type=SECONDS,
    metavar="SECONDS",
)
@option(
    "--stop-deadline",
    "stop_deadline_s",
    "Seconds that requests under way have to finish when the server stops.",
    type=SECONDS,
    metavar="SECONDS",
)
@option("--log-level", "log_level", "How much is logged.", type=click.Choice(LOG_LEVELS))
@option("--json-logs", "json_logs", "Log one JSON object a line, and a line for each request.", is_flag=True)
def serve(trust: tuple[str, ...], server: str | None, **values: Any) -> None:
    """Serve a model: POST rows to /invocations, as to MLflow's scoring server, and get predictions.

    An alias is looked up once; with --follow, again and again. Ctrl-C stops the server: requests under way finish.
    """
    settings = Settings(tracking_uri=server, **values)
    from trackback.scoring.early import EarlyWorker  # noqa: PLC0415 - heavy, and --help should not be

    with EarlyWorker(settings, _trusted(trust)) as early:
        from trackback.scoring.serving import run  # noqa: PLC0415 - while the model is being loaded

        with _resolver(settings.model_uri, trust, settings.tracking_uri, settings.name) as resolve:
            run(settings, resolve, early)


@click.command()
@model_option
@click.option(
    "--input",
    "input_path",
    required=True,
    type=click.Path(path_type=Path),
    help="A .csv, .json, .jsonl or .parquet file.",
)
@click.option(
    "--output",
    "output_path",
    required=True,
    type=click.Path(path_type=Path),
    help="A .csv, .jsonl or .parquet file; one that is there is replaced, once all rows are predicted.",
)
@wanted_options
@click.option(
    "--rows",
    "rows_at_once",
    type=POSITIVE,
    default=10_000,
    show_default=True,
    help="How many rows are in memory at once.",
)
@trust_option
@server_option
def predict(
    model_uri: str, server: str | None, input_path: Path, output_path: Path, trust: tuple[str, ...], **options: Any
) -> None:
    """Predict for the rows of a file, and write another with the predictions.

    Nothing is written under the output's name until all rows are predicted. Exit code 1 if the model or the input is
    not as it should be, 2 for wrong options.
    """
    from trackback.scoring.files.predicting import Job, predict_file  # noqa: PLC0415 - heavy, and --help should not be
    from trackback.scoring.predictors import load  # noqa: PLC0415 - as above

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # unwinds, so that no half file is left
    with _resolver(model_uri, trust, server) as resolve:
        found = resolve()
    model = load(found.directory, found.trusted)
    job = Job(input=input_path, output=output_path, **options)
    with rows_bar() as report:
        rows = predict_file(model, job, report)
    click.echo(f"{rows} rows predicted: {output_path}", err=True)


@contextmanager
def _resolver(model_uri: str, trust: tuple[str, ...], server: str | None, name: str = "") -> "Iterator[Resolver]":
    from trackback.client.api import Client  # noqa: PLC0415 - heavy, and --help should not be
    from trackback.scoring.resolving import Resolver  # noqa: PLC0415 - as above

    with Client(server) as client:
        yield Resolver(client, model_uri, _trusted(trust), lambda: progress_bar(model_uri), name)


def _trusted(trust: tuple[str, ...]) -> tuple[str, ...] | None:
    return None if EVERYTHING in trust else trust


def _params(text: str | None) -> Mapping[str, Any] | None:
    if text is None:
        return None
    try:
        params = json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"this is not JSON: {error}") from error
    if not isinstance(params, dict):
        raise click.BadParameter('a JSON object is needed, such as {"threshold": 0.5}')
    return params


def _names(value: str | tuple[str, ...]) -> tuple[str, ...]:
    names = value.split(",") if isinstance(value, str) else value
    return tuple(name.strip() for name in names if name.strip())
