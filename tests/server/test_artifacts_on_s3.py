"""Artifacts over HTTP where an object store keeps them."""

import random
from pathlib import Path

from tests.server.artifact_client import ARTIFACTS, CONTENT, MEGABYTE, ArtifactClient, eventually
from tests.server.wire import Wire, ask, new_run, request
from tests.servers.s3 import S3
from tests.servers.trackback import TrackbackServer


def test_on_s3_uploads_and_downloads_are_as_on_disk_and_a_cut_one_leaves_no_trace(s3: S3, tmp_path: Path) -> None:
    destination = f"{s3.make_bucket('behind-a-server')}/artifacts"
    content = random.Random(4).randbytes(20 * MEGABYTE)
    uri = f"sqlite:///{tmp_path}/trackback.db"
    with TrackbackServer(uri, destination, tmp_path, env=s3.env) as server:
        client = ArtifactClient(server.port, tmp_path)
        assert client.put("large", content).status == 200
        assert client.put("copy", content).status == 200
        assert client.get("large").body == content
        assert client.get("large", Range="bytes=17000000-17000009").body == content[17_000_000:17_000_010]
        assert len(s3.files("behind-a-server")) == 1
        with Wire(server.port) as wire:
            wire.send(request("PUT", f"{ARTIFACTS}/cut", headers={"Content-Length": str(len(content))}))
            wire.send(content[:-1])
            assert eventually(lambda: len(s3.files("behind-a-server")) > 1)
        assert eventually(lambda: len(s3.files("behind-a-server")) == 1)
        assert client.get("cut").status == 404


def test_an_s3_server_that_is_down_is_told_as_such_and_does_not_stop_what_needs_no_files(tmp_path: Path) -> None:
    with S3() as s3:
        destination = s3.make_bucket("goes-down")
        uri = f"sqlite:///{tmp_path}/trackback.db"
        with TrackbackServer(uri, destination, tmp_path, env=s3.env) as server:
            client = ArtifactClient(server.port, tmp_path)
            client.put("file")
            s3.stop()
            refused = client.put("other")
            assert refused.error == (503, "TEMPORARILY_UNAVAILABLE")
            assert "goes-down" not in refused.json["message"]
            assert client.get("file").error == (503, "TEMPORARILY_UNAVAILABLE")
            assert ask(server.port, "GET", "/ready").status == 503
            assert client.names() == ["file"]
            new_run(server.port)
            s3.start()
            assert client.get("file").body == CONTENT
            assert ask(server.port, "GET", "/ready").status == 200
