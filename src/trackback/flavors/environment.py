"""The files that say what a model runs in: requirements.txt, conda.yaml and python_env.yaml, as MLflow writes them."""

import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import yaml


def write_environment(requirements: Sequence[str], directory: Path) -> None:
    python = platform.python_version()
    (directory / "requirements.txt").write_text("".join(f"{line}\n" for line in requirements), encoding="utf-8")
    _write(
        directory / "python_env.yaml",
        {
            "python": python,
            "build_dependencies": [f"{name}=={version}" for name, version in _build_tools()] + ["wheel"],
            "dependencies": ["-r requirements.txt"],
        },
    )
    pip = next((f"pip<={version}" for name, version in _build_tools() if name == "pip"), "pip")
    _write(
        directory / "conda.yaml",
        {
            "channels": ["conda-forge"],
            "dependencies": [f"python={python}", pip, {"pip": list(requirements)}],
            "name": "mlflow-env",
        },
    )


def _write(file: Path, content: dict[str, object]) -> None:
    file.write_text(yaml.safe_dump(content, sort_keys=False, default_flow_style=False), encoding="utf-8")


def _build_tools() -> list[tuple[str, str]]:
    found = []
    for name in ("pip", "setuptools"):
        try:
            found.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue
    return found
