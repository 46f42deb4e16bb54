"""The filter language: text -> syntax tree. It knows no SQL and does no input or output.

    parse_filter("metrics.acc > 0.9 AND params.lr IN ('0.1', '0.01')", RUNS)
    parse_order_by(["min(metrics.loss) DESC", "start_time"], RUNS)

A filter of MLflow's means the same here. Beyond it there are OR, NOT, parentheses, NOT LIKE, lists for every field,
IS NULL for metrics, and the least, greatest and last value of a metric. ``parser`` has the grammar, and the few things
that MLflow lets pass and we do not; ``syntax`` says what a tree means, ``targets`` what can be asked of which entity.
"""

from trackback.search.completion import Place, Wanted, place_in
from trackback.search.errors import InvalidSearch
from trackback.search.order import parse_order_by, parse_order_field
from trackback.search.parser import parse_filter
from trackback.search.spelling import quoted, spelled
from trackback.search.syntax import Aggregate, And, Comparison, Field, Kind, Node, Operator, Or, Order, Value
from trackback.search.targets import EXPERIMENTS, LOGGED_MODELS, MODEL_VERSIONS, REGISTERED_MODELS, RUNS, Target

__all__ = [
    "EXPERIMENTS",
    "LOGGED_MODELS",
    "MODEL_VERSIONS",
    "REGISTERED_MODELS",
    "RUNS",
    "Aggregate",
    "And",
    "Comparison",
    "Field",
    "InvalidSearch",
    "Kind",
    "Node",
    "Operator",
    "Or",
    "Order",
    "Place",
    "Target",
    "Value",
    "Wanted",
    "parse_filter",
    "parse_order_by",
    "parse_order_field",
    "place_in",
    "quoted",
    "spelled",
]
