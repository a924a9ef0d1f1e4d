"""Why a layer gets what it gets, in words; and the words for a selector, for settings and for a shape."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final, NamedTuple

from compression_config.budget import Budget
from compression_config.budget.counting import bytes_of, masked_count
from compression_config.budget.storage import bits_of_dtype
from compression_config.configs.sub_config import SubConfig
from compression_config.inventory import Layer, Shape
from compression_config.linting.selectors import findings_about
from compression_config.resolving.resolved import Resolved, Status
from compression_config.resolving.selection import UNDECIDED
from compression_config.resolving.settings import AnySettings, PruningSettings, QuantizationSettings, written_settings
from compression_config.text import SHOWN, counted, joined, listed, more_words, printable

__all__ = ["explained", "explanation", "selector_words", "settings_words", "shape_words", "share_in_words"]


_NEAR = 3
"""How many sub-configs are named that nearly select a layer."""

_OVERWRITTEN = 30
"""How many sub-configs are named that another overwrites."""


# Words.


def selector_words(config: SubConfig) -> str:
    """Return which layers a sub-config means: "Linear or Conv2d, name contains 'head'".

    Of longer lists the first elements are named and the others counted.
    """
    types = "" if config.op_types is None else joined(config.op_types, "or", most=SHOWN)
    return ", ".join(filter(None, (types, f"name {_names_words(config)}" if config.names_layers else "")))


def _names_words(config: SubConfig) -> str:
    """Return what the name of a layer must be for a selector that has names: "is 'fc' or contains 'head'"."""
    keys = ("is", config.op_names), ("contains", config.op_partial_names)
    return " or ".join(f"{verb} {listed(names, last='or', most=SHOWN)}" for verb, names in keys if names is not None)


_PHRASES: Final = {
    "sparsity_per_layer": "sparsity {}",
    "max_sparsity_per_layer": "cap {}",
    "quant_bits": "{} bits",
    "quant_start_step": "from step {:,}",
    "quant_dtype": "{}",
    "quant_scheme": "{}",
}
"""How the value of a key is phrased; that of any other key follows its name."""


def settings_words(settings: AnySettings | None) -> str:
    """Return what a layer gets: "sparsity 0.8", "weight 4 bits, input 8 bits"; "exclude" for None.

    Quant types that get the same are named together: "weight+input 8 bits int, from step 1,000".
    """
    if settings is None:
        return "exclude"
    by_type: dict[str, list[str]] = {}
    for_all = []
    for key, value in written_settings(settings):
        if isinstance(value, Mapping):
            for quant_type, each in value.items():
                by_type.setdefault(quant_type, []).append(_phrase(key, each))
        else:
            for_all.append(_phrase(key, value))
    alike: dict[str, list[str]] = {}
    for quant_type, words in by_type.items():
        alike.setdefault(" ".join(words), []).append(quant_type)
    return ", ".join((*(f"{'+'.join(types)} {words}" for words, types in alike.items()), *for_all))


def _phrase(key: str, value: object) -> str:
    if key == "quant_bits" and value == 1:
        return "1 bit"
    return _PHRASES.get(key, f"{key.removeprefix('quant_')} {{}}").format(value)


def shape_words(shape: Shape | None) -> str:
    """Return a shape as people write it: "768x768"; "?" when it is not known.

    >>> shape_words((64, 3, 7, 7)), shape_words((768,)), shape_words(())
    ('64x3x7x7', '768', 'scalar')
    """
    if shape is None:
        return "?"
    return "x".join(map(str, shape)) or "scalar"


# Explanations.


def explanation(resolved: Resolved, budget: Budget, position: int) -> str:
    """Return in words what a layer gets and why: the deciding sub-config, those that it overwrites, and ties."""
    (_, title), *facts = explained(resolved, budget, position)
    width = max(len(label) for label, _ in facts) + 2
    return "\n".join(map(printable, (title, *(f"  {label:{width}}{words}" for label, words in facts))))


def explained(resolved: Resolved, budget: Budget, position: int) -> list[tuple[str, str]]:
    """Return the same as facts with a label each: first the title, whose label is empty.

    Of facts that have the same label only the first shows it.
    """
    layer = resolved.inventory[position]
    status = resolved.status(position)
    facts = [
        ("", f"{layer.name} is {status.value} by the {resolved.config_list.kind} list"),
        ("layer", _layer_words(layer)),
        ("gets", _outcome_words(resolved, budget, position)),
        *_reasons(resolved, position, layer),
        *_same_module_or_weight(resolved, position, layer),
        *(("may mean it", str(finding)) for finding in islice(findings_about(resolved, position), _NEAR)),
    ]
    before = ["", *(label for label, _ in facts)]
    return [("" if label == last else label, words) for last, (label, words) in zip(before, facts, strict=False)]


def _layer_words(layer: Layer) -> str:
    if layer.has_weight is False:
        parameters = ", ".join(f"{name} {shape_words(shape)}" for name, shape in layer.parameters.items())
        return f"{layer.type}, no weight" + (f" (its parameters are {parameters})" if parameters else "")
    if layer.has_weight is None:
        return f"{layer.type}, of which only the name and the type are known"
    if layer.weight_shape is None:
        return f"{layer.type}, weight of unknown shape"
    return f"{layer.type}, weight {shape_words(layer.weight_shape)}, {layer.numel:,} elements"


def _outcome_words(resolved: Resolved, budget: Budget, position: int) -> str:
    status = resolved.status(position)
    if status is Status.UNTOUCHED:
        return "nothing: no sub-config selects it"
    if status is Status.EXCLUDED:
        return "nothing: it is left out of compression"
    share = share_in_words(resolved, budget, position)
    return settings_words(resolved.settings(position)) + (f": {share}" if share else "")


def share_in_words(resolved: Resolved, budget: Budget, position: int) -> str | None:
    """Return what the budget means for the layer at `position`, as a sentence without a full stop.

    None for a layer that is not compressed or has no weight.
    """
    inventory = resolved.inventory
    if resolved.status(position) is not Status.COMPRESSED or inventory.has_weight(position) is False:
        return None
    if position in budget.weights.counted_for:
        return f"its weight is that of '{inventory.names[budget.weights.counted_for[position]]}' and counted there"
    numel = budget.weights.numels[position]
    if numel is None:
        return "its number of weight elements is not known"
    settings = resolved.settings(position)
    if isinstance(settings, QuantizationSettings):
        return _quantized(numel, settings.bits.get("weight"), inventory.dtypes[position])
    if isinstance(settings, PruningSettings) and settings.sparsity is not None:
        return f"{masked_count(numel, settings.sparsity):,} of its {numel:,} weight elements are masked"
    return _in_group(resolved, budget, position)


def _in_group(resolved: Resolved, budget: Budget, position: int) -> str:
    """Return the interval that a group leaves one of its layers."""
    group = next(group for group in budget.groups if group.index == resolved.decided_by[position])
    layer = group.layers[bisect.bisect_left(budget.weights.decided[group.index], position)]
    if layer.minimum is None or layer.maximum is None or group.granted is None:
        known = f"at most {layer.cap:,} of its {layer.numel:,} weight elements are masked"
        return f"{known}; '{group.unknown[0]}', which shares the budget, has an unknown number"
    interval = f"{layer.minimum:,} to {layer.maximum:,}" if layer.minimum < layer.maximum else f"{layer.maximum:,}"
    return (
        f"{interval} of its {layer.numel:,} weight elements are masked; "
        f"the group of {counted(len(group.names), 'layer')} masks {group.granted:,} of {group.numel:,}"
    )


def _quantized(numel: int, bits: int | None, dtype: str | None) -> str:
    """Return what a weight takes, before if that is known, and quantized."""
    if bits is None:
        return f"its {numel:,} weight elements are not quantized"
    width = bits_of_dtype(dtype or "")
    before = "" if width is None else f" instead of {bytes_of(numel, width):,}"
    return f"its {numel:,} weight elements take {bytes_of(numel, bits):,} bytes{before}"


def _reasons(resolved: Resolved, position: int, layer: Layer) -> Iterator[tuple[str, str]]:
    """Yield which sub-config decides and which it overwrites; for an untouched layer which ones nearly select it."""
    names = _Names.of(resolved, position, layer)
    if resolved.decided_by[position] == UNDECIDED:
        yield from islice(_near_misses(resolved, layer, names), _NEAR)
        return
    *overwritten, deciding = resolved.selection.selected_by(position)
    for label, index in (("decided by", deciding), *(("overwrites", index) for index in overwritten[:_OVERWRITTEN])):
        config = resolved.config_list[index]
        matches = " and ".join(filter(None, (_type_match(config, layer), _name_match(config, names))))
        yield label, f"{_sub_config_words(resolved, index)}: {matches}"
    if len(overwritten) > _OVERWRITTEN:
        yield "overwrites", f"and {more_words(len(overwritten) - _OVERWRITTEN)}"


def _sub_config_words(resolved: Resolved, index: int) -> str:
    """Return which sub-config is meant, what it says, and where it is written."""
    place = resolved.config_list.provenance.place((index,))
    where = "" if place.span is None else f" at {place.source}:{place.span.start.line}:{place.span.start.column}"
    return f"{resolved.label(index)} {settings_words(resolved.settings_of(index))}{where}"


def _type_match(config: SubConfig, layer: Layer) -> str | None:
    """Return why the type matches; None when it does not, or no types are listed."""
    if config.op_types is None or config.types is None or layer.type not in config.types:
        return None
    if layer.type in config.op_types:
        return f"op_types lists '{layer.type}'"
    return f"'{layer.type}' is one of the 'default' types"


class _Names(NamedTuple):
    """The names of a layer, so that a selector is matched against all of them at once: there may be many aliases."""

    order: Mapping[str, int]
    """The places of the names; the layer's own has place 0."""
    containing: Mapping[str, str]
    """For each partial name that is in one of them the first that contains it."""

    @classmethod
    def of(cls, resolved: Resolved, position: int, layer: Layer) -> _Names:
        names = dict.fromkeys((layer.name, resolved.inventory.keys[position], *layer.aliases))
        order = {name: place for place, name in enumerate(names)}
        return cls(order, resolved.selection.partial_names_in(position))


