"""Config lists of NNI 3.0, read: for the layers of a model, or as selectors where no layer has to be known."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import astuple, dataclass, fields, replace
from typing import Any, NamedTuple, cast

from compression_config.configs.sub_config import Kind
from compression_config.configs.value_rules import QuantType
from compression_config.findings import Code
from compression_config.interop.importing import Import, Reading, quantization_keys
from compression_config.inventory import Inventory
from compression_config.locations import ConfigPath, format_path

__all__ = ["ACTIVATIONS", "PRUNED", "QUANTIZED", "TARGETS", "read_list"]

_CONVOLUTIONS = ("Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d")
PRUNED = ("Linear", "Embedding", *_CONVOLUTIONS, "BatchNorm1d", "BatchNorm2d", "BatchNorm3d")
"""The types that its `PruningSetting` has; any other ends in an assertion."""

ACTIVATIONS = ("ReLU", "ReLU6", "Hardtanh", "MaxPool2d")
QUANTIZED = ("Linear", *_CONVOLUTIONS, "BatchNorm1d", "BatchNorm2d", *ACTIVATIONS)
"""The types that its `QuantizationSetting` has; of the activations only inputs and outputs."""

TARGETS: Mapping[QuantType, str] = {"input": "_input_", "weight": "weight", "output": "_output_"}
"""What the list calls what NNI calls so, in the order of NNI's own examples."""


# What a config says.


@dataclass(frozen=True, slots=True)
class _Names:
    """What selects names and types, or excludes them."""

    names: tuple[str, ...]
    regexes: tuple[tuple[str, Callable[[str], object]], ...]
    types: tuple[str, ...]

    def matching(self, names: Collection[str]) -> set[str]:
        """Return those of `names` that are named or match a regex at their start."""
        matched = (name for _, matches in self.regexes for name in names if matches(name))
        return set(self.names).intersection(names).union(matched)


@dataclass(frozen=True, slots=True)
class _Config:
    """One config of a list."""

    path: ConfigPath
    data: Mapping[str, Any]
    kind: Kind
    selected: _Names
    excluded: _Names

    @property
    def compresses(self) -> bool:
        """Whether it selects anything, which empty selectors do not, and does not distill."""
        selects = bool(self.selected.names or self.selected.regexes or self.selected.types)
        return selects and self.data.keys().isdisjoint(_DISTILLATION)


_DISTILLATION = ("lambda", "link")


def _config(reading: Reading, given: object, path: ConfigPath) -> _Config:
    data = reading.mapping(given, path)
    settings = [data, *reading.mapping(data.get("target_settings") or {}, (*path, "target_settings")).values()]

    def names(prefix: str) -> _Names:
        exact, regexes, types = (
            [] if data.get(prefix + key) is None else reading.names(data[prefix + key], (*path, prefix + key))
            for key in ("op_names", "op_names_re", "op_types")
        )
        compiled = tuple((regex, reading.regex(regex)) for regex in regexes)
        return _Names(tuple(dict.fromkeys(exact)), compiled, tuple(dict.fromkeys(types)))

    quantizes = any(isinstance(setting, Mapping) and "quant_dtype" in setting for setting in settings)
    selected = names("")
    if "default" in selected.types:
        message = "NNI 3.0 does not know 'default', which selects only a class of that name"
        reading.lose(Code.LOSSY_DETAIL, message, (*path, "op_types"), "write the types")
    if data.get("fuse_names"):
        message = "a config list cannot express that layers are quantized as one with those after them"
        reading.lose(Code.LOSSY_APPROXIMATION, message, (*path, "fuse_names"))
    for key in _DISTILLATION:
        if key in data:
            reading.lose(Code.LOSSY_SETTING, "a config list cannot express distillation", (*path, key))
    return _Config(path, data, "quantization" if quantizes else "pruning", selected, names("exclude_"))


