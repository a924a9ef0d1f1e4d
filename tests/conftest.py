"""Settings of hypothesis for all tests, and the option `--slow`; builders live in `tests/support`."""

from __future__ import annotations

import pytest
from hypothesis import settings

# No deadline: the machines of CI are shared, and the first example pays for imports and caches.
settings.register_profile("core", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("core")

LEFT_OUT = pytest.StashKey[int]()
"""How many slow tests were left out."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that runs slow tests too."""
    parser.addoption("--slow", action="store_true", help="run also the tests that are marked slow")


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say that slow tests are left out; how many is known when they have been collected."""
    return None if config.getoption("--slow") else "slow tests: left out (run them with --slow)"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the slow tests out, unless they are asked for."""
    if config.getoption("--slow"):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    config.stash[LEFT_OUT] = len(slow)
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if not item.get_closest_marker("slow")]
    # A worker of pytest-xdist hands what it knows to the process that prints.
    if hasattr(config, "workeroutput"):
        config.workeroutput["left_out"] = len(slow)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """Take over what a worker of pytest-xdist left out: each of them collects all tests."""
    config: pytest.Config = node.config  # type: ignore[attr-defined]
    left_out: int = getattr(node, "workeroutput", {}).get("left_out", 0)  # a worker that crashed has none
    config.stash[LEFT_OUT] = max(left_out, config.stash.get(LEFT_OUT, 0))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how many slow tests were left out."""
    if count := config.stash.get(LEFT_OUT, 0):
        terminalreporter.write_line(f"{count} slow {'test' if count == 1 else 'tests'} left out; --slow runs them too")
