"""The page of the client names each of its methods, and its example runs."""

from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, blocks, quoted, tables
from tests.servers.trackback import TrackbackServer
from trackback.client.api import Client

PAGE = ROOT / "docs" / "reference" / "client.md"
NO_CALLS = {"close", "tracking_uri", "transport"}


def test_each_method_is_named_once_and_no_other() -> None:
    (rows,) = tables(PAGE, "## Calls")
    named = [name for _, methods in rows for name in quoted(methods)]

    assert sorted(named) == sorted(name for name in dir(Client) if not name.startswith("_") and name not in NO_CALLS)


def test_its_example_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = blocks(PAGE, "python")
    with TrackbackServer(f"sqlite:///{tmp_path}/trackback.db", tmp_path / "artifacts", tmp_path) as server:
        names: dict[str, object] = {}
        exec(example.text.replace("http://127.0.0.1:5000", server.url), names)
        client = names["client"]
        assert isinstance(client, Client)
        client.close()

    assert capsys.readouterr().out.startswith("first (Metric(key='loss', value=0.3")