def _settings(reading: Reading, config: _Config, layer_type: str) -> dict[str, Mapping[str, Any]] | None:
    """Return the settings of the targets of a layer, as NNI's `ModuleSetting.get` does; None where it fails."""
    registered = PRUNED if config.kind == "pruning" else QUANTIZED
    verb = "prune" if config.kind == "pruning" else "quantize"
    if layer_type not in registered:
        message = f"NNI 3.0 cannot {verb} a '{layer_type}' layer, which this selects"
        reading.lose(Code.LOSSY_SETTING, message, config.path)
        return None
    shared = {key: value for key, value in config.data.items() if key in _SETTINGS[config.kind]}
    targets: dict[str, dict[str, Any]] = {name: dict(shared) for name in _default_targets(config.kind, layer_type)}
    if config.kind == "pruning" and "bias" in targets:
        targets["bias"] = {"align": {"target_name": "weight"}}
    given = reading.mapping(config.data.get("target_settings") or {}, (*config.path, "target_settings"))
    for name, setting in given.items():
        targets.setdefault(name, {}).update(reading.mapping(setting, (*config.path, "target_settings", name)))
    chosen = reading.names(config.data.get("target_names") or list(targets), (*config.path, "target_names"))
    found: dict[str, Mapping[str, Any]] = {}
    for name in chosen:
        start = next((prefix for prefix in ("_input_", "_output_") if name.startswith(prefix)), None)
        name = f"{name}0" if name == start else name  # noqa: PLW2901
        source = name if name in targets else start or name
        # What was added to the settings of its type has no parameter to stand for.
        no_weight = name == "weight" and layer_type in ACTIVATIONS and config.kind == "quantization"
        if source not in targets or no_weight:
            message = f"NNI 3.0 cannot {verb} '{name}' of a '{layer_type}' layer"
            reading.lose(Code.LOSSY_SETTING, message, (*config.path, "target_names"))
            return None
        found[name] = targets[source]
    return found


_SETTINGS: Mapping[Kind, frozenset[str]] = {
    "pruning": frozenset(
        {
            *("sparse_ratio", "max_sparse_ratio", "min_sparse_ratio", "sparse_threshold", "global_group_id"),
            *("dependency_group_id", "granularity", "internal_metric_block", "apply_method"),
        }
    ),
    "quantization": frozenset({"quant_dtype", "quant_scheme", "granularity", "apply_method"}),
}
"""The keys of a target that a config may have for all of its targets."""


def _default_targets(kind: Kind, layer_type: str) -> tuple[str, ...]:
    if kind == "pruning":
        return ("weight",) if layer_type == "Embedding" else ("weight", "bias")
    return ("_input_", "_output_") if layer_type in ACTIVATIONS else ("_input_", "weight", "bias", "_output_")


class _Target(NamedTuple):
    """The settings of a target, and the config that has them."""

    name: str
    setting: Mapping[str, Any]
    config: _Config

    def at(self, key: str) -> ConfigPath:
        """Return where a setting is written: for this target, else for all of the config, else the config."""
        path, data = self.config.path, self.config.data
        for name in (self.name, self.name.removesuffix("0")):
            if key in (data.get("target_settings") or {}).get(name, ()):
                return (*path, "target_settings", name, key)
        return (*path, key) if key in data else path


_Targets = Mapping[str, _Target]


def _targets(reading: Reading, configs: Sequence[_Config], layer_type: str) -> _Targets | None:
    """Return what several configs, the first of which comes first, set for one layer; None where NNI fails."""
    targets: dict[str, _Target] = {}
    for config in configs:
        settings = _settings(reading, config, layer_type)
        if settings is None:
            return None
        for name, setting in settings.items():
            targets.setdefault(name, _Target(name, setting, config))
    return targets


class _Group(NamedTuple):
    """The group of a layer: its id, and what all of it has in common."""

    id: str
    ratio: float | None
    cap: float | None
    path: ConfigPath


