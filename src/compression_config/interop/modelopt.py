"""ModelOpt: the ordered list `quant_cfg`, as Python data or YAML, and the `hf_quant_config.json` of its checkpoints.

An entry sets or switches the quantizers whose names match a glob; the last one that matches decides. What no entry
matches keeps what ModelOpt starts with: weights and inputs of 8 bits. An export switches all of them off first.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from pydantic import Field

from compression_config.configs.value_rules import QuantType
from compression_config.findings import Code
from compression_config.interop.base import Engine, QuantizationOptions, Quantized, Request, Tensor, is_a, numbered
from compression_config.interop.importing import Import, Reading, quantization_keys
from compression_config.interop.serving import check_fused, check_group_sizes
from compression_config.inventory import Inventory
from compression_config.locations import ConfigPath
from compression_config.patterns import escaped_glob

__all__ = ["ENGINE", "ModelOptOptions"]

TRANSPOSED = ("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d")
CONVOLUTIONS = ("Conv1d", "Conv2d", "Conv3d", *TRANSPOSED)
WEIGHTED = ("Linear", "Embedding", *CONVOLUTIONS)
"""The types that have a quantizer for weights; embeddings have none for inputs, which are indices."""
OTHERS = (
    "LayerNorm",
    *(f"{kind}{axes}d" for kind in ("BatchNorm", "InstanceNorm") for axes in (1, 2, 3)),
    *(f"{kind}Pool{axes}d" for kind in ("Max", "Avg", "AdaptiveAvg") for axes in (1, 2, 3)),
    "LeakyReLU",
)
"""The types that have quantizers for inputs and outputs only."""

QUANTIZERS: Mapping[QuantType, str] = {
    "weight": "weight_quantizer",
    "input": "input_quantizer",
    "output": "output_quantizer",
}


class ModelOptOptions(QuantizationOptions):
    """What a list leaves open to ModelOpt."""

    recipe: bool = Field(
        default=False, title="true or false", description="Write a recipe, which `modelopt.recipe.load_recipe` reads."
    )


def _export(request: Request, options: ModelOptOptions) -> dict[str, Any]:
    """Return the config for `mtq.quantize`, or the recipe that holds it."""
    request.lose_start_steps()
    quantized = list(request.quantized(options, (*WEIGHTED, *OTHERS)))
    _check_groups(request, quantized, options)
    check_fused(request, quantized)
    settings, outcomes = numbered(found for part in quantized for found in _quantizers(request, part))
    entries: list[dict[str, Any]] = [{"quantizer_name": "*", "enable": False}]
    named = request.named(outcomes, exact=escaped_glob, glob=str)
    for number, globs in sorted(named.items()):
        for kind, config in settings[number].items():
            entries += [{"quantizer_name": f"{glob}.{QUANTIZERS[kind]}", "cfg": config} for glob in globs]
    document = {"quant_cfg": entries, "algorithm": "max"}
    return {"metadata": {"recipe_type": "ptq"}, "quantize": document} if options.recipe else document


def _check_groups(request: Request, quantized: Sequence[Quantized], options: ModelOptOptions) -> None:
    grouped = (
        Quantized(
            part.decision, part.tensors, [p for p in part.positions if not is_a(request.inventory, p, *CONVOLUTIONS)]
        )
        for part in quantized
    )
    check_group_sizes(request, grouped, options)


def _quantizers(request: Request, part: Quantized) -> Iterator[tuple[dict[QuantType, dict[str, Any]], list[int]]]:
    """Yield what is set of the quantizers of layers of one scheme, those together that have the same quantizers."""
    by_family: dict[str, list[int]] = {}
    for position in part.positions:
        kind = request.inventory.types[position]
        family = next((name for name in ("Embedding", "Linear") if kind.endswith(name)), "other")
        for name, types in (("transposed", TRANSPOSED), ("convolution", CONVOLUTIONS)):
            if family == "other" and kind.endswith(types):
                family = name
        by_family.setdefault(family, []).append(position)
    for family, positions in by_family.items():
        here = Quantized(part.decision, part.tensors, positions)
        given: dict[QuantType, dict[str, Any]] = {}
        for kind, tensor in part.tensors.items():
            missing = {"weight": "other", "input": "Embedding"}.get(kind)
            if family == missing:
                message = f"'modelopt' does not quantize the {kind}s of these layers"
                code = Code.LOSSY_SETTING
                request.lose(part.decision, code, message, key="quant_types", positions=positions)
            else:
                given[kind] = _attributes(request, here, kind, tensor, family)
        if given:
            yield given, positions


def _attributes(request: Request, part: Quantized, kind: QuantType, tensor: Tensor, family: str) -> dict[str, Any]:
    """Return the attributes of one quantizer, and report what they cannot express."""
    lose = partial(request.lose, part)
    if not tensor.symmetric:
        message = f"'modelopt' has symmetric integers only ({kind})"
        lose(Code.LOSSY_SETTING, message, hint="write a symmetric 'quant_scheme'", key="quant_scheme")
    attributes: dict[str, Any] = {"num_bits": tensor.bits}
    if tensor.symmetric and not tensor.signed:
        message = "unsigned integers are for values from 0 only: 'modelopt' refuses others"
        if kind == "weight":
            lose(Code.LOSSY_SETTING, f"{message}, so weights are signed", key="quant_dtype")
        else:
            lose(Code.LOSSY_DETAIL, f"{message} ({kind})", key="quant_dtype")
            attributes["unsigned"] = True
    if tensor.bits == 1 and "unsigned" not in attributes:
        lose(Code.LOSSY_SETTING, f"'modelopt' makes NaN of signed integers of 1 bit ({kind})", key="quant_bits")
    if kind == "weight" and tensor.per == "group" and family in ("Linear", "Embedding"):
        return attributes | {"block_sizes": {-1: tensor.group_size}}
    if tensor.per == "token":
        request.lose_dynamic(part)
        return attributes | {"type": "dynamic", "block_sizes": {-1: None}}
    if kind == "weight":
        if tensor.per == "group":
            message = "the weights of convolutions have a scale for each channel, not for groups"
            lose(Code.LOSSY_APPROXIMATION, message)
        channels = 1 if family == "transposed" else 0
        return attributes | {"axis": None if tensor.per == "tensor" else channels}
    if tensor.per == "channel":
        message = f"'modelopt' has one scale for the whole {kind}, not one for each channel"
        lose(Code.LOSSY_SETTING, message, key="quant_scheme")
    return attributes | {"axis": None}


# Import.


class _Quantizer(NamedTuple):
    """One quantizer of one layer while entries are read."""

    enabled: bool
    attributes: Any
    path: ConfigPath
    """Where the attributes are in the document; empty for those that ModelOpt starts with."""


_PER_TENSOR = {"num_bits": 8, "axis": None}
_PER_CHANNEL = {"num_bits": 8, "axis": 0}


def _read(document: Any, inventory: Inventory | None) -> Import:  # noqa: ANN401 - foreign data
    """Return the config list for a config of `mtq.quantize`, a recipe with one, or the config of a checkpoint."""
    reading = Reading("modelopt", inventory)
    data = reading.mapping(_config_of(document), ())
    if "quant_cfg" in data:
        _read_quant_cfg(reading, data["quant_cfg"])
        if data.get("algorithm", "max") not in ("max", None):
            reading.lose(Code.LOSSY_DETAIL, "a config list cannot express how scales are calibrated", ("algorithm",))
    else:
        _read_checkpoint(reading, data)
    return reading.done()


def _recognizes(document: Any) -> bool:  # noqa: ANN401
    """Return whether a document is a config or a recipe of ModelOpt, or the config of one of its checkpoints."""
    config = _config_of(document)
    if not isinstance(config, Mapping):
        return False
    return "quant_cfg" in config or "quant_algo" in config or config.get("quant_method") == "modelopt"


def _config_of(document: Any) -> Any:  # noqa: ANN401
    for key in ("quantize", "quantization_config", "quantization"):
        if isinstance(document, Mapping) and isinstance(document.get(key), Mapping):
            return document[key]
    return document


def _read_quant_cfg(reading: Reading, entries: object) -> None:
    """Enter what the quantizers of each layer are set to in the end."""
    inventory = reading.inventory
    names = {kind: [f"{name}.{word}" for name in inventory.names] for kind, word in QUANTIZERS.items()}
    state = {kind: dict(_at_first(inventory, kind)) for kind in QUANTIZERS}
    for path, entry in _entries(reading, entries):
        pattern, attributes, enabled = str(entry["quantizer_name"]), entry.get("cfg") or None, entry.get("enable", True)
        matches: Callable[[str], object] = re.compile(fnmatch.translate(pattern)).match
        parent = str(entry.get("parent_class") or "").rpartition(".")[2]
        for kind, quantizers in state.items():
            for position, quantizer in quantizers.items():
                if matches(names[kind][position]) and (not parent or is_a(inventory, position, parent)):
                    changed = quantizer if attributes is None else _Quantizer(True, attributes, (*path, "cfg"))
                    quantizers[position] = changed._replace(enabled=bool(enabled))
    for position in range(len(inventory)):
        enabled_ones = {kind: quantizers[position] for kind, quantizers in state.items() if position in quantizers}
        enabled_ones = {kind: quantizer for kind, quantizer in enabled_ones.items() if quantizer.enabled}
        keys = _keys(reading, enabled_ones)
        if keys:
            reading.enter("quantization", position, keys)


def _at_first(inventory: Inventory, kind: QuantType) -> Iterator[tuple[int, _Quantizer]]:
    """Yield the quantizers of a kind that the layers have, as ModelOpt makes them."""
    for position, layer_type in enumerate(inventory.types):
        embedding = layer_type.endswith("Embedding")
        if layer_type.endswith(WEIGHTED):
            if not (kind == "input" and embedding):
                attributes = _PER_CHANNEL if kind == "weight" and not embedding else _PER_TENSOR
                yield position, _Quantizer(kind != "output", attributes, ())
        elif layer_type.endswith(OTHERS) and kind != "weight":
            yield position, _Quantizer(kind == "input", _PER_TENSOR, ())


def _entries(reading: Reading, given: object) -> Iterator[tuple[ConfigPath, Mapping[str, Any]]]:
    """Yield the entries in their order; older documents have glob -> attributes in place of an entry."""
    if isinstance(given, Mapping):
        for name, value in given.items():
            yield from _older(reading, str(name), value, ("quant_cfg", str(name)))
        return
    for index, entry in enumerate(given if isinstance(given, Sequence) else ()):
        path: ConfigPath = ("quant_cfg", index)
        data = reading.mapping(entry, path)
        if "quantizer_name" in data:
            yield path, data
        elif "$import" in data:
            reading.lose(Code.LOSSY_SETTING, f"the import of '{data['$import']}' is not followed", path)
        else:
            for name, value in data.items():
                yield from _older(reading, name, value, (*path, name))


def _older(
    reading: Reading, name: str, value: object, path: ConfigPath
) -> Iterator[tuple[ConfigPath, Mapping[str, Any]]]:
    if name.startswith("nn."):
        for glob, inner in reading.mapping(value, path).items():
            for where, entry in _older(reading, glob, inner, (*path, glob)):
                yield where, {**entry, "parent_class": name}
        return
    attributes, enabled = value, True
    if isinstance(value, Mapping):
        attributes = {key: attribute for key, attribute in value.items() if key != "enable"}
        enabled = value.get("enable", True)
    yield path, {"quantizer_name": "*" if name == "default" else name, "cfg": attributes, "enable": enabled}


_KNOWN = ("num_bits", "axis", "unsigned", "block_sizes", "type", "enable", "fake_quant", "narrow_range", "calibrator")
"""The attributes that are expressed, reported by themselves, or of no meaning for what a layer gets."""


def _keys(reading: Reading, quantizers: Mapping[QuantType, _Quantizer]) -> dict[str, Any]:
    """Return the keys of a quantization sub-config for the enabled quantizers of a layer; empty without any."""
    bits: dict[QuantType, int] = {}
    dtypes: dict[QuantType, str] = {}
    schemes: dict[QuantType, str] = {}
    for kind, quantizer in quantizers.items():
        attributes, path = quantizer.attributes, quantizer.path
        if isinstance(attributes, Sequence):
            message = "a config list cannot express several formats one after the other; the first is taken"
            reading.lose(Code.LOSSY_SETTING, message, path)
            attributes = attributes[0]
        attributes = reading.mapping(attributes, path)
        number = _bits(reading, attributes.get("num_bits", 8), (*path, "num_bits"))
        if number is None:
            continue
        bits[kind] = number
        dtypes[kind] = "uint" if attributes.get("unsigned") else "int"
        schemes[kind] = f"{_per(reading, kind, attributes, path)}_symmetric"
        for name in attributes:
            if name not in _KNOWN and attributes[name]:
                reading.lose(Code.LOSSY_DETAIL, f"a config list cannot express '{name}'", (*path, name))
    return quantization_keys(bits, schemes, dtypes)


def _bits(reading: Reading, given: object, path: ConfigPath) -> int | None:
    """Return a number of bits; floats, which are reported, have those of exponent, mantissa and sign."""
    found = re.fullmatch(r"e(\d+)m(\d+)", given) if isinstance(given, str) else None
    parts = list(map(int, found.groups())) if found else given
    if isinstance(parts, Sequence) and not isinstance(parts, str) and all(isinstance(part, int) for part in parts):
        reading.lose_floats(path)
        parts = sum(parts) + 1
    if isinstance(parts, int) and 1 <= parts <= 31:  # noqa: PLR2004 - what a config list can say (D9)
        return parts
    reading.lose(Code.LOSSY_SETTING, f"a config list has 1 to 31 bits, not {given!r}", path)
    return None


def _per(reading: Reading, kind: QuantType, attributes: Mapping[str, Any], path: ConfigPath) -> str:
    """Return what shares one scale; groups and dynamic scales are reported."""
    blocks = attributes.get("block_sizes")
    if attributes.get("type") == "dynamic" or (isinstance(blocks, Mapping) and blocks.get("type") == "dynamic"):
        reading.lose_dynamic((*path, "type"), kind)
    if not isinstance(blocks, Mapping):
        return "per_tensor" if attributes.get("axis") is None else "per_channel"
    size = blocks.get(-1, blocks.get("-1"))
    if size is not None:
        reading.lose_groups(size, (*path, "block_sizes"), kind)
    return "per_channel" if kind == "weight" else "per_tensor"


class _Algorithm(NamedTuple):
    """What a `quant_algo` quantizes to."""

    weight: int
    input: int | None = None
    floats: bool = False


ALGORITHMS: Mapping[str, _Algorithm] = {
    "W8A16": _Algorithm(8),
    "W8A8_SQ_PER_CHANNEL": _Algorithm(8, 8),
    "W4A16_AWQ": _Algorithm(4),
    "W4A8_AWQ": _Algorithm(4, 8, floats=True),
    "FP8": _Algorithm(8, 8, floats=True),
    "FP8_PER_CHANNEL_PER_TOKEN": _Algorithm(8, 8, floats=True),
    "FP8_PB_WO": _Algorithm(8, floats=True),
    "NVFP4": _Algorithm(4, 4, floats=True),
    "NVFP4_AWQ": _Algorithm(4, 4, floats=True),
    "NVFP4_SVD": _Algorithm(4, 4, floats=True),
    "W4A16_NVFP4": _Algorithm(4, floats=True),
    "W4A8_NVFP4_FP8": _Algorithm(4, 8, floats=True),
    "W4A8_MXFP4_FP8": _Algorithm(4, 8, floats=True),
    "MXFP8": _Algorithm(8, 8, floats=True),
    "MXFP4": _Algorithm(4, 4, floats=True),
}


def _read_checkpoint(reading: Reading, data: Mapping[str, Any]) -> None:
    """Enter what the config of a checkpoint says: one algorithm but for some layers, or one for each layer."""
    inventory = reading.inventory
    if data.get("kv_cache_quant_algo") or data.get("kv_cache_scheme"):
        reading.lose_cache(("kv_cache_quant_algo",))
    layers = reading.mapping(data.get("quantized_layers") or {}, ("quantized_layers",))
    for name, config in layers.items():
        position = inventory.position(name)
        path: ConfigPath = ("quantized_layers", name)
        keys = _keys_of_algorithm(reading, reading.mapping(config, path), path)
        if position is None:
            reading.lose(Code.LOSSY_SETTING, f"the model has no layer '{name}'", path)
        elif keys:
            reading.enter("quantization", position, keys)
    if layers or data.get("quant_algo") is None:
        return
    excluded = reading.names(data.get("exclude_modules") or data.get("ignore") or [], ("exclude_modules",))
    patterns = [re.compile(fnmatch.translate(glob)).match for glob in excluded]
    keys = _keys_of_algorithm(reading, data, ())
    for position, name in enumerate(inventory.names):
        # ModelOpt writes names as they are, so that they may look like globs.
        left_out = name in excluded or any(matches(name) for matches in patterns)
        if keys and is_a(inventory, position, "Linear") and not left_out:
            reading.enter("quantization", position, keys)


def _keys_of_algorithm(reading: Reading, config: Mapping[str, Any], path: ConfigPath) -> dict[str, Any]:
    """Return the keys of a quantization sub-config for a `quant_algo`; empty for one that is not known."""
    name = str(config.get("quant_algo")).upper()
    path = (*path, "quant_algo")
    if name not in ALGORITHMS:
        reading.lose(Code.LOSSY_SETTING, f"'{name}' is not a known algorithm", path)
        return {}
    algorithm = ALGORITHMS[name]
    if algorithm.floats:
        reading.lose_floats(path)
    size = config.get("group_size")
    if size:
        reading.lose_groups(size, path)
    scheme = "affine" if config.get("has_zero_point") else "symmetric"
    bits: dict[QuantType, int] = {"weight": algorithm.weight}
    schemes: dict[QuantType, str] = {"weight": f"per_channel_{scheme}"}
    if algorithm.input is not None:
        bits["input"], schemes["input"] = algorithm.input, "per_tensor_symmetric"
    return quantization_keys(bits, schemes)


ENGINE = Engine(
    name="modelopt",
    reads="quant_cfg, an ordered list, in Python or YAML",
    version="nvidia-modelopt 0.47.0",
    kinds=("quantization",),
    options=ModelOptOptions,
    export=_export,
    read=_read,
    recognizes=_recognizes,
)
