"""Keys of other formats that are recognized by name: which format, and what to write instead (D13).

Each key was looked up in the sources of its format: NNI 1.2 to 3.0, compressed-tensors, llm-compressor,
NVIDIA ModelOpt, DeepSpeed. Keys that the specification has too are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from compression_config.findings import Hint, Line

__all__ = ["FOREIGN_DOCUMENTS", "FOREIGN_KEYS", "ForeignKey", "foreign_document", "foreign_value"]


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
_EXCLUDE_TYPES = Hint("write a later sub-config with these 'op_types' and {}", _EXCLUDE)


def _of_one_tensor(quant_type: str) -> tuple[Hint, tuple[str, ...]]:
    """Return hint and keys for a key that describes how one quant type is quantized."""
    hint = Hint("write {} and {}", Line("quant_types", [quant_type]), Line("quant_bits", {quant_type: 8}))
    return hint, ("quant_types", "quant_bits")


_NNI: Mapping[str, ForeignKey] = {
    "op_name": ForeignKey(_NNI_1, "write 'op_names' with a list", ("op_names",)),
    "final_sparsity": ForeignKey(_NNI_1, "write 'sparsity_per_layer'; the schedule belongs to the pruner", _RATIOS),
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
            "quant_method",
            "quantization_status",
            "global_compression_ratio",
            "kv_cache_scheme",
            "sparsity_structure",
        ),
        ForeignKey(_COMPRESSED_TENSORS, _NO_COUNTERPART),
    ),
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
    **dict.fromkeys(
        ("algorithm", "calibrator", "fake_quant", "narrow_range", "learn_amax"), ForeignKey(_MODEL_OPT, _QUANTIZER)
    ),
}

_DEEPSPEED_KEYS: Mapping[str, ForeignKey] = {
    "modules": ForeignKey(_DEEPSPEED, "write 'op_partial_names': substrings of the names", ("op_partial_names",)),
    "params": ForeignKey(_DEEPSPEED, "write its settings as keys of the sub-config itself", _ANY_SETTING),
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

FOREIGN_KEYS: Mapping[str, ForeignKey] = MappingProxyType({**_NNI, **_COMPRESSED, **_MODEL_OPT_KEYS, **_DEEPSPEED_KEYS})
"""Every foreign key that is recognized in a sub-config."""

_ONE_EACH = "write a list with one sub-config for each"
_DEEPSPEED_TOP = ForeignKey(_DEEPSPEED, f"{_ONE_EACH} group of 'different_groups'")
_RECIPE = ForeignKey(_LLM_COMPRESSOR, f"{_ONE_EACH} modifier of the recipe")
_RECIPE_KEY = re.compile(r"modifiers|\w+_(?:stage|modifiers)|[A-Z]\w*Modifier")

FOREIGN_DOCUMENTS: Mapping[str, ForeignKey] = MappingProxyType(
    {
        "quantization_config": ForeignKey(_COMPRESSED_TENSORS, f"{_ONE_EACH} group of 'config_groups'"),
        "config_groups": ForeignKey(_COMPRESSED_TENSORS, f"{_ONE_EACH} of these groups"),
        "sparsity_config": ForeignKey(_COMPRESSED_TENSORS, f"{_ONE_EACH} ratio"),
        "quant_cfg": ForeignKey(_MODEL_OPT, f"{_ONE_EACH} quantizer"),
        "quant_algo": ForeignKey(_MODEL_OPT, f"{_ONE_EACH} set of layers"),
        "compression_training": _DEEPSPEED_TOP,
        **{f"{what}_quantization": _DEEPSPEED_TOP for what in ("weight", "activation")},
        **{f"{what}_pruning": _DEEPSPEED_TOP for what in ("sparse", "row", "head", "channel")},
    }
)
"""Keys at the top of other formats' documents, where a config list is a list."""


def foreign_document(keys: Iterable[object]) -> tuple[str, ForeignKey] | None:
    """Return the first of `keys`, those at the top of a document, that tells its format; None without one.

    >>> foreign_document(["model_type", "quantization_config"])[1].dialect
    'compressed-tensors'
    """
    for key in map(str, keys):
        if key in FOREIGN_DOCUMENTS:
            return key, FOREIGN_DOCUMENTS[key]
        if _RECIPE_KEY.fullmatch(key):
            return key, _RECIPE
    return None


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