def _pruning_keys(reading: Reading, targets: _Targets) -> dict[str, Any] | _Group | None:
    """Return the keys of a pruning sub-config for a layer, or its group; None where its weight is not pruned."""
    for name, target in targets.items():
        if name == "bias" and "align" in target.setting and "sparse_ratio" not in target.setting:
            message = "a config list prunes weights only; NNI masks the biases of masked outputs too"
            reading.lose(Code.LOSSY_DETAIL, message, target.config.path)
        elif name != "weight":
            message = f"a config list prunes weights only, not '{name}'"
            reading.lose(Code.LOSSY_SETTING, message, target.config.path)
    if "weight" not in targets:
        return None
    weight = targets["weight"]
    setting = weight.setting
    for key, (code, message) in _PRUNING_LOSSES.items():
        if setting.get(key) not in (None, "default", "mul"):
            reading.lose(code, message, weight.at(key))
    ratio, cap, least = (
        _ratio(reading, weight, key) for key in ("sparse_ratio", "max_sparse_ratio", "min_sparse_ratio")
    )
    if setting.get("global_group_id") is not None:
        if least:
            message = "a config list cannot express a lower bound for each layer of a group"
            reading.lose(Code.LOSSY_SETTING, message, weight.at("min_sparse_ratio"))
        return _Group(repr(setting["global_group_id"]), ratio, cap, weight.config.path)
    if ratio is None:
        return None
    return {"sparsity_per_layer": min(cap or 1.0, max(least or 0.0, ratio))}


_STRUCTURE = "a config list cannot express which elements are masked together"
_PRUNING_LOSSES: Mapping[str, tuple[Code, str]] = {
    "sparse_threshold": (Code.LOSSY_SETTING, "a config list prunes by ratio, not by threshold"),
    "align": (Code.LOSSY_SETTING, "a config list cannot express the mask of another layer"),
    "dependency_group_id": (Code.LOSSY_APPROXIMATION, _STRUCTURE),
    "internal_metric_block": (Code.LOSSY_DETAIL, _STRUCTURE),
    "granularity": (Code.LOSSY_APPROXIMATION, _STRUCTURE),
    "apply_method": (Code.LOSSY_DETAIL, "a config list cannot express how masks are applied"),
}


def _ratio(reading: Reading, weight: _Target, key: str) -> float | None:
    """Return a ratio; None without one, and for one that cannot be written, which is reported."""
    value = weight.setting.get(key)
    if value is None:
        return None
    most = 1 if key != "sparse_ratio" else 0
    if isinstance(value, int | float) and not isinstance(value, bool) and (0 <= value < 1 or value == most):
        return float(value)
    message = f"a config list has ratios from 0 to below 1, not {value!r}"
    reading.lose(Code.LOSSY_SETTING, message, weight.at(key))
    return None


def _quantization_keys(reading: Reading, targets: _Targets, layer_type: str) -> dict[str, Any] | None:
    """Return the keys of a quantization sub-config for a layer; None where none of its tensors is quantized."""
    bits: dict[QuantType, int] = {}
    dtypes: dict[QuantType, str] = {}
    schemes: dict[QuantType, str] = {}
    for kind, target_name in TARGETS.items():
        target = targets.get(target_name if kind == "weight" else f"{target_name}0")
        if target is None:
            continue
        setting = target.setting
        dtype = setting.get("quant_dtype") or "int8"
        found = _DTYPE.fullmatch(str(dtype))
        if found is None:
            message = f"a config list has integers of 1 to 31 bits, not {dtype!r}"
            reading.lose(Code.LOSSY_SETTING, message, target.at("quant_dtype"))
            continue
        bits[kind], dtypes[kind] = int(found[2]), found[1]
        scheme = setting.get("quant_scheme") or "symmetric"
        if scheme not in ("affine", "symmetric"):
            message = f"NNI 3.0 has the schemes 'affine' and 'symmetric', not {scheme!r}"
            reading.lose(Code.LOSSY_SETTING, message, target.at("quant_scheme"))
            scheme = "symmetric"
        schemes[kind] = f"{_per(reading, target, kind, layer_type)}_{scheme}"
    for name, target in targets.items():
        if name not in ("_input_0", "weight", "_output_0"):
            message = f"a config list quantizes weights, first inputs and first outputs, not '{name}'"
            reading.lose(Code.LOSSY_SETTING, message, target.config.path)
    return quantization_keys(bits, schemes, dtypes) or None


_DTYPE = re.compile("(u?int)([1-9]|[12][0-9]|3[01])")


