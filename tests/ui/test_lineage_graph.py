"""What a trace becomes as a graph, and where its boxes are drawn."""

from trackback.entities import (
    AffectedModel,
    AffectedVersion,
    Build,
    BuildResult,
    CodeRecord,
    Deployment,
    DeploymentKind,
    Impact,
    ModelVersion,
    ModelVersionStatus,
    Promotion,
    PromotionKind,
    PromotionOrigin,
    Provenance,
    ProvenanceOrigin,
    RunStatus,
    Stage,
    Trace,
    TracedModel,
    TracedRun,
    TraceKind,
    UsedDataset,
)
from trackback.server.ui.trace.drawing import BOX_WIDTH, MOST_ROWS, draw
from trackback.server.ui.trace.graph import Graph, Lane, Node, add_impact, add_source, add_trace

DATA = UsedDataset("customers", "d" * 64, weak=False)
KNOWN = Provenance(ProvenanceOrigin.DOCUMENT, code=CodeRecord(commit="c" * 40), datasets=(DATA,))


def run(run_id: str, *, parents: tuple[TracedRun, ...] = (), models: tuple[TracedModel, ...] = ()) -> TracedRun:
    return TracedRun(
        run_id,
        "train",
        "1",
        "wine",
        "ada",
        RunStatus.FINISHED,
        0,
        provenance=KNOWN,
        parents=parents,
        source_models=models,
    )


def trace(kind: TraceKind, traced: TracedRun) -> Trace:
    """A version that was promoted, built in two stages and deployed."""
    version = ModelVersion(
        "churn", "7", 0, 0, Stage.NONE, ModelVersionStatus.READY, "", run_id=traced.run_id, digest="e" * 64
    )
    promotion = Promotion(
        3,
        "models/1",
        "production",
        PromotionKind.PROMOTED,
        0,
        "ada",
        PromotionOrigin.REQUEST,
        name="churn",
        version="7",
    )
    stages = [
        Build(number, str(number), 3, "gocd", "churn", BuildResult.PASSED, 0, 0, "ci", counter="12", stage=stage)
        for number, stage in ((1, "test"), (2, "deploy"))
    ]
    live = Deployment(
        4,
        "k",
        "production",
        DeploymentKind.ENDPOINT,
        "https://churn",
        "https://churn",
        0,
        0,
        "ci",
        promotion=3,
        build=2,
    )
    return Trace("x", kind, (live,), tuple(stages), (promotion,), version, run=traced)


def graph_of(found: Trace) -> Graph:
    graph = Graph()
    add_trace(graph, found)
    return graph


def titles(graph: Graph, keys: list[str]) -> list[str]:
    return [graph.nodes[key].title for key in keys]


def test_a_chain_leads_from_data_and_commit_to_the_deployment() -> None:
    graph = graph_of(trace(TraceKind.DEPLOYMENT, run("a" * 32)))
    key, way = "deployment 4", []
    while causes := graph.causes(key):
        key = causes[0]
        way.append(graph.nodes[key].title)
    assert way == ["churn 12", "production", "churn 7", "train", "customers"]
    assert graph.asked == {"deployment 4"}


def test_the_stages_of_a_pipelines_run_are_one_box() -> None:
    graph = graph_of(trace(TraceKind.BUILD, run("a" * 32)))
    (build,) = [node for node in graph.nodes.values() if node.lane is Lane.BUILDS]
    assert build.note == "passed · 2 stages"


def test_parents_and_the_models_that_a_run_used_lie_left_of_it_in_its_lane() -> None:
    grandparent = run("1" * 32)
    parent = run("2" * 32, parents=(grandparent,))
    used = TracedModel("m-3", "embedding", "4" * 32, run("4" * 32))
    drawing = draw(graph_of(trace(TraceKind.RUN, run("5" * 32, parents=(parent,), models=(used,)))))
    x_of = {box.key: box.x for box in drawing.boxes}
    assert x_of[f"run {'1' * 32}"] < x_of[f"run {'2' * 32}"] < x_of[f"run {'5' * 32}"]
    assert x_of[f"run {'4' * 32}"] < x_of["model m-3"] < x_of[f"run {'5' * 32}"]


def test_no_two_boxes_overlap_and_every_line_goes_to_the_right() -> None:
    drawing = draw(graph_of(trace(TraceKind.RUN, run("5" * 32, parents=(run("1" * 32), run("2" * 32))))))
    assert len({(box.x, box.y) for box in drawing.boxes}) == len(drawing.boxes)
    x_of = {box.number: box.x for box in drawing.boxes}
    assert all(x_of[line.start] + BOX_WIDTH < x_of[line.end] for line in drawing.lines)
    assert all(box.x >= 0 and box.x + BOX_WIDTH <= drawing.width for box in drawing.boxes)


def test_what_something_went_into_follows_it_by_the_run_that_it_came_through() -> None:
    live = Deployment(
        9, "k", "production", DeploymentKind.OTHER, "somewhere", "", 0, 0, "ci", name="churn", version="8"
    )
    version = AffectedVersion("8", 0, "b" * 32, through="a" * 32, environments=("production",), deployments=(live,))
    graph = Graph()
    root = add_source(graph, TraceKind.DATASET, "customers")
    add_impact(graph, root, Impact(1, (AffectedModel("churn", 1, versions=(version,)),)))
    key, way = root, []
    while effects := graph.effects(key):
        key = effects[0]
        way.append(graph.nodes[key].title)
    assert way == ["a" * 12, "b" * 12, "churn 8", "production", "somewhere"]


def test_a_data_set_that_is_asked_for_by_its_name_or_first_digits_is_the_one_of_the_run() -> None:
    for name in ("customers", "d" * 64):
        graph = graph_of(trace(TraceKind.DATASET, run("a" * 32)))
        assert add_source(graph, TraceKind.DATASET, name) == f"dataset {'d' * 64}"
    assert add_source(graph, TraceKind.COMMIT, "ccccccc") == f"commit {'c' * 40}"


def test_of_more_than_a_column_holds_the_last_box_says_how_many_there_are() -> None:
    graph = Graph()
    for number in range(MOST_ROWS + 5):
        graph.add(f"version {number}", Node(Lane.VERSIONS, "version", f"churn {number}"))
    graph.asked.add(f"version {MOST_ROWS + 4}")
    drawing = draw(graph)
    shown = [box.node.title for box in drawing.boxes]
    assert len(shown) == MOST_ROWS
    assert f"churn {MOST_ROWS + 4}" in shown
    assert shown[-1] == "6 more"
    assert drawing.left_out == 6


def test_a_ring_is_drawn_too() -> None:
    graph = Graph()
    for one, other in (("a", "b"), ("b", "c"), ("c", "a")):
        graph.add(one, Node(Lane.RUNS, "run", one))
        graph.add(other, Node(Lane.RUNS, "run", other), one)
    assert len(draw(graph).boxes) == 3
