"""The pages of a version: what it is, how it stands before each environment, and what has become of it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from trackback.entities import Actor, Deployment, ModelVersion, Permission, Verdict
from trackback.errors import NotFound, TrackbackError
from trackback.limits import shown
from trackback.server.ui.delivery.build_trains import is_running, trains_of
from trackback.server.ui.files import file_trees
from trackback.server.ui.files.file_trees import FileTree
from trackback.server.ui.frame.rendering import page, render
from trackback.server.ui.frame.routes import shows
from trackback.server.ui.frame.tags import split_tags
from trackback.server.ui.models.signature_columns import MLMODEL, ModelDescription, describe
from trackback.services import Services, streams
from trackback.services.charts import SYSTEM
from trackback.services.prospects import Outlook
from trackback.services.version_differences import Comparison, Part, VersionName

TABS = ("overview", "changes", "delivery", "provenance", "artifacts")
VERDICTS = 50
BUILDS = 200
DEPLOYMENTS = 50


class Baseline(NamedTuple):
    """A version to compare with; ``why`` says what it is at present."""

    version: str
    why: str


class Shown(NamedTuple):
    """What all pages of a version show. ``may`` are the actor's permissions for the model."""

    version: ModelVersion
    subject: str
    outlook: Outlook
    may: frozenset[Permission]

    @classmethod
    async def of(cls, services: Services, actor: Actor, request: Request) -> "Shown":
        name, number = request.path_params["name"], request.path_params["version"]
        version = await services.model_versions.get(actor, name, number)
        subject = f"models:/{version.name}/{version.version}"
        outlook = await services.prospects.find(actor, subject)
        wanted = (Permission.PROMOTE, Permission.APPROVE, Permission.WRITE, Permission.ADMIN)
        may = frozenset(each for each in wanted if streams.may(actor, each, outlook.stream))
        return cls(version, subject, outlook, may)

    async def render(self, tab: str, request: Request, **values: Any) -> Response:
        server = f"{request.url.scheme}://{request.url.netloc}"
        return await render(f"models/version_{tab}.html", tab=tab, server=server, **self._asdict(), **values)


@page
async def show_version(services: Services, actor: Actor, request: Request) -> Response:
    shown_version = await Shown.of(services, actor, request)
    verdicts = await services.verdicts.search(actor, shown_version.subject, max_results=VERDICTS)
    tags, by_mlflow = split_tags(shown_version.version.tags)
    return await shown_version.render(
        "overview",
        request,
        verdicts=verdicts.items,
        counted=_last_of_each(verdicts.items),
        metrics=[each for each in shown_version.version.model_metrics if not each.key.startswith(SYSTEM)],
        described=await _description(services, actor, shown_version.version),
        tags=tags,
        by_mlflow=by_mlflow,
    )


@page
async def show_part(services: Services, actor: Actor, request: Request) -> Response:
    if (tab := request.path_params["part"]) not in _PARTS:
        raise NotFound(f"A version has no page {shown(tab)}. It has {', '.join(TABS)}.")
    shown_version = await Shown.of(services, actor, request)
    values = await _PARTS[tab](services, actor, request, shown_version)
    status = values.pop("status", 200)
    response = await shown_version.render(tab, request, **values)
    response.status_code = status
    return response


@page
async def show_artifacts(services: Services, actor: Actor, request: Request) -> Response:
    of = await Shown.of(services, actor, request)
    browsed = await file_trees.browse(_tree(services, actor, request), request)
    return file_trees.answer(await of.render("artifacts", request, browsed=browsed), browsed)


@page
async def download(services: Services, actor: Actor, request: Request) -> Response:
    return await file_trees.send(_tree(services, actor, request), request)


@page
async def frame(services: Services, actor: Actor, request: Request) -> Response:
    return await file_trees.frame(_tree(services, actor, request), request)


def _tree(services: Services, actor: Actor, request: Request) -> FileTree:
    return file_trees.of_version(services, actor, request.path_params["name"], request.path_params["version"])


