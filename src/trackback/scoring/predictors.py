"""The model in a directory, as the scorer needs it."""

import gc
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trackback.errors import UntrustedModel
from trackback.flavors import MLmodel, ModelSignature, Predictor, Trust, load_predictor
from trackback.flavors.schema import Schema
from trackback.scoring.inputs import Inputs
from trackback.tracking.trusted import trusted as logged_here

# Models of these libraries predict a row from that row alone, so rows of several requests can be predicted at once. A
# Python function may look at all rows that it is given.
ROW_WISE = frozenset(("sklearn", "xgboost", "lightgbm", "catboost", "fasttext", "keras", "tensorflow", "onnx"))

log = logging.getLogger(__name__)


class Model:
    """``inputs``: what its signature says that it takes. ``row_wise``: whether each row is predicted by itself."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        signature = predictor.signature
        self._params = {param.name for param in signature.params or ()} if signature else set()
        self.inputs = inputs_of(predictor.mlmodel)
        self.row_wise = predictor.flavor.name in ROW_WISE

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> Any:
        """Params that the signature does not have are left out, as by MLflow's server.

        Raises InvalidParameter, which names the column or the param, if ``data`` or ``params`` are not what the
        signature says, and whatever the model raises.
        """
        unknown = sorted(set(params or ()) - self._params)
        if params and unknown:
            log.warning("the model's signature has no params %s: they are left out", ", ".join(unknown))
            params = {name: value for name, value in params.items() if name in self._params}
        return self._predictor.predict(data, params)


def inputs_of(mlmodel: MLmodel) -> Inputs:
    """What a model takes, by its MLmodel file."""
    signature = ModelSignature.from_text(mlmodel.signature) if mlmodel.signature else None
    return Inputs(signature.inputs if signature else None, raw=mlmodel.is_signature_from_type_hint)


def outputs_of(mlmodel: MLmodel) -> Schema | None:
    """What a model predicts, where its signature says it."""
    signature = ModelSignature.from_text(mlmodel.signature) if mlmodel.signature else None
    return signature.outputs if signature else None


def load(directory: str, trusted: Sequence[str] | None) -> Model:
    """``trusted``: the digests of pickles that may be loaded beside those that this user has logged; None for all.

    Raises what ``load_predictor`` raises.
    """
    trust = Trust(everything=True) if trusted is None else Trust.of([*logged_here().digests, *trusted])
    try:
        return Model(load_predictor(Path(directory), trust=trust))
    except UntrustedModel as error:
        raise UntrustedModel(f"{error.message}; here, give the digest as --trust.") from error


def load_to_stay(directory: str, trusted: Sequence[str] | None) -> Model:
    """As ``load``, in a process that is there for this model: the libraries that come with it make a million objects,
    all of which stay, so that garbage is looked for neither meanwhile nor among them later.
    """
    gc.disable()
    try:
        return load(directory, trusted)
    finally:
        gc.freeze()
        gc.enable()
