"""An explanation on a terminal: its lines broken so that the labels stand alone."""

from __future__ import annotations

from collections.abc import Iterator

from compression_config.budget import Budget
from compression_config.naming.spelling import printable
from compression_config.reports.lines import Line, Part, Style, line, paragraph
from compression_config.resolving import Resolved
from compression_config.wording import explained

__all__ = ["explanation_lines"]


def explanation_lines(resolved: Resolved, budget: Budget, position: int, width: int | None = None) -> Iterator[Line]:
    """Yield what a layer gets and why; `width` is that of the terminal in columns, None breaks no line.

    Without a width it is `Resolution.explain`, line by line.
    """
    (_, title), *facts = explained(resolved, budget, position)
    yield line(printable(title), Style.STRONG)
    wide = max(len(label) for label, _ in facts) + 2
    for label, words in facts:
        yield from paragraph((Part(f"  {label:{wide}}", Style.QUIET),), printable(words), width)
