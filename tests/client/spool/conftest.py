from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def spool_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "spool"
    root.mkdir()
    monkeypatch.setenv("TRACKBACK_SPOOL_DIR", str(root))
    return root
