"""The formats that commands write: one table for each kind of answer, in which a format is a function and a row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from compression_config.budget import Budget
from compression_config.differences import Difference
from compression_config.findings import Code, Finding, count_by_severity
from compression_config.inventory import Inventory
from compression_config.inventory.listing import LISTING_HEADER, listing, size_words
from compression_config.reports.comparison import comparison_as_markdown, comparison_lines, comparison_to_dict
from compression_config.reports.findings import as_github, finding_lines, tallied_lines, tally
from compression_config.reports.grid import grid_lines
from compression_config.reports.html import comparison_as_html, resolution_as_html
from compression_config.reports.layout import (
    DEFAULT_WIDTH,
    EMPTY,
    Line,
    Part,
    Report,
    Row,
    Style,
    line,
    paragraph,
    table,
)
from compression_config.reports.resolution import resolution_lines
from compression_config.reports.tables import as_csv, as_markdown, to_json, to_yaml
from compression_config.resolving.resolved import Resolved
from compression_config.serialization import FORMAT_VERSION, finding_to_dict, resolution_to_dict
from compression_config.text import counted, layers_words
from compression_config.verification import Verification
from compression_config.verification.results import OK, numbers_of, shown_layers, table_of

__all__ = [
    "COMPARISON_WRITERS",
    "FINDING_WRITERS",
    "RESOLUTION_WRITERS",
    "VERIFICATION_WRITERS",
    "Answer",
    "Answered",
    "Checked",
    "ResolutionWriter",
    "checked_to_dict",
    "inventory_lines",
    "resolution_as_grid",
]


# What `validate` answers.


class Checked(NamedTuple):
    """Files that were checked, and what was found."""

    findings: Sequence[Finding]
    files: Sequence[str]
    models: Mapping[str, str | None]
    """The name of the model of each file that was checked against one; None for one without a name."""
    joined: bool = False
    """Whether the files are one list."""

    @property
    def model(self) -> str | None:
        """The name of the model where all files have the same."""
        names = set(self.models.values())
        return names.pop() if len(names) == 1 and len(self.models) == len(set(self.files)) else None

    @property
    def summary(self) -> str:
        """Return on one line what was checked and how much was found."""
        together = " as one list" if self.joined else ""
        return f"checked {counted(len(self.files), 'file')}{together}{self._against}: {tally(self.findings)}"

    @property
    def _against(self) -> str:
        if not self.models:
            return ""
        names = set(self.models.values())
        every = len(self.models) == len(set(self.files))
        what = f"{len(names)} models" if len(names) > 1 else next(iter(names)) or ("the model" if every else "a model")
        return f" against {what}" if every else f", {len(self.models)} of them against {what}"


def _findings_as_text(checked: Checked, width: int | None) -> Report:
    return (*finding_lines(checked.findings, width), line(checked.summary))


def checked_to_dict(checked: Checked) -> dict[str, Any]:
    """Return findings as plain data, ready for JSON; its shape is in docs/cli.md."""
    counts = count_by_severity(checked.findings)
    return {
        "format": "compression-config-findings",
        "version": FORMAT_VERSION,
        "files": list(checked.files),
        "joined": checked.joined,
        "model": checked.model,
        "models": dict(checked.models),
        "counts": {severity.value: number for severity, number in counts.items()},
        "findings": [finding_to_dict(finding) for finding in checked.findings],
    }


FindingsWriter: TypeAlias = Callable[[Checked, int | None], Report]
"""What was checked, the width of the terminal -> the answer."""

FINDING_WRITERS: Final[Mapping[str, FindingsWriter]] = {
    "text": _findings_as_text,
    "json": lambda checked, _: to_json(checked_to_dict(checked)),
    "github": lambda checked, _: as_github(checked.findings),
}


# What `resolve` answers.


class Answer(NamedTuple):
    """The resolution of one config list."""

    resolved: Resolved
    budget: Budget
    findings: Sequence[Finding]


class Answered(NamedTuple):
    """What there is to show of a config list or a two-part document."""

    parts: Sequence[Answer]
    """Those that are written, pruning first."""
    to_dict: Callable[[], dict[str, Any]]
    """Return all of it as plain data."""


def _resolution_as_table(answered: Answered, width: int | None) -> Iterator[Line]:
    return _part_by_part(answered, width, resolution_lines)


def resolution_as_grid(answered: Answered, width: int | None) -> Iterator[Line]:
    """Yield the picture that `--grid` asks for in place of the table."""
    return _part_by_part(answered, width, grid_lines)


def _part_by_part(
    answered: Answered,
    width: int | None,
    lines: Callable[[Resolved, Budget, Iterable[Finding], int | None], Iterator[Line]],
) -> Iterator[Line]:
    for number, part in enumerate(answered.parts):
        if number:
            yield EMPTY
        yield from lines(*part, width)


def _resolution_as_csv(answered: Answered, _width: int | None) -> str:
    return as_csv(resolution_to_dict(part.resolved, part.findings, part.budget) for part in answered.parts)


class ResolutionWriter(NamedTuple):
    """How a resolution is written."""

    write: Callable[[Answered, int | None], Report]
    """What was answered, the width of the terminal -> the answer."""
    endings: tuple[str, ...]
    """The endings of file names that stand for the format."""


RESOLUTION_WRITERS: Final[Mapping[str, ResolutionWriter]] = {
    "table": ResolutionWriter(_resolution_as_table, (".txt", "")),
    "json": ResolutionWriter(lambda answered, _: to_json(answered.to_dict()), (".json",)),
    "yaml": ResolutionWriter(lambda answered, _: to_yaml(answered.to_dict()), (".yaml", ".yml")),
    "csv": ResolutionWriter(_resolution_as_csv, (".csv",)),
    "markdown": ResolutionWriter(
        lambda answered, _: "\n".join(as_markdown(*part) for part in answered.parts), (".md",)
    ),
    "html": ResolutionWriter(lambda answered, _: resolution_as_html(answered.parts), (".html",)),
}


# What `diff` answers.

ComparisonWriter: TypeAlias = Callable[[Sequence[Difference], int | None], Report]
"""What differs, part by part, the width of the terminal -> the answer."""

COMPARISON_WRITERS: Final[Mapping[str, ComparisonWriter]] = {
    "text": comparison_lines,
    "json": lambda differences, _: to_json(comparison_to_dict(differences)),
    "markdown": lambda differences, _: comparison_as_markdown(differences),
    "html": lambda differences, _: comparison_as_html(differences),
}


# What `verify` answers.

_VERDICT_STYLES = {OK: Style.GOOD, Code.NOT_VERIFIED.value: Style.WARNING}
"""Of verdicts; of those that name what is wrong it is `ERROR`."""


def _verification_lines(
    verification: Verification, findings: Iterable[Finding] | None, width: int | None = None
) -> Iterator[Line]:
    """Yield the report of a verification: the compressed layers, those that are not as they should be, the findings.

    Findings that are None are shown elsewhere. `width` is that of the terminal, in columns; None without one: tables
    then take 100.
    """
    shown = shown_layers(verification)
    yield line(f"{layers_words(len(verification.layers))} looked at, {len(shown):,} shown", Style.HEADING)
    if shown:
        yield EMPTY
        header, *rows = table_of(verification, (width or DEFAULT_WIDTH) // 2)
        styled = [
            [*(Part(text, Style.QUIET if text.startswith("[") else Style.PLAIN) for text in cells), _verdict(verdict)]
            for *cells, verdict in rows
        ]
        strong = [Part(text, Style.STRONG) for text in header]
        for lines in table([strong, *styled], width or DEFAULT_WIDTH, right=numbers_of(header)):
            yield from lines
    if findings is not None:
        yield EMPTY
        yield from tallied_lines(findings, width)


def _verdict(text: str) -> Part:
    return Part(text, _VERDICT_STYLES.get(text, Style.ERROR))


def _verification_as_json(verification: Verification, findings: Sequence[Finding] | None, _width: int | None) -> Report:
    heading = {"format": "compression-config-verification", "version": FORMAT_VERSION}
    found = [finding_to_dict(finding) for finding in findings or ()]
    return to_json(heading | verification.to_dict() | {"findings": found})


VerificationWriter: TypeAlias = Callable[[Verification, Sequence[Finding] | None, int | None], Report]
"""What was verified, the findings unless they are shown elsewhere, the width of the terminal -> the answer."""

VERIFICATION_WRITERS: Final[Mapping[str, VerificationWriter]] = {
    "text": _verification_lines,
    "json": _verification_as_json,
}


# What `inventory` answers.

_INVENTORY_NUMBERS = {1, 4}


def inventory_lines(inventory: Inventory, width: int | None = None) -> Iterator[Line]:
    """Yield the names and types of the layers, those alike on one line.

    `width` is that of the terminal, in columns; None without one: the table then takes 100.
    """
    yield from paragraph(line(size_words(inventory, inventory.model, inventory.root), Style.HEADING), width, indent=4)
    room = width or DEFAULT_WIDTH
    listed_layers = listing(inventory, inventory.root, room // 2)
    if listed_layers:
        # Shares are empty where not all parameters are known.
        kept = [column for column in range(len(LISTING_HEADER)) if any(cells[column] for cells in listed_layers)]
        rows: list[Row] = [tuple(Part(LISTING_HEADER[column], Style.QUIET) for column in kept)]
        rows += (tuple(Part(cells[column]) for column in kept) for cells in listed_layers)
        yield EMPTY
        for lines in table(rows, room, right=_INVENTORY_NUMBERS):
            yield from lines
