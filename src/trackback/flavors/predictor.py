"""One way to ask any model for predictions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trackback.flavors.enforcement import enforce_inputs
from trackback.flavors.examples import InputExample, read_example
from trackback.flavors.interface import Flavor
from trackback.flavors.mlmodel import MLmodel
from trackback.flavors.nested import enforce_list, enforce_params
from trackback.flavors.signature import ModelSignature


class Predictor:
    """A loaded model behind one ``predict``. ``model`` is the native one, ``mlmodel`` what its directory says of it."""

    def __init__(
        self, loaded: Any, flavor: Flavor, settings: Mapping[str, Any], mlmodel: MLmodel, directory: Path
    ) -> None:
        self.model = flavor.native(loaded)
        self._loaded = loaded
        self.flavor = flavor
        self.mlmodel = mlmodel
        self.signature = ModelSignature.from_text(mlmodel.signature) if mlmodel.signature else None
        self._settings = settings
        self._directory = directory

    @property
    def input_example(self) -> InputExample | None:
        """The example that the model was saved with. InvalidModel if its file is missing or damaged."""
        return read_example(self.mlmodel, self._directory)

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> Any:
        """Predictions for ``data``, in the form that the library gives them.

        ``data``: a table (pandas, polars, Arrow, a dict of columns, a list of rows) for a signature with columns; a
        NumPy array, a sparse matrix or a dict of arrays for one with tensors; whatever the library takes for a model
        without a signature. ``params``: for models whose signature has some; others keep their defaults.

        Raises InvalidParameter, which names the column or the param, where the data is not what the signature says.
        """
        signature = self.signature
        given = dict(params or {}) if signature is None else enforce_params(params, signature.params)
        if signature is not None and signature.inputs is not None:
            by_hints = self.mlmodel.is_signature_from_type_hint
            data = enforce_list(data, signature.inputs) if by_hints else enforce_inputs(data, signature.inputs)
        return self.flavor.predict(self._loaded, data, given, self._settings)
