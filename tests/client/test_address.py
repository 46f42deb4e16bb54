import pytest

from trackback.client.address import find_address
from trackback.errors import InvalidParameter

BASIC = "Basic YWRhOnMzY3JldA=="  # ada:s3cret


def test_the_server_is_on_this_machine_unless_somebody_says_otherwise() -> None:
    address = find_address()
    assert (address.uri, address.authorization, address.is_loopback) == ("http://127.0.0.1:5000", None, True)


def test_our_own_variable_comes_before_mlflows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://theirs")
    assert find_address().uri == "http://theirs"
    monkeypatch.setenv("TRACKBACK_TRACKING_URI", "https://ours/prefix/")
    assert find_address().uri == "https://ours/prefix"
    assert find_address("http://argument").uri == "http://argument"


def test_a_name_and_password_win_over_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "theirs")
    assert find_address().authorization == "Bearer theirs"
    monkeypatch.setenv("TRACKBACK_TOKEN", "ours\n")
    assert find_address().authorization == "Bearer ours"
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ada")
    assert find_address().authorization == "Bearer ours"
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "s3cret")
    assert find_address().authorization == BASIC


def test_arguments_come_before_the_uri_and_the_uri_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKBACK_TOKEN", "environment")
    assert find_address("http://ada:s3cret@host").authorization == BASIC
    assert find_address("http://eve:other@host", username="ada", password="s3cret").authorization == BASIC
    assert find_address("http://ada:s3cret@host", token="argument").authorization == "Bearer argument"


def test_credentials_are_split_off_the_uri_and_decoded() -> None:
    address = find_address("https://ada:s3%63ret@host:8443/prefix")
    assert (address.uri, address.authorization) == ("https://host:8443/prefix", BASIC)


def test_credentials_are_not_shown() -> None:
    assert repr(find_address("http://ada:s3cret@host")) == "Address(uri='http://host')"


@pytest.mark.parametrize(
    "uri",
    [
        "sqlite:///runs.db",
        "localhost:5000",
        "./mlruns",
        "http://",
        "http://a host",
        "http://ada:s3cret@host:port",
        "http://ada:s3/cret@host",
        "http://ada:s3cret@host/?query=1",
        "http://[::1",
        "ftp://ada:s3cret@host",
    ],
)
def test_what_is_no_servers_uri_is_refused_without_showing_a_password(uri: str) -> None:
    with pytest.raises(InvalidParameter, match=r"Invalid tracking URI .*: it must be that of a server") as refused:
        find_address(uri)
    assert "s3" not in refused.value.message


@pytest.mark.parametrize(
    "credentials",
    [{"token": "s3cret\nInjected: yes"}, {"token": "s3crét"}, {"username": "a:da", "password": "s3cret"}],
    ids=str,
)
def test_credentials_that_http_cannot_carry_are_refused_and_not_shown(credentials: dict[str, str]) -> None:
    with pytest.raises(InvalidParameter) as refused:
        find_address(**credentials)
    assert "s3" not in str(refused.value)
