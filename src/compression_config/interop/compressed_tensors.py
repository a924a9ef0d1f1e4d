"""compressed-tensors: the `quantization_config` of a checkpoint, which vLLM, SGLang and transformers read.

A target is an exact name, a regex after `re:` that matches from the start of a name, or the name of a class. An exact
name wins over a regex, that over a class; among regexes the first in the order of their text; `ignore` takes out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from compression_config.configs.value_rules import QuantType
from compression_config.findings import Code
from compression_config.interop.base import Engine, QuantizationOptions, Quantized, Request, Tensor, is_a, numbered
from compression_config.interop.importing import Import, Reading, quantization_keys, quantization_of
from compression_config.interop.serving import check_group_sizes, check_serving
from compression_config.inventory import Inventory

__all__ = ["ENGINE", "config_groups", "matcher", "preset", "read_groups", "targets"]

APPLIED = ("Linear", "Embedding")
"""The types that are quantized; others may be matched, and nothing happens to them."""

WORDS: Mapping[QuantType, str] = {
    "weight": "weights",
    "input": "input_activations",
    "output": "output_activations",
}


def _export(request: Request, options: QuantizationOptions) -> dict[str, Any]:
    """Return the `quantization_config` for a resolution."""
    groups = config_groups(request, options)
    for group in groups.values():
        group["format"] = _format(group)
    formats = {group["format"] for group in groups.values()}
    return {
        "quant_method": "compressed-tensors",
        "format": "dense" if not formats else formats.pop() if len(formats) == 1 else "mixed-precision",
        "quantization_status": "initialized",
        "config_groups": groups,
        "ignore": [],
    }


def config_groups(request: Request, options: QuantizationOptions) -> dict[str, dict[str, Any]]:
    """Return the groups that name every quantized layer, and say through `request` what they cannot."""
    request.lose_start_steps()
    quantized = list(request.quantized(options, APPLIED))
    quantized.sort(key=lambda part: part.positions[0])
    check_group_sizes(request, quantized, options)
    check_serving(request, quantized)
    schemes, outcomes = numbered((_scheme(request, part), part.positions) for part in quantized)
    named = targets(request, outcomes)
    # Some writers sort the keys of groups: zeros keep them in the model's order.
    digits = len(str(len(schemes) - 1))
    return {f"group_{i:0{digits}}": {"targets": named[i], **scheme} for i, scheme in enumerate(schemes)}


def targets(request: Request, outcomes: Mapping[int, int]) -> Mapping[int, list[str]]:
    """Return the layers of each outcome as targets."""
    classes = {*request.inventory.types, "Module"}

    def exact(name: str) -> str:
        # What could be the name of a class would match all its layers; vLLM even matches a part of one, in any case.
        is_class = "." not in name and (name in classes or name[:1].isupper() or request.serve is not None)
        return regex(re.escape(name)) if is_class or name.startswith("re:") else name

    def regex(pattern: str) -> str:
        return f"re:{pattern}$"

    return request.named(outcomes, exact=exact, regex=regex)


def _scheme(request: Request, part: Quantized) -> dict[str, Any]:
    """Return the group of a scheme without its targets."""
    scheme: dict[str, Any] = {}
    for kind, word in WORDS.items():
        if kind in part.tensors:
            scheme[word] = _arguments(request, part, kind, part.tensors[kind])
    return scheme


def _arguments(request: Request, part: Quantized, kind: QuantType, tensor: Tensor) -> dict[str, Any]:
    """Return how a tensor is quantized as `QuantizationArgs` has it."""
    strategy: str = tensor.per
    if kind != "weight" and strategy == "channel":
        message = f"'{request.engine.name}' has one scale for the whole {kind}, not one for each channel"
        request.lose(part, Code.LOSSY_SETTING, message, key="quant_scheme")
        strategy = "tensor"
    request.lose_sign(part, kind)
    if kind == "input":
        request.lose_dynamic(part)
    arguments = {"num_bits": tensor.bits, "type": "int", "symmetric": tensor.symmetric, "strategy": strategy}
    if tensor.group_size is not None:
        arguments["group_size"] = tensor.group_size
    return {**arguments, "dynamic": tensor.dynamic}


def _format(group: Mapping[str, Any]) -> str:
    """Return how layers of a group are stored, as `infer_module_format` finds it."""
    if "weights" not in group:
        return "dense"
    if "input_activations" in group:
        return "int-quantized"
    return "pack-quantized" if group["weights"]["num_bits"] <= 8 else "naive-quantized"  # noqa: PLR2004 - what packs


# Import.


def _read(document: Any, inventory: Inventory | None) -> Import:  # noqa: ANN401 - foreign data
    """Return the config list for a `quantization_config`, or for the config.json that has one."""
    reading = Reading("compressed-tensors", inventory)
    config = reading.mapping(quantization_of(document), ())
    read_groups(reading, config)
    return reading.done()


def _recognizes(document: Any) -> bool:  # noqa: ANN401
    """Return whether a document has groups of compressed-tensors."""
    config = quantization_of(document)
    return isinstance(config, Mapping) and "config_groups" in config


def read_groups(reading: Reading, config: Mapping[str, Any]) -> None:
    """Enter for each layer what the groups of a quantization config give it, by their own precedence."""
    schemes: dict[str, dict[str, Any]] = {}
    for name, group in reading.mapping(config.get("config_groups"), ("config_groups",)).items():
        path = ("config_groups", name)
        # A group may be the name of a preset with a list of targets.
        scheme = preset(reading, name, path) if isinstance(group, list) else reading.mapping(group, path)
        chosen = group if isinstance(group, list) else scheme.get("targets")
        keys = _keys(reading, scheme, path)
        schemes.update(dict.fromkeys(reading.names(chosen, (*path, "targets")), keys))
    if config.get("kv_cache_scheme"):
        reading.lose_cache(("kv_cache_scheme",))
    ignored = matcher(reading, reading.names(config.get("ignore") or [], ("ignore",)))
    chosen_by = matcher(reading, schemes)
    for position in range(len(reading.inventory)):
        target = chosen_by(position)
        if target is None or not is_a(reading.inventory, position, *APPLIED) or ignored(position) is not None:
            continue
        if schemes[target]:
            reading.enter("quantization", position, schemes[target])


def matcher(reading: Reading, targets: Iterable[str]) -> Callable[[int], str | None]:
    """Return a function that gives for a layer, by position, the target that wins; None where none matches."""
    ordered = sorted(set(targets), key=lambda target: ("re:" in target, target))
    exact = {target for target in ordered if not target.startswith("re:")}
    regexes = [(target, reading.regex(target.removeprefix("re:"))) for target in ordered if target not in exact]
    inventory = reading.inventory

    def winner(position: int) -> str | None:
        name = inventory.names[position]
        if name in exact:
            return name
        for target, matches in regexes:
            if matches(name):
                return target
        kind = inventory.types[position]
        classes = (t for t in ordered if t in (kind, "Module") or (t in APPLIED and is_a(inventory, position, t)))
        return next(classes, None)

    return winner


def preset(reading: Reading, name: str, path: tuple[str, ...]) -> dict[str, Any]:
    """Return the scheme that the name of a preset stands for, as in `W4A16`."""
    found = re.fullmatch(r"W(\d+)A(\d+)(_ASYM)?", {"INT8": "W8A8"}.get(name.upper(), name.upper()))
    if found is None:
        reading.lose(Code.LOSSY_SETTING, f"the preset '{name}' is not an integer preset", path)
        return {}
    weight, inputs = int(found[1]), int(found[2])
    in_groups = inputs == 16 or weight != 8  # noqa: PLR2004 - W8A8 alone is per channel
    weights = {"num_bits": weight, "symmetric": not found[3], "strategy": "group" if in_groups else "channel"}
    if in_groups:
        weights["group_size"] = 128
    if inputs == 16:  # noqa: PLR2004
        return {"weights": weights}
    return {"weights": weights, "input_activations": {"num_bits": inputs, "strategy": "token", "dynamic": True}}


def _keys(reading: Reading, scheme: Mapping[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """Return the keys of a quantization sub-config for a scheme; empty where it quantizes nothing."""
    bits: dict[QuantType, int] = {}
    schemes: dict[QuantType, str] = {}
    for kind, word in WORDS.items():
        if scheme.get(word) is None:
            continue
        arguments = reading.mapping(scheme[word], (*path, word))
        number = arguments.get("num_bits", 8)
        if not isinstance(number, int) or not 1 <= number <= 31:  # noqa: PLR2004 - what a config list can say (D9)
            reading.lose(
                Code.LOSSY_SETTING, f"a config list has 1 to 31 bits, not {number!r}", (*path, word, "num_bits")
            )
            continue
        bits[kind] = number
        schemes[kind] = _foreign_scheme(reading, kind, arguments, (*path, word))
    return quantization_keys(bits, schemes)


def _foreign_scheme(reading: Reading, kind: QuantType, arguments: Mapping[str, Any], path: tuple[str, ...]) -> str:
    """Return the scheme of a tensor, and say what a config list cannot of it."""
    if str(arguments.get("type", "int")).lower() != "int":
        reading.lose_floats((*path, "type"))
    size = arguments.get("group_size")
    strategy = arguments.get("strategy")
    if strategy is None:
        strategy = "tensor" if size is None else "group" if isinstance(size, int) and size > 0 else "channel"
    strategy = str(strategy).lower()
    if strategy not in ("tensor", "channel", "token"):
        where = (*path, "strategy")
        if size:
            reading.lose_groups(size, where, kind)
        else:
            reading.lose(Code.LOSSY_APPROXIMATION, f"a config list cannot express the strategy '{strategy}'", where)
    if arguments.get("dynamic"):
        reading.lose_dynamic((*path, "dynamic"), kind)
    if arguments.get("actorder"):
        reading.lose(Code.LOSSY_DETAIL, "a config list cannot express the order of activations", (*path, "actorder"))
    per = "per_channel" if kind == "weight" and strategy != "tensor" else "per_tensor"
    return f"{per}_{'symmetric' if arguments.get('symmetric', True) else 'affine'}"


ENGINE = Engine(
    name="compressed-tensors",
    reads="quantization_config in the config.json of a checkpoint",
    version="compressed-tensors 0.20.0",
    kinds=("quantization",),
    serves=("vllm",),
    options=QuantizationOptions,
    export=_export,
    read=_read,
    recognizes=_recognizes,
)
