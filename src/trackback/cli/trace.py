"""`trackback trace`: the chain from a deployment to the data set as a tree."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from trackback.cli.deployed import content_of, place_of
from trackback.cli.remote import connect, json_option, moment, print_json, server_option
from trackback.entities import (
    Build,
    Deployment,
    Metric,
    ModelVersion,
    Promotion,
    PromotionKind,
    Provenance,
    Trace,
    TracedModel,
    TracedRun,
)

if TYPE_CHECKING:
    from rich.tree import Tree

PACKAGES_SHOWN = 20
_PIPE_WIDTH = 10_000


@click.command()
@click.argument("x")
@click.option("--packages", is_flag=True, help="Show all packages, and not only the first.")
@server_option
@json_option
def trace(x: str, packages: bool, server: str | None, as_json: bool) -> None:
    """Show what X is part of: deployments, builds, promotions, the version, its run, and all that went into it.

    X is an image digest, AMI id, endpoint, build URL, promotion number, version (models:/churn/7), the id of a run or
    of a logged model, the digest of a version or of a file, a git commit, or a data set's digest; also deployments/4,
    builds/9, promotions/12, commits/abc1234, datasets/NAME. Exit code 1 if it is nothing that is known.
    """
    with connect(server) as client:
        found = client.trace(x)
    if as_json:
        print_json(found)
    else:
        _print_tree(_Drawing(packages).of_trace(found))


def _print_tree(tree: "Tree") -> None:
    from rich.console import Console  # noqa: PLC0415 - only who draws trees needs it

    Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False).print(tree)


class _Drawing:
    def __init__(self, all_packages: bool) -> None:
        self._all_packages = all_packages

    def of_trace(self, found: Trace) -> "Tree":
        """Each deployment over its build, over its promotion. Where that is one chain, the version and its run go on
        from there; where there are several, these come after them.
        """
        tree = node = _tree(f"{found.x} ({found.kind})")
        chains = _chains(found)
        for chain in chains:
            node = _draw_chain(tree, chain)
        if len(chains) != 1:
            node = tree
        if found.version:
            node = self._version(node, found.version, found.deleted, with_data=found.run is None)
        if found.run:
            self._run(node, found.run, "run")
        if found.candidates:
            several = _add(tree, "versions of it" if found.run else "which of these?")
            for each in found.candidates:
                _add(several, f"{each.x}: {each.label}")
        if found.truncated:
            _add(tree, "… and more")
        return tree

    def _version(self, node: "Tree", version: ModelVersion, deleted: bool, with_data: bool) -> "Tree":
        named = f"version models:/{version.name}/{version.version}"
        own = _add(node, named + (", deleted" if deleted else ""))
        _add(own, f"digest {version.digest}" if version.digest else "unverified: its files could not be taken in")
        by = f" by {version.user_id}" if version.user_id else ""
        _add(own, f"registered {moment(version.creation_timestamp)}{by}")
        if version.aliases:
            _add(own, f"aliases {', '.join(version.aliases)}")
        if with_data:
            _list(own, "params", (f"{param.name} = {param.value}" for param in version.model_params))
            _list(own, "metrics", map(_metric, version.model_metrics))
        return own

    def _run(self, node: "Tree", run: TracedRun, word: str) -> None:
        by = f" by {run.user_id}" if run.user_id else ""
        own = _add(node, f"{word} {run.run_id} {run.run_name} in {run.experiment_name}: {run.status}{by}")
        _add(own, f"from {moment(run.started)}" + (f" until {moment(run.ended)}" if run.ended else ""))
        _list(own, "params", (f"{param.key} = {param.value}" for param in run.params))
        _list(own, "metrics", map(_metric, run.metrics))
        if run.provenance:
            self._provenance(own, run.provenance)
        for parent in run.parents:
            self._run(own, parent, "parent run")
        for model in run.source_models:
            self._source(own, model)
        if run.truncated:
            _add(own, "… its parents and source models are not shown")

    def _source(self, node: "Tree", model: TracedModel) -> None:
        name = f" {model.name}" if model.name else ""
        source = f" of run {model.source_run_id}" if model.source_run_id and model.run is None else ""
        own = _add(node, f"source model {model.model_id}{name}{source}")
        if model.run:
            self._run(own, model.run, "run")

    def _provenance(self, node: "Tree", known: Provenance) -> None:
        if code := known.code:
            dirty = " with changes that were not committed" if code.dirty else ""
            parts = (code.repository, code.branch, f"commit {code.commit}{dirty}" if code.commit else None)
            _list(node, "code", filter(None, (*parts, code.entry_point)))
        _list(
            node,
            "data sets",
            (
                f"{each.name} {each.digest}{' (weak digest)' if each.weak else ''}"
                f"{f', for {each.context}' if each.context else ''}"
                for each in known.datasets
            ),
        )
        packages = [f"{each.name} {each.version or each.specifier or ''}".strip() for each in known.packages]
        shown = packages if self._all_packages else packages[:PACKAGES_SHOWN]
        rest = [f"… and {len(packages) - len(shown)} more: see --packages"] if len(shown) < len(packages) else []
        _list(node, f"packages ({known.origin})", [*shown, *rest])
        _list(node, "could not be read", known.faults)


_Chain = tuple[Deployment | None, Build | None, Promotion | None]


def _chains(found: Trace) -> list[_Chain]:
    """What was delivered, from its end: deployments, builds without any, promotions without either."""
    builds = {each.id: each for each in found.builds}
    promotions = {each.seq: each for each in found.promotions}
    only = found.promotions[0] if len(found.promotions) == 1 else None
    chains: list[_Chain] = []
    for deployment in found.deployments:
        build = builds.get(deployment.build or 0)
        seq = deployment.promotion or (build.promotion if build else 0)
        chains.append((deployment, build, promotions.get(seq, only)))
    deployed = {build.id for _, build, _ in chains if build}
    chains += [(None, each, promotions.get(each.promotion)) for each in found.builds if each.id not in deployed]
    built = {promotion.seq for _, _, promotion in chains if promotion}
    return [*chains, *((None, None, each) for each in found.promotions if each.seq not in built)]


def _draw_chain(node: "Tree", chain: _Chain) -> "Tree":
    deployment, build, promotion = chain
    if deployment:
        node = _add(node, _deployment(deployment))
    if build:
        node = _add(node, _build(build))
    if promotion:
        node = _add(node, _promotion(promotion))
        _basis(node, promotion)
    return node


def _deployment(each: Deployment) -> str:
    until = f", until {moment(each.ended)}" if each.ended is not None else ", live"
    where = f"{each.kind} {place_of(each)}"
    return (
        f"deployment {each.id}: {content_of(each)} in {each.environment} as {where}, from {moment(each.started)}{until}"
    )


def _build(each: Build) -> str:
    name = "/".join(filter(None, (each.system, each.pipeline, each.counter, each.stage, each.job)))
    return f"build {each.id}: {name} {each.result}, {moment(each.started)}{f', {each.url}' if each.url else ''}"


def _promotion(each: Promotion) -> str:
    way = "out of" if each.kind is PromotionKind.DEMOTED else "to"
    why = f": {each.reason}" if each.reason else ""
    return f"promotion {each.seq}: {each.kind} {way} {each.environment} by {each.actor}, {moment(each.time)}{why}"


def _basis(node: "Tree", entry: Promotion) -> None:
    if entry.unverified:
        _add(node, "unverified")
    for name, value in entry.basis.items():
        if name == "of":
            _add(node, f"as it was at promotion {value}")
        elif name == "passed_over":
            _add(node, f"passed over, as deleted since: promotion {', '.join(map(str, value))}")
        elif isinstance(value, list):
            _list(node, "overrode the policy" if name == "overridden" else name, map(_fact, value))
        else:
            _add(node, f"{name}: {_fact(value)}")


def _fact(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    return ", ".join(f"{name} {each}" for name, each in value.items() if not isinstance(each, dict | list))


def _metric(metric: Metric) -> str:
    return f"{metric.key} = {metric.value:.6g} at step {metric.step}"


def _list(node: "Tree", heading: str, lines: Iterable[str]) -> None:
    if found := list(lines):
        own = _add(node, heading)
        for line in found:
            _add(own, line)


def _tree(line: str) -> "Tree":
    from rich.text import Text  # noqa: PLC0415 - as above
    from rich.tree import Tree  # noqa: PLC0415

    return Tree(Text(line))


def _add(node: "Tree", line: str) -> "Tree":
    from rich.text import Text  # noqa: PLC0415

    return node.add(Text(line))  # as it is: names may hold what rich takes for markup