async def _changes(services: Services, actor: Actor, request: Request, of: Shown) -> dict[str, Any]:
    baselines = await _baselines(services, actor, of)
    against = request.query_params.get("against") or (baselines[0].version if baselines else "")
    verdicts = await services.verdicts.search(actor, of.subject, max_results=VERDICTS)
    comparison, problem, status = None, "", 200
    if against:
        name = of.version.name
        try:
            before, after = VersionName(name, against), VersionName(name, of.version.version)
            comparison = await services.version_differences.find(actor, before, after)
        except TrackbackError as error:
            problem, status = error.message, error.status
    return {
        "baselines": baselines,
        "against": against,
        "comparison": comparison,
        "by_part": _by_part(comparison) if comparison else {},
        "problem": problem,
        "status": status,
        "reports": [each for each in _last_of_each(verdicts.items) if _is_delta(each)],
    }


async def _delivery(services: Services, actor: Actor, request: Request, of: Shown) -> dict[str, Any]:
    trace = await services.traces.find(actor, of.subject)
    trains = trains_of(trace.builds)
    return {
        "promotions": trace.promotions[::-1],
        "trains": trains,
        "running": is_running(trains),
        "deployments": sorted(trace.deployments, key=_last_first),
        "truncated": trace.truncated,
    }


async def _provenance(services: Services, actor: Actor, request: Request, of: Shown) -> dict[str, Any]:
    known = await services.version_differences.known(actor, VersionName(of.version.name, of.version.version))
    return {"provenance": known.provenance}


_PARTS = {"changes": _changes, "delivery": _delivery, "provenance": _provenance}


async def _description(services: Services, actor: Actor, version: ModelVersion) -> ModelDescription | None:
    """What its MLmodel says; None where there is none that can be read."""
    if not version.digest:
        return None
    try:
        file = await services.artifacts.open(actor, f"versions/{version.digest}/{MLMODEL}")
        return await describe(file)
    except TrackbackError:
        return None


async def _baselines(services: Services, actor: Actor, of: Shown) -> list[Baseline]:
    """What to compare with: what is live, then what was promoted, the last environment first; then the one before."""
    live = await services.deployments.search(actor, live=True, stream=of.outlook.stream, max_results=DEPLOYMENTS)
    last_first = of.outlook.prospects[::-1]
    found = [
        Baseline(each.version, f"live in {prospect.environment}")
        for prospect in last_first
        for each in live.items
        if each.environment == prospect.environment and each.version
    ]
    found += [
        Baseline(prospect.holder.version, f"promoted to {prospect.environment}")
        for prospect in last_first
        if prospect.holder and prospect.holder.version
    ]
    if before := await _version_before(services, actor, of.version):
        found.append(Baseline(before, "the version before"))
    first: dict[str, Baseline] = {}
    for each in found:
        if each.version != of.version.version:
            first.setdefault(each.version, each)
    return list(first.values())


async def _version_before(services: Services, actor: Actor, version: ModelVersion) -> str:
    quote = '"' if "'" in version.name else "'"
    found = await services.model_versions.search(
        actor,
        max_results=1,
        filter_text=f"name = {quote}{version.name}{quote} AND version_number < {version.version}",
        order_by=("version_number DESC",),
    )
    return found.items[0].version if found.items else ""


def _last_of_each(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The last verdict of each name, which is the one that counts; by name."""
    last = {each.name: each for each in reversed(verdicts)}
    return [last[name] for name in sorted(last)]


def _is_delta(verdict: Verdict) -> bool:
    """Whether what it reports is a comparison with another version, as `trackback deliver delta` makes it."""
    report = verdict.report or {}
    return bool(report) and ("delta" in verdict.name.lower() or "first_release" in report or "against" in report)


def _by_part(comparison: Comparison) -> dict[Part, list[Any]]:
    return {part: [each for each in comparison.differences if each.part is part] for part in Part}


def _last_first(deployment: Deployment) -> tuple[bool, int]:
    return deployment.ended is not None, -deployment.started


ROUTES = [
    shows("/registry/{name}/{version}", show_version),
    shows("/registry/{name}/{version}/artifacts", show_artifacts),
    shows("/registry/{name}/{version}/download", download),
    shows("/registry/{name}/{version}/frame", frame),
    shows("/registry/{name}/{version}/{part}", show_part),
]