def _per(reading: Reading, target: _Target, kind: QuantType, layer_type: str) -> str:
    """Return what shares one scale."""
    granularity = target.setting.get("granularity")
    if granularity in (None, "default"):
        return "per_tensor"
    transposed = layer_type.startswith("ConvTranspose")
    channel = "per_channel" if kind != "weight" else "in_channel" if transposed else "out_channel"
    if granularity != channel:
        message = f"a config list cannot express the granularity {granularity!r} ({kind})"
        reading.lose(Code.LOSSY_APPROXIMATION, message, target.at("granularity"))
    return "per_channel"


# For a model.


def read_list(document: Any, inventory: Inventory | None) -> Import:  # noqa: ANN401 - foreign data
    """Return the config list for a document of NNI 3.0: a list, or its two lists."""
    reading = Reading("nni", inventory)
    lists = document if isinstance(document, Mapping) else {None: document}
    for part, configs in lists.items():
        path: ConfigPath = () if part is None else (str(part),)
        if not isinstance(configs, Sequence) or isinstance(configs, str):
            raise reading.refused("a list of configs", path)
        read = [_config(reading, data, (*path, index)) for index, data in enumerate(configs)]
        kinds: list[Kind] = list(dict.fromkeys(config.kind for config in read)) or ["pruning"]
        for kind in kinds if part is None or read else [cast("Kind", part)]:
            reading.has_list(kind)
            of_kind = [config for config in read if config.kind == kind and config.compresses]
            if reading.has_model:
                _enter(reading, of_kind)
            else:
                _write(reading, of_kind)
    return reading.done()


def _enter(reading: Reading, configs: Sequence[_Config]) -> None:
    """Enter what each layer of the model gets."""
    matched: dict[int, list[int]] = {}
    for number, config in enumerate(configs):
        for position in _selected(reading.inventory, config):
            matched.setdefault(position, []).append(number)
    outcomes: dict[tuple[str, tuple[int, ...]], dict[str, Any] | _Group | None] = {}
    groups: dict[str, tuple[list[int], list[_Group]]] = {}
    for position in sorted(matched):
        layer_type, numbers = reading.inventory.types[position], tuple(matched[position])
        key = (layer_type, numbers)
        if key not in outcomes:
            outcomes[key] = _outcome(reading, [configs[number] for number in numbers], layer_type)
        outcome = outcomes[key]
        if isinstance(outcome, _Group):
            positions, members = groups.setdefault(outcome.id, ([], []))
            positions.append(position)
            if outcome not in members:
                members.append(outcome)
        elif outcome is not None:
            reading.enter(configs[0].kind, position, outcome)
    for positions, members in groups.values():
        keys = _group_keys(reading, members)
        if keys is not None and "total_sparsity" in keys:
            reading.enter_group(positions, keys)
        elif keys is not None:
            for position in positions:
                reading.enter("pruning", position, keys)


def _selected(inventory: Inventory, config: _Config) -> set[int]:
    """Return the layers that a config selects, as NNI's `select_modules_by_config` does: aliases are names too."""
    names = {**{name: position for position, name in enumerate(inventory.names)}, **inventory.aliases}
    selected, excluded = config.selected, config.excluded
    named = selected.matching(names) if selected.names or selected.regexes else set(names)
    left = named - excluded.matching(named)
    types = inventory.types
    return {
        names[name]
        for name in left
        if (not selected.types or types[names[name]] in selected.types) and types[names[name]] not in excluded.types
    }


def _outcome(reading: Reading, configs: Sequence[_Config], layer_type: str) -> dict[str, Any] | _Group | None:
    """Return what several configs give a layer of a type: keys, its group, or nothing."""
    targets = _targets(reading, configs, layer_type)
    if targets is None:
        return None
    if configs[0].kind == "pruning":
        return _pruning_keys(reading, targets)
    return _quantization_keys(reading, targets, layer_type)


def _group_keys(reading: Reading, members: Sequence[_Group]) -> dict[str, Any] | None:
    """Return the keys of a group; a ratio for each layer where the caps are what limits it."""
    ratios = {member.ratio for member in members if member.ratio is not None}
    caps = {member.cap or None for member in members}
    path = members[-1].path
    if len(ratios) != 1:
        reading.lose(Code.LOSSY_SETTING, "NNI 3.0 needs one 'sparse_ratio' for all layers of a group", path)
        return None
    (ratio,) = ratios
    if len(caps) > 1:
        message = "a config list cannot express several caps in one group, so that it has none"
        reading.lose(Code.LOSSY_SETTING, message, path)
        return {"total_sparsity": ratio}
    (cap,) = caps
    if cap is None:
        return {"total_sparsity": ratio}
    if cap <= ratio:
        return {"sparsity_per_layer": cap}
    return {"total_sparsity": ratio, "max_sparsity_per_layer": cap}


