"""Whether a model loads where nothing is installed but what its image will have."""

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from trackback.delivery.images.contents import LIBRARIES, SERVER
from trackback.errors import CheckFailed, UntrustedModel
from trackback.scoring.trial import Finding, Order

TRIAL_S = 600


def try_model(interpreter: Path, root: Path, model: Path, trusted: Sequence[str]) -> Finding:
    """Load a model, and predict for its input example, in a process that sees the packages below ``root`` only.

    CheckFailed: it does not load, or can't predict. UntrustedModel: it has files that may not be loaded.
    """
    order = Order(str(model), tuple(trusted))
    command: list[str | Path] = [interpreter, "-S", "-s", "-m", "trackback.scoring.trial"]
    with tempfile.TemporaryDirectory() as home:
        try:
            ran = subprocess.run(
                command,
                input=msgspec.json.encode(order),
                capture_output=True,
                env=_environment(root, home),
                cwd=home,
                timeout=TRIAL_S,
            )
        except subprocess.TimeoutExpired as error:
            raise CheckFailed(
                f"The model did not load and predict within {TRIAL_S} s, with just what it needs."
            ) from error
    try:
        finding = msgspec.json.decode(ran.stdout, type=Finding)
    except msgspec.DecodeError as error:
        told = ran.stderr.decode(errors="replace").strip()[-2000:]
        raise CheckFailed(f"The model's process ended with {ran.returncode} while it loaded:\n{told}") from error
    if finding.untrusted:
        raise UntrustedModel(f"{finding.problem}; here, give the digest as --trust.")
    if finding.problem:
        raise CheckFailed(
            f"The model can't be used with just what its requirements.txt names: {finding.problem}. Log it again with "
            "what is missing as requirements=[…]."
        )
    return finding


def _environment(root: Path, home: str) -> dict[str, str]:
    folders = os.pathsep.join(str(root / each.strip("/")) for each in (SERVER, LIBRARIES))
    kept = {name: os.environ[name] for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE") if name in os.environ}
    path = os.environ.get("PATH", "")
    return {**kept, "PATH": path, "HOME": home, "LANG": "C.UTF-8", "PYTHONPATH": folders, "PYTHONNOUSERSITE": "1"}
