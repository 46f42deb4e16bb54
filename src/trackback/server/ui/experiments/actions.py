"""What is done to experiments and to runs that were selected in a table, and the files of runs that are made of one."""

from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from trackback.entities import Actor, Permission
from trackback.errors import InvalidParameter, NotFound, PermissionDenied, TrackbackError
from trackback.limits import check_count, shown
from trackback.server.downloads import content_disposition
from trackback.server.ui.experiments.run_files import FORMATS
from trackback.server.ui.experiments.run_listing import RunListing
from trackback.server.ui.frame.form_data import FormData, page_of
from trackback.server.ui.frame.forms import action, see_other
from trackback.server.ui.frame.rendering import page, render
from trackback.server.ui.frame.routes import acts, shows
from trackback.server.ui.frame.tags import NOTE_TAG
from trackback.server.ui.frame.visitor import visitor
from trackback.services import Services
from trackback.services.run_tables import Query

MOST_SELECTED = 500

EXPERIMENT = "/experiments/{experiment_id}"


@action
async def create_experiment(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    name = form.required("name", "The name")
    number = await services.experiments.create(actor, name, artifact_location=form.get("artifact_location"))
    return see_other(f"/experiments/{number}", f"The experiment {name} was created.")


@action
async def edit_experiment(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    number = request.path_params["experiment_id"]
    name = form.required("name", "The name")
    experiment = await services.experiments.get(actor, number)
    if name != experiment.name:
        await services.experiments.rename(actor, number, name)
    before = next((tag.value for tag in experiment.tags if tag.key == NOTE_TAG), "")
    if (note := form.get("note")) != before:
        await services.experiments.set_tag(actor, number, NOTE_TAG, note)
    return see_other(form.back)


@action
async def delete_experiment(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    number = request.path_params["experiment_id"]
    await services.experiments.delete(actor, number)
    return see_other(f"/experiments/{number}", "The experiment and its runs were deleted. They can be restored here.")


@action
async def restore_experiment(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    number = request.path_params["experiment_id"]
    await services.experiments.restore(actor, number)
    return see_other(f"/experiments/{number}", "The experiment and its runs are back.")


@action
async def delete_runs(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    chosen = await _to_each(form, lambda run: services.runs.delete(actor, run))
    return see_other(_back(form), f"{_counted(chosen)} deleted. Show deleted ones to restore them.")


@action
async def restore_runs(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    chosen = await _to_each(form, lambda run: services.runs.restore(actor, run))
    return see_other(_back(form), f"{_counted(chosen)} restored.")


@page
async def show_tagging(services: Services, actor: Actor, request: Request) -> Response:
    """The form that tags the runs that were selected."""
    experiment = await services.experiments.get(actor, request.path_params["experiment_id"])
    if not visitor().may("write", experiment=experiment.experiment_id):
        raise PermissionDenied(
            f"To tag runs of {shown(experiment.name)} takes the role writer for it, or for everything."
        )
    chosen = check_selected(request.query_params.getlist("run"))
    rows = await services.run_tables.rows(actor, chosen, [])
    if not rows:
        raise NotFound("None of the runs that are to be tagged is here. Select others, in the table of an experiment.")
    return await render(
        "experiments/run_tagging.html",
        experiment=experiment,
        rows=rows,
        then=_opened_from(request, f"/experiments/{experiment.experiment_id}"),
    )


@action
async def tag_runs(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    key, value = form.required("key", "The name of the tag"), form.get("value")
    tags = [(key, value)]
    chosen = await _to_each(form, lambda run: services.run_log.log(actor, run, tags=tags, single=True))
    return see_other(_back(form), f"{_counted(chosen)} tagged {key}={value}.")


@action
async def untag_runs(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    key = form.required("key", "The name of the tag")
    chosen = await _to_each(form, lambda run: services.run_log.delete_tag(actor, run, key))
    return see_other(_back(form), f"The tag {key} was taken from {len(chosen)}.")


@page
async def export_runs(services: Services, actor: Actor, request: Request) -> Response:
    """All runs that the filter matches, or those that were selected, as a file that is written as it is sent."""
    query = request.query_params
    listing = RunListing.of(request)
    if (wanted := FORMATS.get(request.path_params["format"])) is None:
        raise InvalidParameter(f"Runs are exported as {' or '.join(FORMATS)}.")
    experiment = await services.experiments.get(actor, request.path_params["experiment_id"])
    export = await services.run_exports.begin(
        actor,
        experiment.experiment_id,
        Query(listing.filter, listing.order_by, listing.view),
        columns=listing.chosen(),
        run_ids=query.getlist("run"),
    )
    headers = {
        "cache-control": "no-store",
        "content-disposition": content_disposition(f"{experiment.name} runs.{wanted.ending}"),
        "x-content-type-options": "nosniff",
    }
    pieces = wanted.write(export.columns, services.run_exports.pieces(actor, export))
    return StreamingResponse(pieces, headers=headers, media_type=wanted.media_type)


def check_selected(runs: Sequence[str]) -> list[str]:
    chosen = list(dict.fromkeys(runs))
    if not chosen:
        raise InvalidParameter("No run is selected. Select some by the boxes in front of them.")
    check_count(len(chosen), "run", MOST_SELECTED)
    return chosen


async def _to_each(form: FormData, change: Callable[[str], Awaitable[None]]) -> list[str]:
    """One after the other. Where one is refused, the error says how many were changed before it."""
    chosen = check_selected(form.all("run"))
    for done, run in enumerate(chosen):
        try:
            await change(run)
        except TrackbackError as error:
            if done:
                error.message = f"{error.message}\n{done} of the {len(chosen)} runs were changed before this one."
            raise
    return chosen


def _back(form: FormData) -> str:
    """The page that the runs were selected on; of a form in between, the one that it was opened from."""
    return form.then or visitor().url


def _opened_from(request: Request, path: str) -> str:
    """The list of runs that they were selected in, where the browser says so; else that of all."""
    then = page_of(request.headers.get("referer", ""))
    return then if then.partition("?")[0] == path else path


def _counted(chosen: Sequence[str]) -> str:
    return "1 run was" if len(chosen) == 1 else f"{len(chosen)} runs were"


ROUTES = [
    acts("/experiments/create", create_experiment, Permission.WRITE),
    acts(f"{EXPERIMENT}/edit", edit_experiment, Permission.WRITE),
    acts(f"{EXPERIMENT}/delete", delete_experiment, Permission.WRITE),
    acts(f"{EXPERIMENT}/restore", restore_experiment, Permission.WRITE),
    acts(f"{EXPERIMENT}/runs/delete", delete_runs, Permission.WRITE),
    acts(f"{EXPERIMENT}/runs/restore", restore_runs, Permission.WRITE),
    shows(f"{EXPERIMENT}/tag", show_tagging),
    acts(f"{EXPERIMENT}/tag/set", tag_runs, Permission.WRITE),
    acts(f"{EXPERIMENT}/tag/remove", untag_runs, Permission.WRITE),
    shows(f"{EXPERIMENT}/export/{{format}}", export_runs),
]
