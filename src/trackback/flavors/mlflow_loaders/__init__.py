"""Modules that are copied into models, so that MLflow loads what it has no flavor for, without trackback.

They import nothing of trackback, and are used here too: both sides predict with the same code.
"""

from pathlib import Path

CODE = "code"


def copy_loader(name: str, directory: Path) -> None:
    """Put the loader ``name`` into a model's folder of code."""
    target = directory / CODE
    target.mkdir(exist_ok=True)
    (target / f"{name}.py").write_bytes((Path(__file__).parent / f"{name}.py").read_bytes())
