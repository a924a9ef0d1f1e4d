"""A resolution as people read it: what each sub-config won, the model as a whole, and the findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from compression_config.budget import Budget
from compression_config.findings import Finding
from compression_config.naming.spelling import printable
from compression_config.reports.findings_text import counted, finding_lines, tally
from compression_config.reports.lines import DEFAULT_WIDTH, EMPTY, Line, Style, line
from compression_config.reports.sections import section_lines
from compression_config.reports.totals import total_lines
from compression_config.resolving import Resolved

__all__ = ["resolution_lines"]


def resolution_lines(
    resolved: Resolved, budget: Budget, findings: Iterable[Finding], width: int | None = None
) -> Iterator[Line]:
    """Yield the report of a resolution.

    `width` is that of the terminal, in columns; None for what is no terminal: tables then take 100.
    """
    yield _headline(resolved)
    yield from section_lines(resolved, budget, width or DEFAULT_WIDTH)
    yield EMPTY
    yield from total_lines(resolved, budget, width or DEFAULT_WIDTH)
    found = tuple(findings)
    if found:
        yield EMPTY
        yield from finding_lines(found, width)
        yield line(tally(found))


def _headline(resolved: Resolved) -> Line:
    inventory, configs = resolved.inventory, resolved.config_list
    model = printable(inventory.model or "a model")
    return line(
        f"{counted(len(configs), 'sub-config')} for {configs.kind}, {model} with {counted(len(inventory), 'layer')}",
        Style.HEADING,
    )
