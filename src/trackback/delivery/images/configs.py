"""The config of an image: what a container of it runs, as whom, and what the image says of itself."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from trackback import __version__
from trackback.delivery.images.bases import Base
from trackback.delivery.images.contents import LIBRARIES, MODEL, SERVER
from trackback.delivery.images.layers import Layer
from trackback.delivery.images.pythons import Python
from trackback.delivery.subject import Subject

PORT = 8080
USER = "65532:65532"
"""Nobody's: no entry of a passwd file is needed for a user that is a number, and 65532 is that of distroless images."""

_SECOND_NS = 1_000_000_000
_PING = (
    "import os,urllib.request as r;"
    "r.build_opener(r.ProxyHandler({})).open('http://127.0.0.1:'+os.environ['TRACKBACK_SCORING_PORT']+'/ping',timeout=2)"
)


def make_config(
    base: Base,
    python: Python,
    subject: Subject,
    layers: Sequence[tuple[str, Layer]],
    trusted: Sequence[str],
    created_ms: int | None,
) -> dict[str, Any]:
    """The config of an image of these layers, each with what it is, on top of a base.

    trusted: the digests of the model's files that may run code. created_ms: when the version was registered.
    """
    document: dict[str, Any] = {
        "architecture": base.architecture,
        "os": "linux",
        "config": {
            "User": USER,
            "ExposedPorts": {f"{PORT}/tcp": {}},
            "Env": _environment(base, subject),
            "Entrypoint": command(python, trusted),
            "WorkingDir": "/opt/trackback",
            "Labels": {**(base.settings.get("Labels") or {}), **labels(base, subject)},
            "StopSignal": "SIGTERM",
            "Healthcheck": {
                "Test": ["CMD", python.path, "-S", "-c", _PING],
                "Interval": 10 * _SECOND_NS,
                "Timeout": 5 * _SECOND_NS,
                "StartPeriod": 60 * _SECOND_NS,
                "Retries": 3,
            },
        },
        "rootfs": {
            "type": "layers",
            "diff_ids": [each.diff_id for each in (*base.layers, *(own for _, own in layers))],
        },
        "history": _history(base, [name for name, _ in layers]),
    }
    if created_ms is not None:
        moment = datetime.fromtimestamp(created_ms // 1000, UTC)
        document["created"] = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    return document


def command(python: Python, trusted: Sequence[str]) -> list[str]:
    """What a container runs; what `docker run` is told after the image is added, as more options of `models serve`."""
    trust = [flag for digest in sorted(trusted) for flag in ("--trust", digest)]
    return [python.path, "-m", "trackback", "models", "serve", "--model-uri", MODEL, *trust]


def labels(base: Base, subject: Subject) -> dict[str, str]:
    """What the image says of itself."""
    said: Mapping[str, object] = {
        "org.opencontainers.image.title": subject.name or subject.label,
        "org.opencontainers.image.version": subject.version,
        "org.opencontainers.image.base.digest": base.digest,
        "trackback.model": subject.label,
        "trackback.digest": f"sha256:{subject.digest}",
        "trackback.run": subject.run_id,
        "trackback.promotion": subject.promotion,
        "trackback.environment": subject.environment,
        "trackback.server": __version__,
    }
    return {name: str(value) for name, value in said.items() if value is not None}


def _environment(base: Base, subject: Subject) -> list[str]:
    """The base's variables, and ours instead of those of the same name."""
    variables = dict(each.partition("=")[::2] for each in base.settings.get("Env") or ())
    variables.setdefault("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    variables |= {
        "HOME": "/tmp",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONPATH": f"{SERVER}:{LIBRARIES}",
        "PYTHONUNBUFFERED": "1",
        "TRACKBACK_SCORING_HOST": "0.0.0.0",
        "TRACKBACK_SCORING_NAME": subject.label,
        "TRACKBACK_SCORING_PORT": str(PORT),
    }
    return [f"{name}={value}" for name, value in variables.items()]


def _history(base: Base, names: Sequence[str]) -> list[dict[str, Any]]:
    """One entry a layer, as tools expect it that count them."""
    before = list(base.history)
    if sum(not each.get("empty_layer") for each in before) != len(base.layers):
        before = [{"created_by": f"base {base.digest}"} for _ in base.layers]
    return [*before, *({"created_by": f"trackback deliver image: {name}"} for name in names)]