# Without a model.


@dataclass(frozen=True, slots=True)
class _Selector:
    """What a config selects or excludes, in the words of a sub-config."""

    types: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    partial_names: tuple[str, ...] = ()

    def is_part_of(self, other: _Selector) -> bool:
        """Return whether all that this excludes is excluded by `other`."""
        pairs = zip(astuple(self), astuple(other), strict=True)
        return all(set(mine) <= set(others) for mine, others in pairs)

    def is_apart_from(self, other: _Selector) -> bool:
        """Return whether no layer can be selected by both, whatever the model is."""
        named = self.names and other.names and not (self.partial_names or other.partial_names)
        by_name = bool(named) and set(self.names).isdisjoint(other.names)
        return by_name or bool(self.types and other.types and set(self.types).isdisjoint(other.types))

    def only(self, field: str) -> bool:
        """Return whether it selects by nothing but `field`."""
        return all(bool(getattr(self, one.name)) == (one.name == field) for one in fields(self))

    def written(self) -> dict[str, Any]:
        """Return the keys of a sub-config."""
        keys = {"op_types": self.types, "op_names": self.names, "op_partial_names": self.partial_names}
        return {key: list(values) for key, values in keys.items() if values}


@dataclass(frozen=True, slots=True)
class _Step:
    """One sub-config to write."""

    selector: _Selector
    excluded: _Selector
    outcome: dict[str, Any] | _Group | None
    targets: frozenset[str]
    path: ConfigPath


def _write(reading: Reading, configs: Sequence[_Config]) -> None:
    """Write the configs as sub-configs, in reverse: there the first one decides, here the last one does.

    Raises `UsageError` where what a layer gets depends on the model.
    """
    steps = [step for united in _united(configs) if (step := _step(reading, united)) is not None]
    steps = _with_groups(reading, steps)
    for number in reversed(range(len(steps))):
        step = steps[number]
        for before in steps[:number]:
            if not (step.targets <= before.targets or step.selector.is_apart_from(before.selector)):
                what = f"'{format_path(before.path)}' and '{format_path(step.path)}' may add up for a layer"
                raise reading.without_model(what)
        settings = {"exclude": True} if step.outcome is None else step.outcome
        reading.write(configs[0].kind, {**step.selector.written(), **cast("dict[str, Any]", settings)})
        if number and step.excluded.is_part_of(steps[number - 1].excluded):
            continue
        excluded = [replace(step.excluded, types=()), _Selector(types=step.excluded.types)]
        for selector in filter(lambda selector: selector != _Selector(), excluded):
            for after in steps[number + 1 :]:
                if not (selector.is_part_of(after.excluded) or selector.is_apart_from(after.selector)):
                    what = f"'{format_path(step.path)}' excludes what '{format_path(after.path)}' may select"
                    raise reading.without_model(what)
            reading.write(configs[0].kind, {**selector.written(), "exclude": True})


def _united(configs: Sequence[_Config]) -> list[list[_Config]]:
    """Return the configs in turn; those that follow one another and select the same are together."""
    united: list[list[_Config]] = []
    for config in configs:
        if united and (united[-1][0].selected, united[-1][0].excluded) == (config.selected, config.excluded):
            united[-1].append(config)
        else:
            united.append([config])
    return united


