"""Settings in common, merged into each sub-config."""
BASE = {"quant_types": ["weight", "input"], "quant_bits": {"weight": 8, "input": 8}}
LOW = {**BASE, "quant_bits": {"weight": 40, "input": 8}}
HEADS = ["lm_head", "embed_out"]


def quantization(extra):
    return [
        {**BASE, "op_types": ["Linear"]},
        {**LOW, "op_partial_names": ["mlp."]},
        dict(BASE, op_names=["model.layers.0.self_attn.q_proj"], quant_dtyp="int"),
        {"op_types": ["Embedding"], **extra},
        {"op_names": HEADS, "exclude": True, **({"quant_bits": 8})},
    ]


def per_block(blocks):
    return [{"op_names": [f"model.layers.{i}.mlp.up_proj" for i in blocks], "quant_bits": 4}]
