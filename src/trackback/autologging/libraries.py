"""The functions that MLflow has for each library, under its names: ``trackback.sklearn`` and its like offer them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trackback.autologging.switches import autolog_library
from trackback.errors import InvalidParameter
from trackback.tracking.models import ModelInfo, load_model, log_model

if TYPE_CHECKING:
    from trackback.flavors import MLmodel


class Library:
    """Of one library.

    flavor: that of its models. argument: what MLflow calls the model that it is to log. native: whether what is loaded
    is the library's own model, or one with the uniform ``predict``.
    """

    def __init__(self, flavor: str, argument: str = "model", *, native: bool = True) -> None:
        self._flavor = flavor
        self._argument = argument
        self._native = native

    def autolog(self, *, disable: bool = False, **settings: Any) -> None:
        """Log what this library trains from now on, or, with ``disable``, nothing of it any more.

        What is set here stays when ``trackback.autolog`` is called, until that disables all.
        ``docs/reference/autolog.md`` has the settings. InvalidParameter: there is no such setting.
        """
        autolog_library(self._flavor, disable=disable, **settings)

    def log_model(self, model: Any = None, artifact_path: str | None = None, **options: Any) -> ModelInfo:
        """As ``trackback.log_model``, which recognises the library; here it is given."""
        model, options = self._given(model, options)
        requirements = [*(options.pop("pip_requirements", None) or ()), *_more_requirements(options)]
        options["pip_requirements"] = requirements or None
        return log_model(model, artifact_path=artifact_path, flavor=self._flavor, **options)

    def save_model(self, model: Any = None, path: str | Path | None = None, **options: Any) -> "MLmodel":
        """As ``trackback.flavors.save_model``, which recognises the library; here it is given."""
        from trackback.flavors import save_model  # noqa: PLC0415 - only who has models needs it

        model, options = self._given(model, options)
        if path is None:
            raise InvalidParameter("save_model has to be told the path of the new directory")
        requirements = [*(options.pop("pip_requirements", None) or ()), *_more_requirements(options)]
        return save_model(model, Path(path), flavor=self._flavor, requirements=requirements or None, **options)

    def load_model(self, model_uri: str, dst_path: str | Path | None = None, **options: Any) -> Any:
        """As ``trackback.load_model``."""
        return load_model(model_uri, dst_path=dst_path, native=self._native, **options)

    def _given(self, model: Any, options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The model, which may be given by MLflow's name for it, and options by our names."""
        model = options.pop(self._argument, model)
        if model is None:
            raise InvalidParameter(f"the model is missing: pass it first, or as {self._argument}")
        options.pop("await_registration_for", None)  # a version is ready when it is registered
        if "pyfunc_predict_fn" in options:
            options["predict_fn"] = options.pop("pyfunc_predict_fn")
        return model, options


def _more_requirements(options: dict[str, Any]) -> Sequence[str]:
    """MLflow has ``pip_requirements`` in place of what it infers; here both are beside that."""
    return options.pop("extra_pip_requirements", None) or ()
