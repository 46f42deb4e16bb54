"""How options are declared: each can also be given in the environment, as TRACKBACK_…, and its help says so."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from trackback.server.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])

DEFAULTS = Settings()


def option(flag: str, field: str, help: str, **attributes: Any) -> Callable[[F], F]:  # noqa: A002 - click's word
    """An option for a field of Settings, from which it has its default."""
    default = getattr(DEFAULTS, field)
    if isinstance(default, tuple):
        default = ",".join(default)
    return click.option(
        flag,
        field,
        help=help,
        default=default,
        envvar="TRACKBACK_" + flag.removeprefix("--").replace("-", "_").upper(),
        show_envvar=True,
        show_default=default != "",
        **attributes,
    )


def backend_store_uri(command: F) -> F:
    return option(
        "--backend-store-uri",
        "backend_store_uri",
        "The database: sqlite:///relative/path, sqlite:////absolute/path, or postgresql://user@host/database.",
        metavar="URI",
    )(command)


def artifacts_destination(command: F) -> F:
    return option(
        "--artifacts-destination",
        "artifacts_destination",
        "Where the server keeps artifacts: a folder, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix.",
        metavar="PLACE",
    )(command)
