"""Other formats: keys that are recognized in a sub-config (D13), and documents that are wholly another tool's (D22).

Each key was looked up in the sources or the documentation of its format.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias, cast

from compression_config.findings import Hint, Line
from compression_config.locations import ConfigPath
from compression_config.text import printable, shortened

__all__ = [
    "FOREIGN_KEYS",
    "ForeignDocument",
    "ForeignKey",
    "foreign_document",
    "foreign_list",
    "foreign_value",
    "is_importable",
    "nni_dialect",
]


class ForeignKey(NamedTuple):
    """A key of another format."""

    dialect: str
    """The name of the format."""
    hint: Hint | str
    """What to write instead."""
    stands_for: tuple[str, ...] = ()
    """The keys of a sub-config that replace it; empty where no key of the same sub-config does."""


_NNI_1 = "NNI 1.x"
_NNI_2 = "NNI 2.x"
_NNI_3 = "NNI 3.0"
_COMPRESSED_TENSORS = "compressed-tensors"
_LLM_COMPRESSOR = "llm-compressor"
_MODEL_OPT = "NVIDIA ModelOpt"
_DEEPSPEED = "DeepSpeed"
_NEURAL_COMPRESSOR = "Neural Compressor"
_COMPRESSED_TENSORS_OR_MODEL_OPT = f"{_COMPRESSED_TENSORS} and {_MODEL_OPT}"

_RATIOS = ("sparsity_per_layer", "total_sparsity")
_ANY_SETTING = (*_RATIOS, "quant_types", "quant_bits")
_SCHEDULE = "a schedule belongs to the pruner, not to the config list: delete the key"
_PRUNER = "an option of one pruner, not of the config list: delete the key and pass it to the pruner"
_QUANTIZER = "an option of the quantizer, not of the config list: delete the key"
_NO_COUNTERPART = "the specification has no such key: delete the key"
_SCHEME = "write 'quant_scheme': per_tensor_ or per_channel_, then symmetric or affine"
_BITS = "write 'quant_bits', and 'quant_types' beside it"
_EXCLUDE = Line("exclude", value=True)
_EXCLUDE_NAMES = Hint("write a later sub-config with these 'op_names' and {}", _EXCLUDE)
_EXCLUDE_PARTS = Hint("write a later sub-config with these 'op_partial_names' and {}", _EXCLUDE)
_EXCLUDE_TYPES = Hint("write a later sub-config with these 'op_types' and {}", _EXCLUDE)


def _of_one_tensor(quant_type: str) -> tuple[Hint, tuple[str, ...]]:
    """Return hint and keys for a key that describes how one quant type is quantized."""
    hint = Hint("write {} and {}", Line("quant_types", [quant_type]), Line("quant_bits", {quant_type: 8}))
    return hint, ("quant_types", "quant_bits")


_NNI: Mapping[str, ForeignKey] = {
    "op_name": ForeignKey(_NNI_1, "write 'op_names' with a list", ("op_names",)),
    "final_sparsity": ForeignKey(_NNI_1, "write 'sparsity_per_layer'; the schedule belongs to the pruner", _RATIOS),
    "support_type": ForeignKey("NNI 1.0", "write 'op_types' with a list", ("op_types",)),
    "q_bits": ForeignKey(_NNI_1, _BITS, ("quant_bits", "quant_types")),
    "rho": ForeignKey(_NNI_2, _PRUNER),
    "sparse_ratio": ForeignKey(
        _NNI_3, "write 'sparsity_per_layer', or 'total_sparsity' instead of 'global_group_id'", _RATIOS
    ),
    "max_sparse_ratio": ForeignKey(
        _NNI_3, "write 'max_sparsity_per_layer', beside 'total_sparsity'", ("max_sparsity_per_layer",)
    ),
    "sparse_threshold": ForeignKey(
        _NNI_3, "the specification prunes by ratio, not by threshold: write 'sparsity_per_layer'", _RATIOS
    ),
    "global_group_id": ForeignKey(
        _NNI_3, "write one sub-config with 'total_sparsity': its layers share one budget", ("total_sparsity",)
    ),
    "granularity": ForeignKey(
        _NNI_3, "for quantization write 'quant_scheme' (per_tensor_... or per_channel_...), else delete the key"
    ),
    "op_names_re": ForeignKey(
        _NNI_3,
        "write 'op_partial_names': plain substrings of the names, not regular expressions",
        ("op_partial_names",),
    ),
    "exclude_op_names": ForeignKey(_NNI_3, _EXCLUDE_NAMES),
    "exclude_op_names_re": ForeignKey(
        _NNI_3, Hint("write a later sub-config with 'op_partial_names' and {}", _EXCLUDE)
    ),
    "exclude_op_types": ForeignKey(_NNI_3, _EXCLUDE_TYPES),
    "target_names": ForeignKey(
        _NNI_3,
        "for quantization write 'quant_types' (weight, input, output); pruning masks the weight alone: delete the key",
        ("quant_types",),
    ),
    "target_settings": ForeignKey(_NNI_3, "write its settings as keys of the sub-config itself", _ANY_SETTING),
    "lambda": ForeignKey(_NNI_3, "distillation is not part of the specification: delete the key"),
    "link": ForeignKey(_NNI_3, "distillation is not part of the specification: delete the key"),
    **dict.fromkeys(
        ("initial_sparsity", "start_epoch", "end_epoch", "frequency", "prune_iterations"), ForeignKey(_NNI_1, _SCHEDULE)
    ),
    **dict.fromkeys(
        ("min_sparse_ratio", "dependency_group_id", "internal_metric_block", "align", "fuse_names", "apply_method"),
        ForeignKey(_NNI_3, _NO_COUNTERPART),
    ),
}

_COMPRESSED: Mapping[str, ForeignKey] = {
    "config_groups": ForeignKey(_COMPRESSED_TENSORS, "write each group as a sub-config of the list"),
    "targets": ForeignKey(
        _COMPRESSED_TENSORS,
        "write 'op_types' for class names, 'op_names' for exact names, 'op_partial_names' for 're:' patterns",
        ("op_types", "op_names", "op_partial_names"),
    ),
    "ignore": ForeignKey(_COMPRESSED_TENSORS, _EXCLUDE_NAMES),
    "weights": ForeignKey(_COMPRESSED_TENSORS, *_of_one_tensor("weight")),
    "input_activations": ForeignKey(_COMPRESSED_TENSORS, *_of_one_tensor("input")),
    "output_activations": ForeignKey(_COMPRESSED_TENSORS, *_of_one_tensor("output")),
    "num_bits": ForeignKey(_COMPRESSED_TENSORS_OR_MODEL_OPT, _BITS, ("quant_bits", "quant_types")),
    "type": ForeignKey(
        _COMPRESSED_TENSORS_OR_MODEL_OPT,
        "write 'quant_dtype' (int or uint); the type of a layer is 'op_types'",
        ("quant_dtype", "op_types"),
    ),
    "global_sparsity": ForeignKey(_COMPRESSED_TENSORS, "write 'total_sparsity'", ("total_sparsity",)),
    "scheme": ForeignKey(
        _LLM_COMPRESSOR,
        Hint("write 'quant_types' and 'quant_bits': W4A8 is {}", Line("quant_bits", {"weight": 4, "input": 8})),
        ("quant_types", "quant_bits"),
    ),
    "apply_globally": ForeignKey(_LLM_COMPRESSOR, "write 'total_sparsity' instead of a ratio per layer", _RATIOS),
    **dict.fromkeys(("symmetric", "strategy"), ForeignKey(_COMPRESSED_TENSORS, _SCHEME, ("quant_scheme",))),
    **dict.fromkeys(
        (
            "group_size",
            "block_structure",
            "format",
            "quantization_status",
            "global_compression_ratio",
            "kv_cache_scheme",
            "sparsity_structure",
        ),
        ForeignKey(_COMPRESSED_TENSORS, _NO_COUNTERPART),
    ),
    "quant_method": ForeignKey("transformers", _NO_COUNTERPART),
    **dict.fromkeys(
        ("dynamic", "actorder", "observer", "observer_kwargs", "scale_dtype", "zp_dtype"),
        ForeignKey(_COMPRESSED_TENSORS, _QUANTIZER),
    ),
    **dict.fromkeys(("init_sparsity", "update_scheduler"), ForeignKey(_LLM_COMPRESSOR, _SCHEDULE)),
    **dict.fromkeys(("mask_structure", "sparsity_profile"), ForeignKey(_LLM_COMPRESSOR, _PRUNER)),
    **dict.fromkeys(("block_size", "dampening_frac", "smoothing_strength"), ForeignKey(_LLM_COMPRESSOR, _QUANTIZER)),
}

_QUANTIZERS: Mapping[str, ForeignKey] = {
    star + f"{quant_type}_quantizer": ForeignKey(_MODEL_OPT, *_of_one_tensor(quant_type))
    for quant_type in ("weight", "input", "output")
    for star in ("", "*")
}

_MODEL_OPT_KEYS: Mapping[str, ForeignKey] = {
    **_QUANTIZERS,
    "quant_cfg": ForeignKey(_MODEL_OPT, "write each quantizer's settings as a sub-config of the list"),
    "quantizer_name": ForeignKey(
        _MODEL_OPT, "write 'op_partial_names' or 'op_names', and 'quant_types'", ("op_partial_names", "quant_types")
    ),
    "parent_class": ForeignKey(
        _MODEL_OPT, "write 'op_types' with the class name: Linear, not nn.Linear", ("op_types",)
    ),
    "cfg": ForeignKey(_MODEL_OPT, "write its settings as keys of the sub-config itself", ("quant_types", "quant_bits")),
    "enable": ForeignKey(
        _MODEL_OPT, Hint("write {} instead of {}", _EXCLUDE, Line("enable", value=False)), ("exclude",)
    ),
    "axis": ForeignKey(
        _MODEL_OPT,
        Hint("write {}, or per_tensor_symmetric without an axis", Line("quant_scheme", "per_channel_symmetric")),
        ("quant_scheme",),
    ),
    "unsigned": ForeignKey(
        _MODEL_OPT,
        Hint("write {} instead of {}", Line("quant_dtype", "uint"), Line("unsigned", value=True)),
        ("quant_dtype",),
    ),
    "block_sizes": ForeignKey(_MODEL_OPT, _NO_COUNTERPART),
    "exclude_modules": ForeignKey(_MODEL_OPT, _EXCLUDE_NAMES),
    "quant_algo": ForeignKey(_MODEL_OPT, _BITS, ("quant_bits", "quant_types")),
    "algorithm": ForeignKey(f"{_MODEL_OPT} and NNCF", _QUANTIZER),
    **dict.fromkeys(("calibrator", "fake_quant", "narrow_range", "learn_amax"), ForeignKey(_MODEL_OPT, _QUANTIZER)),
}

_DEEPSPEED_KEYS: Mapping[str, ForeignKey] = {
    "modules": ForeignKey(_DEEPSPEED, "write 'op_partial_names': substrings of the names", ("op_partial_names",)),
    "params": ForeignKey(f"{_DEEPSPEED} and NNCF", "write its settings as keys of the sub-config itself", _ANY_SETTING),
    "related_modules": ForeignKey(_DEEPSPEED, _NO_COUNTERPART),
    "dense_ratio": ForeignKey(
        _DEEPSPEED, "write 'sparsity_per_layer': 1 minus the dense ratio, which is the share that is kept", _RATIOS
    ),
    "start_bits": ForeignKey(_DEEPSPEED, "the bits do not change over time: write 'quant_bits' once", ("quant_bits",)),
    "target_bits": ForeignKey(_DEEPSPEED, _BITS, ("quant_bits", "quant_types")),
    "quantization_period": ForeignKey(_DEEPSPEED, _QUANTIZER),
    "quantization_type": ForeignKey(_DEEPSPEED, _SCHEME, ("quant_scheme",)),
    "schedule_offset": ForeignKey(
        _DEEPSPEED, "for quantization write 'quant_start_step', else delete the key", ("quant_start_step",)
    ),
}

_BY_SCOPE = "'sparsity_per_layer' where 'pruning_scope' is local, 'total_sparsity' where it is global"
_NEURAL_COMPRESSOR_KEYS: Mapping[str, ForeignKey] = {
    "target_sparsity": ForeignKey(f"{_NEURAL_COMPRESSOR} and coremltools", f"write {_BY_SCOPE}", _RATIOS),
    "excluded_op_names": ForeignKey(_NEURAL_COMPRESSOR, _EXCLUDE_NAMES),
    "pruning_op_types": ForeignKey(_NEURAL_COMPRESSOR, "write 'op_types'", ("op_types",)),
    "max_sparsity_ratio_per_op": ForeignKey(
        _NEURAL_COMPRESSOR, "write 'max_sparsity_per_layer', beside 'total_sparsity'", ("max_sparsity_per_layer",)
    ),
    "min_sparsity_ratio_per_op": ForeignKey(_NEURAL_COMPRESSOR, _NO_COUNTERPART),
    "pruning_scope": ForeignKey(_NEURAL_COMPRESSOR, f"write {_BY_SCOPE}, and delete the key"),
    **dict.fromkeys(
        ("pruning_type", "pruning_frequency", "sparsity_decay_type"), ForeignKey(_NEURAL_COMPRESSOR, _PRUNER)
    ),
}

_SKIPPED_KEYS: Mapping[str, ForeignKey] = {
    "modules_to_not_convert": ForeignKey("transformers", _EXCLUDE_PARTS),
    "llm_int8_skip_modules": ForeignKey("transformers", _EXCLUDE_PARTS),
    "ignored_layers": ForeignKey("vLLM and Torch-Pruning", _EXCLUDE_NAMES),
    "ignored_scopes": ForeignKey("NNCF", _EXCLUDE_NAMES),
}
"""What other tools leave out, by keys that were not met above."""

FOREIGN_KEYS: Mapping[str, ForeignKey] = MappingProxyType(
    {**_NNI, **_COMPRESSED, **_MODEL_OPT_KEYS, **_DEEPSPEED_KEYS, **_NEURAL_COMPRESSOR_KEYS, **_SKIPPED_KEYS}
)
"""Every foreign key that is recognized in a sub-config."""

_ONE_EACH = "write a list with one sub-config for each"
_QUANTIZED = (Line("op_types", ["Linear"]), Line("quant_types", ["weight"]))
_SOME_LAYERS = Hint("write a sub-config with {}, {} and 'quant_bits' for the layers that it quantizes", *_QUANTIZED)
_NOT_INTEGERS = "a config list quantizes to integers: it cannot say what this document says"


def _all_but(skipped: str) -> Hint:
    """Return what to write for a document that quantizes all linear layers but those in its key `skipped`."""
    template = "write a sub-config with {}, {} and 'quant_bits', and a later one with {}"
    return Hint(f"{template} for the layers in '{skipped}'", *_QUANTIZED, _EXCLUDE)


_Document: TypeAlias = Mapping[str, object]


class ForeignDocument(NamedTuple):
    """A document that is wholly another tool's."""

    tool: str
    hint: Hint | str
    """What to write instead."""
    path: ConfigPath
    """The key that tells it."""


