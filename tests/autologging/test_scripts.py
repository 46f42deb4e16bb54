"""Scripts in the style of MLflow's documentation run with `import trackback as mlflow`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.trackback import TrackbackServer

SCRIPTS = Path(__file__).parent / "scripts"


@pytest.mark.parametrize("script", ["quickstart.py", "diabetes.py"])
def test_it_runs(tracking_server: TrackbackServer, script: str) -> None:
    env = {**os.environ, "TRACKBACK_TRACKING_URI": tracking_server.url}
    command = [sys.executable, str(SCRIPTS / script)]
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=110)

    assert done.returncode == 0, done.stderr
    assert len(done.stdout.strip()) == 32
    assert "is not logged" not in done.stderr
