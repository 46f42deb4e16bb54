"""The libraries that figures come from: other versions may give other last digits."""

from importlib.metadata import PackageNotFoundError, version

from trackback import __version__

_LIBRARIES = ("numpy", "scipy", "scikit-learn", "pandas")


def library_versions() -> dict[str, str]:
    """By their names, those that are installed here."""
    found = {"trackback": __version__}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