def _step(reading: Reading, configs: Sequence[_Config]) -> _Step | None:
    """Return what configs that select the same amount to; None where they select or set nothing."""
    first = configs[0]
    selector, excluded = _plain(reading, first.selected, first.path), _plain(reading, first.excluded, first.path)
    if selector.only("types"):
        types = tuple(name for name in selector.types if name not in excluded.types)
        selector, excluded = replace(selector, types=types), replace(excluded, types=())
    elif selector.only("names"):
        names = tuple(name for name in selector.names if name not in excluded.names)
        selector, excluded = replace(selector, names=names), replace(excluded, names=())
    if selector == _Selector() or (first.selected.types and not selector.types):
        return None
    # NNI takes the targets of a config without names for them from the type of a layer.
    if not selector.types and first.kind == "quantization" and not all(one.data.get("target_names") for one in configs):
        raise reading.without_model(f"'{format_path(first.path)}' depends on the types of its layers")
    by_type = {kind: _targets(reading, configs, kind) for kind in selector.types or ("Linear",)}
    set_for = {kind: targets for kind, targets in by_type.items() if targets is not None}
    if first.selected.types:
        selector = replace(selector, types=tuple(set_for))
    outcomes = [
        _pruning_keys(reading, targets) if first.kind == "pruning" else _quantization_keys(reading, targets, kind)
        for kind, targets in set_for.items()
    ]
    if not outcomes:
        return None
    if any(outcome != outcomes[0] for outcome in outcomes):
        raise reading.without_model(f"'{format_path(first.path)}' gives layers of several types other settings")
    expressed = {"weight"} if first.kind == "pruning" else {"weight", "_input_0", "_output_0"}
    targets = frozenset(expressed.intersection(*set_for.values()))
    return _Step(selector, excluded, outcomes[0], targets, first.path) if targets else None


_LITERAL = re.compile(r"\^?(\.\*)?((?:[^\\.^$*+?{}\[\]|()]|\\[^A-Za-z0-9\s])*)(\.\*)?(\$|\\Z)?")
"""A regex that is a text, or a text that is anywhere in a name."""


def _plain(reading: Reading, given: _Names, path: ConfigPath) -> _Selector:
    """Return names, regexes and types in the words of a sub-config. Raises `UsageError` where regexes say more."""
    names, partial_names = dict.fromkeys(given.names), dict[str, None]()
    for regex, _ in given.regexes:
        found = _LITERAL.fullmatch(regex)
        text = re.sub(r"\\(.)", r"\1", found[2]) if found else ""
        if found and text and found[1] and (found[3] or not found[4]):
            partial_names[text] = None
        elif found and text and found[4] and not (found[1] or found[3]):
            names[text] = None
        else:
            raise reading.without_model(f"'{format_path(path)}' has the regex {regex!r}")
    # The root of a model is no layer, and 'default' is not the class of one.
    names.pop("", None)
    types = tuple(name for name in given.types if name not in ("", "default"))
    return _Selector(types, tuple(names), tuple(partial_names))


def _with_groups(reading: Reading, steps: Sequence[_Step]) -> list[_Step]:
    """Return the steps with each group as one of them, at its first place."""
    done: list[_Step] = []
    for number, step in enumerate(steps):
        group = step.outcome
        if not isinstance(group, _Group):
            done.append(step)
            continue
        places = [place for place, other in enumerate(steps) if _is_of(other, group)]
        if places[0] != number:
            continue
        members = [steps[place] for place in places]
        if len(members) > 1 and not _may_be_one(members, steps[number : places[-1]]):
            raise reading.without_model(f"the group of '{format_path(step.path)}' has layers of several configs")
        found = [cast("_Group", member.outcome) for member in members]
        keys = _group_keys(reading, list(dict.fromkeys(found)))
        names = tuple(dict.fromkeys(name for member in members for name in member.selector.names))
        types = tuple(dict.fromkeys(name for member in members for name in member.selector.types))
        selector = replace(step.selector, names=names, types=types)
        done.append(replace(step, selector=selector, outcome=keys))
    return done


def _is_of(step: _Step, group: _Group) -> bool:
    return isinstance(step.outcome, _Group) and step.outcome.id == group.id


def _may_be_one(members: Sequence[_Step], between: Sequence[_Step]) -> bool:
    """Return whether steps can be one: they select alike, and what comes between them selects nothing of theirs."""
    alike = any(all(member.selector.only(field) for member in members) for field in ("names", "types"))
    others = [step for step in between if step not in members]
    return (
        alike
        and all(member.excluded == members[0].excluded for member in members)
        and all(member.selector.is_apart_from(other.selector) for member in members for other in others)
    )
