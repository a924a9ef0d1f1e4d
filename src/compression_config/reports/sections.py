"""Sections: under each sub-config how many layers it won, what that masks, and the layers themselves, grouped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from compression_config.budget import Budget
from compression_config.naming.spelling import printable
from compression_config.reports.columns import GAP, Columns, Row
from compression_config.reports.findings_text import counted
from compression_config.reports.grouping import NameGroup, NameGroups
from compression_config.reports.lines import EMPTY, Line, Part, Style, display_width, paragraph
from compression_config.reports.rows import (
    Counts,
    LayerFacts,
    SubConfigRow,
    layer_groups,
    sub_config_rows,
    type_words,
    weightless,
)
from compression_config.resolving import Resolved

__all__ = ["section_lines"]

_INDENT = 6
_TAKERS_SHOWN = 5
"""How many sub-configs are named that take layers from another."""
_FACTS = (Part("    "),)
"""What stands before the facts about a sub-config."""


def section_lines(resolved: Resolved, budget: Budget, width: int) -> Iterator[Line]:
    """Yield for each sub-config, in list order, an empty line, what it says, what it won, and the layers."""
    rows = _rows(resolved, width)
    shown = [row for of_one in rows.values() for row in of_one]
    columns = Columns.of(shown, width, right=frozenset({1}), indent=_INDENT) if shown else None
    sub_configs = list(sub_config_rows(resolved, budget))
    several_files = len({row.source for row in sub_configs}) > 1
    for sub_config in sub_configs:
        yield EMPTY
        yield from _heading(sub_config, width, where=several_files)
        for row in rows.get(sub_config.index, ()):
            if columns is not None:
                yield from columns.lines(row)


def _rows(resolved: Resolved, width: int) -> dict[int, list[Row]]:
    """Return the layers that each sub-config won, by its index."""
    rows: dict[int, list[Row]] = {}
    groups = layer_groups(resolved)
    for group, facts in groups.written(longest=width - _beside_names(groups, len(resolved.inventory))):
        rows.setdefault(facts.winner, []).append(_layer_cells(group, facts))
    for index, counts in weightless(resolved).items():
        rows.setdefault(index, []).append(_weightless_cells(counts))
    return rows


def _heading(row: SubConfigRow, width: int, *, where: bool) -> Iterator[Line]:
    """Yield what a sub-config says, with file and line where the list comes from several, and what that makes."""
    lead = (Part(f"{row.label} ", Style.QUIET), Part(row.gets, Style.STRONG), Part(": "))
    source = f" ({row.source}:{row.line})" if where and row.source else ""
    yield from paragraph(lead, printable(row.selector + source), width, indent=4)
    yield from paragraph(_FACTS, _won_words(row), width, style=Style.PLAIN if row.won else Style.WARNING)
    words = _masked_words(row) if row.won else ""
    if words:
        yield from paragraph(_FACTS, words, width)


def _won_words(row: SubConfigRow) -> str:
    """Return how many layers a sub-config won of those that it selects, and who took the others."""
    if not row.selected:
        return "selects no layer"
    taken = f"; {_takers(row.taken_by)}" if row.taken_by else ""
    if not row.won:
        them = f"{taken} them all" if taken else ""
        return f"shadowed: wins none of the {counted(row.selected, 'layer')} it selects{them}"
    if row.won == row.selected:
        share = {1: "the one layer", 2: "both layers"}.get(row.won, f"all {row.won:,} layers")
    else:
        share = f"{row.won:,} of the {row.selected:,} layers"
    rest = f"{taken} the rest" if taken else ""
    return f"wins {share} it selects{rest}"


def _takers(indices: Sequence[int]) -> str:
    """Return who takes: "[1] takes", "[1], [2] and 7 more take"."""
    shown = [f"[{index}]" for index in indices]
    if len(shown) == 1:
        return f"{shown[0]} takes"
    if len(shown) > _TAKERS_SHOWN + 1:
        shown[_TAKERS_SHOWN:] = [f"{len(shown) - _TAKERS_SHOWN:,} more"]
    return f"{', '.join(shown[:-1])} and {shown[-1]} take"


def _masked_words(row: SubConfigRow) -> str:
    """Return what that makes in weight elements, as far as it is known."""
    if not row.numel:
        return ""
    if row.masked is None:
        elements = f"{row.numel:,} weight elements"
        return f"leaves {elements} as they are" if row.excludes else elements
    if row.group is None:
        return f"masks {row.masked:,} of {row.numel:,} weight elements"
    cap = "" if row.group.max_sparsity is None else f" (the cap allows {row.group.reachable:,})"
    return f"masks {row.masked:,} of {row.numel:,} weight elements together{cap}"


def _beside_names(groups: NameGroups[LayerFacts], layers: int) -> int:
    """Return how many columns a row of layers takes at most besides their names."""
    kinds = max((display_width(_kind_words(facts)) for facts in groups.outcomes), default=0)
    return _INDENT + GAP + len(f"{layers:,}") + GAP + kinds


def _layer_cells(group: NameGroup, facts: LayerFacts) -> Row:
    return Part(printable(group.written)), Part(f"{group.count:,}"), Part(_kind_words(facts))


def _kind_words(facts: LayerFacts) -> str:
    between = ", " if facts.has_weight is False else " "
    return printable(f"{facts.type}{between}{facts.weight_words}").rstrip()


def _weightless_cells(counts: Counts) -> Row:
    words = f"({printable(type_words(counts, 2))})"
    return Part(words, Style.QUIET), Part(f"{counts.layers:,}", Style.QUIET), Part("without a weight", Style.QUIET)
