"""How uncertain a figure is: what it would be of other rows of the same kind, drawn with replacement from those there.

Resamples are drawn by NumPy's PCG64 from a seed, the same for all metrics, slices and models: differences are paired.
A slice is measured by its rows of each resample. Intervals are percentiles of the replicates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trackback.delivery.evaluation.cases import Codes, Floats

_MOST_DRAWN = 200_000_000
_FEWEST = 200
_AT_ONCE = 4_000_000  # weights of a chunk: 32 MB

Measure = Callable[[Any], Any]
"""Replicates, (resamples,), of weights, (resamples, rows)."""


@dataclass(frozen=True)
class Bootstrap:
    """``resamples`` are as many as asked for, or fewer, but 200 at least, where rows are so many that they would take
    minutes; ``drawn`` says how many.

    unit_codes: of each row the number of its unit, (rows,), 0 to the number of units; None: each row is one.
    """

    rows: int
    resamples: int
    confidence: float
    seed: int
    unit: str | None = None
    unit_codes: Codes | None = None

    @property
    def drawn(self) -> int:
        """How many resamples there are."""
        return min(self.resamples, max(_FEWEST, _MOST_DRAWN // max(self.rows, 1)))

    def replicates(self, measures: Sequence[Measure]) -> list[Floats]:
        """Of each measure its replicates, of the same resamples."""
        import numpy as np  # noqa: PLC0415 - heavy

        found: list[list[Floats]] = [[] for _ in measures]
        for weights in self._chunks():
            for kept, measure in zip(found, measures, strict=True):
                kept.append(np.asarray(measure(weights), dtype=float))
        return [np.concatenate(each) for each in found]

    def _chunks(self) -> Iterator[Floats]:
        """Weights, float64, (resamples, rows): how often each row is in each of some resamples."""
        import numpy as np  # noqa: PLC0415 - heavy

        generator = np.random.default_rng(self.seed)
        units = self.rows if self.unit_codes is None else int(self.unit_codes.max()) + 1
        size = max(1, _AT_ONCE // max(self.rows, 1))
        for start in range(0, self.drawn, size):
            count = min(size, self.drawn - start)
            drawn = generator.integers(0, units, size=(count, units)) + np.arange(count)[:, None] * units
            weights = np.bincount(drawn.ravel(), minlength=count * units).reshape(count, units).astype(float)
            yield weights if self.unit_codes is None else weights[:, self.unit_codes]

    def interval(self, replicates: Floats) -> tuple[float, float] | None:
        """The percentiles that ``confidence`` lies between; None where most replicates have no value."""
        import numpy as np  # noqa: PLC0415 - heavy

        known = replicates[np.isfinite(replicates)]
        if len(known) < max(2, len(replicates) / 2):
            return None
        aside = (1 - self.confidence) / 2
        low, high = np.quantile(known, [aside, 1 - aside])
        return float(low), float(high)

    def significance(self, differences: Floats) -> float | None:
        """The p-value of no difference, on two sides: twice the share of replicates on the far side of 0."""
        import numpy as np  # noqa: PLC0415 - heavy

        known = differences[np.isfinite(differences)]
        if len(known) < max(2, len(differences) / 2):
            return None
        beyond = min((known <= 0).sum(), (known >= 0).sum())
        return float(min(1.0, 2 * (beyond + 1) / (len(known) + 1)))

    def document(self) -> dict[str, Any]:
        return {
            "method": "percentile",
            "resamples": self.drawn,
            "confidence": self.confidence,
            "seed": self.seed,
            **({"unit": self.unit} if self.unit else {}),
        }
