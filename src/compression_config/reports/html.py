"""Reports as HTML: whole pages, and fragments of bounded size for notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from compression_config.budget import Budget
from compression_config.differences import Difference
from compression_config.findings import Finding
from compression_config.html import details, element, escaped, fragment, items, page, table
from compression_config.reports.comparison import FIGURES_HEADER, figures, sections, size_words, summary, title
from compression_config.reports.findings import tally, where_words
from compression_config.reports.grid import (
    EXCLUDED_MARK,
    ITSELF,
    UNTOUCHED_MARK,
    Grid,
    GridRow,
    Outcome,
    grid_of,
    touched_words,
    weights_words,
)
from compression_config.reports.resolution import headline, layer_groups, sub_config_rows, totals
from compression_config.resolving.resolved import Resolved, Status
from compression_config.text import counted, joined, layers_words, more_words, number_cell, percent_words

__all__ = ["comparison_as_html", "resolution_as_html"]


class _Most(NamedTuple):
    """How much of a report is shown; what is left out is counted."""

    rows: int
    """Of a table, or findings of a list."""
    tables: int
    cells: int
    """Of a grid."""


_OF_PAGE = _Most(1_000, 200, 12_000)
_OF_NOTEBOOK = _Most(50, 20, 1_000)
"""Notebooks keep every output that was ever looked at."""


# Resolutions.


def resolution_as_html(
    parts: Sequence[tuple[Resolved, Budget, Iterable[Finding]]], *, in_notebook: bool = False
) -> str:
    """Return resolutions, one or the two of a two-part document, as a page, or as a fragment of bounded size."""
    most = _OF_NOTEBOOK if in_notebook else _OF_PAGE
    content = "".join(block for part in parts for block in _resolution(*part, most))
    return fragment(content) if in_notebook else page(" and ".join(_title(part[0]) for part in parts), content)


def _title(resolved: Resolved) -> str:
    return f"{resolved.config_list.kind.capitalize()} of {resolved.inventory.model or 'a model'}"


def _resolution(resolved: Resolved, budget: Budget, findings: Iterable[Finding], most: _Most) -> Iterator[str]:
    yield element("h1", escaped(_title(resolved)))
    yield element("p", escaped(headline(resolved)), style="quiet")
    yield _facts(resolved, budget)
    yield _grid(grid_of(resolved, budget), most)
    yield from _sub_configs(resolved, budget, most)
    yield element("h2", "The model as a whole")
    yield items(f"{label}: {words}" for label, words in totals(resolved, budget))
    yield _findings(tuple(findings), most)


def _facts(resolved: Resolved, budget: Budget) -> str:
    """Return the figures that come first, and a bar."""
    statuses = dict.fromkeys(Status, 0)
    for index, decided in enumerate(resolved.decided):
        statuses[Status.EXCLUDED if resolved.config_list[index].exclude else Status.COMPRESSED] += len(decided)
    layers = len(resolved.inventory)
    statuses[Status.UNTOUCHED] = layers - sum(statuses.values())
    model, figures = budget.model, []
    share = model.masked_share_of_all if resolved.config_list.kind == "pruning" else None
    if share is not None:
        figures.append((percent_words(share), "of all parameters masked"))
    elif model.mean_bits is not None and resolved.config_list.kind == "quantization":
        figures.append((f"{model.mean_bits:.2f}", "bits per parameter"))
    figures += [(f"{count:,}", f"layers {status}") for status, count in statuses.items()]
    shown = "".join(f"<li><b>{escaped(value)}</b><small>{escaped(name)}</small></li>" for value, name in figures)
    return f'<ul class="facts">{shown}</ul>\n' + ("" if share is None else _bar(share))


def _bar(share: float) -> str:
    rectangles = "".join(
        f'<rect class="{style}" width="{100 * part:.2f}" height="10"/>' for style, part in (("all", 1), ("part", share))
    )
    words = f"{percent_words(share)} of all parameters masked"
    drawing = f"{element('title', words)}{rectangles}</svg>"
    return f'<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" role="img">{drawing}\n'


_BAND = 24
"""How many blocks are side by side."""


def _grid(grid: Grid, most: _Most) -> str:
    room = most.cells
    blocks: list[str] = []
    for stack in grid.stacks:
        rows = [row for row in stack.rows if not grid.negligible(row)]
        shown = rows[: max(room // len(stack.blocks), 0)]
        room -= len(shown) * len(stack.blocks)
        name = ".".join(filter(None, (stack.name, "N")))
        places = range(len(stack.blocks))
        for start in places[::_BAND] if shown else ():
            band = places[start : start + _BAND]
            last = band[-1] == places[-1]
            blocks.append(
                _band(name, [str(stack.blocks[place]) for place in band], shown, band, grid if last else None)
            )
        blocks.append(_not_drawn(grid, stack.rows, len(rows) - len(shown)))
    others = [row for row in grid.others if not grid.negligible(row)]
    if others:
        shown = others[: max(room, 0)]
        blocks.append(_band("outside of blocks" if grid.stacks else "layers", [""], shown, range(1), grid))
        blocks.append(_not_drawn(grid, grid.others, len(others) - len(shown)))
    if not blocks:
        return ""
    return element("h2", "What each layer gets") + "".join(blocks) + _legend(grid)


def _band(name: str, numbers: Sequence[str], rows: Sequence[GridRow], places: range, end: Grid | None) -> str:
    """Return a table of some blocks; with a grid in `end` what is at the end of each row too."""
    header = [element("th", element("code", escaped(name))), *(element("th", number) for number in numbers)]
    if end:
        touched = "masked" if end.kind == "pruning" else "quantized"
        names = [("weights", "e n")] if end.parameters else []
        header += [element("th", text, style=style) for text, style in (*names, (touched, "e n"), ("by", "e"))]
    body = "".join(f"<tr>{''.join(_row(row, numbers, places, end))}</tr>\n" for row in rows)
    head = "".join(header)
    return f'<div class="wide grid"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>\n'


def _row(row: GridRow, numbers: Sequence[str], places: range, end: Grid | None) -> Iterator[str]:
    yield element("th", element("code", escaped(row.name or ITSELF)))
    for place, number in zip(places, numbers, strict=True):
        cell = row.cells[place]
        if cell is None:
            yield '<td class="c"></td>'
            continue
        style, text = _cell(cell, uneven=row.uneven)
        yield element(
            "td", element("span", text), style=f"c {style}", title=f"{number}: {cell.gets}".removeprefix(": ")
        )
    if end:
        if end.parameters:
            yield element("td", escaped(weights_words(row, end)), style="n")
        yield element("td", escaped(touched_words(row)), style="n")
        yield element("td", escaped(joined(row.decided_by, most=5)), style="quiet")


def _cell(cell: Outcome, *, uneven: bool) -> tuple[str, str]:
    """Return the class and the text of a cell."""
    if cell.status is Status.EXCLUDED:
        return "x", EXCLUDED_MARK
    if cell.status is Status.UNTOUCHED:
        return "f" if uneven else "u", UNTOUCHED_MARK
    if cell.share is not None:
        return f"m{round(10 * cell.share)}", f"{100 * cell.share:.0f}"
    bits = cell.bits.partition("/")[0]
    # The fewer bits, the more is taken away.
    return (f"m{max(10 - int(bits) // 2, 1)}" if bits.isdecimal() else "m1"), cell.bits or "?"


def _not_drawn(grid: Grid, rows: Sequence[GridRow], cut: int) -> str:
    """Return the names of rows that hold next to nothing, and how many there was no room for."""
    words = grid.negligible_words(rows, 12), f"{more_words(cut)} rows are not shown" if cut else ""
    return "".join(element("p", escaped(text), style="quiet") for text in filter(None, words))


def _legend(grid: Grid) -> str:
    words = "masked percent, in a group on average" if grid.kind == "pruning" else "bits of weight/input/output"
    uneven = any(row.uneven for stack in grid.stacks for row in stack.rows)
    statuses = {cell.status for cell in grid.outcomes}
    entries = (
        (Status.COMPRESSED in statuses, "m5", "8" if grid.kind == "quantization" else "50", words),
        (Status.EXCLUDED in statuses, "x", EXCLUDED_MARK, "excluded"),
        (Status.UNTOUCHED in statuses, "u", UNTOUCHED_MARK, "untouched"),
        (uneven, "f", UNTOUCHED_MARK, "untouched where other blocks are compressed"),
    )
    shown = (
        element("span", element("span", element("span", sign), style=f"c {style}") + escaped(text))
        for occurs, style, sign, text in entries
        if occurs
    )
    return element("p", "".join(shown), style="legend") + "\n"


_LAYERS_HEADER = ("layers", "number", "type", "weight")


def _sub_configs(resolved: Resolved, budget: Budget, most: _Most) -> Iterator[str]:
    """Yield a table of the sub-configs, and for each of them one of the layers that it decides."""
    rows = list(sub_config_rows(resolved, budget))
    yield element("h2", "Sub-configs")
    yield table(
        ("", "gets", "selector", "decides", "selects", "weights", "masked", ""),
        [
            (
                row.label,
                row.gets,
                row.selector,
                *map(number_cell, (row.decided, row.selected, row.numel, row.masked)),
                percent_words(row.masked, row.numel) if row.masked is not None and row.numel else "",
            )
            for row in rows
        ],
        numbers=(3, 4, 5, 6, 7),
        most=most.rows,
    )
    decided: dict[int, list[tuple[str, ...]]] = {}
    for group, facts in layer_groups(resolved).written():
        cells = group.written, f"{group.count:,}", facts.type, facts.weight_words
        decided.setdefault(facts.decided_by, []).append(cells)
    for index in sorted(decided)[: most.tables]:
        row, layers = rows[index], decided[index]
        shown = table(_LAYERS_HEADER, layers, numbers=(1,), most=most.rows // 4)
        yield details(f"{row.label} {row.gets}", layers_words(row.decided), shown)
    if len(decided) > most.tables:
        yield element("p", f"and {counted(len(decided) - most.tables, 'sub-config')} more", style="quiet")


def _findings(findings: Sequence[Finding], most: _Most) -> str:
    if not findings:
        return ""
    entries = "".join(f"<li>{_finding(finding)}</li>\n" for finding in findings[: most.rows])
    more = len(findings) - most.rows
    note = element("p", f"and {more_words(more)}", style="quiet") if more > 0 else ""
    return element("h2", escaped(tally(findings).capitalize())) + f'<ul class="findings">\n{entries}</ul>\n{note}'


def _finding(finding: Finding) -> str:
    severity = element("span", f"{finding.severity}[{escaped(finding.code)}]", style=finding.severity.value)
    place = where_words(finding)
    hint = element("small", f"help: {escaped(finding.hint)}") if finding.hint else ""
    return f"{severity} {escaped(finding.message)}{element('small', escaped(place)) if place else ''}{hint}"


# Comparisons.


def comparison_as_html(differences: Sequence[Difference], *, in_notebook: bool = False) -> str:
    """Return a comparison as a page, or as a fragment of bounded size."""
    most = _OF_NOTEBOOK if in_notebook else _OF_PAGE
    content = "".join(block for difference in differences for block in _difference(difference, most))
    return fragment(content) if in_notebook else page("Changes in " + joined(map(title, differences)), content)


def _difference(difference: Difference, most: _Most) -> Iterator[str]:
    yield element("h1", escaped(f"Changes in {title(difference)}"))
    yield element("p", escaped(summary(difference).capitalize()))
    if difference.equal:
        return
    yield _changed_figures(difference)
    found = sections(difference)
    for section in found[: most.tables]:
        rows = [(row.names, f"{row.number:,}", row.before, row.after) for row in section.rows()]
        header = ("layers", "number", "decided by, before", "after")
        shown = table(header, rows, numbers=(1,), most=most.rows)
        yield details(section.heading.replace("->", "→"), size_words(section, difference), shown)
    if len(found) > most.tables:
        yield element("p", f"and {counted(len(found) - most.tables, 'change')} more", style="quiet")


def _changed_figures(difference: Difference) -> str:
    shown = figures(difference)
    return table(FIGURES_HEADER, shown, numbers=(1, 2, 3), names=False) if shown else ""
