"""Everything that is measured, in the order it is measured in: what loads much comes last."""

from benchmarks.measures import (
    artifacts,
    charts,
    client,
    comparison_pages,
    concurrency,
    delivery_pages,
    experiment_pages,
    footprint,
    gocd,
    history,
    lineage,
    metrics,
    registry,
    run_pages,
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
        charts,
        runs,
        artifacts,
        search,
        run_pages,
        experiment_pages,
        comparison_pages,
        registry,
        lineage,
        gocd,
        delivery_pages,
        scoring,
        client,
    )
    for measure in module.MEASURES
}

FIGURES: dict[str, Figure] = {figure.key: figure for measure in MEASURES.values() for figure in measure.figures}
