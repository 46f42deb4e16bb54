"""Programs that log, run as processes of their own, and what the server has of them."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec

from tests.commands import trackback
from trackback.client.spool.opening import API, RunAnswer
from trackback.client.transport import Transport
from trackback.entities import Metric, Run

START = "import os, signal, sys, threading, time\nimport trackback.tracking.fluent as tb\n"


class History(msgspec.Struct):
    metrics: list[Metric] = []


class Runs(msgspec.Struct):
    runs: list[Run] = []


def begin(program: str, uri: str, spools: Path, **variables: str) -> subprocess.Popen[str]:
    """Start a program that tracks with ``tb``; what it prints is read from its output."""
    env = {**os.environ, "TRACKBACK_TRACKING_URI": uri, "TRACKBACK_SPOOL_DIR": str(spools), **variables}
    return subprocess.Popen(
        [sys.executable, "-c", START + program],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(program: str, uri: str, spools: Path, **variables: str) -> tuple[str, str]:
    """What it printed, and its errors; AssertionError if it failed."""
    process = begin(program, uri, spools, **variables)
    out, err = process.communicate(timeout=100)
    assert process.returncode == 0, err
    return out, err


def sync(uri: str, spools: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "TRACKBACK_TRACKING_URI": uri, "TRACKBACK_SPOOL_DIR": str(spools)}
    return trackback("sync", env=env)


def get_run(transport: Transport, run_id: str) -> Run:
    return transport.call("GET", f"{API}runs/get", {"run_id": run_id}, RunAnswer).run


def all_runs(transport: Transport, experiment: str = "0") -> list[Run]:
    return transport.call("POST", f"{API}runs/search", {"experiment_ids": [experiment]}, Runs).runs


def steps(transport: Transport, run_id: str, key: str = "loss") -> list[int]:
    query = {"run_id": run_id, "metric_key": key, "max_results": 1_000_000}
    history = transport.call("GET", f"{API}metrics/get-history", query, History).metrics
    return [each.step for each in history]
