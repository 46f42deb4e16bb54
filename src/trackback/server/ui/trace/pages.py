"""The page that shows where something came from and what it went into, from any text that names it."""

import re
from typing import NamedTuple
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response

from trackback.entities import Actor, Impact, Trace, TraceKind
from trackback.errors import InvalidParameter, NotFound, TrackbackError
from trackback.server.ui.frame.addresses import parted
from trackback.server.ui.frame.rendering import page, render
from trackback.server.ui.frame.routes import shows
from trackback.server.ui.trace.drawing import BOX_WIDTH, draw
from trackback.server.ui.trace.graph import Graph, add_candidate, add_impact, add_package, add_source, add_trace
from trackback.services import Services
from trackback.services.impact import Question

_PACKAGES = "packages/"
_REQUIREMENT = re.compile(r"[A-Za-z0-9][\w.-]*==\S+")
_FORWARD = {TraceKind.DATASET: "dataset", TraceKind.COMMIT: "commit"}
_PAGES = (
    (re.compile(r"/runs/([\w-]+)(?:/.*)?"), "runs:/{}"),
    (re.compile(r"/experiments/\d+/runs/([\w-]+)(?:/.*)?"), "runs:/{}"),
    (re.compile(r"/registry/([^/]+)/(\d+)(?:/.*)?"), "models:/{}/{}"),
    (re.compile(r"/models/(m-[\w]+)(?:/.*)?"), "{}"),
    (re.compile(r"/promotions/(\d+)(?:/.*)?"), "promotions/{}"),
    (re.compile(r"/deployments/(\d+)(?:/.*)?"), "deployments/{}"),
)


class Found(NamedTuple):
    """What is known of a text: the chain that it is part of, and a page of what it went into."""

    kind: TraceKind | None
    trace: Trace | None
    impact: Impact | None
    next_page_token: str | None = None


@page
async def show_trace(services: Services, actor: Actor, request: Request) -> Response:
    of = request.query_params.get("of", "").strip()
    if not of:
        return await render("trace/trace.html", of="", found=None, graph=None, drawing=None, problem="")
    try:
        found = await _find(services, actor, _named(of), request.query_params.get("page_token", ""))
    except TrackbackError as error:
        return await render(
            "trace/trace.html", error.status, of=of, found=None, graph=None, drawing=None, problem=error.message
        )
    graph = _graph(_named(of), found)
    return await render(
        "trace/trace.html",
        of=of,
        found=found,
        graph=graph,
        drawing=draw(graph) if graph.nodes else None,
        drawn_candidates=found.trace is not None and found.kind in _FORWARD and _names_runs(found.trace),
        box_width=BOX_WIDTH,
        problem="",
    )


def _named(text: str) -> str:
    """What a page's URL, of this server or another's of its kind, is about; any other text, as it is."""
    if not (text.startswith("/") or "://" in text):
        return text
    parts = parted(text)
    for place in (parts.fragment, parts.path) if parts else ():
        for pattern, form in _PAGES:
            if match := pattern.fullmatch(place.rstrip("/")):
                return form.format(*map(unquote, match.groups()))
    return text


async def _find(services: Services, actor: Actor, of: str, page_token: str) -> Found:
    """Raises NotFound if nothing is known by the text."""
    if package := _package(of):
        forth = await services.impacts.find(actor, Question(package=package), page_token=page_token)
        return Found(None, None, forth.items[0], forth.next_page_token)
    trace = await services.traces.find(actor, of)
    question = _question(of, trace)
    if question is None:
        return Found(trace.kind, trace, None)
    try:
        forth = await services.impacts.find(actor, question, page_token=page_token)
    except (NotFound, InvalidParameter):  # it names several commits, or nothing came of it
        return Found(trace.kind, trace, None)
    return Found(trace.kind, trace, forth.items[0], forth.next_page_token)


def _package(of: str) -> str:
    if of.startswith(_PACKAGES):
        return of.removeprefix(_PACKAGES)
    return of if _REQUIREMENT.fullmatch(of) else ""


def _question(of: str, trace: Trace) -> Question | None:
    """What is asked about what comes of it; of what has a version, the chain says that already."""
    if field := _FORWARD.get(trace.kind):
        return Question(**{field: _source_name(trace.kind, of)})
    if trace.kind in (TraceKind.RUN, TraceKind.MODEL, TraceKind.BLOB) and trace.run:
        return Question(run=trace.run.run_id)
    return None


def _source_name(kind: TraceKind, of: str) -> str:
    return of.removeprefix(f"{kind.value}s/").removeprefix("sha256:")


def _names_runs(trace: Trace) -> bool:
    """Whether there are several runs that used a data set or a commit, and nothing else to choose from."""
    return all(each.kind is TraceKind.RUN for each in trace.candidates)


def _graph(of: str, found: Found) -> Graph:
    graph = Graph()
    root = None
    if found.trace:
        add_trace(graph, found.trace)
        root = f"run {found.trace.run.run_id}" if found.trace.run else None
    if package := _package(of):
        root = add_package(graph, package)
    elif found.kind in _FORWARD:
        root = add_source(graph, found.kind, _source_name(found.kind, of))
    if root and found.trace and found.kind in _FORWARD and _names_runs(found.trace):
        for each in found.trace.candidates:
            add_candidate(graph, each, root)
    if found.impact:
        add_impact(graph, root, found.impact)
    return graph


ROUTES = [shows("/trace", show_trace)]
