"""Keys of other formats that people bring along: whose they are, and what the specification calls them (D13)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["FOREIGN_KEYS", "ForeignKey"]

NNI_1 = "NNI 1.x"
NNI_3 = "NNI 3.0"
COMPRESSED_TENSORS = "compressed-tensors"
MODEL_OPT = "NVIDIA ModelOpt"

_SCHEDULE = "a schedule belongs to the pruner, not to the config list: delete the line"
_PRUNER = "an option of one pruner, not of the config list: delete the line and pass it to the pruner"
_NO_COUNTERPART = "the specification has no such key: delete the line"


class ForeignKey(NamedTuple):
    """A key of another format: the format's name, and what to write here instead."""

    dialect: str
    remedy: str


FOREIGN_KEYS: Mapping[str, ForeignKey] = MappingProxyType(
    {
        "op_name": ForeignKey(NNI_1, "write 'op_names' with a list"),
        "op_type": ForeignKey(NNI_1, "write 'op_types' with a list"),
        "initial_sparsity": ForeignKey(NNI_1, _SCHEDULE),
        "final_sparsity": ForeignKey(
            NNI_1, "write 'sparsity_per_layer'; " + _SCHEDULE.removesuffix(": delete the line")
        ),
        "start_epoch": ForeignKey(NNI_1, _SCHEDULE),
        "end_epoch": ForeignKey(NNI_1, _SCHEDULE),
        "frequency": ForeignKey(NNI_1, _SCHEDULE),
        "prune_iterations": ForeignKey(NNI_1, _SCHEDULE),
        "rho": ForeignKey(NNI_1, _PRUNER),
        "q_bits": ForeignKey(NNI_1, "write 'quant_bits', and 'quant_types' beside it"),
        "sparse_ratio": ForeignKey(
            NNI_3, "write 'sparsity_per_layer', or 'total_sparsity' where 'global_group_id' stands"
        ),
        "max_sparse_ratio": ForeignKey(NNI_3, "write 'max_sparsity_per_layer', beside 'total_sparsity'"),
        "min_sparse_ratio": ForeignKey(NNI_3, _NO_COUNTERPART),
        "sparse_threshold": ForeignKey(NNI_3, _NO_COUNTERPART),
        "global_group_id": ForeignKey(NNI_3, "write one sub-config with 'total_sparsity': its layers share one budget"),
        "dependency_group_id": ForeignKey(NNI_3, _NO_COUNTERPART),
        "internal_metric_block": ForeignKey(NNI_3, _NO_COUNTERPART),
        "align": ForeignKey(NNI_3, _NO_COUNTERPART),
        "granularity": ForeignKey(
            NNI_3, "for quantization write 'quant_scheme' (per_tensor_... or per_channel_...), else delete it"
        ),
        "op_names_re": ForeignKey(
            NNI_3, "write 'op_partial_names': a plain substring of the name, no regular expression"
        ),
        "exclude_op_names": ForeignKey(NNI_3, "write a later sub-config with these 'op_names' and 'exclude: true'"),
        "exclude_op_names_re": ForeignKey(
            NNI_3, "write a later sub-config with 'op_partial_names' and 'exclude: true'"
        ),
        "exclude_op_types": ForeignKey(NNI_3, "write a later sub-config with these 'op_types' and 'exclude: true'"),
        "target_names": ForeignKey(
            NNI_3, "write 'quant_types' (weight, input, output); pruning covers the weight alone"
        ),
        "target_settings": ForeignKey(NNI_3, "write its settings as keys of the sub-config itself"),
        "fuse_names": ForeignKey(NNI_3, _NO_COUNTERPART),
        "apply_method": ForeignKey(NNI_3, _NO_COUNTERPART),
        "lambda": ForeignKey(NNI_3, "an option of distillation: the specification has no such key"),
        "link": ForeignKey(NNI_3, _NO_COUNTERPART),
        "targets": ForeignKey(COMPRESSED_TENSORS, "write 'op_types' for class names, 'op_names' for exact names"),
        "ignore": ForeignKey(COMPRESSED_TENSORS, "write a later sub-config with these 'op_names' and 'exclude: true'"),
        "config_groups": ForeignKey(COMPRESSED_TENSORS, "write each group as a sub-config of the list"),
        "weights": ForeignKey(COMPRESSED_TENSORS, "write 'quant_types: [weight]' and 'quant_bits: {weight: ...}'"),
        "input_activations": ForeignKey(
            COMPRESSED_TENSORS, "write 'quant_types: [input]' and 'quant_bits: {input: ...}'"
        ),
        "output_activations": ForeignKey(
            COMPRESSED_TENSORS, "write 'quant_types: [output]' and 'quant_bits: {output: ...}'"
        ),
        "num_bits": ForeignKey(COMPRESSED_TENSORS, "write 'quant_bits'"),
        "quant_method": ForeignKey(COMPRESSED_TENSORS, _NO_COUNTERPART),
        "quant_cfg": ForeignKey(MODEL_OPT, "write each quantizer's settings as a sub-config of the list"),
        "quantizer_name": ForeignKey(MODEL_OPT, "write 'op_names' and 'quant_types' instead of a quantizer's name"),
        "weight_quantizer": ForeignKey(MODEL_OPT, "write 'quant_types: [weight]' and 'quant_bits: {weight: ...}'"),
        "input_quantizer": ForeignKey(MODEL_OPT, "write 'quant_types: [input]' and 'quant_bits: {input: ...}'"),
        "output_quantizer": ForeignKey(MODEL_OPT, "write 'quant_types: [output]' and 'quant_bits: {output: ...}'"),
        "enable": ForeignKey(MODEL_OPT, "write 'exclude: true' instead of 'enable: false'"),
        "axis": ForeignKey(
            MODEL_OPT, "write 'quant_scheme: per_channel_symmetric' for an axis, per_tensor_symmetric for none"
        ),
    }
)
"""Every foreign key that is recognized. A key that the specification has too is not in it."""
