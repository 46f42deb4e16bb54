"""What tests need beyond Python: where it is missing they are skipped and say why; under CI they fail instead.

Loaded as a pytest plugin, so that the rule holds for every skip, also those of `pytest.mark.skip` and `importorskip`.
"""

import os
from collections.abc import Generator

import pytest


def need(condition: object, reason: str) -> None:
    """Skip the test that asks, unless condition holds. reason names what is missing and how to get it."""
    if not condition:
        pytest.skip(reason)


def under_ci() -> bool:
    return os.environ.get("CI", "").lower() in ("true", "1")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if under_ci() and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped under CI, where nothing may be missing: {_reason(report)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if under_ci() and report.skipped:
        report.longrepr = f"skipped under CI, where nothing may be missing: {_reason(report)}"
        report.outcome = "failed"
    return report


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    return report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
