"""Layers that runtimes merge into one, and that a list quantizes in several ways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from compression_config.findings import Code, Finding
from compression_config.resolving.resolved import Resolved
from compression_config.resolving.settings import QuantizationSettings
from compression_config.text import listed

__all__ = ["EXPERTS", "FUSED", "FUSED_INTO", "fused_findings", "fusions", "merged_words", "parent_of"]

FUSED: Mapping[str, Sequence[str]] = {
    "qkv_proj": ("q_proj", "k_proj", "v_proj"),
    "gate_up_proj": ("gate_proj", "up_proj"),
    "qkv": ("query", "key", "value"),
    "fused_qkv_a_proj": ("q_a_proj", "kv_a_proj_with_mqa"),
    "in_proj_qkvz": ("in_proj_qkv", "in_proj_z"),
    "in_proj_ba": ("in_proj_b", "in_proj_a"),
}
"""The layers that vLLM merges into one, by the name of that one: the `packed_modules_mapping`s of 0.33."""

FUSED_INTO = {shard: fused for fused, shards in FUSED.items() for shard in shards}
EXPERTS = ".experts."
"""What the names of the layers of all experts of one module have in common."""


def fused_findings(resolved: Resolved) -> Iterator[Finding]:
    """Yield one note where a quantization list gives several settings to layers that are merged, for all of them."""
    if resolved.config_list.kind != "quantization":
        return
    settings = [_setting(resolved, index) for index in range(len(resolved.config_list))]
    conflicts: list[tuple[int, int, str]] = []
    for (fused, _), (first, indices) in fusions(resolved).items():
        # A layer that no sub-config decides is as unquantized as an excluded one.
        if len({settings[index] if index >= 0 else None for index in indices}) > 1:
            conflicts.append((max(indices), first, fused))
    if not conflicts:
        return
    index, first, fused = min(conflicts)
    where = f"those of '{parent_of(resolved.inventory.names[first], fused) or 'the model'}'"
    if len(conflicts) > 1:
        where += f" and {len(conflicts) - 1:,} more"
    message = (
        f"runtimes such as vLLM merge {merged_words(fused)} into one layer with one setting, and {where} have several"
    )
    hint = "give them the same settings where such a runtime is to serve the model"
    yield Finding.at(resolved.config_list.provenance.place((index,)), Code.FUSED_SIBLINGS, message, hint)


def _setting(resolved: Resolved, index: int) -> object:
    """Return what tells the layers of one sub-config from those of another, once they are quantized."""
    settings = resolved.settings_of(index)
    if not isinstance(settings, QuantizationSettings):
        return None
    parts = (settings.bits, settings.dtype or {}, settings.scheme or {})
    return tuple(tuple(sorted(part.items())) for part in parts)


def merged_words(fused: str) -> str:
    """Return what is merged into the layer `fused`."""
    return listed(FUSED[fused]) if fused in FUSED else "all experts of one module"


def parent_of(name: str, fused: str) -> str:
    """Return what the layer `name`, which is merged into `fused`, is in; empty for the model itself."""
    return name.partition(EXPERTS)[0] if fused == "experts" else name.rpartition(".")[0]


def fusions(resolved: Resolved) -> Mapping[tuple[str, str], tuple[int, set[int]]]:
    """Return for what is merged, by its name and the layer it is in: the first layer, and who decides about all."""
    merged: dict[tuple[str, str], tuple[int, set[int]]] = {}
    names, types = resolved.inventory.names, resolved.inventory.types
    # Experts are nearly all layers of a large model, and come one after the other.
    module, experts = "\0", set[int]()
    for position, (name, index) in enumerate(zip(names, resolved.decided_by, strict=True)):
        if not types[position].endswith("Linear"):
            continue
        if name.startswith(module):
            experts.add(index)
            continue
        start, dot, _ = name.partition(EXPERTS)
        parent, _, last = name.rpartition(".")
        if dot:
            module = start + dot
            _, experts = merged.setdefault(("experts", start), (position, set()))
            experts.add(index)
        elif last in FUSED_INTO:
            merged.setdefault((FUSED_INTO[last], parent), (position, set()))[1].add(index)
    return merged
