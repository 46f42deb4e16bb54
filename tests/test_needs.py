"""A test whose server is missing is skipped at a desk and fails under CI, however it came to be skipped."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

THREE_WAYS_TO_SKIP = """
import pytest
from tests.needs import need

def test_needs():
    need(False, "no such server")

@pytest.mark.skip(reason="no such server")
def test_marked():
    pass

@pytest.fixture
def server():
    need(False, "no such server")

def test_by_fixture(server):
    pass
"""


@pytest.fixture(params=["0", "2"], ids=["alone", "workers"])
def run(request: pytest.FixtureRequest, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeini(f"[pytest]\naddopts = -p tests.needs -rsfE --numprocesses {request.param}")
    return pytester


def test_at_a_desk_what_is_missing_is_skipped_and_named(run: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    run.makepyfile(THREE_WAYS_TO_SKIP)
    result = run.runpytest_subprocess()
    result.assert_outcomes(skipped=3)
    result.stdout.fnmatch_lines(["*no such server*"])


def test_under_ci_what_is_missing_fails(run: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    run.makepyfile(THREE_WAYS_TO_SKIP)
    result = run.runpytest_subprocess()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*skipped under CI*no such server*"])


def test_under_ci_a_module_that_skips_itself_fails(run: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    run.makepyfile("import pytest\npytest.importorskip('a_library_that_is_not_there')\ndef test_with_it(): pass")
    result = run.runpytest_subprocess()
    assert result.ret in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.TESTS_FAILED)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["ERROR *skipped under CI*a_library_that_is_not_there*"])


def test_under_ci_an_expected_failure_is_still_expected(run: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    run.makepyfile("import pytest\n@pytest.mark.xfail\ndef test_known_gap(): assert False")
    run.runpytest_subprocess().assert_outcomes(xfailed=1)
