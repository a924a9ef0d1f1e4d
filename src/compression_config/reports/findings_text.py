"""Findings as people read them: what is wrong, where, the line of the text with carets, and the remedy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from compression_config.findings import Finding, Severity, count_by_severity
from compression_config.naming.spelling import printable
from compression_config.reports.lines import (
    DEFAULT_WIDTH,
    EMPTY,
    Line,
    Part,
    Style,
    paragraph,
    plain_text,
)
from compression_config.reports.snippets import snippet
from compression_config.spans import format_path

__all__ = ["SEVERITY_STYLES", "as_text", "counted", "finding_lines", "tally"]

SEVERITY_STYLES = {Severity.ERROR: Style.ERROR, Severity.WARNING: Style.WARNING, Severity.NOTE: Style.NOTE}


def as_text(findings: Iterable[Finding], width: int | None = None) -> str:
    """Return findings as a text report: one block each in the order given, then how many there are.

    `width` is that of the terminal, in columns; None for what is no terminal: sentences are then not
    broken, and long lines of a document cut to 100 columns. No findings give the empty string.

    >>> from compression_config import check
    >>> print(as_text(check([{"op_types": ["Linear"], "sparsity_per_layer": 80}])), end="")
    error[out-of-range]: 'sparsity_per_layer' must be at least 0 and below 1, not 80
     --> [0].sparsity_per_layer
      = help: ratios are not percentages: write 0.8
    <BLANKLINE>
    1 error
    """
    found = tuple(findings)
    if not found:
        return ""
    return plain_text((*finding_lines(found, width), *((Part(tally(found)),),)))


def finding_lines(findings: Iterable[Finding], width: int | None = None) -> Iterator[Line]:
    """Yield the lines of each finding, with an empty one behind it."""
    for finding in findings:
        yield from _block(finding, width)
        yield EMPTY


def _block(finding: Finding, width: int | None) -> Iterator[Line]:
    style = SEVERITY_STYLES[finding.severity]
    label = Part(f"{finding.severity}[{finding.code}]", style)
    yield from paragraph((label, Part(": ")), printable(finding.message), width, indent=4, style=Style.STRONG)
    marked: list[Line] = []
    gutter = 1
    if finding.span is not None and finding.excerpt is not None:
        marked, gutter = snippet(finding.excerpt, finding.span, width or DEFAULT_WIDTH, style)
    where = _where(finding)
    if where:
        yield Part(" " * gutter + "--> ", Style.QUIET), Part(where)
    yield from marked
    if finding.hint:
        yield from paragraph((Part(" " * gutter + " = help: ", Style.HELP),), printable(finding.hint), width)


def _where(finding: Finding) -> str:
    """Return file, line, column and config path, as far as they are known."""
    where = printable(finding.source or "")
    if finding.span is not None:
        where += f":{finding.span.start.line}:{finding.span.start.column}"
    return " at ".join(part for part in (where, printable(format_path(finding.path))) if part)


def tally(findings: Iterable[Finding]) -> str:
    """Return how many findings there are, the worst first: "2 errors, 1 warning"; without any, "no findings"."""
    counts = count_by_severity(findings)
    return ", ".join(counted(number, severity.value) for severity, number in counts.items() if number) or "no findings"


def counted(number: int, thing: str) -> str:
    """Return a number with what it counts.

    >>> counted(1, "layer"), counted(1200, "layer")
    ('1 layer', '1,200 layers')
    """
    return f"{number:,} {thing}" + ("" if number == 1 else "s")