class _Tool(NamedTuple):
    """A tool that has documents of its own, and what to write in place of one."""

    name: str
    hint: Hint | str
    skips: str = ""
    """The key of such a document that lists what is left out, where it has one."""

    def document(self, data: _Document, key: str) -> ForeignDocument:
        """Return what is reported of one, told by `key`."""
        return ForeignDocument(
            self.name, _all_but(self.skips) if self.skips and self.skips in data else self.hint, (key,)
        )


_AUTO_ROUND = _Tool("AutoRound", f"{_ONE_EACH} entry of 'layer_config' or 'extra_config', after one for all layers")
_BITSANDBYTES = _Tool("bitsandbytes", _SOME_LAYERS, "llm_int8_skip_modules")
_DISTILLER = _Tool("Distiller", f"{_ONE_EACH} pruner or quantizer; the schedule belongs to the training script")
_NNCF = _Tool("NNCF", f"{_ONE_EACH} algorithm, and one with 'exclude' for its 'ignored_scopes'")
_QUARK = _Tool("Quark", _SOME_LAYERS, "exclude")
_TENSORS = _Tool(_COMPRESSED_TENSORS, f"{_ONE_EACH} group of 'config_groups'")
_TORCHAO = _Tool("torchao", _SOME_LAYERS)
_QUANTIZED_ALIKE = f"{_ONE_EACH} set of layers that it quantizes alike"
_OPTIMIZER = _Tool(_MODEL_OPT, _QUANTIZED_ALIKE)
_GPTQ = _Tool("GPTQ", _SOME_LAYERS)
_AWQ = _Tool("AWQ", _SOME_LAYERS, "modules_to_not_convert")
_COMPRESSOR = _Tool(_NEURAL_COMPRESSOR, f"{_ONE_EACH} set of layers: {_BY_SCOPE}")
_COMPRESSOR_OF_BITS = _Tool(_NEURAL_COMPRESSOR, _QUANTIZED_ALIKE)

