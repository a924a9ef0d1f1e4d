"""Models of plain torch modules on the meta device, as large as real ones and named like them.

They stand in for checkpoints of which the classes come with `transformers`, so that benchmarks need
nothing but torch and no version of another library moves their figures.
"""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["bert_like", "deepseek_like", "kimi_like"]


def deepseek_like() -> nn.Module:
    """Return a model like DeepSeek-V3 with a Linear per expert and projection: 63,569 modules, 47,337 Linear.

    Every one of its 61 blocks is a mixture of experts; the real model starts with three dense ones.
    """
    return _mixture_of_experts(experts=256, hidden=7168, heads=128, vocabulary=129280)


def kimi_like() -> nn.Module:
    """Return a model like Kimi-K2, built as `deepseek_like()` with 384 experts a block: 94,801 modules."""
    return _mixture_of_experts(experts=384, hidden=7168, heads=64, vocabulary=163840)


def bert_like(blocks: int = 12, hidden: int = 768) -> nn.Module:
    """Return a model like BERT-base with a masked-language head whose weight is that of the embedding."""
    with torch.device("meta"):
        words = nn.Embedding(30522, hidden)
        decoder = nn.Linear(hidden, 30522)
        decoder.weight = words.weight
        embeddings = _named(
            word_embeddings=words,
            position_embeddings=nn.Embedding(512, hidden),
            token_type_embeddings=nn.Embedding(2, hidden),
            LayerNorm=nn.LayerNorm(hidden),
            dropout=nn.Dropout(0.1),
        )
        encoder = _named(layer=nn.ModuleList(_bert_block(hidden) for _ in range(blocks)))
        transform = _named(dense=nn.Linear(hidden, hidden), act=nn.GELU(), LayerNorm=nn.LayerNorm(hidden))
        head = _named(predictions=_named(transform=transform, decoder=decoder))
        return _named(bert=_named(embeddings=embeddings, encoder=encoder), cls=head)


class RMSNorm(nn.Module):
    """A norm with a weight and no bias."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(size))


class Router(nn.Module):
    """What sends a token to its experts: a weight, in a module that is not Linear."""

    def __init__(self, hidden: int, experts: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(experts, hidden))


class Block(nn.Module):
    """A module that only holds others; calling it is not what these models are for."""


def _named(**children: nn.Module) -> Block:
    block = Block()
    for name, child in children.items():
        block.add_module(name, child)
    return block


def _mixture_of_experts(*, experts: int, hidden: int, heads: int, vocabulary: int) -> Block:
    with torch.device("meta"):
        layers = nn.ModuleList(_decoder_layer(experts, hidden, heads) for _ in range(61))
        model = _named(
            embed_tokens=nn.Embedding(vocabulary, hidden), layers=layers, norm=RMSNorm(hidden), rotary_emb=Block()
        )
        return _named(model=model, lm_head=nn.Linear(hidden, vocabulary, bias=False))


def _decoder_layer(experts: int, hidden: int, heads: int) -> Block:
    attention = _named(
        q_a_proj=nn.Linear(hidden, 1536, bias=False),
        q_a_layernorm=RMSNorm(1536),
        q_b_proj=nn.Linear(1536, heads * 192, bias=False),
        kv_a_proj_with_mqa=nn.Linear(hidden, 576, bias=False),
        kv_a_layernorm=RMSNorm(512),
        kv_b_proj=nn.Linear(512, heads * 256, bias=False),
        o_proj=nn.Linear(heads * 128, hidden, bias=False),
    )
    mlp = _named(
        gate=Router(hidden, experts),
        experts=nn.ModuleList(_expert(hidden) for _ in range(experts)),
        shared_experts=_expert(hidden),
    )
    return _named(
        self_attn=attention, mlp=mlp, input_layernorm=RMSNorm(hidden), post_attention_layernorm=RMSNorm(hidden)
    )


def _expert(hidden: int, width: int = 2048) -> Block:
    return _named(
        gate_proj=nn.Linear(hidden, width, bias=False),
        up_proj=nn.Linear(hidden, width, bias=False),
        down_proj=nn.Linear(width, hidden, bias=False),
    )


def _bert_block(hidden: int) -> Block:
    attention = _named(
        query=nn.Linear(hidden, hidden),
        key=nn.Linear(hidden, hidden),
        value=nn.Linear(hidden, hidden),
        dropout=nn.Dropout(0.1),
    )
    return _named(
        attention=_named(self=attention, output=_bert_output(hidden, hidden)),
        intermediate=_named(dense=nn.Linear(hidden, 4 * hidden), intermediate_act_fn=nn.GELU()),
        output=_bert_output(4 * hidden, hidden),
    )


def _bert_output(inputs: int, outputs: int) -> Block:
    return _named(dense=nn.Linear(inputs, outputs), LayerNorm=nn.LayerNorm(outputs), dropout=nn.Dropout(0.1))
