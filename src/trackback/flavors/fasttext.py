"""fastText: text classifiers and word vectors. MLflow has no flavor for it, and loads it by a module in the model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trackback.flavors.examples import InputExample
from trackback.flavors.interface import Flavor, Saved, take_options
from trackback.flavors.libraries import needs, reading, writing
from trackback.flavors.mlflow_loaders import CODE, copy_loader
from trackback.flavors.mlflow_loaders.trackback_fasttext_model import FastTextAdapter
from trackback.flavors.mlmodel import file_inside, python_function
from trackback.flavors.trust import Trust

FILE = "model.bin"
ARGUMENTS = (
    "lr",
    "dim",
    "ws",
    "epoch",
    "minCount",
    "minCountLabel",
    "minn",
    "maxn",
    "neg",
    "wordNgrams",
    "loss",
    "bucket",
    "lrUpdateRate",
    "t",
)
"""Of training, which a model has as attributes until it is saved."""
LOADER = "trackback_fasttext_model"


class FastTextFlavor(Flavor):
    """No options. See FastTextAdapter for what it predicts."""

    name = "fasttext"
    packages = ("fasttext",)
    distribution = "fasttext-community"

    def save(
        self, model: Any, directory: Path, options: Mapping[str, Any], example: InputExample | None = None
    ) -> Saved:
        take_options(self.name, options)
        with writing(model):
            model.save_model(str(directory / FILE))
        copy_loader(LOADER, directory)
        return Saved(
            settings={"data": FILE},
            python_function=python_function(LOADER, data=FILE, code=CODE),
            modules=frozenset({"fasttext", "numpy", "pandas"}),
        )

    def params(self, model: Any) -> Mapping[str, object]:
        return {name: getattr(model, name) for name in ARGUMENTS if hasattr(model, name)}

    def load(self, directory: Path, settings: Mapping[str, Any], trust: Trust) -> Any:
        with needs(self.distribution):
            import fasttext
        file = file_inside(directory, settings.get("data"), "data")
        with reading(file):
            return fasttext.load_model(str(file))

    def predict(self, model: Any, data: Any, params: Mapping[str, Any], settings: Mapping[str, Any]) -> Any:
        return FastTextAdapter(model).predict(data, dict(params))
