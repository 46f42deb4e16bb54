"""`trackback server`."""

import gc
from typing import Any

import click

from trackback.cli.options import artifacts_destination, backend_store_uri, option
from trackback.server.settings import Settings

LOG_LEVELS = ("debug", "info", "warning", "error")
SECONDS = click.FloatRange(min=0, min_open=True)
BYTES = click.IntRange(min=0)


@click.command()
@backend_store_uri
@artifacts_destination
@option(
    "--default-artifact-root",
    "default_artifact_root",
    "Where clients find the artifacts of new experiments. As it is, they ask the server; with another URI, such as "
    "s3://bucket/prefix, they reach that storage themselves.",
    metavar="URI",
)
@option("--host", "host", "The address to listen on; 0.0.0.0 for all of this machine's.", metavar="ADDRESS")
@option("--port", "port", "The port to listen on; 0 for any that is free.", type=click.IntRange(0, 65535))
@option(
    "--allowed-hosts",
    "allowed_hosts",
    "Names, parted by commas, that clients may call this server by beside those of loopback; * for any. Without it, "
    "a server that listens on loopback answers to loopback's names only, another to all.",
    metavar="NAMES",
    callback=lambda context, parameter, value: _names(value),
)
@option(
    "--auth",
    "auth",
    "Know who asks: users sign in with tokens or passwords, and may do what they have roles for. "
    "`trackback user add NAME --admin` makes the first.",
    is_flag=True,
)
@option(
    "--allow-anonymous",
    "allow_anonymous",
    "Listen beyond loopback without --auth: whoever reaches the server may then read, change and delete everything.",
    is_flag=True,
)
@option(
    "--read-timeout",
    "read_timeout_s",
    "Seconds that a search or another read of the database may take, before it is ended with an error; 0 for any time.",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
)
@option(
    "--environments",
    "environments",
    "Where models are promoted to, parted by commas, in the order that they go through. Staging and Production of "
    "MLflow's stages are the environments of those names.",
    metavar="NAMES",
    callback=lambda context, parameter, value: _names(value),
)
@option(
    "--promotion-rules",
    "promotion_rules",
    "Which tags promote a run, parted by commas: KEY=VALUE for those of any experiment, or "
    "EXPERIMENT_ID:KEY=VALUE->ENVIRONMENT; without an environment it is the first. Empty for none.",
    metavar="RULES",
    callback=lambda context, parameter, value: _names(value),
)
@option(
    "--webhook-allowed-networks",
    "webhook_allowed_networks",
    "Networks that are not public, such as 10.1.0.0/16, but that webhooks may be sent to, also by http; parted by "
    "commas.",
    metavar="NETWORKS",
    callback=lambda context, parameter, value: _names(value),
)
@option(
    "--webhook-history-days",
    "webhook_history_days",
    "Days that it is remembered what webhooks were told.",
    type=click.FloatRange(min=0),
    metavar="DAYS",
)
@option(
    "--gocd-jar",
    "gocd_jar",
    "Where the plugin for GoCD is, which the server offers for download; by default where a checkout builds it.",
    metavar="FILE",
)
@option(
    "--max-json-bytes", "max_json_bytes", "The largest JSON body that is taken, in bytes.", type=click.IntRange(min=1)
)
@option(
    "--max-artifact-bytes",
    "max_artifact_bytes",
    "The largest artifact that is taken, in bytes; 0 for any size.",
    type=BYTES,
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
@option(
    "--refuse-long-values",
    "refuse_long_values",
    "Refuse params and tags that are longer than their limit, which are cut otherwise.",
    is_flag=True,
)
@option("--log-level", "log_level", "How much is logged.", type=click.Choice(LOG_LEVELS))
@option("--json-logs", "json_logs", "Log one JSON object a line, and a line for each request.", is_flag=True)
def server(**values: Any) -> None:
    """Start a tracking server. Ctrl-C stops it: requests under way finish, then the database is closed."""
    settings = Settings(**values)
    gc.disable()  # what is imported stays: looking at it again and again meanwhile takes a tenth of the start
    from trackback.server.serving import run  # noqa: PLC0415 - a server is heavy, and --help should not be

    gc.enable()
    run(settings)


def _names(value: str | tuple[str, ...]) -> tuple[str, ...]:
    names = value.split(",") if isinstance(value, str) else value
    return tuple(name.strip() for name in names if name.strip())