def _name_match(config: SubConfig, names: _Names) -> str | None:
    """Return why the name or an alias matches; None when neither does, or no names are listed."""
    full = {name for name in config.op_names or () if name in names.order}
    containing = {names.containing[part] for part in config.op_partial_names or () if part in names.containing}
    first = min(full | containing, key=names.order.__getitem__, default=None)
    if first is None:
        return None
    what = f"its alias '{first}'" if names.order[first] else "its name"
    if first in full:
        return f"op_names lists {what if names.order[first] else 'it'}"
    return f"{what} contains {listed(dict.fromkeys(part for part in config.op_partial_names or () if part in first))}"


def _near_misses(resolved: Resolved, layer: Layer, names: _Names) -> Iterator[tuple[str, str]]:
    """Yield the sub-configs of which one half of the selector matches a layer, and the half that does not."""
    for index, config in enumerate(resolved.config_list):
        if config.op_types is None or not config.names_layers:
            continue
        by_type, by_name = _type_match(config, layer), _name_match(config, names)
        if by_name:
            missing = f"op_types lists only {listed(config.op_types, most=SHOWN)}"
        elif by_type:
            missing = f"it selects only a name that {_names_words(config)}"
        else:
            continue
        yield "near miss", f"{_sub_config_words(resolved, index)}: {by_name or by_type}, but {missing}"


def _same_module_or_weight(resolved: Resolved, position: int, layer: Layer) -> Iterator[tuple[str, str]]:
    """Yield the layer's aliases, and the layers that share its weight with what becomes of them (D17)."""
    if layer.aliases:
        yield "aliases", f"{listed(layer.aliases, most=SHOWN)}: the same module"
    names = resolved.inventory.names
    for tied in resolved.inventory.ties:
        if position in tied:
            others = [f"'{names[other]}' ({resolved.status(other).value})" for other in tied if other != position]
            yield "shares", f"its weight with {joined(others, most=SHOWN)}"
