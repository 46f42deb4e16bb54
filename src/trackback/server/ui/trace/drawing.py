"""Where the boxes and lines of a lineage graph are drawn: a lane for each kind of thing, causes left of effects."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from trackback.server.ui.trace.graph import Graph, Lane, Node

BOX_WIDTH, BOX_HEIGHT = 168, 48
COLUMN_GAP, ROW_GAP = 32, 16
MARGIN, TOP = 16, 48
MOST_ROWS = 12
"""Boxes in a column; beyond, the last one says how many more there are, which the list has."""

Column = tuple[Lane, int]


class Box(NamedTuple):
    """``key`` is unique among the boxes; ``number`` names it in the drawing."""

    key: str
    number: int
    node: Node
    x: int
    y: int
    asked: bool


class Line(NamedTuple):
    """From one box, by its number, to another. ``path`` is SVG's."""

    start: int
    end: int
    path: str


class LaneTitle(NamedTuple):
    title: str
    x: int
    width: int


class Drawing(NamedTuple):
    """``left_out`` is how many nodes have no box of their own."""

    width: int
    height: int
    lanes: Sequence[LaneTitle]
    boxes: Sequence[Box]
    lines: Sequence[Line]
    left_out: int


def draw(graph: Graph) -> Drawing:
    """Pixels, from the upper left."""
    columns, stand_ins = _columns(graph)
    order = sorted(columns)
    height = TOP + max((len(keys) for keys in columns.values()), default=1) * (BOX_HEIGHT + ROW_GAP) + MARGIN
    x_of = {column: MARGIN + place * (BOX_WIDTH + COLUMN_GAP) for place, column in enumerate(order)}
    places: dict[str, tuple[int, int]] = {}
    edges = _drawn_edges(graph, stand_ins)
    for column in order:
        keys = _ordered(columns[column], edges, places)
        top = TOP + (height - TOP - MARGIN - len(keys) * (BOX_HEIGHT + ROW_GAP)) // 2
        for row, key in enumerate(keys):
            places[key] = (x_of[column], top + row * (BOX_HEIGHT + ROW_GAP))
    numbers = {key: number for number, key in enumerate(places)}
    return Drawing(
        width=MARGIN + len(order) * (BOX_WIDTH + COLUMN_GAP) - COLUMN_GAP + MARGIN,
        height=height,
        lanes=_lane_titles(order, x_of),
        boxes=[
            Box(key, numbers[key], _node(graph, key, stand_ins), x, y, key in graph.asked)
            for key, (x, y) in places.items()
        ],
        lines=[Line(numbers[one], numbers[other], _path(places[one], places[other])) for one, other in edges],
        left_out=len(stand_ins),
    )


def _columns(graph: Graph) -> tuple[dict[Column, list[str]], dict[str, str]]:
    """The keys of each column, and for nodes that are left out the key of the box that stands for them."""
    depths = _depths(graph)
    whole: dict[Column, list[str]] = {}
    for key, node in graph.nodes.items():
        whole.setdefault((node.lane, depths[key]), []).append(key)
    columns: dict[Column, list[str]] = {}
    stand_ins: dict[str, str] = {}
    for column, keys in whole.items():
        if len(keys) <= MOST_ROWS:
            columns[column] = keys
            continue
        kept = sorted(keys, key=lambda key: key not in graph.asked)[: MOST_ROWS - 1]
        more = f"more {column[0]} {column[1]}"
        stand_ins |= {key: more for key in keys if key not in kept}
        columns[column] = [*kept, more]
    return columns, stand_ins


def _depths(graph: Graph) -> dict[str, int]:
    """How far a node is right of the left end of its lane: as many steps as lead to it within the lane."""
    depths = dict.fromkeys(graph.nodes, 0)
    inner = [(one, other) for one, other in graph.edges if graph.nodes[one].lane == graph.nodes[other].lane]
    for _ in inner:  # as often as the longest chain may have steps: a ring of nodes has no end
        before = dict(depths)
        for one, other in inner:
            depths[other] = max(depths[other], before[one] + 1)
        if depths == before:
            break
    return depths


def _drawn_edges(graph: Graph, stand_ins: Mapping[str, str]) -> list[tuple[str, str]]:
    pairs = ((stand_ins.get(one, one), stand_ins.get(other, other)) for one, other in graph.edges)
    return list(dict.fromkeys((one, other) for one, other in pairs if one != other))


def _ordered(keys: Sequence[str], edges: Sequence[tuple[str, str]], places: Mapping[str, tuple[int, int]]) -> list[str]:
    """By how high their causes lie, so that few lines cross; those without, as they came."""

    def height(key: str) -> float:
        above = [places[one][1] for one, other in edges if other == key and one in places]
        return sum(above) / len(above) if above else 0.0

    return sorted(keys, key=lambda key: (key.startswith("more "), height(key)))


def _node(graph: Graph, key: str, stand_ins: Mapping[str, str]) -> Node:
    if key in graph.nodes:
        return graph.nodes[key]
    hidden = [each for each, box in stand_ins.items() if box == key]
    return Node(graph.nodes[hidden[0]].lane, "more", f"{len(hidden)} more", "in the list below", "#list")


def _lane_titles(order: Sequence[Column], x_of: Mapping[Column, int]) -> list[LaneTitle]:
    titles = []
    for lane in sorted({lane for lane, _ in order}):
        places = [x_of[column] for column in order if column[0] == lane]
        titles.append(LaneTitle(lane.title, places[0], places[-1] - places[0] + BOX_WIDTH))
    return titles


def _path(start: tuple[int, int], end: tuple[int, int]) -> str:
    x1, y1 = start[0] + BOX_WIDTH, start[1] + BOX_HEIGHT // 2
    x2, y2 = end[0], end[1] + BOX_HEIGHT // 2
    bend = max(COLUMN_GAP // 2, (x2 - x1) // 2)
    return f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
