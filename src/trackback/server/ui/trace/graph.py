"""What led to what, as a graph: from data sets and commits over runs, versions and promotions to deployments."""

from collections import defaultdict
from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple
from urllib.parse import quote, urlencode

from trackback.entities import (
    AffectedVersion,
    Build,
    Candidate,
    Deployment,
    Impact,
    ModelVersion,
    Promotion,
    Trace,
    TracedModel,
    TracedRun,
    TraceKind,
)
from trackback.server.ui.delivery.build_trains import trains_of

_SHORT = 12


class Lane(IntEnum):
    """From left to right."""

    SOURCES = 0
    RUNS = 1
    VERSIONS = 2
    PROMOTIONS = 3
    BUILDS = 4
    DEPLOYMENTS = 5

    @property
    def title(self) -> str:
        return ("Data and code", "Runs", "Versions", "Promotions", "Builds", "Deployments")[self]


class Node(NamedTuple):
    """``kind`` says what it is, ``state`` how it stands, where that is known; ``href`` leads to its page."""

    lane: Lane
    kind: str
    title: str
    note: str = ""
    href: str = ""
    state: str = ""


class Graph:
    """Nodes by their keys, and edges from cause to effect. What is added twice, is there once."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.edges: dict[tuple[str, str], None] = {}
        self._causes: defaultdict[str, list[str]] = defaultdict(list)
        self._effects: defaultdict[str, list[str]] = defaultdict(list)
        self.asked: set[str] = set()

    def add(self, key: str, node: Node, *causes: str | None) -> str:
        """Add a node, and edges from what led to it; a node that is there already stays as it is."""
        self.nodes.setdefault(key, node)
        for cause in causes:
            if cause is not None and cause != key and (cause, key) not in self.edges:
                self.edges[cause, key] = None
                self._causes[key].append(cause)
                self._effects[cause].append(key)
        return key

    def by_lane(self) -> list[tuple[Lane, list[tuple[str, Node]]]]:
        """The nodes of each lane that has some, from left to right."""
        found = [(lane, [(key, node) for key, node in self.nodes.items() if node.lane is lane]) for lane in Lane]
        return [(lane, members) for lane, members in found if members]

    def causes(self, key: str) -> list[str]:
        return self._causes.get(key, [])

    def effects(self, key: str) -> list[str]:
        return self._effects.get(key, [])


def trace_url(of: str) -> str:
    return f"/trace?{urlencode({'of': of})}"


def version_url(name: str, version: str) -> str:
    return f"/registry/{quote(name, safe='')}/{version}"


def add_trace(graph: Graph, trace: Trace) -> None:
    """All of a chain. What was asked for is marked."""
    run = _add_run(graph, trace.run) if trace.run else None
    version = _add_version(graph, trace.version, run, deleted=trace.deleted) if trace.version else None
    entries = {each.seq: _add_promotion(graph, each, version or run) for each in trace.promotions}
    builds = _add_builds(graph, trace.builds, entries)
    for each in trace.deployments:
        made_by = builds.get(each.build or 0) or entries.get(each.promotion or 0) or version or run
        _add_deployment(graph, each, made_by)
    if trace.kind in (TraceKind.VERSION, TraceKind.DIGEST) and version:
        graph.asked.add(version)
    elif trace.kind in (TraceKind.RUN, TraceKind.MODEL, TraceKind.BLOB, TraceKind.DIGEST) and run:
        graph.asked.add(run)
    elif trace.kind is TraceKind.PROMOTION:
        graph.asked.update(entries.values())
    elif trace.kind is TraceKind.BUILD:
        graph.asked.update(builds.values())
    elif trace.kind is TraceKind.DEPLOYMENT:
        graph.asked.update(f"deployment {each.id}" for each in trace.deployments)


def add_impact(graph: Graph, root: str | None, impact: Impact) -> None:
    """What something, the node ``root``, went into; without one, the versions by themselves."""
    for model in impact.models:
        for each in model.versions:
            _add_affected(graph, root, model.name, each)


def add_source(graph: Graph, kind: TraceKind, name: str) -> str:
    """A data set or commit that was asked for, by its digest, name or first digits; one that is there is marked."""
    for key, node in graph.nodes.items():
        if node.kind == kind.value and (node.title == name or key.startswith(f"{kind.value} {name}")):
            graph.asked.add(key)
            return key
    key = _add_commit(graph, name) if kind is TraceKind.COMMIT else _add_dataset(graph, name, name)
    graph.asked.add(key)
    return key


def add_candidate(graph: Graph, run: Candidate, cause: str) -> str:
    """A run that used something, which a trace names among others."""
    title = run.label.removeprefix("run ").partition(", registered as ")[0]
    return graph.add(f"run {run.x}", Node(Lane.RUNS, "run", title, f"run {run.x[:8]}", f"/runs/{run.x}"), cause)


def add_package(graph: Graph, requirement: str) -> str:
    node = Node(Lane.SOURCES, "package", requirement, "package", trace_url(f"packages/{requirement}"))
    key = graph.add(f"package {requirement}", node)
    graph.asked.add(key)
    return key


def _add_run(graph: Graph, run: TracedRun) -> str:
    node = Node(
        Lane.RUNS, "run", run.run_name or run.run_id, f"{run.run_id[:8]} · {run.experiment_name}", f"/runs/{run.run_id}"
    )
    key = graph.add(f"run {run.run_id}", node)
    known = run.provenance
    for dataset in known.datasets if known else ():
        graph.add(key, node, _add_dataset(graph, dataset.digest, dataset.name))
    if known and known.code and known.code.commit:
        graph.add(key, node, _add_commit(graph, known.code.commit))
    for parent in run.parents:
        graph.add(key, node, _add_run(graph, parent))
    for model in run.source_models:
        graph.add(key, node, _add_model(graph, model))
    return key


def _add_model(graph: Graph, model: TracedModel) -> str:
    made_by = _add_run(graph, model.run) if model.run else None
    if made_by is None and model.source_run_id and f"run {model.source_run_id}" in graph.nodes:
        made_by = f"run {model.source_run_id}"
    title = model.name or model.model_id
    node = Node(Lane.RUNS, "model", title, f"model {model.model_id[:10]}", f"/models/{model.model_id}")
    return graph.add(f"model {model.model_id}", node, made_by)


def _add_dataset(graph: Graph, digest: str, name: str) -> str:
    note = f"data set {digest[:_SHORT]}" if name != digest else "data set"
    node = Node(Lane.SOURCES, "dataset", name, note, trace_url(f"datasets/{digest}"))
    return graph.add(f"dataset {digest}", node)


def _add_commit(graph: Graph, commit: str) -> str:
    node = Node(Lane.SOURCES, "commit", commit[:_SHORT], "commit", trace_url(f"commits/{commit}"))
    return graph.add(f"commit {commit}", node)


def _add_version(graph: Graph, version: ModelVersion, run: str | None, *, deleted: bool) -> str:
    note = "deleted" if deleted else f"sha256 {version.digest[:_SHORT]}" if version.digest else "unverified"
    href = "" if deleted else version_url(version.name, version.version)
    return graph.add(
        _version_key(version.name, version.version),
        Node(Lane.VERSIONS, "version", f"{version.name} {version.version}", note, href),
        run,
    )


def _version_key(name: str, version: str) -> str:
    return f"version {name} {version}"


def _add_promotion(graph: Graph, promotion: Promotion, subject: str | None) -> str:
    environment, href = promotion.environment, f"/promotions/{promotion.seq}"
    node = Node(Lane.PROMOTIONS, "promotion", environment, f"{promotion.kind} · no. {promotion.seq}", href, environment)
    return graph.add(f"promotion {promotion.seq}", node, subject)


def _add_builds(graph: Graph, builds: Iterable[Build], entries: dict[int, str]) -> dict[int, str]:
    """One node for all stages and jobs of a pipeline's run; the keys by the number of each."""
    keys: dict[int, str] = {}
    for train in trains_of(builds):
        reported = [each for stage in train.stages for each in stage.builds]
        reported += [train.whole] if train.whole else []
        stages = f" · {len(train.stages)} stages" if len(train.stages) > 1 else ""
        href = f"/promotions/{train.promotion}#builds"
        node = Node(Lane.BUILDS, "build", train.title, f"{train.result}{stages}", href, train.result.value)
        key = graph.add(f"build {min(each.id for each in reported)}", node, entries.get(train.promotion))
        keys |= {each.id: key for each in reported}
    return keys


