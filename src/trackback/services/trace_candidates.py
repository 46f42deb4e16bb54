"""What a text was found to name: the parts of one chain, or, of several, candidates to choose from."""

from collections.abc import Sequence
from typing import NamedTuple

from trackback.entities import Candidate, Deployment, TraceKind
from trackback.storage.traces import TracedRunRow, TracedVersionRow

TOLD = 100
"""Deployments, builds, promotions or candidates that an answer tells of."""
VERSIONS_NAMED = 3


class Target(NamedTuple):
    """What was found: rows of what the chain is to be made of. ``whole``: all of the version, or run, is asked for."""

    kind: TraceKind
    deployments: Sequence[int] = ()
    builds: Sequence[int] = ()
    promotions: Sequence[int] = ()
    version: TracedVersionRow | None = None
    run: TracedRunRow | None = None
    candidates: Sequence[Candidate] = ()
    whole: bool = False
    truncated: bool = False


def run_label(row: TracedRunRow, versions: Sequence[TracedVersionRow]) -> str:
    made = ", ".join(f"models:/{each.name}/{each.version}" for each in versions[:VERSIONS_NAMED])
    return f"run {row.name}{f', registered as {made}' if made else ''}"


def one_of_versions(kind: TraceKind, versions: Sequence[TracedVersionRow]) -> Target:
    if len(versions) == 1:
        return Target(kind, version=versions[0], whole=True)
    named = list(map(version_candidate, versions[:TOLD]))
    return Target(kind, candidates=named, truncated=len(versions) > TOLD)


def version_candidate(row: TracedVersionRow) -> Candidate:
    name = f"models:/{row.name}/{row.version}"
    return Candidate(TraceKind.VERSION, name, f"version {row.version} of {row.name}")


def deployment_label(each: Deployment) -> str:
    of = f"models:/{each.name}/{each.version}" if each.name else f"the digest {each.digest}"
    return f"{each.kind} in {each.environment}, of {of}"
