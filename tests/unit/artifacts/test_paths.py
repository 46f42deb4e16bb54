import pytest

from trackback.artifacts.paths import PATH_LENGTH, check_directory, check_path, split_root
from trackback.errors import InvalidParameter

RUN = "0123456789abcdef0123456789abcdef"
MODEL = f"m-{RUN}"


@pytest.mark.parametrize(
    "path",
    [
        "model/MLmodel",
        "a b/c+d=e&f;g,h!.txt",
        "100%/50%25.csv",
        "plots/größe-模型.png",
        ".hidden/..two-dots/three...",
        "1:00 pm.txt",
        "a" * PATH_LENGTH,
    ],
)
def test_ordinary_names_are_left_as_they_are(path: str) -> None:
    assert check_path(path) == path


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("", "empty"),
        ("..", "'..'"),
        ("a/../b", "'..'"),
        ("a/..", "'..'"),
        ("a/./b", "'.'"),
        ("/etc/passwd", "absolute"),
        ("a//b", "empty name"),
        ("a/", "empty name"),
        ("a\\b", "backslash"),
        ("..\\b", "backslash"),
        ("a#b", "#"),
        ("a\x00b", "NUL"),
        ("a\nb", "control character"),
        ("a\x7fb", "control character"),
        ("a\x85b", "control character"),
        ("a\ufffdb", "UTF-8"),
        ("C:/windows", "drive"),
        ("c:windows", "drive"),
        ("a/C:/b", "drive"),
        ("%2e%2e/b", "decoded"),
        ("a/%2E%2E/b", "decoded"),
        ("a/%2e%2e%2fb", "decoded"),
        ("a/%252e%252e/b", "decoded"),
        ("%2fetc/passwd", "decoded"),
        ("a/..%5cb", "decoded"),
        ("a%00b", "decoded"),
        ("%43%3a/b", "decoded"),
        ("%2525252525252e", "again and again"),
        ("ä" * (PATH_LENGTH // 2 + 1), "1026 bytes"),
    ],
)
def test_a_path_that_could_lead_elsewhere_is_refused_and_the_message_says_why(path: str, why: str) -> None:
    with pytest.raises(InvalidParameter, match=r"^Invalid path: ") as raised:
        check_path(path)
    assert why in raised.value.message


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(InvalidParameter, match="UTF-8"):
        check_path("a\ud800b")


def test_a_directory_may_end_with_a_slash_and_the_topmost_has_no_name() -> None:
    assert [check_directory(path) for path in ("", "/", "a/b/", "a/b")] == ["", "", "a/b", "a/b"]


def test_a_directory_is_held_to_the_rules_of_paths() -> None:
    with pytest.raises(InvalidParameter, match=r"'\.\.'"):
        check_directory("a/../b")


@pytest.mark.parametrize(
    ("path", "root", "inner"),
    [
        (f"1/{RUN}/artifacts/model/MLmodel", f"1/{RUN}/artifacts", "model/MLmodel"),
        (f"{RUN}/artifacts/a", f"{RUN}/artifacts", "a"),
        (f"deep/er/{RUN}/artifacts/a", f"deep/er/{RUN}/artifacts", "a"),
        (f"1/{RUN}/artifacts", f"1/{RUN}/artifacts", ""),
        (f"1/models/{MODEL}/artifacts/MLmodel", f"1/models/{MODEL}/artifacts", "MLmodel"),
        (f"1/{RUN}/artifacts/2/{RUN}/artifacts/a", f"1/{RUN}/artifacts", f"2/{RUN}/artifacts/a"),
        (f"1/{RUN}/other/a", "", f"1/{RUN}/other/a"),
        (f"1/{RUN}/artifacts2/a", "", f"1/{RUN}/artifacts2/a"),
        (f"1/{MODEL}/artifacts/a", "", f"1/{MODEL}/artifacts/a"),
        (f"1/{RUN.upper()}/artifacts/a", "", f"1/{RUN.upper()}/artifacts/a"),
        ("artifacts/a", "", "artifacts/a"),
        ("datasets/train.csv", "", "datasets/train.csv"),
        ("", "", ""),
    ],
)
def test_a_path_belongs_to_the_shortest_prefix_that_is_a_runs_or_a_models(path: str, root: str, inner: str) -> None:
    assert split_root(path) == (root, inner)