_METHODS: Mapping[str, _Tool] = {
    "aqlm": _Tool("AQLM", _NOT_INTEGERS),
    "auto-round": _AUTO_ROUND,
    "awq": _AWQ,
    "bitnet": _Tool("BitNet", _NOT_INTEGERS),
    "bitsandbytes": _BITSANDBYTES,
    "compressed-tensors": _TENSORS,
    "eetq": _Tool("EETQ", _SOME_LAYERS, "modules_to_not_convert"),
    "fbgemm_fp8": _Tool("FBGEMM FP8", _NOT_INTEGERS),
    "fp8": _Tool("FP8", _NOT_INTEGERS),
    "fp_quant": _Tool("FP-Quant", _NOT_INTEGERS),
    "gptq": _GPTQ,
    "higgs": _Tool("HIGGS", _NOT_INTEGERS),
    "hqq": _Tool("HQQ", _SOME_LAYERS, "skip_modules"),
    "intel/auto-round": _AUTO_ROUND,
    "modelopt": _OPTIMIZER,
    "mxfp4": _Tool("MXFP4", _NOT_INTEGERS),
    "mxfp8": _Tool("MXFP8", _NOT_INTEGERS),
    "nvfp4": _Tool("NVFP4", _NOT_INTEGERS),
    "quanto": _Tool("quanto", _SOME_LAYERS, "modules_to_not_convert"),
    "quark": _QUARK,
    "spqr": _Tool("SpQR", _NOT_INTEGERS),
    "torchao": _TORCHAO,
    "vptq": _Tool("VPTQ", _NOT_INTEGERS),
}
"""The values of `quant_method` in the `quantization_config` of a model of transformers."""

