"""What a column is like: counts and extremes of all rows; quantiles and frequent values of a sample of them."""

from __future__ import annotations

import math
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from trackback.provenance.datasets.columns import Chunk, Column
from trackback.provenance.secrets import redact

if TYPE_CHECKING:
    from collections.abc import Sequence

SAMPLE = 10_000
"""How many rows are looked at for quantiles, distinct and frequent values: one of each of as many equal stretches."""

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_TOP = 5
_GOLDEN = (math.sqrt(5) - 1) / 2
_TEXT_LENGTH = 100


class ColumnProfile:
    """Grows by chunks, in the order of rows."""

    def __init__(self, column: Column, rows: int) -> None:
        self._column = column
        self._rows = rows
        values = math.prod(column.shape)
        self._chosen = _chosen(rows, max(1, -(-rows * max(values, 1) // SAMPLE)))
        self._missing = 0
        self._numbers: _Numbers | None = None
        self._extremes: tuple[str, str] | None = None
        self._samples: list[Any] = []

    def add(self, chunk: Chunk, start: int, stop: int) -> None:
        """``chunk`` is of the rows from ``start`` to before ``stop``."""
        self._missing += chunk.missing
        if chunk.numbers is not None:
            self._numbers = self._numbers or _Numbers(with_mean=not self._column.shape)
            self._numbers.add(chunk.numbers)
        if chunk.extremes:
            least, most = self._extremes or chunk.extremes
            self._extremes = min(least, chunk.extremes[0]), max(most, chunk.extremes[1])
        first, last = self._chosen.searchsorted((start, stop))
        if chunk.pick and first < last:
            self._samples.append(chunk.pick(self._chosen[first:last] - start))

    def told(self) -> dict[str, Any]:
        """JSON: ``name``, ``missing``, and by the column's type ``min``, ``max``, ``mean``, ``std``, ``quantiles``,
        ``distinct``, ``top``. A number that JSON can't have is None.
        """
        found: dict[str, Any] = {"name": self._column.name, "missing": self._missing}
        if self._numbers:
            found |= self._numbers.told()
            found |= _of_numbers(self._samples)
        elif self._extremes:
            found |= {"min": self._extremes[0], "max": self._extremes[1]}
        elif self._samples:
            found |= _of_values([value for sample in self._samples for value in sample])
        return found


@lru_cache(maxsize=8)
def _chosen(rows: int, step: int) -> Any:
    """A row of each ``step``, in order; by the golden ratio, so that no rhythm of the data is that of the sample."""
    import numpy as np  # noqa: PLC0415 - heavy

    stretches = np.arange(0, rows, step)
    apart = (np.arange(len(stretches)) * _GOLDEN % 1 * step).astype(np.int64)
    return np.minimum(stretches + apart, max(rows - 1, 0))


class _Numbers:
    """Mean and deviation are summed up apart from the first chunk's mean, so that large numbers lose no precision."""

    def __init__(self, with_mean: bool) -> None:
        self._with_mean = with_mean
        self._count = 0
        self._shift: float | None = None
        self._sum = self._squares = 0.0
        self._least: Any = None
        self._most: Any = None

    def add(self, numbers: Any) -> None:
        if not numbers.size:
            return
        least, most = numbers.min(), numbers.max()
        self._least = least if self._least is None or least < self._least else self._least
        self._most = most if self._most is None or most > self._most else self._most
        if self._with_mean:
            self._add_moments(numbers)

    def _add_moments(self, numbers: Any) -> None:
        import numpy as np  # noqa: PLC0415 - heavy

        with np.errstate(all="ignore"):
            if self._shift is None:
                mean = float(numbers.mean(dtype=np.float64))
                self._shift = mean if math.isfinite(mean) else 0.0
            apart = numbers.astype(np.float64)
            apart -= self._shift
            self._sum += float(apart.sum())
            apart *= apart
            self._squares += float(apart.sum())
            self._count += apart.size

    def told(self) -> dict[str, Any]:
        found = {} if self._least is None else {"min": _plain(self._least.item()), "max": _plain(self._most.item())}
        if self._count and self._shift is not None:
            apart = self._sum / self._count
            variance = self._squares / self._count - apart * apart
            found["mean"] = _plain(self._shift + apart)
            found["std"] = _plain(math.sqrt(max(variance, 0.0))) if math.isfinite(variance) else None
        return found


def _of_numbers(samples: Sequence[Any]) -> dict[str, Any]:
    import numpy as np  # noqa: PLC0415 - heavy

    values = np.sort(np.concatenate(samples)) if samples else np.empty(0)
    if not values.size:
        return {}
    with np.errstate(all="ignore"):
        places = np.multiply(QUANTILES, values.size - 1)
        below = values[places.astype(int)].astype(np.float64)
        above = values[np.ceil(places).astype(int)].astype(np.float64)
        quantiles = below + (above - below) * (places % 1)
    return {
        "quantiles": {str(q): _plain(float(value)) for q, value in zip(QUANTILES, quantiles, strict=True)},
        "distinct": 1 + int(np.count_nonzero(values[1:] != values[:-1])),
    }


def _of_values(sample: Sequence[Any]) -> dict[str, Any]:
    """Of texts and others: values that come more than once, cut and without secrets."""
    try:
        counts = Counter(sample)
    except TypeError:  # lists and the like can't be counted
        return {}
    top = [[_shown(value), count] for value, count in counts.most_common(_TOP) if count > 1]
    return {"distinct": len(counts), **({"top": top} if top else {})}


def _shown(value: Any) -> Any:
    if isinstance(value, bool | int):
        return value
    text = redact(value.hex() if isinstance(value, bytes) else str(value))
    return text if len(text) <= _TEXT_LENGTH else f"{text[:_TEXT_LENGTH]}…"


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
