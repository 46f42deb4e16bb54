"""What is relied on where tests are spread over workers."""

import pytest


def test_a_worker_that_dies_fails_its_test_and_another_goes_on(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import os\ndef test_dies(): os._exit(0)\ndef test_goes_on(): pass")
    result = pytester.runpytest_subprocess("--numprocesses=1")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["FAILED *test_dies*"])
