"""Where the difference of two commits is shown."""

import pytest

from trackback.server.ui.runs.commits import compare_url, web_address

A, B = "a" * 40, "b" * 40


@pytest.mark.parametrize(
    ("repository", "address"),
    [
        ("https://github.com/acme/churn.git", "https://github.com/acme/churn"),
        ("https://ann:token@github.com/acme/churn", "https://github.com/acme/churn"),
        ("http://git.example:8080/acme/churn/", "http://git.example:8080/acme/churn"),
        ("git@github.com:acme/churn.git", "https://github.com/acme/churn"),
        ("ssh://git@gitlab.example.com:2222/acme/sub/churn.git", "https://gitlab.example.com/acme/sub/churn"),
        ("/srv/git/churn", ""),
        ("https://[github.com/acme/churn", ""),
        ("https://github.com:churn/acme", ""),
        ("javascript:alert(1)", ""),
        ("", ""),
    ],
)
def test_a_repository_has_pages_where_its_address_says_so(repository: str, address: str) -> None:
    assert web_address(repository) == address


def test_commits_of_one_repository_are_compared_where_it_is() -> None:
    one = {"repository": "git@github.com:acme/churn.git", "commit": A}
    assert compare_url(one, one | {"commit": B}) == f"https://github.com/acme/churn/compare/{A}...{B}"
    lab = {"repository": "https://gitlab.com/acme/churn", "commit": A}
    assert compare_url(lab, lab | {"commit": B}) == f"https://gitlab.com/acme/churn/-/compare/{A}...{B}"


def test_equal_commits_and_those_of_two_repositories_are_not() -> None:
    one = {"repository": "git@github.com:acme/churn.git", "commit": A}
    assert compare_url(one, one) == ""
    assert compare_url(one, {"repository": "git@github.com:acme/other.git", "commit": B}) == ""
    assert compare_url(one, {"repository": "git@github.com:acme/churn.git"}) == ""
