"""Settings, as they are shown."""

import pytest

from trackback.cli.server import server
from trackback.server.configuration import shown_settings, without_secrets
from trackback.server.settings import Settings


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("postgresql://ann:secret@db.example/trackback", "postgresql://ann:…@db.example/trackback"),
        ("postgresql://ann@db.example/trackback?password=secret", "postgresql://ann@db.example/trackback?…"),
        ("s3://bucket/prefix", "s3://bucket/prefix"),
        ("sqlite:///trackback.db", "sqlite:///trackback.db"),
        ("trackback-data/artifacts", "trackback-data/artifacts"),
    ],
)
def test_no_password_or_key_is_shown(uri: str, shown: str) -> None:
    assert without_secrets(uri) == shown
    assert "secret" not in str(shown_settings(Settings(backend_store_uri=uri)))


def test_settings_are_called_by_the_flags_that_set_them() -> None:
    flags = {flag for option in server.params for flag in option.opts}
    assert {each.name for each in shown_settings(Settings())} <= flags