_Teller: TypeAlias = Callable[[_Document], str | None]
"""Returns the key that tells a document, or None where it is not one of the tool."""


def _any_of(*keys: str) -> _Teller:
    """Tell a document by any of these keys: no other tool has them."""
    return lambda data: next((key for key in data if key in keys), None)


def _all_of(*keys: str) -> _Teller:
    """Tell a document by keys of which each alone could be another tool's."""
    return lambda data: keys[0] if data.keys() >= set(keys) else None


def _two_of(*keys: str) -> _Teller:
    """Tell a document by two of these keys, of which each alone is a common word."""

    def told(data: _Document) -> str | None:
        found = [key for key in data if key in keys]
        return found[0] if len(found) > 1 else None

    return told


def _holding(keys: str | re.Pattern[str], *inside: str) -> _Teller:
    """Tell a document by a mapping at one of `keys` that has one of the keys `inside`; without any, by a mapping."""
    pattern = re.compile(keys)

    def told(data: _Document) -> str | None:
        for key, part in data.items():
            if pattern.fullmatch(key) and isinstance(part, dict) and (not inside or not part.keys().isdisjoint(inside)):
                return key
        return None

    return told


def _of_gptq_model(data: _Document) -> str | None:
    """Tell a document by `dynamic`, which maps patterns to settings; compressed-tensors has a boolean there."""
    dynamic = data.get("dynamic")
    return "dynamic" if isinstance(dynamic, dict) and all(isinstance(part, dict) for part in dynamic.values()) else None


