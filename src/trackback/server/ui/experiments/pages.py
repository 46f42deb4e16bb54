"""The pages of experiments, and of the runs of one: as a table, in groups, and by the row."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from trackback.entities import Actor, Experiment, RunStatus, ViewType
from trackback.errors import InvalidParameter, TrackbackError
from trackback.search import Aggregate, Field, InvalidSearch, Kind, quoted, spelled
from trackback.server.ui.experiments.run_listing import (
    YES,
    RunListing,
    can_be_remembered,
    neighbours,
    remember,
    remembered,
    spellings,
)
from trackback.server.ui.frame.forms import see_other
from trackback.server.ui.frame.listing import SIZES, Listing
from trackback.server.ui.frame.lists import outcome
from trackback.server.ui.frame.path_numbers import parsed_number
from trackback.server.ui.frame.rendering import data, data_source, page, render
from trackback.server.ui.frame.routes import shows
from trackback.server.ui.frame.tags import NOTE_TAG, split_tags
from trackback.services import Services
from trackback.services.experiment_tables import ExperimentRow
from trackback.services.pages import Page
from trackback.services.run_columns import Column, Fact, curve_column, fact_column, field_column, parse_group
from trackback.services.run_groups import MOST_COUNTED, Group
from trackback.services.run_tables import Query, RunRow, Table

TOO_MANY = "These columns are in the link, but they are too many for the browser to remember."
IN_A_ROW = 100
"""How many runs are shown below the one that they are part of, or below the head of their group."""


class Problem(NamedTuple):
    """What was wrong with a filter or an order; ``position`` is the place in the filter, where there is one."""

    message: str
    position: int | None


@page
async def show_experiments(services: Services, actor: Actor, request: Request) -> Response:
    listing = Listing.of(request)
    found = await outcome(
        services.experiments.search(
            actor,
            max_results=listing.rows,
            filter_text=listing.filter,
            order_by=listing.order_by,
            view_type=listing.view,
            page_token=listing.page_token,
        )
    )
    rows: list[ExperimentRow] = []
    if found.page:
        rows = await services.experiment_tables.rows(actor, found.page.items)
    return await render(
        "experiments/experiments.html",
        400 if found.problem else 200,
        listing=listing,
        sizes=SIZES,
        page=found.page,
        problem=found.problem,
        rows=rows,
    )


@page
async def show_runs(services: Services, actor: Actor, request: Request) -> Response:
    experiment = await services.experiments.get(actor, request.path_params["experiment_id"])
    path = f"/experiments/{experiment.experiment_id}"
    listing = RunListing.of(request).at(path)
    if asked := request.query_params.get("remember"):
        listing.chosen()
        kept = listing if asked == YES else replace(listing, columns=(), pin=0)
        response = see_other(kept.url(), "" if can_be_remembered(kept) else TOO_MANY)
        remember(response, request, kept, path)
        return response
    if (known := remembered(request, listing)) != listing:
        return see_other(known.url())
    try:
        if listing.group:
            return await _show_groups(services, actor, experiment, listing)
        table = await _table(services, actor, listing, experiment.experiment_id, listing.query())
    except InvalidParameter as error:
        return await _show(experiment, listing, 400, problem=_problem(error, listing))
    return await _show(experiment, listing, columns=table.columns, table=table)


async def _show_groups(services: Services, actor: Actor, experiment: Experiment, listing: RunListing) -> Response:
    by = parse_group(listing.group)
    columns = listing.chosen()
    if columns is None:
        sample = await _table(services, actor, listing, experiment.experiment_id, listing.query())
        columns = list(sample.columns)
    groups = await services.run_groups.page(
        actor, experiment.experiment_id, by, listing.query(), columns=columns, after=listing.after
    )
    return await _show(experiment, listing, columns=columns, groups=groups, members=_members(listing, groups))


async def _show(
    experiment: Experiment,
    listing: RunListing,
    status: int = 200,
    *,
    columns: Sequence[Column] = (),
    table: Table | None = None,
    groups: Page[Group] | None = None,
    members: Sequence[RunListing | None] = (),
    problem: Problem | None = None,
) -> Response:
    own, by_mlflow = split_tags(experiment.tags)
    return await render(
        "experiments/runs.html",
        status,
        experiment=experiment,
        tags=own,
        note=by_mlflow.get(NOTE_TAG, ""),
        listing=listing,
        sizes=SIZES,
        columns=columns,
        kinds=neighbours(columns),
        spelled=spellings(columns),
        table=table,
        groups=groups,
        members=members,
        most_counted=MOST_COUNTED,
        problem=problem,
        keeps_up=_keeps_up(listing, table) if table else False,
        is_first=bool(table) and not listing.page_token,
    )


@page
async def show_rows(services: Services, actor: Actor, request: Request) -> Response:
    """The rows of some runs as they are now; of those that began since a time; or of the runs in one, or in a group, to
    be put below it. Where nobody has chosen columns, as ``suits`` says, with the names of those that the runs lack.
    """
    query, experiment_id = request.query_params, request.path_params["experiment_id"]
    listing = RunListing.of(request).at(f"/experiments/{experiment_id}")
    if since := query.get("since"):
        listing = listing.narrowed(f"attributes.start_time > {parsed_number(since, 'milliseconds')}")
    columns = listing.chosen() or []
    parent = query.get("parent", "")
    if asked := query.getlist("run"):
        rows: Sequence[RunRow] = await services.run_tables.rows(actor, asked, columns)
        more = None
    else:
        found = await services.run_tables.page(
            actor,
            experiment_id,
            listing.query()._replace(top_only=False, parent=parent),
            columns=columns,
            count_children=bool(parent),
            max_results=IN_A_ROW,
        )
        rows = found.rows.items
        term = f"tags.mlflow.parentRunId = {quoted(parent)}" if parent else ""
        whole = listing.narrowed(term) if term else listing
        more = whole.url() if found.rows.next_page_token else None
    lacking: Sequence[Column] = ()
    if query.get("suits") and rows:
        lacking = await services.run_tables.lacking(actor, [row.info.run_id for row in rows], columns)
    return await render(
        "experiments/run_rows.html",
        listing=listing,
        columns=columns,
        rows=rows,
        depth=_depth(query.get("depth", "")) or (1 if parent else 0),
        more=more,
        lacking=spellings(lacking),
    )


@page
async def show_columns(services: Services, actor: Actor, request: Request) -> Response:
    """The form that chooses columns: a page, or what a dialog on the runs' page shows."""
    experiment = await services.experiments.get(actor, request.path_params["experiment_id"])
    listing = RunListing.of(request).at(f"/experiments/{experiment.experiment_id}")
    columns = listing.chosen()
    if columns is None:
        columns = list((await _table(services, actor, listing, experiment.experiment_id, listing.query())).columns)
    names = await services.run_completion.names(actor, experiment.experiment_id)
    shown_already = set(spellings(columns))
    offered = {
        str(kind): [column for column in _offered(kind, keys) if column.spelled not in shown_already]
        for kind, keys in names.items()
    }
    facts = [column for column in map(fact_column, Fact) if column.spelled not in shown_already]
    return await render(
        "experiments/run_columns.html",
        experiment=experiment,
        listing=listing,
        columns=columns,
        offered={"facts": facts, **{f"{kind}s": found for kind, found in offered.items()}},
        is_part="hx-request" in request.headers,
    )


