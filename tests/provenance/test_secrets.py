"""No secret is in what is captured; what programs are full of stays."""

import pytest

from trackback.provenance.secrets import (
    is_secret_name,
    looks_secret,
    redact,
    redact_arguments,
    without_credentials,
)

# None of these opens anything: they have the form, and were typed at random.
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
KEYS = {
    "aws": "AKIA" + "IOSFODNN7EXAMPLE",
    "github": "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a",
    "github fine-grained": "github_pat_" + "11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz0123456789",
    "gitlab": "glpat-" + "ABCdef1234567890abcd",
    "slack": "xoxb-" + "123456789012-abcdefghijkl",
    "slack hook": "https://hooks.slack.com/services/" + "T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
    "jwt": JWT,
    "google": "AIza" + "SyD-1234567890abcdefghijklmnopqrstu",
    "stripe": "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "openai": "sk-proj-" + "abcDEF123456ghiJKL7890mnoPQR",
    "hugging face": "hf_" + "abcdefghijklmnopqrstuvwxyzABCDEF",
    "pypi": "pypi-AgE" + "IcHlwaS5vcmcCJGFiY2RlZg",
    "databricks": "dapi" + "0123456789abcdef0123456789abcdef",
    "trackback": "tbk_" + "dQw4w9WgXcQdQw4w9WgXcQdQw4w9WgXcQ",
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
@pytest.mark.parametrize("around", ["{}", "client = connect('{}')", "+    # was {} before", '"see {}, or ask"'])
def test_a_key_of_a_known_form_is_hidden_wherever_it_stands(key: str, around: str) -> None:
    shown = redact(around.format(key))

    assert key.rpartition("/")[2] not in shown
    assert "[secret]" in shown


@pytest.mark.parametrize(
    "line",
    [
        "password = 'hunter2!'",
        'DB_PASSWORD="hunter2!"',
        "export DB_PASSWORD=hunter2!",
        "password: hunter2!",
        '  "apiKey": "hunter2!",',
        "api_key: str = 'hunter2!'",
        'os.environ["AUTH_TOKEN"] = "hunter2!"',
        "connect(user='ada', password='hunter2!')",
        "-secret: hunter2!",
        "--client-secret=hunter2!",
        r"\"password\": \"hunter2!\"",
        "url = 'postgresql://ada:hunter2!@db.example/churn'",
        "Authorization: Bearer hunter2!hunter2!".replace("!", "x"),
        "https://data.example/file?sig=hunter2!&x=1",
    ],
)
def test_what_a_name_says_is_secret_is_hidden(line: str) -> None:
    assert "hunter2" not in redact(line)


@pytest.mark.parametrize(
    "line",
    [
        "tokens = tokenizer.encode(text, max_tokens=512)",
        "def connect(user: str, password: str | None = None) -> None:",
        "token = os.environ['TOKEN']",
        "connect(password=password, token=settings.token)",
        "password = getpass.getpass()",
        "pad_token_id = 50256",
        "author: Ada Lovelace",
        "model.fit(x, y, batch_size=32, sort_keys=True)",
        "sha256 = '9c2f41ab0d5e6f718293a4b5c6d7e8f90123456789abcdef0123456789abcdef'",
        "commit: 4f1c2e9a7b3d5f60718293a4b5c6d7e8f9012345",
        "url = 'https://example.org/data/Customers-2024.csv?version=3'",
        "password = '${DB_PASSWORD}'",
        "path = '/data/Projects/churn/TrainingSet2024/part-0001.parquet'",
        "name = 'RandomForestClassifierWithCalibration'",
        "diff --git a/src/Model7.py b/src/Model7.py",
        "index 8050b4d..66a05d3 100644",
    ],
)
def test_code_stays_as_it_is(line: str) -> None:
    assert redact(line) == line


def test_a_private_key_is_hidden_over_all_its_lines() -> None:
    text = "\n".join(
        [
            "+key = '''",
            "+-----BEGIN RSA PRIVATE KEY-----",
            "+MIIEowIBAAKCAQEA7",
            "+qwerty/asdf",
            "+-----END RSA PRIVATE KEY-----",
            "+'''",
        ]
    )
    shown = redact(text)

    assert "MIIEow" not in shown
    assert "qwerty" not in shown
    assert shown.count("\n") == text.count("\n")
    assert shown.endswith("+'''")


def test_a_private_key_in_one_line_of_json_is_hidden() -> None:
    line = r'{"key": "-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----\n", "user": "ada"}'

    assert "MIIEvQ" not in redact(line)
    assert '"user": "ada"' in redact(line)


def test_random_text_that_is_assigned_is_hidden() -> None:
    assert redact("salt = 'Zx8kQ2mP9vL4tR7wB1nC5yJ3'") == "salt = '[secret]'"


def test_to_hide_secrets_again_changes_nothing() -> None:
    once = redact(f"password = 'hunter2!'\nurl = 'https://ada:pw@db.example'\n{JWT}\n")

    assert redact(once) == once


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["train.py", "--token", "abc", "--depth", "6"], ("train.py", "--token", "[secret]", "--depth", "6")),
        (["train.py", "--api-key=abc"], ("train.py", "--api-key=[secret]")),
        (["train.py", "--password", "--depth", "6"], ("train.py", "--password", "--depth", "6")),
        (["train.py", "https://u:p@host/x"], ("train.py", "https://[secret]@host/x")),
        (["train.py", "--max-tokens", "100"], ("train.py", "--max-tokens", "100")),
    ],
)
def test_command_lines_show_no_secrets(arguments: list[str], shown: tuple[str, ...]) -> None:
    assert redact_arguments(arguments) == shown


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("https://ada:pw@git.example/churn.git", "https://git.example/churn.git"),
        ("https://ghp_abc@github.com/o/r", "https://github.com/o/r"),
        ("git@github.com:o/r.git", "git@github.com:o/r.git"),
        ("ssh://git@host/r.git", "ssh://git@host/r.git"),
        ("s3://bucket/key?versionId=7", "s3://bucket/key?versionId=7"),
        ("https://b.example/k?X-Amz-Signature=abc&x=1", "https://b.example/k?X-Amz-Signature=[secret]&x=1"),
        ("/data/file.csv", "/data/file.csv"),
    ],
)
def test_uris_show_no_credentials(uri: str, shown: str) -> None:
    assert without_credentials(uri) == shown


@pytest.mark.parametrize(
    "name", ["DB_PASSWORD", "apiKey", "--auth-token", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "PGPASSWD"]
)
def test_names_of_secrets_are_known(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["tokenizer", "AUTHOR", "max_tokens", "pad_token_id", "KEYBOARD", "PASSWORD_FILE", ""])
def test_other_names_are_not_taken_for_them(name: str) -> None:
    assert not is_secret_name(name)


def test_values_are_known_by_their_look() -> None:
    assert looks_secret("redis://:pw@cache.example")
    assert not looks_secret("/usr/lib/jvm/java-17")
