"""The engines are what these tests are for: one that skips has tested nothing, and fails."""

from __future__ import annotations

from collections.abc import Generator

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Let engines use what torch deprecates, and say that they were not tested with each other's releases."""
    config.addinivalue_line("filterwarnings", r"ignore::DeprecationWarning:torch\.jit\..*")
    config.addinivalue_line("filterwarnings", r"ignore::UserWarning:modelopt\..*")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skipped test into a failed one."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn a skipped module into an error."""
    report = yield
    if report.outcome == "skipped":
        report.outcome = "failed"
    return report
