"""The config lists of the benchmarks: from three sub-configs to one for each Linear of a large model.

*small*: 3 sub-configs (types, one name, one exclude). *medium*: 64 (one partial name for each block among
them). *large*: 1,000 (types, names and partial names mixed). *extreme-names*: one sub-config for each Linear,
by its exact name. *extreme-partial*: 10,000 sub-configs with one partial name each, all of which hit or all
of which miss.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

__all__ = [
    "WORKLOADS",
    "ConfigData",
    "NamesAndTypes",
    "experts",
    "in_every_layer",
    "misspelt",
    "mixed",
    "one_long_selector",
    "stacked",
    "yaml_text",
]

ConfigData: TypeAlias = list[dict[str, Any]]
NamesAndTypes: TypeAlias = Sequence[tuple[str, str]]
"""The layers of a model, in its order."""


def experts(size: int) -> list[tuple[str, str]]:
    """Return names and types of `size` layers, named like those of a mixture of experts; no torch is needed."""
    projections = ("gate_proj", "up_proj", "down_proj")
    layers = []
    for block, expert in itertools.product(range(1 + size // 1000), range(250)):
        name = f"model.layers.{block}.mlp.experts.{expert}"
        layers.append((name, "Expert"))
        layers += ((f"{name}.{projection}", "Linear") for projection in projections)
    return layers[:size]


def mixed(layers: NamesAndTypes, size: int) -> ConfigData:
    """Return `size` sub-configs with one element each, by exact names and partial names in turn; some exclude."""
    names, partials = itertools.cycle(_linear(layers)), itertools.cycle(_matching(layers, r"layers\.\d+\..*\d+\."))
    configs: ConfigData = []
    for index in range(size):
        setting = {"exclude": True} if index % 7 == 0 else {"sparsity_per_layer": 0.5}
        selector = {"op_names": [next(names)]} if index % 2 else {"op_partial_names": [next(partials)]}
        configs.append({**selector, **setting})
    return configs


def one_long_selector(layers: NamesAndTypes, size: int) -> ConfigData:
    """Return one sub-config with `size` elements, half of them names and half partial names.

    Of either half the layers answer to one part, each element of which stands there twice, and not to the other.
    """
    eighth = size // 8
    names = _linear(layers)[:eighth]
    partials = _matching(layers, r"layers\.\d+\..*\d+\.")[:eighth]
    absent = [f"absent.{number}" for number in range(2 * eighth)]
    return [
        {
            "op_names": [*names, *names, *absent],
            "op_partial_names": [*partials, *partials, *absent],
            "total_sparsity": 0.5,
        }
    ]


def misspelt(layers: NamesAndTypes, size: int) -> ConfigData:
    """Return one sub-config with `size` names of layers all over the model, each with two slips in it."""
    linear = [name.replace("experts", "expert").replace("_proj", "_porj") for name in _linear(layers)]
    return [{"op_names": linear[:: len(linear) // size][:size], "sparsity_per_layer": 0.5}]


_STEM = "model.decoder.transformer_blocks_of_the_language_model.submodules."


def stacked(size: int) -> list[tuple[str, str]]:
    """Return names and types of `size` layers, of which all names begin alike."""
    return [(f"{_STEM}{index // 100}.{index}", "Linear" if index % 3 else "LayerNorm") for index in range(size)]


def in_every_layer(layers: NamesAndTypes, size: int) -> ConfigData:
    """Return `size` sub-configs with one partial name each, all different and all in the name of every layer."""
    names = [name for name, _ in layers]
    alike = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(min(names), max(names), strict=False))
    stem = "".join(character for character, _ in alike)
    widths = range(len(stem), 0, -1)
    parts = dict.fromkeys(stem[start : start + width] for width in widths for start in range(len(stem) - width + 1))
    if len(parts) < size:
        raise ValueError(f"what the names have in common has only {len(parts)} parts, not {size}")
    return [{"op_partial_names": [part], "sparsity_per_layer": 0.5} for part in list(parts)[:size]]


def small(layers: NamesAndTypes) -> ConfigData:
    """Return types, one name, one exclude."""
    linear = _linear(layers)
    return [
        {"op_types": ["Linear"], "sparsity_per_layer": 0.5},
        {"op_names": [linear[len(linear) // 2]], "sparsity_per_layer": 0.8},
        {"op_names": [linear[-1]], "exclude": True},
    ]


def medium(layers: NamesAndTypes) -> ConfigData:
    """Return types first, then one partial name for each block, then a name, then an exclude: 64 at most."""
    linear = _linear(layers)
    blocks = _matching(layers, r"[a-z]+\.\d+\.")[:61]
    return [
        {"op_types": ["Linear"], "sparsity_per_layer": 0.5},
        *({"op_partial_names": [block], "op_types": ["Linear"], "sparsity_per_layer": 0.6} for block in blocks),
        {"op_names": [linear[len(linear) // 2]], "sparsity_per_layer": 0.8},
        {"op_names": [linear[-1]], "exclude": True},
    ]


def large(layers: NamesAndTypes, size: int = 1000) -> ConfigData:
    """Return types, exact names and partial names in turn; every seventh sub-config excludes."""
    linear = _linear(layers)
    partial = _matching(layers, r"[a-z]+\.\d+\.(?:[a-z_]+\.)*(?:\d+\.)?")
    names, partials = itertools.cycle(_spread(linear, size)), itertools.cycle(_spread(partial, size))
    settings = ({"sparsity_per_layer": 0.5}, {"sparsity_per_layer": 0.7}, {"total_sparsity": 0.6})
    selectors: tuple[Callable[[], dict[str, Any]], ...] = (
        lambda: {"op_partial_names": [next(partials)]},
        lambda: {"op_names": [next(names)]},
        lambda: {"op_types": ["Linear"], "op_partial_names": [next(partials)]},
        lambda: {"op_types": ["Linear"], "op_names": [next(names), next(names)]},
    )
    configs: ConfigData = [{"op_types": ["Linear"], "sparsity_per_layer": 0.5}]
    for index in range(1, size):
        setting = {"exclude": True} if index % 7 == 0 else settings[index % len(settings)]
        configs.append({**selectors[index % len(selectors)](), **setting})
    return configs


def extreme_names(layers: NamesAndTypes) -> ConfigData:
    """Return one sub-config for each Linear, by its exact name."""
    return [
        {"op_names": [name], "sparsity_per_layer": 0.5 if index % 2 else 0.25}
        for index, name in enumerate(_linear(layers))
    ]


def extreme_partial_hits(layers: NamesAndTypes, size: int = 10_000) -> ConfigData:
    """Return one sub-config for each of `size` partial names of which every one is contained in some name."""
    partials = _matching(layers, r"[a-z]+\.\d+\.(?:[a-z_]+\.)*\d+\.")
    return [{"op_partial_names": [partial], "sparsity_per_layer": 0.5} for partial in partials[:size]]


def extreme_partial_misses(layers: NamesAndTypes, size: int = 10_000) -> ConfigData:
    """Return the same with partial names that go wrong behind the number of the expert: no name contains them."""
    return [
        {**config, "op_partial_names": [f"{config['op_partial_names'][0]}proj_"]}
        for config in extreme_partial_hits(layers, size)
    ]


WORKLOADS: Mapping[str, Callable[[NamesAndTypes], ConfigData]] = {
    "small": small,
    "medium": medium,
    "large": large,
    "extreme-names": extreme_names,
    "extreme-partial, hits": extreme_partial_hits,
    "extreme-partial, misses": extreme_partial_misses,
}


def yaml_text(configs: ConfigData) -> str:
    """Return `configs` as people write them: block style, the names in flow style."""
    lines = []
    for config in configs:
        lead = "- "
        for key, value in config.items():
            shown = f"[{', '.join(value)}]" if isinstance(value, list) else str(value).lower()
            lines.append(f"{lead}{key}: {shown}\n")
            lead = "  "
    return "".join(lines)


def _linear(layers: NamesAndTypes) -> list[str]:
    return [name for name, kind in layers if kind == "Linear"]


def _matching(layers: NamesAndTypes, pattern: str) -> list[str]:
    """Return the distinct parts of names that match `pattern` first, in the order in which the model has them."""
    compiled = re.compile(pattern)
    found = (match.group() for name, _ in layers if (match := compiled.search(name)))
    return list(dict.fromkeys(found))


def _spread(values: list[str], size: int) -> list[str]:
    """Return at most `size` of `values`, evenly spread over them."""
    return values[:: max(1, len(values) // size)]
