"""A resolution as a picture: a row for each role in a block, a column for each block, a cell for what it gets.

A *stack* is what has numbered blocks, as `encoder.layer` has `encoder.layer.0` and so on; a *role* is what comes after
the number, as `attention.query`. Roles with equal rows are folded into one. Layers outside of stacks are a list. Left
out are layers of which nothing can be compressed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from compression_config.budget import Budget
from compression_config.budget.counting import masked_count
from compression_config.configs.sub_config import Kind
from compression_config.explanation import selector_words, settings_words
from compression_config.findings import Finding
from compression_config.inventory import Inventory
from compression_config.patterns import NameGroups
from compression_config.reports.findings import tallied_lines
from compression_config.reports.layout import DEFAULT_WIDTH, EMPTY, Line, Part, Style, line, paragraph
from compression_config.reports.resolution import headline, total_lines
from compression_config.resolving.resolved import Resolved, Status
from compression_config.resolving.settings import PruningSettings, QuantizationSettings
from compression_config.text import display_width, joined, more_words, percent_words

__all__ = [
    "EXCLUDED_MARK",
    "ITSELF",
    "UNTOUCHED_MARK",
    "Grid",
    "GridRow",
    "Outcome",
    "Stack",
    "grid_lines",
    "grid_of",
    "touched_words",
    "weights_words",
]


# The grid as data.

ITSELF = "(itself)"
"""The name of a row for the blocks themselves."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the layers of a cell get."""

    status: Status
    gets: str
    """In words: "sparsity 0.5", "excluded"."""
    share: float | None
    """The masked share, of a group on average; None for what is not pruned, and when it is not known."""
    bits: str
    """Those of each quant type, "4/8" or "8" where all have the same; empty for what is not quantized."""
    together: bool
    """Whether the share is that of a group."""


@dataclass(frozen=True, slots=True)
class GridRow:
    """Roles that get the same in each block, under one written name."""

    name: str
    """What comes after the number of the block; empty for the block itself."""
    cells: tuple[Outcome | None, ...]
    """One for each block; None where there is no such layer."""
    numel: int | None
    """Number of elements of their weights, shared ones counted once; None when not all are known."""
    least: int | None
    """How many of these are masked, or quantized, at least; None when it is not known."""
    most: int | None
    """How many at most: more than `least` where a group shares a budget."""
    tied: int
    """How many of their weights are not counted here, as another layer has the same one."""
    decided_by: tuple[str, ...]
    """The labels of the sub-configs that decide, in list order."""

    @property
    def uneven(self) -> bool:
        """Whether some blocks are compressed and others are not selected at all."""
        return {Status.COMPRESSED, Status.UNTOUCHED} <= {cell.status for cell in self.cells if cell}


