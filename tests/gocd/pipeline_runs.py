"""Runs of pipelines, as GoCD's history has them."""

from collections.abc import Mapping
from typing import Any


def run_of(
    counter: int, fingerprint: str, revision: str, stages: Mapping[str, str | None], *, pipeline: str = "deploy"
) -> dict[str, Any]:
    """A run of a pipeline with a package as its material; a stage without a result was not begun."""
    package = {"name": "churn", "fingerprint": fingerprint, "type": "Package", "description": "…"}
    return _run(pipeline, counter, package, revision, stages)


def run_after(counter: int, stage: str, stages: Mapping[str, str | None], *, pipeline: str) -> dict[str, Any]:
    """A run of a pipeline with a stage of another as its material, ``PIPELINE/COUNTER/STAGE/COUNTER``."""
    before = {"name": "before", "fingerprint": "e" * 64, "type": "Pipeline", "description": "before [ stage ]"}
    return _run(pipeline, counter, before, stage, stages)


def _run(
    pipeline: str, counter: int, material: Mapping[str, str], revision: str, stages: Mapping[str, str | None]
) -> dict[str, Any]:
    return {
        "name": pipeline,
        "counter": counter,
        "label": str(counter),
        "scheduled_date": 1_795_780_800_000,
        "build_cause": {
            "trigger_message": "modified by ada",
            "material_revisions": [
                {
                    "changed": False,
                    "material": {"name": "git", "fingerprint": "0" * 64, "type": "Git", "description": "URL: …"},
                    "modifications": [{"revision": "8f60b124", "modified_time": 1, "comment": "x"}],
                },
                {
                    "changed": True,
                    "material": dict(material),
                    "modifications": [{"revision": revision, "modified_time": 1, "comment": "x"}],
                },
            ],
        },
        "stages": [
            {
                "name": name,
                "counter": "1",
                "result": result,
                "status": result,
                "scheduled": result is not None,
                "jobs": [] if result is None else [{"name": "job", "scheduled_date": 1_795_780_800_000}],
            }
            for name, result in stages.items()
        ],
    }
