"""From requests to answers: decode, predict, encode.

Requests that came while the model was busy are predicted together, if their rows make one table. When that fails, each
is done alone, so that an error is that of its own request.
"""

import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from trackback.errors import BadRequest, TrackbackError, UnsupportedMediaType
from trackback.limits import shown
from trackback.scoring.answers import encode, jsonable, rows_of
from trackback.scoring.messages import Answer, Question
from trackback.scoring.payloads import Scorable, decode
from trackback.scoring.predictors import Model
from trackback.scoring.tables import Table, join

if TYPE_CHECKING:
    import numpy as np

log = logging.getLogger(__name__)


class ErrorReply(msgspec.Struct, frozen=True):
    error_code: str
    message: str


class Scorer:
    """``batches``: whether requests may be predicted together; by default, as the model's flavor says."""

    def __init__(self, model: Model, batches: bool | None = None) -> None:
        self._model = model
        self.batches = model.row_wise if batches is None else batches

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        answers: list[Answer | None] = [None] * len(questions)
        scorables: dict[int, Scorable] = {}
        for place, question in enumerate(questions):
            try:
                scorables[place] = decode(question.content_type, question.body, self._model.inputs)
            except TrackbackError as error:
                answers[place] = refusal(error)
        for places in self._groups(scorables):
            group = [scorables[place] for place in places]
            found = self._together(group) if len(group) > 1 else None
            for place, answer in zip(places, found or map(self._alone, group), strict=True):
                answers[place] = answer
        return [answer for answer in answers if answer is not None]

    def _groups(self, scorables: dict[int, Scorable]) -> Iterable[list[int]]:
        """Which of them are predicted together."""
        groups: dict[object, list[int]] = {}
        for place, scorable in scorables.items():
            groups.setdefault(self._likeness(scorable) or place, []).append(place)
        return groups.values()

    def _likeness(self, scorable: Scorable) -> tuple[object, ...] | None:
        """Equal for requests that go together; None for one that goes with no other."""
        data = scorable.data
        if not self.batches or scorable.params or scorable.bare:
            return None
        if isinstance(data, Table):
            return data.columns if data.joins(self._model.inputs) else None
        if self._model.inputs.dtypes and hasattr(data, "ndim") and data.ndim and len(data):
            return data.shape[1:], data.dtype.str
        return None

    def _together(self, group: Sequence[Scorable]) -> list[Answer] | None:
        """None if they have to be done one by one."""
        numbers = [len(each.data.rows if isinstance(each.data, Table) else each.data) for each in group]
        try:
            predictions = jsonable(self._predict(_joined([each.data for each in group]), None))
            rows = rows_of(predictions, sum(numbers))
            return None if rows is None else [Answer(200, encode(part)) for part in _parts(rows, numbers)]
        except Exception:  # noqa: BLE001 - whatever the model raises: the one by one that follow tell whose it is
            return None

    def _alone(self, scorable: Scorable) -> Answer:
        try:
            predictions = self._predict(scorable.data, scorable.params)
            return Answer(200, encode(jsonable(predictions), bare=scorable.bare))
        except TrackbackError as error:
            return refusal(error)
        except Exception as error:
            log.warning("the model raised an error", exc_info=True)
            return refusal(
                BadRequest(
                    "Encountered an unexpected error while evaluating the model. Verify that the serialized input "
                    "Dataframe is compatible with the model for inference. "
                    f"{type(error).__name__}: {shown(str(error), 1000)}"
                )
            )

    def _predict(self, data: Any, params: dict[str, Any] | None) -> Any:
        if isinstance(data, Table):
            data = data.frame(self._model.inputs)
        return self._model.predict(data, params)


def refusal(error: TrackbackError) -> Answer:
    """MLflow's error object, or text for what its server answers with text."""
    message = error.message.encode(errors="backslashreplace")
    if isinstance(error, UnsupportedMediaType):
        return Answer(error.status, message, "text/plain; charset=utf-8")
    return Answer(error.status, msgspec.json.encode(ErrorReply(error.code, message.decode())))


def _joined(data: Sequence[Any]) -> "Table | np.ndarray[Any, Any]":
    if isinstance(data[0], Table):
        return join(data)
    import numpy as np  # noqa: PLC0415 - heavy

    return np.concatenate(data)


def _parts(rows: Sequence[Any], numbers: Sequence[int]) -> Iterable[Sequence[Any]]:
    start = 0
    for number in numbers:
        yield rows[start : start + number]
        start += number