def _of_nncf(data: _Document) -> str | None:
    """Tell a document by `compression`: one algorithm, or a list of them."""
    entries = data.get("compression")
    found = any(isinstance(one, dict) and "algorithm" in one for one in _as_list(entries))
    return "compression" if found else _algorithm_of_nncf(data)


def _algorithm_of_nncf(data: _Document) -> str | None:
    by_scopes = _any_of("ignored_scopes", "target_scopes")(data)
    return by_scopes or (_any_of("algorithm")(data) if _any_of("params", "initializer")(data) else None)


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _of_torchao(data: _Document) -> str | None:
    return "_type" if isinstance(data.get("_type"), str) and "_data" in data else None


def _of_pytorch(data: _Document) -> str | None:
    """Tell a `qconfig_dict` by its lists of pairs."""
    pairs = _any_of("object_type", "module_name", "module_name_regex", "module_name_object_type_order")(data)
    return pairs if pairs is not None and isinstance(data[pairs], list) else None


def _of_neural_compressor_3(data: _Document) -> str | None:
    """Tell a document of 3.x by the settings of an algorithm: those for all layers, and those by name."""
    return next(
        (key for key, part in data.items() if isinstance(part, dict) and part.keys() == {"global", "local"}), None
    )


_RECIPE_KEY = re.compile(r"modifiers|\w+_(?:stage|modifiers)|[A-Z]\w*Modifier")
_IN_CORE = ("global_config", "module_type_configs", "module_name_configs", "op_type_configs", "op_name_configs")
_DEEPSPEED_PART = r"(?:weight|activation)_quantization|(?:sparse|row|head|channel)_pruning"

