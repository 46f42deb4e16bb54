"""Data as columns, which all kinds of it come down to: a frame's, an array, several arrays.

A column is read in chunks of rows, so that no more than a chunk of it is ever copied.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[Any]
    Mask = npt.NDArray[np.bool_]


@dataclass
class Chunk:
    """Some rows of a column, as they are hashed and as they are counted.

    parts: bytes, each with the name of the part of the column that they go on.
    masks: of the column, and of what it is made of if that is lists or structs: name, rows, and which are missing.
    numbers: those of them that are there; None for what is no number.
    missing: how many are not there.
    extremes: the first and the last of moments, as ISO 8601 has them.
    pick: the values of rows with some numbers, those that are there; of numbers an array.
    """

    parts: list[tuple[str, Any]] = field(default_factory=list)
    masks: list[tuple[str, int, Mask | None]] = field(default_factory=list)
    numbers: Array | None = None
    missing: int = 0
    extremes: tuple[str, str] | None = None
    pick: Callable[[Array], Array | Sequence[Any]] | None = None


@dataclass(frozen=True)
class Column:
    """``type`` is a name of docs/reference/capture.md. ``shape`` is that of one row's value: ``()`` for a single one.

    chunk: the rows from a first to before another.
    row_bytes: how long a row is, about.
    scattered: its rows don't lie one behind the other.
    arrow: as ``chunk``, but an Arrow array; None where there is none.
    """

    name: str
    type: str
    chunk: Callable[[int, int], Chunk]
    shape: tuple[int, ...] = ()
    row_bytes: int = 8
    scattered: bool = False
    arrow: Callable[[int, int], Any] | None = None


@dataclass(frozen=True)
class Columns:
    """Columns of equally many rows."""

    rows: int
    columns: tuple[Column, ...]
