"""What was to be predicted and what was predicted, row by row, in the form that a task's metrics take."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int64]
    Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Classified:
    """``classes`` are labels as people read them; ``truth`` and ``predicted`` are places in them, of shape (rows,).

    probabilities: of each row and class, (rows, classes), float64; None where the model tells none.
    positive: the place of the class that metrics of two classes are about; None where there are more.
    """

    classes: tuple[str, ...]
    truth: Codes
    predicted: Codes
    probabilities: Floats | None = None
    positive: int | None = None

    def take(self, rows: Rows) -> Classified:
        """Some rows, which may come several times."""
        return replace(
            self,
            truth=self.truth[rows],
            predicted=self.predicted[rows],
            probabilities=None if self.probabilities is None else self.probabilities[rows],
        )

    def of_classes(self, classes: tuple[str, ...]) -> Classified:
        """The same with other classes, of which its own are some: so that places mean the same in two cases."""
        import numpy as np  # noqa: PLC0415 - heavy

        places = np.array([classes.index(label) for label in self.classes], dtype=np.int64)
        told = None
        if self.probabilities is not None:
            told = np.zeros((len(self), len(classes)))
            told[:, places] = self.probabilities
        positive = None if self.positive is None or len(classes) != 2 else int(places[self.positive])
        return Classified(classes, places[self.truth], places[self.predicted], told, positive)

    def __len__(self) -> int:
        return len(self.truth)

    @cached_property
    def right(self) -> Any:
        """Whether each row is predicted rightly; bool, (rows,)."""
        return self.truth == self.predicted

    @cached_property
    def score(self) -> Floats | None:
        """The probability of the positive class, (rows,); None where there is none."""
        if self.probabilities is None or self.positive is None:
            return None
        return self.probabilities[:, self.positive]

    @cached_property
    def is_positive(self) -> Any:
        return self.truth == self.positive


@dataclass(frozen=True)
class Estimated:
    """Numbers that were to be predicted and that were, float64, (rows,)."""

    truth: Floats
    predicted: Floats

    def take(self, rows: Rows) -> Estimated:
        return Estimated(self.truth[rows], self.predicted[rows])

    def __len__(self) -> int:
        return len(self.truth)

    @cached_property
    def error(self) -> Floats:
        return self.predicted - self.truth


@dataclass(frozen=True)
class Ranked:
    """How relevant each row is, and by what number it is ranked, float64, (rows,), among those of its ``group``."""

    relevance: Floats
    score: Floats
    group: Codes

    def take(self, rows: Rows) -> Ranked:
        return Ranked(self.relevance[rows], self.score[rows], self.group[rows])

    def __len__(self) -> int:
        return len(self.relevance)


Case = Classified | Estimated | Ranked
