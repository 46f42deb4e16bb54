import subprocess
import sys
from pathlib import Path

import pytest

from trackback.artifacts import open_blobs
from trackback.artifacts.local import LocalBlobs
from trackback.artifacts.stores import local_path, scheme_of
from trackback.errors import ConfigurationError


@pytest.mark.parametrize("form", ["{}", "file://{}"])
def test_a_path_and_a_file_uri_are_local_disk(form: str, tmp_path: Path) -> None:
    assert isinstance(open_blobs(form.format(tmp_path / "artifacts")), LocalBlobs)
    assert (tmp_path / "artifacts" / "blobs").is_dir()


def test_a_file_uri_is_decoded() -> None:
    assert local_path("file:///with%20blank/a") == Path("/with blank/a")


def test_a_drive_is_no_scheme() -> None:
    assert scheme_of("C:/artifacts") == ""


@pytest.mark.parametrize("uri", ["ftp://host/path", "http://host/path", "dbfs:/path", "s3://"])
def test_what_can_hold_no_artifacts_is_refused_with_its_name(uri: str) -> None:
    with pytest.raises(ConfigurationError, match=uri):
        open_blobs(uri)


def test_object_stores_are_loaded_only_when_used() -> None:
    """A server on local disk starts sooner and smaller without them."""
    script = "import sys, trackback.artifacts; sys.exit('obstore' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0
