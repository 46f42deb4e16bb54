from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.needs import need
from tests.servers import moto as moto_server
from tests.servers.moto import REGION, Moto
from trackback.delivery.ami.aws import Aws, connect_to_aws


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moto]:
    reason = moto_server.missing()
    need(reason is None, str(reason))
    with Moto(tmp_path_factory.mktemp("moto")) as running:
        yield running


@pytest.fixture
def aws(moto: Moto, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """moto's clouds, of which the region has nothing of other tests'."""
    for name, value in moto.env.items():
        monkeypatch.setenv(name, value)
    aws = connect_to_aws(REGION)
    for image in aws.ec2.describe_images(Owners=["self"])["Images"]:
        aws.ec2.deregister_image(ImageId=image["ImageId"])
    return aws


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A file of 2.5 GiB, of which five blocks have something in them."""
    path = tmp_path / "disk.raw"
    with path.open("wb") as file:
        file.truncate(5 << 29)
        for block in (0, 1, 7, 4096, 5119):
            file.seek((block << 19) + 1000)
            file.write(bytes([block % 251 + 1]) * 3000)
    return path
