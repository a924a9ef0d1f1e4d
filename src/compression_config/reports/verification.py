"""A verification as people read it: what was demanded of layers and groups, what was found, and the findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from compression_config.findings import Code, Finding
from compression_config.patterns import NameGroup, NameGroups
from compression_config.reports.findings import finding_lines, tally
from compression_config.reports.layout import DEFAULT_WIDTH, EMPTY, Line, Part, Row, Style, line, table
from compression_config.resolving.resolved import Status
from compression_config.text import layers_words, number_cell
from compression_config.verification import GroupVerification, LayerVerification, Verification

__all__ = ["verification_lines"]


_HEADER = ("layers", "", "by", "elements", "demanded", "masked", "bits", "values", "verdict")
_WORDS = frozenset({0, 2, len(_HEADER) - 1})
"""The columns that hold words; the others hold numbers."""


class _Found(NamedTuple):
    """What layers have in common that are shown as one."""

    by: int | None
    numel: int | None
    demanded: int | None
    masked: int | None
    """None in a group, where each layer has its own; that of the group is a row of its own."""
    bits: int | None
    levels: int | None
    codes: tuple[Code, ...]


def verification_lines(
    verification: Verification, findings: Iterable[Finding], width: int | None = None
) -> Iterator[Line]:
    """Yield the report of a verification: the compressed layers, those that are not as they should be, the findings.

    `width` is that of the terminal, in columns; None where there is none: tables then take 100.
    """
    shown = [row for row in verification.layers if row.codes or row.status is Status.COMPRESSED or row.bits is not None]
    yield line(f"{layers_words(len(verification.layers))} looked at, {len(shown):,} shown", Style.HEADING)
    if shown:
        yield EMPTY
        yield from _table(shown, verification.groups, width or DEFAULT_WIDTH)
    found = tuple(findings)
    yield EMPTY
    yield from finding_lines(found, width)
    yield line(tally(found))


def _table(layers: Iterable[LayerVerification], groups: Iterable[GroupVerification], width: int) -> Iterator[Line]:
    named = NameGroups((position, row.layer, _found(row)) for position, row in enumerate(layers))
    rows = [_layer_cells(group, found) for group, found in named.written(width // 2)]
    rows += map(_group_cells, groups)
    kept = [column for column in range(len(_HEADER)) if any(row[column].text for row in rows)]
    header: Row = [Part(text, Style.STRONG) for text in _HEADER]
    cells = [[row[column] for column in kept] for row in (header, *rows)]
    right = frozenset(place for place, column in enumerate(kept) if column not in _WORDS)
    for lines in table(cells, width, right=right):
        yield from lines


def _found(row: LayerVerification) -> _Found:
    in_group = row.demanded is None and not row.codes
    masked, levels = (None, None) if in_group and row.bits is None else (row.masked, row.levels)
    return _Found(row.index, row.numel, row.demanded, masked, row.bits, levels, row.codes)


def _layer_cells(group: NameGroup, found: _Found) -> Row:
    by = "" if found.by is None else f"[{found.by}]"
    numbers = (found.numel, found.demanded, found.masked, found.bits, found.levels)
    return (
        Part(group.written),
        Part(f"{group.count:,}"),
        Part(by, Style.QUIET),
        *(Part(number_cell(number)) for number in numbers),
        _verdict(found.codes),
    )


def _group_cells(row: GroupVerification) -> Row:
    return (
        Part("together"),
        Part(f"{len(row.layers):,}"),
        Part(f"[{row.index}]", Style.QUIET),
        *(Part(number_cell(number)) for number in (row.numel, row.demanded, row.masked, None, None)),
        _verdict(row.codes),
    )


def _verdict(codes: tuple[Code, ...]) -> Part:
    return Part(", ".join(codes), Style.ERROR) if codes else Part("ok", Style.GOOD)
