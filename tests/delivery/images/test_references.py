"""Names of images mean what they mean to docker."""

import pytest

from trackback.delivery.images.references import parse_reference
from trackback.errors import InvalidParameter

DIGEST = f"sha256:{'ab' * 32}"


@pytest.mark.parametrize(
    ("text", "whole", "api"),
    [
        ("churn", "docker.io/library/churn", "https://registry-1.docker.io/v2/library/churn"),
        ("team/churn:7", "docker.io/team/churn:7", "https://registry-1.docker.io/v2/team/churn"),
        ("registry.example/a/b:1.0-rc.1", "registry.example/a/b:1.0-rc.1", "https://registry.example/v2/a/b"),
        ("localhost:5000/churn", "localhost:5000/churn", "http://localhost:5000/v2/churn"),
        ("127.0.0.1:5000/churn:7", "127.0.0.1:5000/churn:7", "http://127.0.0.1:5000/v2/churn"),
        (
            f"registry.example/churn:7@{DIGEST}",
            f"registry.example/churn:7@{DIGEST}",
            "https://registry.example/v2/churn",
        ),
    ],
)
def test_a_name_says_registry_repository_tag_and_digest(text: str, whole: str, api: str) -> None:
    reference = parse_reference(text)

    assert (str(reference), reference.api) == (whole, api)


@pytest.mark.parametrize(
    "text", ["", "Churn", "registry.example/", "a b", "churn:", "churn:-x", "churn@sha256:12", "/churn"]
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidParameter, match="is no name of an image"):
        parse_reference(text)
