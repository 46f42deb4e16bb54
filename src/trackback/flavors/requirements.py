"""What has to be installed to load a model: exact versions of what it imports, as pip takes them.

The model tells which top-level modules its objects and their code come from. Packages that those require are pinned
too where they are loaded here, since they then take part in each prediction: scipy for scikit-learn, but not what a
library only offers to use. That takes milliseconds; to load the model in a process of its own, and to look at all it
imports, takes seconds and finds imports of the loading itself as well.
"""

import sys
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import metadata

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from trackback.errors import InvalidParameter


def infer_requirements(modules: Iterable[str]) -> list[str]:
    """``name==version`` for each installed package that provides one of ``modules``, and for what it requires and is
    loaded, sorted by name.
    """
    providers = _providers()
    waiting = [name for module in modules for name in providers.get(module.partition(".")[0], ())]
    loaded = {
        canonicalize_name(name)
        for module in {name.partition(".")[0] for name in sys.modules}
        for name in providers.get(module, ())
    }
    pinned: dict[str, str] = {}
    while waiting:
        name = waiting.pop()
        key = canonicalize_name(name)
        if key in pinned or key == "trackback":
            continue
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        pinned[key] = f"{distribution.metadata['Name']}=={_public(distribution.version)}"
        waiting += [required for required in _required(distribution) if canonicalize_name(required) in loaded]
    return [pinned[key] for key in sorted(pinned)]


def _public(version: str) -> str:
    """Without a local part such as +cpu, which no other machine may have."""
    return version.partition("+")[0]


def _required(distribution: metadata.Distribution) -> Iterable[str]:
    """The names of what a package requires on this machine, without its extras."""
    for text in distribution.requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement.name


@cache
def _providers() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()


def provided(module: str) -> bool:
    """Whether an installed package or Python itself has this top-level module; code that lies about is in neither."""
    name = module.partition(".")[0]
    return name in _providers() or name in sys.stdlib_module_names or name in sys.builtin_module_names


def merge(inferred: Iterable[str], given: Iterable[str]) -> list[str]:
    """``given`` requirements over inferred ones for the same package. InvalidParameter if one is not understood."""
    merged = {canonicalize_name(Requirement(text).name): text for text in inferred}
    for text in given:
        try:
            merged[canonicalize_name(Requirement(text).name)] = text
        except InvalidRequirement as error:
            raise InvalidParameter(f"{text!r} is no requirement as pip takes them: {error}") from error
    return list(merged.values())
