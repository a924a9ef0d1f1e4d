"""A resolution for people: what each sub-config decides, the layers grouped, and what that makes of the model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from compression_config.budget import Budget, GroupBudget
from compression_config.budget.counting import masked_total, total
from compression_config.explanation import explained, selector_words, settings_words, shape_words
from compression_config.findings import Finding
from compression_config.inventory import Inventory, Shape
from compression_config.patterns import NameGroup, NameGroups
from compression_config.reports.findings import tallied_lines
from compression_config.reports.layout import DEFAULT_WIDTH, EMPTY, GAP, Line, Part, Row, Style, line, paragraph, table
from compression_config.resolving.resolved import Resolved
from compression_config.resolving.selection import UNDECIDED
from compression_config.resolving.settings import QuantizationSettings
from compression_config.text import (
    counted,
    display_width,
    joined,
    layers_words,
    names_words,
    percent_words,
    types_words,
)

__all__ = [
    "bytes_words",
    "explanation_lines",
    "headline",
    "layer_groups",
    "resolution_lines",
    "sub_config_rows",
    "total_lines",
    "totals",
]


_MOST_LOOKS = 1_000_000
"""Up to how many pairs of a sub-config and a layer it is looked up which sub-config overwrites which."""


@dataclass(frozen=True, slots=True)
class _SubConfigRow:
    """What became of one sub-config."""

    label: str
    """Its config path: `[2]`, or `pruning[2]` in a two-part document."""
    selector: str
    gets: str
    selected: int
    decided: int
    numel: int | None
    """Number of weight elements that count for the layers decided (D17); None when not all are known."""
    masked: int | None
    """Number of those that are masked; None for `exclude` and for quantization, and when it is not known."""
    group: GroupBudget | None
    """What the layers share a budget of; None outside a group."""
    excludes: bool
    overwritten_by: tuple[str, ...]
    """The labels of those that decide the other layers it selects; empty where finding out takes too long."""
    source: str | None
    """The file it was read from; None for plain data."""
    line: int | None


class _LayerFacts(NamedTuple):
    """What layers have in common that are shown as one."""

    type: str
    weight_shape: Shape | None
    has_weight: bool | None
    decided_by: int
    """The index of the sub-config that decides."""

    @property
    def weight_words(self) -> str:
        """The shape of the weight in words; empty where nothing is known of a weight."""
        if self.has_weight is False:
            return "no weight"
        return "" if self.has_weight is None else shape_words(self.weight_shape)


class _Counts(NamedTuple):
    """Layers that are counted and not listed."""

    layers: int
    types: tuple[tuple[str, int], ...]
    """How many there are of each, the most frequent first."""
    numel: int | None
    """Number of elements that count for them; None when not all are known."""


class _Untouched(NamedTuple):
    """The layers that no sub-config selects."""

    with_weight: _Counts
    """Those that have a weight, or may have one, that counts for them."""
    sharing: _Counts
    """Those that share a weight that counts for another layer (D17)."""
    with_parameters: _Counts
    """Those that have no `weight` but other parameters, like experts that are fused into one: `numel` counts these."""
    without: _Counts

    @property
    def layers(self) -> int:
        """How many there are in all."""
        return sum(counts.layers for counts in self)


def sub_config_rows(resolved: Resolved, budget: Budget) -> Iterator[_SubConfigRow]:
    """Yield a row for each sub-config, in list order."""
    groups = {group.index: group for group in budget.groups}
    selected = resolved.selection.selected_counts()
    looks = len(resolved.config_list) * len(resolved.inventory) <= _MOST_LOOKS
    for index, config in enumerate(resolved.config_list):
        decided = resolved.decided[index]
        place = resolved.config_list.provenance.place((index,))
        counted_numels = [budget.weights.numels[position] for position in budget.weights.decided.get(index, ())]
        known, ratio = [numel for numel in counted_numels if numel is not None], budget.ratios.get(index)
        masked = masked_total(known, ratio) if ratio is not None and len(known) == len(counted_numels) else None
        yield _SubConfigRow(
            label=resolved.label(index),
            selector=selector_words(config),
            gets=settings_words(resolved.settings_of(index)),
            selected=selected[index],
            decided=len(decided),
            numel=total(budget.weights.numels[position] for position in decided),
            masked=groups[index].granted if index in groups else masked,
            group=groups.get(index),
            excludes=config.exclude is True,
            overwritten_by=_overwritten_by(resolved, index) if looks and len(decided) < selected[index] else (),
            source=place.source,
            line=place.span and place.span.start.line,
        )


def _overwritten_by(resolved: Resolved, index: int) -> tuple[str, ...]:
    decided_by = {resolved.decided_by[position] for position in resolved.selection.selected(index)}
    return tuple(map(resolved.label, sorted(decided_by - {index})))


def layer_groups(resolved: Resolved) -> NameGroups[_LayerFacts]:
    """Return the layers that a sub-config decides, grouped, in the model's order.

    Left out are those without a weight of which nothing can be compressed: `_weightless` counts them.
    """
    listed = [(True, None) if needs else (True, None, False) for needs in _need_weight(resolved)]
    inventory = resolved.inventory
    rows = zip(inventory.names, inventory.types, inventory.weight_shapes, resolved.decided_by, strict=True)
    return NameGroups(
        (position, name, _LayerFacts(kind, shape, has_weight, index))
        for position, (name, kind, shape, index) in enumerate(rows)
        if index != UNDECIDED and (has_weight := inventory.has_weight(position)) in listed[index]
    )


def _weightless(resolved: Resolved) -> dict[int, _Counts]:
    """Return for each sub-config the layers without a weight that it decides and `layer_groups` leaves out."""
    has_weight = resolved.inventory.has_weight
    found: dict[int, _Counts] = {}
    for index, needs in enumerate(_need_weight(resolved)):
        positions = [position for position in resolved.decided[index] if has_weight(position) is False] if needs else []
        if positions:
            found[index] = _counts(resolved.inventory, positions, ())
    return found


def _need_weight(resolved: Resolved) -> list[bool]:
    """Return for each sub-config whether it means weights alone: inputs and outputs every layer has."""
    return [not isinstance(resolved.settings_of(i), QuantizationSettings) for i in range(len(resolved.config_list))]


def _untouched(resolved: Resolved, budget: Budget) -> _Untouched:
    """Return the layers that no sub-config selects."""
    inventory, weights, others = resolved.inventory, budget.weights, budget.others
    kinds: tuple[list[int], ...] = ([], [], [], [])
    for position, index in enumerate(resolved.decided_by):
        if index == UNDECIDED:
            with_weight = inventory.has_weight(position) is not False
            kind = int(position in weights.counted_for) if with_weight else 2 if others.of_layers[position] else 3
            kinds[kind].append(position)
    with_weight_positions, sharing, with_parameters, without = kinds
    return _Untouched(
        _counts(inventory, with_weight_positions, (weights.numels[p] for p in with_weight_positions)),
        _counts(inventory, sharing, ()),
        _counts(inventory, with_parameters, map(others.numel, with_parameters)),
        _counts(inventory, without, ()),
    )


def _counts(inventory: Inventory, positions: list[int], numels: Iterable[int | None]) -> _Counts:
    types = Counter(inventory.types[position] for position in positions)
    return _Counts(len(positions), tuple(types.most_common()), total(numels))


_INDENT = 6
_OVERWRITING_SHOWN = 5
"""How many sub-configs are named that overwrite another."""
_FACTS = Part("    ")
"""What is before the facts about a sub-config."""


def _section_lines(resolved: Resolved, budget: Budget, width: int) -> Iterator[Line]:
    """Yield for each sub-config, in list order, an empty line, what it says, what it decides, and the layers."""
    rows = _rows(resolved, width)
    # One table, so that its columns are the same under every sub-config.
    laid_out = table([row for _, row in rows], width, right={1}, indent=_INDENT)
    lines: dict[int, list[Line]] = {}
    for (index, _), of_row in zip(rows, laid_out, strict=True):
        lines.setdefault(index, []).extend(of_row)
    sub_configs = list(sub_config_rows(resolved, budget))
    several_files = len({row.source for row in sub_configs}) > 1
    for index, sub_config in enumerate(sub_configs):
        yield EMPTY
        yield from _heading(sub_config, width, where=several_files)
        yield from lines.get(index, ())


def _rows(resolved: Resolved, width: int) -> list[tuple[int, Row]]:
    """Return rows of layers, each with the index of the sub-config that decides them."""
    groups = layer_groups(resolved)
    longest = width - _beside_names(groups, len(resolved.inventory))
    rows = [(facts.decided_by, _layer_cells(group, facts)) for group, facts in groups.written(longest)]
    return rows + [(index, _weightless_cells(counts)) for index, counts in _weightless(resolved).items()]


def _heading(row: _SubConfigRow, width: int, *, where: bool) -> Iterator[Line]:
    """Yield what a sub-config says, with file and line where the list comes from several, and what that makes."""
    source = f" ({row.source}:{row.line})" if where and row.source else ""
    gets = Part(f"{row.label} ", Style.QUIET), Part(row.gets, Style.STRONG)
    yield from paragraph((*gets, Part(f": {row.selector}{source}")), width, indent=len(_FACTS.text))
    decided = Part(_decided_words(row), Style.PLAIN if row.decided else Style.WARNING)
    yield from paragraph((_FACTS, decided), width, indent=len(_FACTS.text))
    words = _masked_words(row) if row.decided else ""
    if words:
        yield from paragraph((_FACTS, Part(words)), width, indent=len(_FACTS.text))


def _decided_words(row: _SubConfigRow) -> str:
    """Return how many layers a sub-config decides of those that it selects, and which ones decide the others."""
    if not row.selected:
        return "selects no layer"
    selected = layers_words(row.selected)
    if row.decided == row.selected:
        everything = {1: "the one layer", 2: "both layers"}.get(row.selected, f"all {selected}")
        return f"decides {everything} it selects"
    others = joined(row.overwritten_by, most=_OVERWRITING_SHOWN)
    if not row.decided:
        everyone = {1: "", 2: "both "}.get(row.selected, "all ")
        return f"shadowed: selects {selected}, {everyone}decided by {others or 'later sub-configs'}"
    rest = f"; {others} {'decides' if len(row.overwritten_by) == 1 else 'decide'} the rest" if others else ""
    return f"decides {row.decided:,} of the {selected} it selects{rest}"


def _masked_words(row: _SubConfigRow) -> str:
    """Return what that makes in weight elements, as far as it is known."""
    if not row.numel:
        return ""
    if row.masked is None:
        elements = f"{row.numel:,} weight elements"
        return f"leaves {elements} as they are" if row.excludes else elements
    if row.group is None:
        return f"masks {row.masked:,} of {row.numel:,} weight elements ({percent_words(row.masked, row.numel)})"
    share = percent_words(row.masked, row.numel)
    cap = "" if row.group.max_sparsity is None else f"; the cap allows {row.group.reachable:,}"
    return f"masks {row.masked:,} of {row.numel:,} weight elements together ({share}{cap})"


def _beside_names(groups: NameGroups[_LayerFacts], layers: int) -> int:
    """Return how many columns a row of layers takes at most besides their names."""
    types = max((display_width(_type_and_weight(facts)) for facts in groups.outcomes), default=0)
    return _INDENT + GAP + len(f"{layers:,}") + GAP + types


def _layer_cells(group: NameGroup, facts: _LayerFacts) -> Row:
    return Part(group.written), Part(f"{group.count:,}"), Part(_type_and_weight(facts))


def _type_and_weight(facts: _LayerFacts) -> str:
    between = ", " if facts.has_weight is False else " "
    return f"{facts.type}{between}{facts.weight_words}".rstrip()


def _weightless_cells(counts: _Counts) -> Row:
    words = f"({types_words(counts.types, 2)})"
    return Part(words, Style.QUIET), Part(f"{counts.layers:,}", Style.QUIET), Part("without a weight", Style.QUIET)


_LABEL = 11
_TYPES_SHOWN = 4


def total_lines(resolved: Resolved, budget: Budget, width: int) -> Iterator[Line]:
    """Yield what concerns the model as a whole, a label before each line."""
    for label, words in totals(resolved, budget):
        yield from paragraph((Part(f"{label:{_LABEL}}", Style.STRONG), Part(words)), width, indent=_LABEL)


def totals(resolved: Resolved, budget: Budget) -> Iterator[tuple[str, str]]:
    """Yield what concerns the model as a whole, as labels and sentences without a full stop.

    Together with the weight elements of the sub-configs the numbers of the first two add up to all parameters.
    """
    rest = _untouched(resolved, budget)
    yield "untouched", _untouched_words(rest)
    besides = budget.model.besides
    if besides is not None and rest.with_parameters.numel is not None:
        besides -= rest.with_parameters.numel
        if besides:
            yield "besides", f"{besides:,} elements of biases and other parameters that are not weights"
    if resolved.config_list.kind == "pruning":
        yield "masked", _totals_masked_words(budget)
    else:
        yield "stored", _stored_words(budget)


def _untouched_words(rest: _Untouched) -> str:
    """Return how many layers no sub-config selects, and of which types those are that hold something."""
    if not rest.layers:
        return "no layer"
    parts = [_types(rest.with_weight, "weight elements")] if rest.with_weight.layers else []
    if rest.sharing.layers:
        share = "that shares" if rest.sharing.layers == 1 else "that share"
        parts.append(f"{types_words(rest.sharing.types, _TYPES_SHOWN)} {share} a weight counted for another layer")
    if rest.with_parameters.layers:
        parts.append(f"{_types(rest.with_parameters, 'elements')} without a 'weight'")
    if rest.without.layers:
        parts.append(f"{rest.without.layers:,} without parameters")
    return f"{layers_words(rest.layers)}: {'; '.join(parts)}"


def _types(counts: _Counts, what: str) -> str:
    """Return how many elements layers have, as far as that is known, and of which types they are."""
    return (f"{counts.numel:,} {what} in " if counts.numel else "") + types_words(counts.types, _TYPES_SHOWN)


def _totals_masked_words(budget: Budget) -> str:
    """Return how much of the model is masked."""
    model = budget.model
    if budget.unknown:
        return f"unknown, as the model does not say how many weight elements {names_words(budget.unknown)} have"
    if not model.reachable or model.masked is None:
        return "nothing"
    of_compressed = percent_words(model.masked, model.reachable)
    share = f"{model.masked:,} of {model.reachable:,} compressed elements ({of_compressed})"
    if model.masked_share_of_all is None:
        return share
    return f"{share}, of {model.parameters:,} parameters in all ({percent_words(model.masked_share_of_all)})"


def _stored_words(budget: Budget) -> str:
    """Return what the parameters take, before and after."""
    model = budget.model
    if model.mean_bits is None or model.bytes_before is None or model.bytes_after is None:
        return "unknown, as the model does not say the size and type of all parameters"
    before, after = bytes_words(model.bytes_before), bytes_words(model.bytes_after)
    reached = "" if model.coverage is None else f", {percent_words(model.coverage)} of {model.parameters:,} quantized"
    return f"{model.mean_bits:.2f} bits per parameter on average, {after} instead of {before}{reached}"


def bytes_words(number: int) -> str:
    """Return a number of bytes in the unit that people use for it: 438.1 MB."""
    size = float(number)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:  # noqa: PLR2004 - decimal units, as file managers and model hubs have them
            return f"{size:.1f} {unit}" if unit != "bytes" else f"{number} bytes"
        size /= 1000
    return f"{size:.1f} TB"


def headline(resolved: Resolved) -> str:
    """Return what was resolved: "5 sub-configs for pruning, BertForMaskedLM with 232 layers"."""
    inventory, configs = resolved.inventory, resolved.config_list
    model = f"{inventory.model or 'a model'} with {layers_words(len(inventory))}"
    return f"{counted(len(configs), 'sub-config')} for {configs.kind}, {model}"


def resolution_lines(
    resolved: Resolved, budget: Budget, findings: Iterable[Finding], width: int | None = None
) -> Iterator[Line]:
    """Yield the report of a resolution.

    `width` is that of the terminal, in columns; None without one: tables then take 100.
    """
    yield from paragraph(line(headline(resolved), Style.HEADING), width, indent=len(_FACTS.text))
    yield from _section_lines(resolved, budget, width or DEFAULT_WIDTH)
    yield EMPTY
    yield from total_lines(resolved, budget, width or DEFAULT_WIDTH)
    found = tuple(findings)
    if found:
        yield EMPTY
        yield from tallied_lines(found, width)


_MOST_EXPLAINED = 20_000
"""How many layers are looked at to tell those apart that get something else, or for another reason."""
_MOST_EXPLANATIONS = 20
_MOST_WRITTEN = 10


def explanation_lines(
    resolved: Resolved, budget: Budget, positions: Sequence[int], width: int | None = None
) -> Iterator[Line]:
    """Yield what layers get and why, those together for which all of that is the same.

    `width` is that of the terminal in columns, None breaks no line. Without a width it is for a single layer
    `Resolution.explain`, line by line.
    """
    alike: dict[tuple[tuple[str, str], ...], list[int]] = {}
    titles: dict[int, str] = {}
    for position in positions[:_MOST_EXPLAINED]:
        (_, titles[position]), *facts = explained(resolved, budget, position)
        alike.setdefault(tuple(facts), []).append(position)
    shown = list(alike.items())[:_MOST_EXPLANATIONS]
    for number, (told, members) in enumerate(shown):
        if number:
            yield EMPTY
        title, facts = titles[members[0]], list(told)
        if len(members) > 1:
            status, kind = resolved.status(members[0]).value, resolved.config_list.kind
            title = f"{layers_words(len(members))} are {status} by the {kind} list"
            (_, each), *rest = told
            facts = [*_names_of(members, resolved.inventory), ("each", each), *rest]
        yield from paragraph(line(title, Style.STRONG), width, indent=2)
        indent = max(len(label) for label, _ in facts) + 4
        for label, words in facts:
            yield from paragraph((Part(f"  {label:{indent - 2}}", Style.QUIET), Part(words)), width, indent=indent)
    more = len(positions) - sum(len(members) for _, members in shown)
    if more:
        yield EMPTY
        yield line(f"and {layers_words(more)} more, not shown")


def _names_of(positions: Sequence[int], inventory: Inventory) -> Iterator[tuple[str, str]]:
    """Yield the names of layers as facts, folded."""
    named = NameGroups((position, inventory.names[position], None) for position in positions)
    groups = [group for group, _ in named.written()]
    for number, group in enumerate(groups[:_MOST_WRITTEN]):
        yield "" if number else "names", group.written
    more = sum(group.count for group in groups[_MOST_WRITTEN:])
    if more:
        yield "", f"and {layers_words(more)} more"