_DOCUMENTS: tuple[tuple[_Tool, _Teller], ...] = (
    (_NNCF, _of_nncf),
    (
        _Tool("coreai-opt", f"{_ONE_EACH} entry of 'module_type_configs' and 'module_name_configs'"),
        _holding(r"\w*(?:quantization|pruning|palettization)_config", *_IN_CORE),
    ),
    (_Tool("coreai-opt", f"{_ONE_EACH} ratio"), _holding("magnitude_pruning_config")),
    (_Tool("GPTQModel", f"{_ONE_EACH} pattern of 'dynamic', after one for all layers"), _of_gptq_model),
    (_QUARK, _any_of("global_quant_config", "layer_quant_config", "layer_type_quant_config")),
    (_AUTO_ROUND, _holding("layer_config|extra_config")),
    (_BITSANDBYTES, _any_of("load_in_4bit", "load_in_8bit", "llm_int8_skip_modules", "bnb_4bit_quant_type")),
    (_TENSORS, _any_of("config_groups", "sparsity_config")),
    (
        _Tool(_LLM_COMPRESSOR, f"{_ONE_EACH} modifier of the recipe"),
        lambda data: next((key for key in data if _RECIPE_KEY.fullmatch(key)), None),
    ),
    (_OPTIMIZER, _any_of("quant_cfg", "quant_algo", "quantized_layers")),
    (_OPTIMIZER, _holding("quantization", "quant_algo", "quantized_layers")),
    (_TORCHAO, _of_torchao),
    (_TORCHAO, _holding("(?:module_)?fqn_to_config")),
    (
        _Tool("AIMET", f"{_ONE_EACH} entry of 'op_type', after one for all layers"),
        _two_of("defaults", "params", "op_type", "supergroups", "model_input", "model_output"),
    ),
    (_DISTILLER, _two_of("pruners", "quantizers", "regularizers", "lr_schedulers", "policies")),
    (_DISTILLER, _all_of("pruners", "version")),
    (_DISTILLER, _all_of("quantizers", "version")),
    (
        _Tool("PyTorch (a qconfig_dict)", f"{_ONE_EACH} entry of 'object_type' and 'module_name'"),
        _of_pytorch,
    ),
    (_COMPRESSOR_OF_BITS, _any_of("op_type_dict", "op_name_dict")),
    (_COMPRESSOR, _any_of("pruning_configs", "target_sparsity")),
    (_COMPRESSOR, _holding("pruning", "approach")),
    (_COMPRESSOR_OF_BITS, _holding("quantization", "approach", "calibration", "op_wise", "model_wise", "recipes")),
    (_COMPRESSOR_OF_BITS, _of_neural_compressor_3),
    (
        _Tool(_DEEPSPEED, f"{_ONE_EACH} group of 'different_groups'"),
        _any_of("compression_training"),
    ),
    (
        _Tool(_DEEPSPEED, f"{_ONE_EACH} group of 'different_groups'"),
        _holding(_DEEPSPEED_PART),
    ),
    (_Tool("NNI 1.0", f"{_ONE_EACH} entry under 'config'"), _holding(r"\w+(?:Pruner|Quantizer)", "config")),
    (_Tool("coremltools", f"{_ONE_EACH} entry of these configs"), _holding("|".join(_IN_CORE))),
    (_AWQ, _any_of("w_bit", "q_group_size")),
    (_AWQ, _all_of("zero_point", "bits")),
    (_GPTQ, _all_of("desc_act", "bits")),
    (_Tool("transformers", _SOME_LAYERS, "modules_to_not_convert"), _any_of("modules_to_not_convert")),
)
"""The forms in which other tools write a whole document, the surest first: the tool, and what tells its document."""

