"""`mlflow server` with the arguments given, but in this process instead of one that it starts."""

import os
import sys
from collections.abc import Mapping
from typing import Any

import mlflow.cli
import mlflow.server
import uvicorn


def serve(command: list[str], extra_env: Mapping[str, str], **how: Any) -> None:
    """``command``: what MLflow would run: Python, -m, uvicorn, and its arguments."""
    os.environ.update(extra_env)
    uvicorn.main(command[3:])


mlflow.server._exec_cmd = serve
mlflow.cli.cli(["server", *sys.argv[1:]])