@data_source
async def show_completions(services: Services, actor: Actor, request: Request) -> Response:
    text = request.query_params.get("text", "")
    at = request.query_params.get("at", "")
    position = int(at) if at.isascii() and at.isdigit() and len(at) < 9 else len(text)
    try:
        found = await services.run_completion.complete(actor, request.path_params["experiment_id"], text, position)
    except InvalidSearch:
        return data({"start": position, "end": position, "candidates": []})
    return data({"start": found.start, "end": found.end, "candidates": [each._asdict() for each in found.candidates]})


async def _table(services: Services, actor: Actor, listing: RunListing, experiment_id: str, query: Query) -> Table:
    return await services.run_tables.page(
        actor,
        experiment_id,
        query,
        columns=listing.chosen(),
        count_children=query.top_only,
        max_results=listing.rows,
        page_token=listing.page_token,
    )


def _offered(kind: Kind, keys: Sequence[str]) -> list[Column]:
    found = []
    for key in keys:
        field = Field(kind, key)
        found.append(field_column(field))
        if kind is Kind.METRIC:
            extremes = (Aggregate.MIN, Aggregate.MAX)
            found.extend(field_column(Field(kind, key, aggregate)) for aggregate in extremes)
            found.append(curve_column(field))
    return found


def _members(listing: RunListing, groups: Page[Group]) -> list[RunListing | None]:
    """The list of the runs of each group by themselves; None where no filter finds them."""
    by = spelled(parse_group(listing.group))
    values = [None if group.is_cut else quoted(group.value) for group in groups.items]
    return [listing.narrowed(f"{by} = {value}") if value is not None else None for value in values]


def _depth(text: str) -> int:
    """In how many others the rows stand; what is no small number is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 3 else 0


def _keeps_up(listing: RunListing, table: Table) -> bool:
    """Whether the page has what may change by itself: runs that go on, or the place where new ones come."""
    goes_on = any(row.info.status in (RunStatus.RUNNING, RunStatus.SCHEDULED) for row in table.rows.items)
    return goes_on or (not listing.page_token and listing.view is not ViewType.DELETED_ONLY)


def _problem(error: TrackbackError, listing: RunListing) -> Problem:
    """The place is told where it is in the filter, and not in an order."""
    at = error.position if isinstance(error, InvalidSearch) and error.text == listing.filter else None
    return Problem(error.message, at)


ROUTES = [
    shows("/", show_experiments),
    shows("/experiments/{experiment_id}", show_runs),
    shows("/experiments/{experiment_id}/rows", show_rows),
    shows("/experiments/{experiment_id}/columns", show_columns),
    shows("/experiments/{experiment_id}/completions", show_completions),
]
