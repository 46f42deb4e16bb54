"""Keras 3, on any of its backends."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trackback.errors import InvalidModel, InvalidParameter
from trackback.flavors.examples import InputExample
from trackback.flavors.frames import kind_of
from trackback.flavors.interface import Flavor, Saved, take_options
from trackback.flavors.libraries import needs, reading, writing
from trackback.flavors.mlmodel import file_inside, python_function
from trackback.flavors.trust import Trust

DATA = "data"
FILE = "model.keras"


class KerasFlavor(Flavor):
    """No options. A model with Lambda layers carries Python code, so its file is loaded only if it is trusted."""

    name = "keras"
    packages = ("keras",)
    distribution = "keras"

    def save(
        self, model: Any, directory: Path, options: Mapping[str, Any], example: InputExample | None = None
    ) -> Saved:
        with needs(self.distribution):
            import keras
        take_options(self.name, options)
        if not isinstance(model, keras.Model):
            raise InvalidParameter(f"a {type(model).__qualname__} is no keras.Model, which this flavor saves")
        (directory / DATA).mkdir()
        (directory / DATA / "keras_module.txt").write_text("keras", encoding="utf-8")
        with writing(model):
            model.save(directory / DATA / FILE)
        backend = keras.backend.backend()
        return Saved(
            settings={
                "data": DATA,
                "keras_version": keras.__version__,
                "keras_backend": backend,
                "save_exported_model": False,
            },
            python_function=python_function("mlflow.keras"),
            modules=frozenset({"keras", backend, "numpy"}),
        )

    def params(self, model: Any) -> Mapping[str, object]:
        """Those of its optimizer, under the names that autologging gives them."""
        optimizer = getattr(model, "optimizer", None)
        return {f"optimizer_{key}": value for key, value in optimizer.get_config().items()} if optimizer else {}

    def load(self, directory: Path, settings: Mapping[str, Any], trust: Trust) -> Any:
        with needs(self.distribution):
            import keras
        if settings.get("save_exported_model"):
            raise InvalidModel(f"the model in {directory} is an exported TensorFlow program: load it with tensorflow")
        file = file_inside(directory, f"{settings.get('data') or DATA}/{FILE}", "data")
        content = file.read_bytes()
        if _has_code(content, file):
            trust.check(content, file, "a Keras model with Python code in it (Lambda layers)")
            with reading(file):
                return keras.saving.load_model(file, safe_mode=False)
        with reading(file):
            return keras.saving.load_model(file, safe_mode=True)

    def predict(self, model: Any, data: Any, params: Mapping[str, Any], settings: Mapping[str, Any]) -> Any:
        if kind_of(data) != "pandas":
            return model.predict(data, verbose=0, **params)
        import pandas

        return pandas.DataFrame(model.predict(data.to_numpy(), verbose=0, **params), index=data.index)


def _has_code(content: bytes, file: Path) -> bool:
    """Whether the file has Python functions, which Keras calls lambdas."""
    import io
    import zipfile

    with reading(file), zipfile.ZipFile(io.BytesIO(content)) as archive:
        return b"__lambda__" in archive.read("config.json")