@dataclass(frozen=True, slots=True)
class Stack:
    """Numbered blocks of a model."""

    name: str
    """What comes before the number, as in `encoder.layer`; empty for the model itself."""
    blocks: tuple[int, ...]
    """The numbers, ascending; gaps are possible."""
    rows: tuple[GridRow, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """All that is drawn of a resolution."""

    kind: Kind
    stacks: tuple[Stack, ...]
    others: tuple[GridRow, ...]
    """Layers outside of the stacks, with one cell each."""
    numel: int | None
    """Number of elements of all weights; None when not all are known."""
    parameters: int | None
    """Number of elements of all parameters; None when not all are known (D20)."""

    def negligible(self, row: GridRow) -> bool:
        """Return whether a row is named and not drawn: no sub-config selects its layers, which hold next to nothing."""
        known = row.numel is not None and self.numel is not None and not row.tied
        return known and not row.decided_by and (self.numel or 0) >= _NEGLIGIBLE * (row.numel or 0) > 0

    def negligible_words(self, rows: Iterable[GridRow], most: int) -> str:
        """Return the names of those of `rows` that are not drawn, up to `most` of them; empty without any."""
        names = [row.name or ITSELF for row in rows if self.negligible(row)]
        return f"untouched, each with at most 1 % of the weights: {joined(names, most=most)}" if names else ""

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """What occurs in cells, each once, in the order of rows."""
        rows = (*(row for stack in self.stacks for row in stack.rows), *self.others)
        return tuple(dict.fromkeys(cell for row in rows for cell in row.cells if cell))


class _Sum(NamedTuple):
    """What weights have in common, added up; None when it is not known."""

    numel: int | None = 0
    least: int | None = 0
    most: int | None = 0
    tied: int = 0

    def plus(self, other: _Sum, times: int = 1) -> _Sum:
        """Return the sum of both, the other one so many times."""
        numel, least, most = (
            None if a is None or b is None else a + b * times for a, b in zip(self[:3], other[:3], strict=True)
        )
        return _Sum(numel, least, most, self.tied + other.tied * times)


_NEGLIGIBLE = 100
"""Layers that no sub-config selects are drawn when they hold at least one in so many of the model's elements."""

_UNKNOWN = _Sum(None, None, None)


class _Counts:
    """How much of each layer's weight is masked or quantized, and what each sub-config means."""

    def __init__(self, resolved: Resolved, budget: Budget) -> None:
        self._resolved = resolved
        self._weights = budget.weights
        self._groups = {group.index: group for group in budget.groups}
        self._ratios = budget.ratios
        self._in_groups = {
            position: _Sum(layer.numel, layer.minimum, layer.maximum)
            for group in budget.groups
            for position, layer in zip(self._weights.decided[group.index], group.layers, strict=True)
        }
        self._alike: dict[tuple[int, int], _Sum] = {}
        self.outcomes = {index: self._outcome(index) for index in {*resolved.decided_by, -1}}

    def of(self, position: int) -> _Sum:
        """Return the counts of one layer: nothing for one whose weight counts for another (D17)."""
        if position in self._in_groups:
            return self._in_groups[position]
        if position in self._weights.counted_for:
            return _Sum(tied=1)
        numel, index = self._weights.numels[position], self._resolved.decided_by[position]
        if numel is None:
            return _UNKNOWN
        if (index, numel) not in self._alike:
            settings = None if index < 0 else self._resolved.settings_of(index)
            touched = 0
            if isinstance(settings, QuantizationSettings) and "weight" in settings.bits:
                touched = numel
            elif index in self._ratios:
                touched = masked_count(numel, self._ratios[index])
            self._alike[index, numel] = _Sum(numel, touched, touched)
        return self._alike[index, numel]

    def _outcome(self, index: int) -> Outcome:
        settings = None if index < 0 else self._resolved.settings_of(index)
        if settings is None:
            status = Status.UNTOUCHED if index < 0 else Status.EXCLUDED
            return Outcome(status, status.value, None, "", together=False)
        share, together = None, False
        if isinstance(settings, PruningSettings):
            share, together = settings.sparsity, settings.sparsity is None
            group = self._groups.get(index)
            if group is not None:
                known = group.granted is not None and group.numel
                share = group.granted / group.numel if known and group.granted and group.numel else group.total_sparsity
        return Outcome(Status.COMPRESSED, settings_words(settings), share, _bits_words(settings), together)


def _bits_words(settings: PruningSettings | QuantizationSettings) -> str:
    if isinstance(settings, PruningSettings):
        return ""
    by_type = [str(settings.bits[kind]) if kind in settings.bits else "-" for kind in ("weight", "input", "output")]
    while by_type[-1] == "-":
        by_type.pop()
    return by_type[0] if len(set(by_type)) == 1 else "/".join(by_type)


_Role: TypeAlias = dict[int, tuple[int, _Sum]]
"""For each block the index of the deciding sub-config, and the counts."""


def grid_of(resolved: Resolved, budget: Budget) -> Grid:
    """Return what is drawn of a resolution. O(layers)."""
    counts = _Counts(resolved, budget)
    names, decided_by = resolved.inventory.names, resolved.decided_by
    shown = list(_shown(resolved, budget.model.numel))
    split = _splitter([names[position] for position in shown])
    stacks: dict[str, dict[str, tuple[int, _Role]]] = {}
    alone: list[int] = []
    for position in shown:
        found = split(names[position])
        if found is None:
            alone.append(position)
            continue
        stack, block, role = found
        _, cells = stacks.setdefault(stack, {}).setdefault(role, (position, {}))
        cells[block] = decided_by[position], counts.of(position)
    drawn = []
    for name, roles in stacks.items():
        blocks = tuple(sorted({block for _, cells in roles.values() for block in cells}))
        if len(blocks) > 1:
            drawn.append(Stack(name, blocks, tuple(_rows(resolved, counts, roles, blocks))))
        else:
            alone += (first for first, _ in roles.values())
    single = {names[position]: (position, {0: (decided_by[position], counts.of(position))}) for position in alone}
    return Grid(
        resolved.config_list.kind,
        tuple(drawn),
        tuple(_rows(resolved, counts, dict(sorted(single.items(), key=lambda item: item[1][0])), (0,))),
        budget.model.numel,
        budget.model.parameters,
    )


def _shown(resolved: Resolved, numel: int | None) -> Iterator[int]:
    """Yield the positions of layers that can be compressed, or hold much of a model whose weights have `numel`."""
    inventory = resolved.inventory
    containers = {name[:dot] for name in inventory.names if (dot := name.rfind(".")) > 0}
    for position, (name, index) in enumerate(zip(inventory.names, resolved.decided_by, strict=True)):
        has_weight = inventory.has_weight(position)
        if (
            has_weight
            or (has_weight is None and name not in containers)
            or (has_weight is False and _holds_much(inventory, position, numel))
            or (index >= 0 and isinstance(resolved.settings_of(index), QuantizationSettings))
        ):
            yield position


def _holds_much(inventory: Inventory, position: int, numel: int | None) -> bool:
    """Whether the parameters of a layer without a weight are worth a row, as those of fused experts are."""
    shapes = inventory.parameters(position).values()
    return any(shape is None or math.prod(shape) * _NEGLIGIBLE > (numel or 0) for shape in shapes)


def _rows(
    resolved: Resolved, counts: _Counts, roles: Mapping[str, tuple[int, _Role]], blocks: Sequence[int]
) -> Iterator[GridRow]:
    """Yield the roles, those of equal rows folded, in the order of their first layers."""

    def drawn() -> Iterator[tuple[int, str, tuple[tuple[int | None, ...], _Sum]]]:
        for number, (role, (_, cells)) in enumerate(roles.items()):
            summed = _Sum()
            for _, of_layer in cells.values():
                summed = summed.plus(of_layer)
            # Only after a dot the last component of a name is folded; that of a role alone is one too.
            yield (
                number,
                f".{role}" if role else "",
                (tuple(cells[block][0] if block in cells else None for block in blocks), summed),
            )

    for group, (indices, each) in NameGroups(drawn()).written(_LONGEST):
        deciding = sorted({index for index in indices if index is not None and index >= 0})
        summed = _Sum().plus(each, group.count)
        cells = tuple(None if index is None else counts.outcomes[index] for index in indices)
        yield GridRow(_shortened(group.written).removeprefix("."), cells, *summed, tuple(map(resolved.label, deciding)))


_LONGEST = 48
"""How long the name of a row may become by folding."""

_BRACES = re.compile(r"(?<=\{)[\w-]+(?:,[\w-]+)+(?=\}$)")


def _shortened(written: str) -> str:
    """Return folded names with what their ends have in common outside of the braces: `{q,k,v}_proj`."""
    found = _BRACES.search(written)
    if found is None:
        return written
    words = found[0].split(",")
    last = {word.rpartition("_")[1:] for word in words if "_" in word.strip("_")}
    if len(last) != 1 or not all(word.rpartition("_")[1:] in last and word.rpartition("_")[0] for word in words):
        return written
    end = "".join(last.pop())
    return f"{written[: found.start()]}{','.join(word.removesuffix(end) for word in words)}}}{end}"


# Where blocks begin.


def _splitter(names: Iterable[str]) -> _Splitter:
    """Return what takes names apart, from all names that it will be given."""
    below: dict[tuple[str, str], dict[str, set[str]]] = {}
    for name in names:
        parts = name.split(".")
        places = _numbers(parts)
        if len(places) > 1:
            first, second = places[:2]
            key = ".".join(parts[:first]), ".".join(parts[first + 1 : second])
            below.setdefault(key, {}).setdefault(parts[first], set()).add(parts[second])
    # Stages have different numbers of blocks; the experts of a block are as many as those of the next one.
    return _Splitter({key for key, found in below.items() if len(set(map(len, found.values()))) > 1})


def _numbers(parts: Sequence[str]) -> list[int]:
    return [place for place, part in enumerate(parts) if part.isascii() and part.isdecimal() and len(part) < 10]  # noqa: PLR2004 - longer ones number no blocks


@dataclass(frozen=True, slots=True)
class _Splitter:
    """Takes the name of a layer apart, at the number of its block."""

    staged: set[tuple[str, str]]
    """What comes before the number of a stage, and between that and the number of a block in it."""

    def __call__(self, name: str) -> tuple[str, int, str] | None:
        """Return stack, block and role; None for a name without a number."""
        parts = name.split(".")
        places = _numbers(parts)
        if not places:
            return None
        at = places[0]
        if len(places) > 1 and (".".join(parts[:at]), ".".join(parts[at + 1 : places[1]])) in self.staged:
            at = places[1]
        return ".".join(parts[:at]), int(parts[at]), ".".join(parts[at + 1 :])


# The grid as lines.

_SHADES = "░▒▓█"
EXCLUDED_MARK, UNTOUCHED_MARK = "×", "·"  # noqa: RUF001 - it is the sign that is meant
_GAP = "  "


def _marks(grid: Grid) -> dict[Outcome | None, str]:
    """Return what stands for each outcome: a shade, a number of bits, or a sign."""
    marks: dict[Outcome | None, str] = {None: ""}
    for outcome in grid.outcomes:
        if outcome.status is not Status.COMPRESSED:
            marks[outcome] = EXCLUDED_MARK if outcome.status is Status.EXCLUDED else UNTOUCHED_MARK
        elif grid.kind == "quantization":
            marks[outcome] = outcome.bits
        else:
            marks[outcome] = "?" if outcome.share is None else _shade(outcome.share)
    # The bits of weights alone say all where they tell the outcomes apart.
    short = {bits: bits.partition("/")[0] for bits in {outcome.bits for outcome in grid.outcomes if outcome.bits}}
    if len(set(short.values())) == len(short) and "-" not in short.values():
        marks = {outcome: short.get(mark, mark) for outcome, mark in marks.items()}
    return marks


def _shade(share: float) -> str:
    return "0" if share == 0 else _SHADES[min(int(share * 4 - 1e-9), 3)]


def _cell_style(cell: Outcome | None, row: GridRow) -> Style:
    if cell is None or cell.status is Status.UNTOUCHED:
        return Style.ERROR if cell and row.uneven else Style.QUIET
    return Style.WARNING if cell.status is Status.EXCLUDED else Style.NOTE


class _Table:
    """The columns of a grid in text: a name, the cells, and what is at the end of a row."""

    def __init__(self, grid: Grid, width: int) -> None:
        self.grid = grid
        self.width = width
        self.marks = _marks(grid)
        header = "weights", "masked" if grid.kind == "pruning" else "quantized", "by"
        rows = [row for stack in grid.stacks for row in stack.rows] + list(grid.others)
        tails = [header, *(self._tail(row) for row in rows)]
        # Shares of the model are empty where not all parameters are known.
        self._first = 0 if any(share for share, *_ in tails[1:]) else 1
        self._tails = [tail[self._first :] for tail in tails]
        ends = [max(map(len, column)) for column in zip(*self._tails, strict=True)]
        # On a narrow terminal the cells have what room there is.
        names = self._label(row.name for row in rows) if rows else 0
        self._ends = ends if width - names - sum(ends) - len(_GAP) * len(ends) >= _LEAST else []

    def stack_lines(self, stack: Stack) -> Iterator[Line]:
        """Yield the lines of one stack, in as many bands as it takes."""
        shown = [row for row in stack.rows if not self.grid.negligible(row)]
        name = ".".join(filter(None, (stack.name, "N")))
        label = self._label([name, *(row.name for row in shown)])
        pitch, bands = self._bands(stack.blocks, shown, label)
        for number, places in enumerate(bands):
            if number:
                yield EMPTY
            last = number == len(bands) - 1
            ruler = Part(_ruler([stack.blocks[place] for place in places], pitch), Style.QUIET)
            yield from _labelled(Part(name, Style.STRONG), label, [ruler, *(self._header() if last else ())])
            for row in shown:
                cells = [self._cell(row.cells[place], row, pitch) for place in places]
                yield from _labelled(Part(row.name or ITSELF), label, [*cells, *(self._end(row) if last else ())])
        yield from self._rest(stack.rows)

    def other_lines(self) -> Iterator[Line]:
        """Yield the lines of the layers outside of stacks."""
        shown = [row for row in self.grid.others if not self.grid.negligible(row)]
        if shown:
            name = "outside of blocks" if self.grid.stacks else "layers"
            label = self._label([name, *(row.name for row in shown)])
            pitch = self._pitches(shown, 0)[0]
            yield from _labelled(Part(name, Style.STRONG), label, [Part(" " * pitch), *self._header()])
            for row in shown:
                yield from _labelled(Part(row.name), label, [self._cell(row.cells[0], row, pitch), *self._end(row)])
        yield from self._rest(self.grid.others)

    def _rest(self, rows: Sequence[GridRow]) -> Iterator[Line]:
        words = self.grid.negligible_words(rows, _NAMES)
        if words:
            yield from paragraph(line(words, Style.QUIET), self.width, indent=4)

    def _label(self, names: Iterable[str]) -> int:
        return min(max(map(display_width, names)), max(self.width * 2 // 5, 24)) + len(_GAP)

    def _pitches(self, rows: Iterable[GridRow], last_block: int) -> tuple[int, ...]:
        """Return how many columns of the terminal a block may take, the best first."""
        widest = max((len(self.marks[cell]) for row in rows for cell in row.cells), default=1)
        return max(2, widest, len(str(last_block))) + 1, widest + 1, widest + (widest > 1)

    def _bands(self, blocks: Sequence[int], rows: Sequence[GridRow], label: int) -> tuple[int, list[range]]:
        """Return how many columns of the terminal a block takes, and the places of the blocks in each band."""
        pitches, count = self._pitches(rows, blocks[-1]), len(blocks)
        room = max(self.width - label - sum(self._ends) - len(_GAP) * len(self._ends), 1)
        pitch = next((pitch for pitch in pitches if count * pitch <= room), pitches[-1])
        bands = next((n for n in range(1, count) if -(-count // n) * pitch <= room), count)
        each = -(-count // bands)
        return pitch, [range(start, min(start + each, count)) for start in range(0, count, each)]

    def _cell(self, cell: Outcome | None, row: GridRow, pitch: int) -> Part:
        mark = self.marks[cell]
        if pitch > 2 and mark and mark in _SHADES:  # noqa: PLR2004 - two columns and a gap
            mark *= 2
        return Part(mark.rjust(max(pitch - 1, 1)) + " " * (pitch > 1), _cell_style(cell, row))

    def _header(self) -> Iterator[Part]:
        return self._end_parts(self._tails[0], Style.QUIET)

    def _end(self, row: GridRow) -> Iterator[Part]:
        return self._end_parts(self._tail(row)[self._first :], Style.PLAIN)

    def _end_parts(self, tail: Sequence[str], style: Style) -> Iterator[Part]:
        *numbers, labels = tail
        if self._ends:
            for text, width in zip(numbers, self._ends, strict=False):
                yield Part(_GAP + text.rjust(width), style)
            yield Part(_GAP + labels, Style.QUIET)

    def _tail(self, row: GridRow) -> tuple[str, ...]:
        """Return what is at the end of a row: its share of the model, the share of it that is masked, and by what."""
        labels = list(row.decided_by)
        if len(labels) > _LABELS:
            labels[_LABELS - 1 :] = [f"+{len(labels) - _LABELS + 1}"]
        return weights_words(row, self.grid), touched_words(row), " ".join(labels)


_LEAST = 12
"""How many columns are left for cells beside what is at the end of a row; with less that is left out."""
_NAMES = 6
"""How many roles are named that are not drawn."""
_LABELS = 3
"""How many sub-configs are named at the end of a row."""


def weights_words(row: GridRow, grid: Grid) -> str:
    """Return which share of all parameters the weights of a row are; empty when it is not known."""
    if not row.numel:
        return "tied" if row.tied else ""
    return percent_words(row.numel, grid.parameters) if grid.parameters else ""


def touched_words(row: GridRow) -> str:
    """Return which share of a row is masked, or quantized: at most, in a group; empty where nothing decides."""
    if not row.numel or row.most is None or row.least is None or not row.decided_by:
        return ""
    if not row.most and all(cell is None or cell.status is not Status.COMPRESSED for cell in row.cells):
        return ""
    return ("≤" if row.least < row.most else "") + percent_words(row.most, row.numel)


def _labelled(label: Part, width: int, cells: Sequence[Part]) -> Iterator[Line]:
    """Yield cells after a label; one that is too long has lines of its own."""
    if display_width(label.text) > width - len(_GAP):
        yield from paragraph((label,), width * 2, indent=2)
        label = Part("")
    yield label, Part(" " * (width - display_width(label.text))), *cells


def _ruler(blocks: Sequence[int], pitch: int) -> str:
    """Return the numbers of blocks over their columns, as many as there is room for."""
    longest = len(str(blocks[-1]))
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 1000, 10**9) if step * pitch > longest)
    text = ""
    for place, block in enumerate(blocks):
        column = place * pitch + (max(pitch - 1, 1) - len(str(block)) if step == 1 else 0)
        if block % step == 0 and column >= len(text) + (len(text) > 0):
            text = text.ljust(column) + str(block)
    return text.ljust(len(blocks) * pitch)


def grid_lines(
    resolved: Resolved, budget: Budget, findings: Iterable[Finding], width: int | None = None
) -> Iterator[Line]:
    """Yield the picture of a resolution, with a legend, what that makes of the model, and the findings.

    `width` is that of the terminal, in columns; None without one: the grid then takes 100. More blocks than
    fit are continued in further bands.
    """
    room = width or DEFAULT_WIDTH
    grid = grid_of(resolved, budget)
    drawn = _Table(grid, room)
    yield from paragraph(line(headline(resolved), Style.HEADING), width, indent=4)
    for stack in grid.stacks:
        yield EMPTY
        yield from drawn.stack_lines(stack)
    if grid.others:
        yield EMPTY
        yield from drawn.other_lines()
    yield EMPTY
    yield from _legend_lines(grid, resolved, room)
    yield EMPTY
    share = budget.model.masked_share_of_all
    if grid.kind == "pruning" and share is not None:
        words = f" {percent_words(share)} of all parameters masked"
        bar = max(min(_BAR, room - len(_MODEL) - len(words)), 0)
        full = Part(_SHADES[-1] * round(share * bar), Style.NOTE)
        rest = Part(_SHADES[0] * (bar - round(share * bar)), Style.QUIET)
        yield from paragraph((Part(_MODEL, Style.STRONG), full, rest, Part(words)), width, indent=len(_MODEL))
    yield from total_lines(resolved, budget, room)
    found = tuple(findings)
    if found:
        yield EMPTY
        yield from tallied_lines(found, width)


_MODEL = "model      "
_BAR = 40
"""How many columns the bar of the whole model takes, where there is room for so many."""


_SUB_CONFIGS_SHOWN = 12
_BETWEEN = "   "


def _legend_lines(grid: Grid, resolved: Resolved, width: int) -> Iterator[Line]:
    """Yield what the marks mean that occur, and what the sub-configs say."""
    entries: list[str] = []
    for entry in _legend(grid):
        if entries and display_width(_BETWEEN.join((*entries, entry))) > width:
            yield line(_BETWEEN.join(entries), Style.QUIET)
            entries = []
        entries.append(entry)
    if entries:
        yield line(_BETWEEN.join(entries), Style.QUIET)
    for index, config in enumerate(resolved.config_list[:_SUB_CONFIGS_SHOWN]):
        gets = Part(f"{resolved.label(index)} ", Style.QUIET), Part(settings_words(resolved.settings_of(index)))
        yield from paragraph((*gets, Part(f": {selector_words(config)}", Style.QUIET)), width, indent=4)
    more = len(resolved.config_list) - _SUB_CONFIGS_SHOWN
    if more > 0:
        yield line(f"and {more_words(more)}", Style.QUIET)


def _legend(grid: Grid) -> Iterator[str]:
    marks = set(_marks(grid).values())
    shades = [shade for shade in _SHADES if shade in marks]
    for shade in shades:
        limit = _LIMITS[_SHADES.index(shade)]
        yield f"{shade} {'sparsity ' if shade == shades[0] else ''}{limit}"
    if grid.kind == "pruning" and any(outcome.together for outcome in grid.outcomes):
        yield "in a group the average"
    if any("/" in mark for mark in marks):
        yield "numbers: bits of weight/input/output"
    elif any(mark.isdecimal() for mark in marks) and grid.kind == "quantization":
        yield "numbers: bits of weights"
    yield from (
        f"{mark} {words}"
        for mark, words in ((EXCLUDED_MARK, "excluded"), (UNTOUCHED_MARK, "untouched"))
        if mark in marks
    )


_LIMITS = ("up to 0.25", "up to 0.5", "up to 0.75", "above 0.75")
