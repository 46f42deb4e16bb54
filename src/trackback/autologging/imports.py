"""Being told of modules when they are imported, so that a library that never is costs nothing."""

import importlib.abc
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

Imported = Callable[[ModuleType], None]


class ImportWatch(importlib.abc.MetaPathFinder):
    """Calls ``imported`` after each import of a module of the libraries, which are top-level packages."""

    def __init__(self, imported: Imported) -> None:
        self._libraries: frozenset[str] = frozenset()
        self._imported = imported

    def watch(self, libraries: frozenset[str]) -> None:
        """Watch these, and no others; where there are none, as if nobody had ever watched."""
        self._libraries = libraries
        if libraries and self not in sys.meta_path:
            sys.meta_path.insert(0, self)
        if not libraries and self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] not in self._libraries:
            return None
        spec = self._find(fullname, path, target)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = _Loader(spec.loader, self._imported)
        return spec

    def _find(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
        for finder in sys.meta_path:
            if (
                finder is not self
                and hasattr(finder, "find_spec")
                and (spec := finder.find_spec(fullname, path, target))
            ):
                return spec
        return None


class _Loader(importlib.abc.Loader):
    """Another loader, which tells of what it has loaded. The module itself only knows of that one."""

    def __init__(self, loader: Any, imported: Imported) -> None:
        self._loader = loader
        self._imported = imported

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        created: ModuleType | None = self._loader.create_module(spec)
        return created

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._imported(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)
