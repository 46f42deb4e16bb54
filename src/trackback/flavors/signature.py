"""What a model takes and returns: its signature, and how one is inferred from data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trackback.errors import InvalidParameter
from trackback.flavors.inference import infer_params, infer_schema
from trackback.flavors.mlmodel import SignatureText
from trackback.flavors.schema import ParamSpec, Schema, params_from_json, params_to_json


@dataclass(frozen=True)
class ModelSignature:
    """Schemas of a model's inputs and outputs, and the params that its predictions take."""

    inputs: Schema | None = None
    outputs: Schema | None = None
    params: tuple[ParamSpec, ...] | None = None

    def __post_init__(self) -> None:
        if self.inputs is None and self.outputs is None and self.params is None:
            raise InvalidParameter("a signature needs inputs, outputs or params: this one has none")

    def to_dict(self) -> dict[str, str | None]:
        """Each part as JSON in a string, as MLflow's signatures give it."""
        text = self.to_text()
        return {"inputs": text.inputs, "outputs": text.outputs, "params": text.params}

    def to_text(self) -> SignatureText:
        return SignatureText(
            inputs=None if self.inputs is None else self.inputs.to_json(),
            outputs=None if self.outputs is None else self.outputs.to_json(),
            params=None if self.params is None else params_to_json(self.params),
        )

    @classmethod
    def from_text(cls, text: SignatureText) -> "ModelSignature | None":
        """None where the file has a signature with nothing in it. InvalidModel if it can't be understood."""
        if not (text.inputs or text.outputs or text.params):
            return None
        return cls(
            inputs=Schema.from_json(text.inputs) if text.inputs else None,
            outputs=Schema.from_json(text.outputs) if text.outputs else None,
            params=params_from_json(text.params) if text.params else None,
        )


def infer_signature(
    model_input: Any = None, model_output: Any = None, params: Mapping[str, Any] | None = None
) -> ModelSignature:
    """The signature of a model that took ``model_input`` and returned ``model_output``.

    Both may be tables (pandas, polars, Arrow, Spark: columns by name), NumPy arrays and dicts of them (tensors, whose
    first axis may have any length), sparse matrices, dicts, lists of dicts (columns), lists and single values (one
    column without a name). ``params`` are default values, by name.

    Raises InvalidParameter for data of no such kind, or columns of no type that a signature knows.
    """
    return ModelSignature(
        inputs=None if model_input is None else infer_schema(model_input),
        outputs=None if model_output is None else infer_schema(model_output),
        params=infer_params(params) if params else None,
    )
