"""Everything that is measured, in the order it is measured in: what loads much comes last."""

from benchmarks.measures import (
    artifacts,
    batch,
    client,
    concurrency,
    footprint,
    gocd,
    history,
    lineage,
    metrics,
    registry,
    runs,
    scoring,
    search,
)
from benchmarks.measures.measure import FULL, QUICK, Context, Figure, Measure, Sizes

__all__ = ["FIGURES", "FULL", "MEASURES", "QUICK", "Context", "Figure", "Measure", "Sizes"]

MEASURES: dict[str, Measure] = {
    measure.name: measure
    for module in (
        footprint,
        metrics,
        concurrency,
        history,
        runs,
        artifacts,
        search,
        registry,
        lineage,
        gocd,
        scoring,
        batch,
        client,
    )
    for measure in module.MEASURES
}

FIGURES: dict[str, Figure] = {figure.key: figure for measure in MEASURES.values() for figure in measure.figures}
