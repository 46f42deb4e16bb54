"""Loads a fastText model that trackback has saved, for MLflow's python_function flavor.

trackback puts this file into such models. It needs MLflow, pandas and fastText, and not trackback.
"""

from typing import Any


def _load_pyfunc(path: str) -> "FastTextAdapter":
    import fasttext

    return FastTextAdapter(fasttext.load_model(path))


class FastTextAdapter:
    """A fastText model behind ``predict(data, params)``.

    ``data``: texts, as a list, a series or the first column of a table. A classifier gives a table with the columns
    ``label`` and ``probability``, of the likeliest label; with the param ``k`` above 1, lists of the k likeliest. The
    param ``threshold`` leaves out what is less probable. Word vectors give an array with a row for each text.
    """

    def __init__(self, model: Any) -> None:
        self.model = model

    def predict(self, data: Any, params: "dict[str, Any] | None" = None) -> Any:
        texts = [str(text).replace("\n", " ") for text in _texts(data)]
        if not self.model.f.getArgs().model.name.startswith("sup"):
            return _vectors(self.model, texts)
        return _labels(self.model, texts, **(params or {}))


def _texts(data: Any) -> Any:
    if isinstance(data, str):
        return [data]
    if hasattr(data, "iloc"):
        return (data.iloc[:, 0] if data.ndim > 1 else data).tolist()
    return data.ravel().tolist() if hasattr(data, "ravel") else data


def _vectors(model: Any, texts: "list[str]") -> Any:
    import numpy

    return numpy.stack([model.get_sentence_vector(text) for text in texts])


def _labels(model: Any, texts: "list[str]", k: int = 1, threshold: float = 0.0) -> Any:
    import pandas

    found = [model.f.predict(f"{text}\n", k, threshold, "strict") for text in texts]
    labels = [[label for _, label in each] for each in found]
    probabilities = [[float(probability) for probability, _ in each] for each in found]
    if k == 1:
        first = [each[0] if each else None for each in labels], [each[0] if each else None for each in probabilities]
        return pandas.DataFrame({"label": first[0], "probability": first[1]})
    return pandas.DataFrame({"label": labels, "probability": probabilities})
