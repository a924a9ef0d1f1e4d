"""Make the inventories in this directory, or with --check compare them with what they should be.

Needs torch and transformers (made with 2.13 and 5.23). Every model is built on the meta device from the class that
users load and the hyper-parameters that its authors published: nothing is downloaded, no weight exists.

    python examples/inventories/make_inventories.py [--check] [NAME ...]

The number of parameters is printed beside the published one. They agree, with two things to know:

- bert-base is the masked-language model, whose decoder shares its weight with the word embedding and its bias with
  the module above it. The 110 million of the paper count the encoder with its pooler instead (109,482,240).
- deepseek-v3 has 671,026,404,352 parameters. Its checkpoint adds 14,848 numbers that torch keeps as buffers, one per
  expert for balancing the load, and a module for predicting a second token (layer 61, about 13.5 billion) that the
  class of transformers does not build. That makes the 685 billion that its page on the Hugging Face Hub shows;
  the authors speak of 671 billion, for the main model alone.

deepseek-v3 is the model as transformers builds it: the experts of a layer are two parameters without a module of
their own. deepseek-v3-unfused has one Linear per expert and projection, with the names of the published checkpoint;
its experts have no module for the activation, which holds nothing and has no name there. The numbers are published
as float8 with scales; both inventories say bfloat16, to which transformers unpacks them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import torch
import transformers
from torch import nn
from transformers.models.deepseek_v3.modeling_deepseek_v3 import DeepseekV3MLP

from compression_config import Inventory

HERE = Path(__file__).parent


def resnet_50() -> nn.Module:
    """Return the ResNet-50 of He et al., 2015, for the 1000 classes of ImageNet."""
    config = transformers.ResNetConfig(
        embedding_size=64,
        hidden_sizes=[256, 512, 1024, 2048],
        depths=[3, 4, 6, 3],
        layer_type="bottleneck",
        num_labels=1000,
    )
    return transformers.ResNetForImageClassification(config)


def vit_base() -> nn.Module:
    """Return the ViT-B/16 of Dosovitskiy et al., 2020, for the 1000 classes of ImageNet."""
    config = transformers.ViTConfig(
        hidden_size=768,
        num_hidden_layers=12,
        num_attention_heads=12,
        intermediate_size=3072,
        image_size=224,
        patch_size=16,
        num_labels=1000,
    )
    return transformers.ViTForImageClassification(config)


def bert_base() -> nn.Module:
    """Return the BERT-base (uncased) of Devlin et al., 2018, with the head that it was trained with."""
    config = transformers.BertConfig(
        vocab_size=30522,
        hidden_size=768,
        num_hidden_layers=12,
        num_attention_heads=12,
        intermediate_size=3072,
        max_position_embeddings=512,
        type_vocab_size=2,
    )
    return transformers.BertForMaskedLM(config)


def gpt2() -> nn.Module:
    """Return the smallest GPT-2 of Radford et al., 2019; its projections are of type Conv1D."""
    config = transformers.GPT2Config(vocab_size=50257, n_positions=1024, n_embd=768, n_layer=12, n_head=12)
    return transformers.GPT2LMHeadModel(config)


def llama_3_8b() -> nn.Module:
    """Return the Llama-3-8B of Meta, 2024."""
    config = transformers.LlamaConfig(
        vocab_size=128256,
        hidden_size=4096,
        intermediate_size=14336,
        num_hidden_layers=32,
        num_attention_heads=32,
        num_key_value_heads=8,
        max_position_embeddings=8192,
        tie_word_embeddings=False,
    )
    return transformers.LlamaForCausalLM(config).to(torch.bfloat16)


def mixtral_8x7b() -> nn.Module:
    """Return the Mixtral-8x7B of Jiang et al., 2024."""
    config = transformers.MixtralConfig(
        vocab_size=32000,
        hidden_size=4096,
        intermediate_size=14336,
        num_hidden_layers=32,
        num_attention_heads=32,
        num_key_value_heads=8,
        num_local_experts=8,
        num_experts_per_tok=2,
        tie_word_embeddings=False,
    )
    return transformers.MixtralForCausalLM(config).to(torch.bfloat16)


def deepseek_v3() -> nn.Module:
    """Return the DeepSeek-V3 of DeepSeek-AI, 2024, with fused experts."""
    config = transformers.DeepseekV3Config(
        vocab_size=129280,
        hidden_size=7168,
        intermediate_size=18432,
        moe_intermediate_size=2048,
        num_hidden_layers=61,
        num_attention_heads=128,
        num_key_value_heads=128,
        n_routed_experts=256,
        n_shared_experts=1,
        num_experts_per_tok=8,
        first_k_dense_replace=3,
        q_lora_rank=1536,
        kv_lora_rank=512,
        qk_nope_head_dim=128,
        qk_rope_head_dim=64,
        v_head_dim=128,
        tie_word_embeddings=False,
    )
    return transformers.DeepseekV3ForCausalLM(config).to(torch.bfloat16)


def deepseek_v3_unfused() -> nn.Module:
    """Return DeepSeek-V3 with a module per expert, as in its checkpoint."""
    model = deepseek_v3()
    config = model.config
    for layer in model.model.layers[config.first_k_dense_replace :]:
        layer.mlp.experts = nn.ModuleList(_expert(config) for _ in range(config.n_routed_experts))
    return model.to(torch.bfloat16)


def _expert(config: transformers.DeepseekV3Config) -> nn.Module:
    expert = DeepseekV3MLP(config, intermediate_size=config.moe_intermediate_size)
    del expert.act_fn
    return expert


MODELS: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "resnet-50": (resnet_50, "25.6 million"),
    "vit-base": (vit_base, "86 million"),
    "bert-base": (bert_base, "110 million"),
    "gpt2": (gpt2, "124 million"),
    "llama-3-8b": (llama_3_8b, "8.03 billion"),
    "mixtral-8x7b": (mixtral_8x7b, "46.7 billion"),
    "deepseek-v3": (deepseek_v3, "671 billion"),
    "deepseek-v3-unfused": (deepseek_v3_unfused, "671 billion"),
}
"""What builds each model, and how many parameters its authors say it has."""


def main(arguments: list[str] | None = None) -> int:
    """Make the inventories that are asked for, or check them; return 1 when a file is not what it should be."""
    parser = argparse.ArgumentParser(description="Make the inventories in this directory.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(MODELS)}; all if left out")
    parser.add_argument("--check", action="store_true", help="compare the files instead of writing them")
    options = parser.parse_args(arguments)
    unknown = set(options.names) - MODELS.keys()
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    transformers.logging.set_verbosity_error()
    differing = 0
    for name in options.names or MODELS:
        build, published = MODELS[name]
        with torch.device("meta"):
            model = build()
        inventory = Inventory.from_model(model)
        path = HERE / f"{name}.json.gz"
        parameters = sum(parameter.numel() for parameter in model.parameters())
        verdict = ""
        if not options.check:
            inventory.save(path)
        elif not _equal(Inventory.load(path), inventory):
            verdict = f"; {path.name} differs"
            differing += 1
        print(f"{name}: {len(inventory):,} layers, {parameters:,} parameters (published: {published}){verdict}")
    return 1 if differing else 0


def _equal(one: Inventory, other: Inventory) -> bool:
    return one == other and (one.root, one.bases) == (other.root, other.bases)


if __name__ == "__main__":
    sys.exit(main())
