"""The pages of one run: what was logged, what went into it, and where it has got to. Each part has a URL of its own."""

from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from trackback.entities import Actor, Experiment, Run, RunStatus
from trackback.server.ui.charts.metric_charts import MetricCharts
from trackback.server.ui.files import file_trees
from trackback.server.ui.files.file_trees import allow_previews
from trackback.server.ui.frame.forms import see_other
from trackback.server.ui.frame.rendering import page, render
from trackback.server.ui.frame.routes import shows
from trackback.server.ui.frame.tags import split_tags
from trackback.server.ui.runs import logs, sources
from trackback.server.ui.runs.dataset_tables import shown_datasets
from trackback.services import Services
from trackback.services.charts import SYSTEM
from trackback.services.pages import Page

PARENT_TAG = "mlflow.parentRunId"
UNFINISHED = (RunStatus.RUNNING, RunStatus.SCHEDULED)
FEW = 12
"""So many params, or metrics, are on the overview."""


class ShownRun(NamedTuple):
    """What all pages of a run show."""

    run: Run
    experiment: Experiment
    tags: dict[str, str]
    by_mlflow: dict[str, str]

    @classmethod
    async def of(cls, services: Services, actor: Actor, request: Request) -> "ShownRun":
        run = await services.runs.get(actor, request.path_params["run_id"])
        experiment = await services.experiments.get(actor, run.info.experiment_id)
        return cls(run, experiment, *split_tags(run.data.tags))

    async def render(self, tab: str, **values: Any) -> Response:
        return await render(
            f"runs/{tab}.html",
            tab=tab,
            url=f"/runs/{quote(self.run.info.run_id, safe='')}",
            own_metrics=sum(not each.key.startswith(SYSTEM) for each in self.run.data.metrics),
            unfinished=self.run.info.status in UNFINISHED,
            **self._asdict(),
            **values,
        )


@page
async def show_overview(services: Services, actor: Actor, request: Request) -> Response:
    of = await ShownRun.of(services, actor, request)
    info = of.run.info
    if path := request.query_params.get("path"):  # where files were shown before they had a page
        return see_other(f"/runs/{info.run_id}/artifacts?{urlencode({'path': path})}")
    metrics = [each for each in await services.charts.summary(actor, info.run_id) if not each.key.startswith(SYSTEM)]
    return await of.render(
        "overview",
        few=FEW,
        metrics=metrics[:FEW],
        metrics_in_all=len(metrics),
        models=_models(of.run),
        children=await _children(services, actor, of.run),
        delivered=await services.deliveries.of_run(actor, info.run_id),
        outlook=await services.prospects.find(actor, f"runs:/{info.run_id}"),
    )


@page
async def show_params(services: Services, actor: Actor, request: Request) -> Response:
    of = await ShownRun.of(services, actor, request)
    wanted = request.query_params.get("q", "").strip()
    params = sorted(of.run.data.params, key=lambda each: each.key)
    found = [each for each in params if wanted.casefold() in f"{each.key}\n{each.value}".casefold()]
    return await of.render("params", params=found, q=wanted)


@page
async def show_metrics(services: Services, actor: Actor, request: Request) -> Response:
    return await _charts(services, actor, request, system=False)


@page
async def show_system(services: Services, actor: Actor, request: Request) -> Response:
    return await _charts(services, actor, request, system=True)


async def _charts(services: Services, actor: Actor, request: Request, *, system: bool) -> Response:
    of = await ShownRun.of(services, actor, request)
    metrics = await services.charts.summary(actor, of.run.info.run_id)
    tab = "system" if system else "metrics"
    chosen = [each for each in metrics if each.key.startswith(SYSTEM) is system]
    charts = MetricCharts.of(request, [of.run.info.run_id], chosen, axis="relative" if system else "step")
    return await of.render(tab, charts=charts)


@page
async def show_data(services: Services, actor: Actor, request: Request) -> Response:
    of = await ShownRun.of(services, actor, request)
    known = await services.provenance.get(actor, of.run.info.run_id)
    return await of.render("data", datasets=shown_datasets(of.run.inputs.dataset_inputs, known.datasets))


@page
async def show_code(services: Services, actor: Actor, request: Request) -> Response:
    of = await ShownRun.of(services, actor, request)
    known = await services.provenance.get(actor, of.run.info.run_id)
    kept = await sources.read(file_trees.of_run(services, actor, of.run.info.run_id), known.code)
    response = await of.render("code", code=known.code, parents=known.parents, faults=known.faults, sources=kept)
    return allow_previews(response, kept.notebook)


@page
async def show_environment(services: Services, actor: Actor, request: Request) -> Response:
    of = await ShownRun.of(services, actor, request)
    known = await services.provenance.get(actor, of.run.info.run_id)
    wanted = request.query_params.get("q", "").strip()
    packages = [each for each in known.packages if wanted.casefold() in each.name.casefold()]
    return await of.render(
        "environment", environment=known.environment, packages=packages, in_all=len(known.packages), q=wanted
    )


@page
async def show_logs(services: Services, actor: Actor, request: Request) -> Response:
    of = await ShownRun.of(services, actor, request)
    tree = file_trees.of_run(services, actor, of.run.info.run_id)
    found = await logs.read(tree, request.query_params.get("file", ""))
    response = await of.render("logs", tree=tree, logs=found)
    response.status_code = found.status
    return response


@page
async def show_models(services: Services, actor: Actor, request: Request) -> Response:
    of = await ShownRun.of(services, actor, request)
    delivered = await services.deliveries.of_run(actor, of.run.info.run_id)
    return await of.render("models", models=_models(of.run), delivered=delivered)


@page
async def show_artifacts(services: Services, actor: Actor, request: Request) -> Response:
    of = await ShownRun.of(services, actor, request)
    browsed = await file_trees.browse(file_trees.of_run(services, actor, of.run.info.run_id), request)
    return file_trees.answer(await of.render("artifacts", browsed=browsed), browsed)


@page
async def download(services: Services, actor: Actor, request: Request) -> Response:
    return await file_trees.send(file_trees.of_run(services, actor, request.path_params["run_id"]), request)


@page
async def frame(services: Services, actor: Actor, request: Request) -> Response:
    return await file_trees.frame(file_trees.of_run(services, actor, request.path_params["run_id"]), request)


async def _children(services: Services, actor: Actor, run: Run) -> Page[Run]:
    """The first of the runs that are part of this one."""
    part_of = f"tags.`{PARENT_TAG}` = '{run.info.run_id}'"
    return await services.runs.search(actor, [run.info.experiment_id], filter_text=part_of, max_results=FEW)


def _models(run: Run) -> list[tuple[str, str]]:
    """The logged models that the run made or used, with how."""
    made = [
        (each.model_id, f"made at step {each.step}" if each.step else "made")
        for each in (run.outputs.model_outputs if run.outputs else ())
    ]
    return [*made, *((each.model_id, "used") for each in run.inputs.model_inputs)]


ROUTES = [
    shows("/runs/{run_id}", show_overview),
    shows("/runs/{run_id}/params", show_params),
    shows("/runs/{run_id}/metrics", show_metrics),
    shows("/runs/{run_id}/system", show_system),
    shows("/runs/{run_id}/data", show_data),
    shows("/runs/{run_id}/code", show_code),
    shows("/runs/{run_id}/environment", show_environment),
    shows("/runs/{run_id}/logs", show_logs),
    shows("/runs/{run_id}/models", show_models),
    shows("/runs/{run_id}/artifacts", show_artifacts),
    shows("/runs/{run_id}/download", download),
    shows("/runs/{run_id}/frame", frame),
]