def _add_deployment(graph: Graph, deployment: Deployment, made_by: str | None) -> str:
    state = "live" if deployment.ended is None else "ended"
    node = Node(
        Lane.DEPLOYMENTS,
        "deployment",
        (deployment.slot or deployment.locator).removeprefix("https://"),
        f"{state} · {deployment.environment} · {deployment.kind}",
        f"/deployments/{deployment.id}",
        deployment.environment if state == "live" else state,
    )
    return graph.add(f"deployment {deployment.id}", node, made_by)


def _add_affected(graph: Graph, root: str | None, name: str, version: AffectedVersion) -> None:
    run_id = version.run_id
    made_by = root
    for each in dict.fromkeys(filter(None, (version.through, run_id))):
        node = Node(Lane.RUNS, "run", each[:_SHORT], "run", f"/runs/{each}")
        made_by = graph.add(f"run {each}", node, made_by)
    note = "deleted" if version.deleted else f"sha256 {version.digest[:_SHORT]}" if version.digest else "unverified"
    href = "" if version.deleted else version_url(name, version.version)
    key = graph.add(
        _version_key(name, version.version),
        Node(Lane.VERSIONS, "version", f"{name} {version.version}", note, href),
        made_by,
    )
    held = {each: _add_held(graph, key, name, each) for each in version.environments}
    for deployment in version.deployments:
        if f"deployment {deployment.id}" not in graph.nodes:
            _add_deployment(graph, deployment, held.get(deployment.environment, key))


def _add_held(graph: Graph, version: str, name: str, environment: str) -> str:
    """That a version holds an environment, unless its promotion is told already."""
    for effect in graph.effects(version):
        node = graph.nodes[effect]
        if node.kind == "promotion" and node.state == environment:
            return effect
    href = f"/registry/{quote(name, safe='')}"
    node = Node(Lane.PROMOTIONS, "promotion", environment, "in force", href, environment)
    return graph.add(f"held {environment} {version}", node, version)
