"""Pickles: what they import, what can't go into one, and loading one that is trusted."""

import contextlib
import dis
import io
import pickle
import pkgutil
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trackback.errors import InvalidModel, InvalidParameter
from trackback.flavors.libraries import needs
from trackback.flavors.mlflow_stand_in import NeedsMlflow, PythonModel, is_missing, no_stand_in
from trackback.flavors.requirements import provided
from trackback.flavors.trust import Trust


def dump(model: object, file: Path) -> frozenset[str]:
    """Pickle a model; the top-level modules that it imports when it is loaded. InvalidParameter, which names the part,
    if it can't be pickled.
    """
    with by_value(model) as (pickler, modules), file.open("wb") as stream:
        pickler(stream, protocol=pickle.DEFAULT_PROTOCOL).dump(model)
    return modules


@contextlib.contextmanager
def by_value(model: object) -> Iterator[tuple[Any, frozenset[str]]]:
    """cloudpickle's Pickler, and the modules that the model imports when it is loaded.

    While it lasts, functions and classes of modules that no installed package provides (a script, files beside a
    notebook) go into pickles themselves, since no other machine has them.
    """
    with needs("cloudpickle"):
        import cloudpickle
    local: set[types.ModuleType] = set()
    try:
        modules = imported_modules(model, strict=True)
        while found := _local_modules(modules) - local:
            for module in found:
                cloudpickle.register_pickle_by_value(module)
            local |= found
            modules = imported_modules(model, strict=True)
        names = {module.__name__ for module in local}
        yield _pickler(cloudpickle), frozenset((modules - names) | {"cloudpickle"})
    except _UNPICKLABLE as error:
        raise InvalidParameter(f"the model can't be saved: {_culprit(model)} can't be pickled ({error})") from error
    finally:
        for module in local:
            cloudpickle.unregister_pickle_by_value(module)


def _pickler(cloudpickle: Any) -> Any:
    class ForMlflow(cloudpickle.Pickler):  # type: ignore[misc]
        """Names our PythonModel as MLflow's, so that MLflow loads what derives from it."""

        def reducer_override(self, item: object) -> Any:
            if item is PythonModel:
                return pkgutil.resolve_name, ("mlflow.pyfunc.model:PythonModel",)
            return super().reducer_override(item)

    return ForMlflow


_UNPICKLABLE = (pickle.PicklingError, TypeError, AttributeError, ValueError, RecursionError, NotImplementedError)


def imported_modules(model: object, *, strict: bool = False) -> set[str]:
    """The top-level modules of the classes and functions in a model's graph of objects, and of what their code imports.

    Of a model that can't be pickled only those found until then; with ``strict``, raises what pickle raises.
    """
    found: set[str] = set()
    pickler: Any = pickle.Pickler
    with contextlib.suppress(ImportError):
        import cloudpickle

        pickler = cloudpickle.Pickler

    class Tracer(pickler):  # type: ignore[misc]
        def persistent_id(self, item: object) -> None:
            found.update(_modules_of(item))

    # Arrays hand over their buffers instead of copying them, and what is written is thrown away.
    with contextlib.nullcontext() if strict else contextlib.suppress(*_UNPICKLABLE):
        Tracer(_Nowhere(), protocol=5, buffer_callback=lambda _: None).dump(model)
    return {name.partition(".")[0] for name in found} - {"builtins", "__main__", "copyreg", "mlflow", "trackback"}


class _Nowhere(io.RawIOBase):
    def write(self, data: Any, /) -> int:
        return len(data)


def _modules_of(item: object) -> Iterator[str]:
    if isinstance(item, types.ModuleType):
        yield item.__name__
        return
    if isinstance(item, types.CodeType):
        yield from _imports(item)
        return
    owner = item if isinstance(item, (type, types.FunctionType, types.BuiltinFunctionType)) else type(item)
    module = getattr(owner, "__module__", None)
    if isinstance(module, str):
        yield module


def _imports(code: types.CodeType) -> Iterator[str]:
    """The modules that a function's body imports."""
    for instruction in dis.get_instructions(code):
        if instruction.opname == "IMPORT_NAME" and instruction.argval:
            yield instruction.argval


def _local_modules(names: set[str]) -> set[types.ModuleType]:
    """Those that are loaded here and that no installed package provides."""
    return {sys.modules[name] for name in names if name in sys.modules and not provided(name)}


def _culprit(model: object) -> str:
    """The deepest part of a model that can't be pickled, as an expression that leads to it."""
    import cloudpickle

    def fails(item: object) -> bool:
        try:
            cloudpickle.dumps(item)
        except _UNPICKLABLE:
            return True
        return False

    path, item = "model", model
    for _ in range(20):
        found = next(((f"{path}{step}", part) for step, part in _parts(item) if fails(part)), None)
        if found is None:
            break
        path, item = found
    return f"{path}, a {type(item).__module__}.{type(item).__qualname__},"


def _parts(item: object) -> Iterator[tuple[str, object]]:
    if isinstance(item, dict):
        yield from ((f"[{key!r}]", value) for key, value in item.items())
    elif isinstance(item, (list, tuple)):
        yield from ((f"[{index}]", value) for index, value in enumerate(item))
    elif isinstance(item, types.FunctionType):
        cells = zip(item.__code__.co_freevars, item.__closure__ or (), strict=False)
        yield from ((f" → {name}", cell.cell_contents) for name, cell in cells)
        yield from (
            (f" → {name}", item.__globals__[name]) for name in item.__code__.co_names if name in item.__globals__
        )
    else:
        yield from ((f".{name}", value) for name, value in getattr(item, "__dict__", {}).items())


def load(file: Path, trust: Trust) -> Any:
    """The object in a pickle. UntrustedModel if it may not be loaded, InvalidModel if it can't be."""
    content = trust.read(file, "a pickle")
    try:
        return pickle.loads(content)
    except NeedsMlflow:
        raise
    except ImportError as error:
        if is_missing(error):
            raise no_stand_in(error) from error
        raise InvalidModel(f"{file} can't be loaded, since it needs what is not here: {error}") from error
    except Exception as error:
        raise InvalidModel(f"{file} can't be loaded: {type(error).__name__}: {error}") from error
