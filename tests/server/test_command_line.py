"""`trackback`, as it is typed."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from tests import commands
from tests.server.wire import ask
from tests.servers.trackback import TrackbackServer
from trackback import __version__
from trackback.storage.schema import migrations

HEAVY = ("apsw", "httpx", "jinja2", "numpy", "obstore", "prometheus_client", "psycopg", "starlette", "uvicorn")


def trackback(*arguments: str, folder: Path | None = None, env: dict[str, str] | None = None) -> tuple[int, str]:
    """The exit code, and what was printed."""
    done = commands.trackback(*arguments, folder=folder, env=os.environ | (env or {}))
    return done.returncode, (done.stderr + done.stdout).strip()


def sqlite(folder: Path) -> str:
    return f"sqlite:///{folder}/trackback.db"


@pytest.mark.parametrize("arguments", [["version"], ["--version"]], ids=" ".join)
def test_the_version_is_the_last_word_printed(arguments: list[str]) -> None:
    code, printed = trackback(*arguments)

    assert (code, printed.split()[-1]) == (0, __version__)


def test_help_explains_every_option_with_its_variable_and_default() -> None:
    code, printed = trackback("server", "--help")
    text = " ".join(printed.split())

    assert code == 0
    for variable, default in {
        "BACKEND_STORE_URI": "sqlite:///trackback-data/trackback.db",
        "ARTIFACTS_DESTINATION": "trackback-data/artifacts",
        "DEFAULT_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "HOST": "127.0.0.1",
        "PORT": "5000",
        "READ_TIMEOUT": "30.0",
        "MAX_JSON_BYTES": "33554432",
        "MAX_ARTIFACT_BYTES": "0",
        "HEADER_DEADLINE": "10.0",
        "BODY_DEADLINE": "30.0",
        "KEEP_ALIVE": "75.0",
        "STOP_DEADLINE": "20.0",
        "LOG_LEVEL": "info",
    }.items():
        assert f"--{variable.lower().replace('_', '-')} " in text
        assert f"[env var: TRACKBACK_{variable}; default: {default}" in text


def test_help_and_version_import_nothing_heavy() -> None:
    program = (
        "import sys; from click.testing import CliRunner; from trackback.cli.main import commands\n"
        "assert CliRunner().invoke(commands, ['server', '--help']).exit_code == 0\n"
        f"print(sorted(set(sys.modules) & set({HEAVY})))"
    )

    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout.strip() == "[]"


def test_the_server_takes_its_settings_from_the_environment_too(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, printed = trackback("server", folder=tmp_path, env={"TRACKBACK_PORT": str(port)})

    assert (code, printed) == (
        2,
        f"trackback: Port {port} of 127.0.0.1 is in use: is a server running already? "
        "Stop it, or choose another with --port.",
    )
    assert not list(tmp_path.iterdir())


def test_a_list_of_names_comes_from_the_environment_parted_by_commas(tmp_path: Path) -> None:
    names = {"TRACKBACK_ALLOWED_HOSTS": "a.example, b.example"}
    with TrackbackServer(sqlite(tmp_path), tmp_path / "artifacts", tmp_path, env=names, afresh=True) as server:
        statuses = [
            ask(server.port, "GET", "/version", headers={"Host": name}).status
            for name in ("a.example", "b.example", "c.example")
        ]

    assert statuses == [200, 200, 403]


@pytest.mark.parametrize(
    ("flag", "value", "said"),
    [
        ("--backend-store-uri", "mysql://x", "Can't use 'mysql://x' as the backend store"),
        ("--backend-store-uri", "postgresql://nobody@127.0.0.1:1/x", "trackback: "),
        ("--artifacts-destination", "ftp://x", "Can't keep artifacts at 'ftp://x'"),
        ("--host", "192.0.2.1", "Can't listen on port"),
        ("--host", "no.such.host.invalid", "Can't listen on port"),
        ("--port", "70000", "Invalid value for '--port'"),
        ("--log-level", "loud", "Invalid value for '--log-level'"),
        ("--body-deadline", "0", "Invalid value for '--body-deadline'"),
        ("--read-timeout", "-1", "Invalid value for '--read-timeout'"),
    ],
    ids=repr,
)
def test_a_server_that_cannot_start_says_why_and_ends_with_2(tmp_path: Path, flag: str, value: str, said: str) -> None:
    code, printed = trackback("server", "--allow-anonymous", "--port", "0", flag, value, folder=tmp_path)

    assert code == 2
    assert said in printed
    assert "Traceback" not in printed


def test_a_second_server_on_the_same_file_is_refused(tmp_path: Path) -> None:
    with TrackbackServer(sqlite(tmp_path), tmp_path / "artifacts", tmp_path) as server:
        code, printed = trackback("server", "--port", "0", "--backend-store-uri", sqlite(tmp_path), folder=tmp_path)

        assert code == 2
        assert printed.startswith(f"trackback: The database {tmp_path}/trackback.db is in use by another trackback")
        assert str(server.pid) in printed


def test_a_new_database_is_created_checked_and_then_up_to_date(tmp_path: Path) -> None:
    uri, newest = sqlite(tmp_path), migrations("sqlite")[-1].version

    assert trackback("db", "upgrade", "--backend-store-uri", uri) == (0, f"Created the schema, version {newest}.")
    assert trackback("db", "check", "--backend-store-uri", uri) == (0, "The database is sound.")
    assert trackback("db", "upgrade", env={"TRACKBACK_BACKEND_STORE_URI": uri}) == (
        0,
        f"The schema has version {newest} already.",
    )


def test_a_database_of_a_newer_trackback_is_refused(tmp_path: Path) -> None:
    uri = sqlite(tmp_path)
    trackback("db", "upgrade", "--backend-store-uri", uri)
    connection = apsw.Connection(f"{tmp_path}/trackback.db")
    connection.execute("UPDATE schema_version SET version = 99")
    connection.close()

    for command in (["server", "--port", "0"], ["db", "upgrade"]):
        code, printed = trackback(*command, "--backend-store-uri", uri, folder=tmp_path)
        assert code == 2
        assert "The database's schema has version 99" in printed

    code, printed = trackback("db", "check", "--backend-store-uri", uri)
    assert code == 1
    assert "The database's schema has version 99" in printed