_ENTRIES: tuple[tuple[_Tool, _Teller, frozenset[str]], ...] = (
    (_NNCF, _algorithm_of_nncf, frozenset()),
    (
        _Tool("torch.ao.pruning", "write 'op_names' for 'tensor_fqn', without '.weight', and 'sparsity_per_layer'"),
        _any_of("tensor_fqn"),
        frozenset(),
    ),
    (
        _Tool(
            _MODEL_OPT, "write 'op_partial_names' or 'op_names' for 'quantizer_name', 'quant_types' and 'quant_bits'"
        ),
        _any_of("quantizer_name"),
        frozenset(),
    ),
    (
        _Tool(_COMPRESSED_TENSORS, "write 'op_types' or 'op_names' for 'targets', 'quant_types' and 'quant_bits'"),
        _all_of("targets", "weights"),
        frozenset(),
    ),
    (
        _Tool(
            _NEURAL_COMPRESSOR,
            Hint(f"write {_BY_SCOPE}, and a later sub-config with {{}} for 'excluded_op_names'", _EXCLUDE),
        ),
        _any_of("target_sparsity", "pruning_scope", "excluded_op_names", "pruning_type"),
        frozenset({"op_names"}),
    ),
)
"""The same for the entries of lists; with the keys that such an entry has in common with a sub-config."""


def foreign_document(data: _Document) -> ForeignDocument | None:
    """Return whose document a mapping is, told by all that it says; None when no tool is known for it.

    >>> foreign_document({"model_type": "llama", "quantization_config": {"quant_method": "gptq", "bits": 4}}).tool
    'GPTQ'
    """
    method = data.get("quant_method")
    if isinstance(method, str):
        # A method that is not known here is the tool's own name for itself.
        tool = _METHODS.get(method) or _Tool(printable(shortened(method)), _SOME_LAYERS)
        return tool.document(data, "quant_method")
    for tool, told_by in _DOCUMENTS:
        if (key := told_by(data)) is not None:
            return tool.document(data, key)
    for key in ("quantization_config", "compression_config", "text_config"):
        inner = data.get(key)
        if isinstance(inner, dict) and (found := foreign_document(inner)) is not None:
            return found._replace(path=(key,))
    if data.keys() >= {"model_type", "architectures"}:
        return ForeignDocument("transformers", "pass it as the model, and a config list in its place", ("model_type",))
    return None


def foreign_list(items: Sequence[object], own: Collection[str]) -> ForeignDocument | None:
    """Return whose list this is, when each of its entries is one of the same tool; `own` are the keys of sub-configs.

    Lists of NNI are not among them: their keys are near to those of a sub-config, and reported one by one (D13).
    """
    entries = [item for item in items if isinstance(item, dict)]
    if not entries or len(entries) < len(items):
        return None
    ours = {key for entry in entries for key in entry}.intersection(own)
    for tool, told_by, shared in _ENTRIES:
        told = [told_by(entry) for entry in entries]
        if ours <= shared and None not in told:
            return ForeignDocument(tool.name, tool.hint, (0, str(told[0])))
    if ours:
        return None
    found = [foreign_document(entry) for entry in entries]
    first = found[0]
    if first is None or any(one is None or one.tool != first.tool for one in found):
        return None
    return first._replace(path=(0, *first.path))


def is_importable(data: _Document) -> bool:
    """Return whether `compression-config import` reads a document: a tool may have forms that it does not read.

    The importers are above this module; a test holds that they read what is told here, and nothing else.
    """
    nested = ("quantization_config", "compression_config", "quantization")
    configs = [data, *(part for key in nested if isinstance(part := data.get(key), dict))]
    return any(
        not {"config_groups", "quant_cfg", "quant_algo"}.isdisjoint(config)
        or config.get("quant_method") == "modelopt"
        or _has_torchao_config(config)
        for config in configs
    ) or any(_is_stage(key, part) for key, part in data.items())


def _has_torchao_config(config: _Document) -> bool:
    for key in ("quant_type", "default"):
        inner = config.get(key)
        config = inner if isinstance(inner, dict) else config
    return _of_torchao(config) is not None


def _is_stage(key: str, part: object) -> bool:
    """Return whether an entry of a recipe of llm-compressor is a stage with modifiers."""
    groups = part.items() if key.endswith("_stage") and isinstance(part, dict) else ()
    return any(
        group.endswith("_modifiers") and isinstance(modifiers, dict) and modifiers for group, modifiers in groups
    )


