"""Rows: what a report of a resolution says, before it is laid out: grouped, counted and in words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from compression_config.budget import Budget, GroupBudget
from compression_config.budget.counting import masked_total, total
from compression_config.explanation import explained, selector_words, settings_words, shape_words
from compression_config.findings import Finding
from compression_config.inventory import Inventory, Shape
from compression_config.locations import format_path
from compression_config.patterns import NameGroup, NameGroups
from compression_config.reports.findings import counted, finding_lines, tally
from compression_config.reports.layout import (
    DEFAULT_WIDTH,
    EMPTY,
    GAP,
    Columns,
    Line,
    Part,
    Row,
    Style,
    display_width,
    line,
    paragraph,
)
from compression_config.resolving.resolved import Resolved
from compression_config.resolving.selection import NOBODY
from compression_config.resolving.settings import QuantizationSettings
from compression_config.text import printable

__all__ = [
    "Counts",
    "LayerFacts",
    "SubConfigRow",
    "Untouched",
    "explanation_lines",
    "layer_groups",
    "resolution_lines",
    "section_lines",
    "sub_config_rows",
    "total_lines",
    "type_words",
    "untouched",
    "weightless",
]


_MOST_LOOKS = 1_000_000
"""Up to how many pairs of a sub-config and a layer it is looked up who took a layer from whom."""


@dataclass(frozen=True, slots=True)
class SubConfigRow:
    """What became of one sub-config."""

    index: int
    label: str
    """Its config path: `[2]`, or `pruning[2]` in a two-part document."""
    selector: str
    gets: str
    selected: int
    decided: int
    numel: int | None
    """Number of weight elements in the layers decided, shared ones counted once; None when not all are known."""
    masked: int | None
    """Number of those that are masked; None for `exclude` and for quantization, and when it is not known."""
    group: GroupBudget | None
    """What the layers share a budget of; None outside a group."""
    excludes: bool
    shadowed: bool
    taken_by: tuple[int, ...]
    """The sub-configs that win the other layers it selects; left empty where finding out takes too long."""
    source: str | None
    """The file where it stands; None for plain data."""
    line: int | None


class LayerFacts(NamedTuple):
    """What layers have in common that are shown as one."""

    type: str
    weight_shape: Shape | None
    has_weight: bool | None
    winner: int
    """The index of the sub-config that decides."""

    @property
    def weight_words(self) -> str:
        """The shape of the weight in words; empty where nothing is known of a weight."""
        if self.has_weight is False:
            return "no weight"
        return "" if self.has_weight is None else shape_words(self.weight_shape)


@dataclass(frozen=True, slots=True)
class Counts:
    """Layers that are counted and not listed."""

    layers: int
    types: tuple[tuple[str, int], ...]
    """How many there are of each, the most frequent first."""
    numel: int | None
    """Number of their weight elements, shared ones counted once; None when not all are known."""


class Untouched(NamedTuple):
    """The layers that no sub-config selects."""

    with_weight: Counts
    """Those that have a weight, or may have one."""
    with_parameters: Counts
    """Those that have no `weight` but other parameters, like experts that are fused into one: `numel` counts these."""
    without: Counts

    @property
    def layers(self) -> int:
        """How many there are in all."""
        return sum(counts.layers for counts in self)


def sub_config_rows(resolved: Resolved, budget: Budget) -> Iterator[SubConfigRow]:
    """Yield a row for each sub-config, in list order."""
    groups = {group.index: group for group in budget.groups}
    selected = resolved.selection.selected_counts()
    looks = len(resolved.config_list) * len(resolved.inventory) <= _MOST_LOOKS
    for index, config in enumerate(resolved.config_list):
        decided = resolved.decided[index]
        place = resolved.config_list.provenance.place((index,))
        yield SubConfigRow(
            index=index,
            label=format_path(place.path),
            selector=selector_words(config),
            gets=settings_words(resolved.settings_of(index)),
            selected=selected[index],
            decided=len(decided),
            numel=_numel(resolved.inventory, decided) if config.exclude else _counted_numel(budget, index),
            masked=groups[index].granted if index in groups else _masked(budget, index),
            group=groups.get(index),
            excludes=config.exclude is True,
            shadowed=not decided and selected[index] > 0,
            taken_by=_taken_by(resolved, index) if looks and len(decided) < selected[index] else (),
            source=place.source,
            line=place.span and place.span.start.line,
        )


def _counted_numel(budget: Budget, index: int) -> int | None:
    """Return the number of weight elements that count for what a compressing sub-config decides."""
    return total(budget.weights.numels[position] for position in budget.weights.decided.get(index, ()))


def _masked(budget: Budget, index: int) -> int | None:
    """Return how many elements a sub-config with a ratio for each layer masks; None when it has none."""
    ratio = budget.ratios.get(index)
    numels = [budget.weights.numels[position] for position in budget.weights.decided.get(index, ())]
    if ratio is None or None in numels:
        return None
    return masked_total((numel for numel in numels if numel is not None), ratio)


def _taken_by(resolved: Resolved, index: int) -> tuple[int, ...]:
    decided_by = {resolved.decided_by[position] for position in resolved.selection.selected(index)}
    return tuple(sorted(decided_by - {index}))


def layer_groups(resolved: Resolved) -> NameGroups[LayerFacts]:
    """Return the layers about which a sub-config decides, grouped, in the model's order.

    Left out are those without a weight of which nothing can be compressed: `weightless` counts them.
    """
    listed = [(True, None) if needs else (True, None, False) for needs in _need_weight(resolved)]
    inventory = resolved.inventory
    rows = zip(inventory.names, inventory.types, inventory.weight_shapes, resolved.decided_by, strict=True)
    return NameGroups(
        (position, name, LayerFacts(kind, shape, has_weight, index))
        for position, (name, kind, shape, index) in enumerate(rows)
        if index != NOBODY and (has_weight := inventory.has_weight(position)) in listed[index]
    )


def weightless(resolved: Resolved) -> dict[int, Counts]:
    """Return for each sub-config the layers without a weight that it decides and `layer_groups` leaves out."""
    has_weight = resolved.inventory.has_weight
    found: dict[int, Counts] = {}
    for index, needs in enumerate(_need_weight(resolved)):
        positions = [position for position in resolved.decided[index] if has_weight(position) is False] if needs else []
        if positions:
            found[index] = _counts(resolved.inventory, positions)
    return found


def _need_weight(resolved: Resolved) -> list[bool]:
    """Return for each sub-config whether it means weights alone: inputs and outputs every layer has."""
    return [not isinstance(resolved.settings_of(i), QuantizationSettings) for i in range(len(resolved.config_list))]


def untouched(resolved: Resolved) -> Untouched:
    """Return the layers that no sub-config selects."""
    inventory = resolved.inventory
    with_weight: list[int] = []
    parameters: dict[int, int | None] = {}
    without: list[int] = []
    for position, index in enumerate(resolved.decided_by):
        if index != NOBODY:
            continue
        if inventory.has_weight(position) is not False:
            with_weight.append(position)
            continue
        shapes = inventory.parameters(position).values()
        if shapes:
            parameters[position] = total(None if shape is None else math.prod(shape) for shape in shapes)
        else:
            without.append(position)
    other = replace(_counts(inventory, list(parameters)), numel=total(parameters.values()))
    return Untouched(_counts(inventory, with_weight), other, _counts(inventory, without))


def _counts(inventory: Inventory, positions: list[int]) -> Counts:
    types = Counter(inventory.types[position] for position in positions)
    return Counts(len(positions), tuple(types.most_common()), _numel(inventory, positions))


def _numel(inventory: Inventory, positions: Iterable[int]) -> int | None:
    """Return the number of elements of the weights of layers, each weight once; None when one is not known."""
    elements = 0
    for owner in {inventory.weight_owner(position) for position in positions}:
        numel = inventory.numel(owner)
        if numel is not None:
            elements += numel
        elif inventory.has_weight(owner) is not False:
            return None
    return elements


def type_words(counts: Counts, most: int) -> str:
    """Return how many layers there are of each type: "25 LayerNorm, 3 Embedding and 2 more"."""
    shown = [f"{count:,} {type_name}" for type_name, count in counts.types[:most]]
    more = sum(count for _, count in counts.types[most:])
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


_INDENT = 6
_TAKERS_SHOWN = 5
"""How many sub-configs are named that take layers from another."""
_FACTS = (Part("    "),)
"""What stands before the facts about a sub-config."""


def section_lines(resolved: Resolved, budget: Budget, width: int) -> Iterator[Line]:
    """Yield for each sub-config, in list order, an empty line, what it says, what it decides, and the layers."""
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
    """Return the layers that each sub-config decides, by its index."""
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
    yield from paragraph(_FACTS, _won_words(row), width, style=Style.PLAIN if row.decided else Style.WARNING)
    words = _masked_words(row) if row.decided else ""
    if words:
        yield from paragraph(_FACTS, words, width)


def _won_words(row: SubConfigRow) -> str:
    """Return how many layers a sub-config decides of those that it selects, and who took the others."""
    if not row.selected:
        return "selects no layer"
    taken = f"; {_takers(row.taken_by)}" if row.taken_by else ""
    if not row.decided:
        them = f"{taken} them all" if taken else ""
        return f"shadowed: wins none of the {counted(row.selected, 'layer')} it selects{them}"
    if row.decided == row.selected:
        share = {1: "the one layer", 2: "both layers"}.get(row.decided, f"all {row.decided:,} layers")
    else:
        share = f"{row.decided:,} of the {row.selected:,} layers"
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


_LABEL = 11
_TYPES_SHOWN = 4
_NEGLIGIBLE = 100
"""Elements that are not counted are mentioned when they are more than one in so many of those that are."""


def total_lines(resolved: Resolved, budget: Budget, width: int) -> Iterator[Line]:
    """Yield what concerns the model as a whole, a label before each line."""
    if resolved.config_list.kind == "pruning":
        outcome = "masked", _totals_masked_words(budget)
    else:
        outcome = "stored", _stored_words(budget)
    lines = [("untouched", _untouched_words(untouched(resolved))), outcome]
    outside, numel = budget.model.outside, budget.model.numel
    if outside and outside > (numel or 0) // _NEGLIGIBLE:
        lines.append(("besides", f"{outside:,} elements in layers without a 'weight', not counted here"))
    for label, words in lines:
        yield from paragraph((Part(f"{label:{_LABEL}}", Style.STRONG),), printable(words), width)


def _untouched_words(rest: Untouched) -> str:
    """Return how many layers no sub-config selects, and of which types those are that hold something."""
    if not rest.layers:
        return "no layer"
    parts = [_types(rest.with_weight, "weight elements")] if rest.with_weight.layers else []
    if rest.with_parameters.layers:
        parts.append(f"{_types(rest.with_parameters, 'elements')} without a 'weight'")
    if rest.without.layers:
        parts.append(f"{rest.without.layers:,} without parameters")
    return f"{counted(rest.layers, 'layer')}: {'; '.join(parts)}"


def _types(counts: Counts, what: str) -> str:
    """Return how many elements layers have, as far as that is known, and of which types they are."""
    return (f"{counts.numel:,} {what} in " if counts.numel else "") + type_words(counts, _TYPES_SHOWN)


def _totals_masked_words(budget: Budget) -> str:
    """Return how much of the model is masked."""
    model = budget.model
    if budget.unknown:
        return f"unknown, as the model does not say how many weight elements {_named(budget.unknown)} have"
    if not model.compressed:
        return "nothing"
    share = f"{model.masked:,} of {model.compressed:,} compressed elements ({model.masked_share:.3f})"
    if model.masked_share_of_all is None:
        return share
    return f"{share}, {model.numel:,} in all ({model.masked_share_of_all:.3f})"


def _stored_words(budget: Budget) -> str:
    """Return what the weights take, before and after."""
    model = budget.model
    if model.mean_weight_bits is None or model.bytes_before is None or model.bytes_after is None:
        return "unknown, as the model does not say the size and type of all weights"
    before, after = _bytes(model.bytes_before), _bytes(model.bytes_after)
    return f"{model.mean_weight_bits:.2f} bits a weight element on average, {after} instead of {before} for all weights"


def _bytes(number: int) -> str:
    """Return a number of bytes in the unit that people use for it: 438.1 MB."""
    size = float(number)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:  # noqa: PLR2004 - decimal units, as file managers and model hubs have them
            return f"{size:.1f} {unit}" if unit != "bytes" else f"{number} bytes"
        size /= 1000
    return f"{size:.1f} TB"


def _named(names: Sequence[str]) -> str:
    """Return some layers by the first of them and how many there are."""
    return f"'{names[0]}'" + (f" and {len(names) - 1:,} more" if len(names) > 1 else "")


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


def explanation_lines(resolved: Resolved, budget: Budget, position: int, width: int | None = None) -> Iterator[Line]:
    """Yield what a layer gets and why; `width` is that of the terminal in columns, None breaks no line.

    Without a width it is `Resolution.explain`, line by line.
    """
    (_, title), *facts = explained(resolved, budget, position)
    yield line(printable(title), Style.STRONG)
    wide = max(len(label) for label, _ in facts) + 2
    for label, words in facts:
        yield from paragraph((Part(f"  {label:{wide}}", Style.QUIET),), printable(words), width)