_SELECTORS = ("op_types", "op_names", "op_partial_names")
_NNI_3_SELECTORS = frozenset(
    prefix + key for prefix in ("", "exclude_") for key in ("op_types", "op_names", "op_names_re")
)
_NNI_3_SETTINGS = frozenset(
    {
        *("target_settings", "sparse_ratio", "max_sparse_ratio", "min_sparse_ratio", "sparse_threshold"),
        *("global_group_id", "dependency_group_id", "internal_metric_block", "align"),
        *("quant_dtype", "quant_scheme", "granularity", "fuse_names", "apply_method", "target_names"),
    }
)
_NNI_3_ALONE = _NNI_3_SETTINGS - {"quant_dtype", "quant_scheme", "apply_method"}
_NNI_1_ALONE = frozenset(
    key
    for key, foreign in _NNI.items()
    if foreign.dialect in (_NNI_1, _NNI_2, "NNI 1.0") and key not in _NNI_3_SETTINGS
)
_NNI_2_SETTINGS = frozenset(
    {
        *("exclude", "sparsity", "sparsity_per_layer", "total_sparsity", "max_sparsity_per_layer"),
        *("quant_types", "quant_bits", "quant_start_step", "quant_dtype", "quant_scheme"),
    }
)


def nni_dialect(items: object) -> Literal["nni", "nni-1"] | None:
    """Return as which dialect a config list of another version of NNI is imported: by its keys, all of them known.

    >>> nni_dialect([{"op_types": ["Linear"], "sparse_ratio": 0.5}]), nni_dialect([{"op_types": ["Linear"]}])
    ('nni', None)
    """
    configs = items if isinstance(items, Sequence) and not isinstance(items, str) else ()
    if not configs or not all(isinstance(config, Mapping) and _has_shape(config) for config in configs):
        return None
    keys = {key for config in configs for key in config}
    if keys <= _NNI_3_SELECTORS | _NNI_3_SETTINGS:
        told = not keys.isdisjoint(_NNI_3_ALONE) or any(_is_nni_3_dtype(config) for config in configs)
        return "nni" if told else None
    if keys <= _NNI_1_ALONE.union(_NNI_2_SETTINGS, _SELECTORS) and not keys.isdisjoint(_NNI_1_ALONE):
        return "nni-1"
    return None


def _has_shape(config: Mapping[object, object]) -> bool:
    """Return whether the values of a config that an importer relies on are of the shape that NNI has."""
    lists = [config.get(key) for key in (*_SELECTORS, *_NNI_3_SELECTORS, "op_name", "support_type", "target_names")]
    settings = config.get("target_settings") or {}
    return (
        all(one is None or isinstance(one, str) or _are_texts(one) for one in lists)
        and all(
            _is_regex(regex) for key in ("op_names_re", "exclude_op_names_re") for regex in _as_texts(config.get(key))
        )
        and isinstance(settings, Mapping)
        and all(isinstance(key, str) and isinstance(setting, Mapping) for key, setting in settings.items())
    )


def _are_texts(value: object) -> bool:
    return isinstance(value, Sequence) and all(isinstance(one, str) for one in value)


def _as_texts(value: object) -> Sequence[str]:
    return [value] if isinstance(value, str) else cast("Sequence[str]", value or ())


def _is_regex(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sets in sets, which Python may read otherwise one day
            re.compile(text)
    except (re.error, OverflowError, RecursionError):
        return False
    return True


def _is_nni_3_dtype(config: Mapping[str, object]) -> bool:
    """Return whether the type of a config has the bits in it, or is left open, as NNI 3.0 writes it."""
    dtype = config.get("quant_dtype", "")
    return dtype is None or (isinstance(dtype, str) and _DTYPE_WITH_BITS.fullmatch(dtype) is not None)


_DTYPE_WITH_BITS = re.compile(r"(u?int)([1-9][0-9]?)")


def foreign_value(word: str) -> Hint | str | None:
    """Return what to write for a value of NNI 3.0 under a key that the specification has too; None for others.

    >>> foreign_value("int8").in_notation("yaml")
    'NNI 3.0 writes the bits into the type: write int here, and quant_bits: 8'
    """
    if found := _DTYPE_WITH_BITS.fullmatch(word):
        bits = Line("quant_bits", int(found[2]))
        return Hint(f"{_NNI_3} writes the bits into the type: write {{}} here, and {{}}", found[1], bits)
    if word in ("affine", "symmetric"):
        return f"{_NNI_3} splits the scheme over two keys: write per_tensor_{word} or per_channel_{word}"
    return None
