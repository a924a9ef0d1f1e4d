"""The figures that are promised: how long and how much memory, as ratios to a floor that is measured in the same run.

    python tests/benchmarks/figures.py                 everything, on models as large as DeepSeek-V3 and Kimi-K2
    python tests/benchmarks/figures.py bert memory     these sections
    python tests/benchmarks/figures.py --quick         the same in small, to see that it works

Needs torch, for live models. The floor of resolving is `list(model.named_modules())`: whoever compresses a model
pays that anyway.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import gc
import json
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Literal

import pydantic
import yaml
from compressed_tensors.quantization import QuantizationConfig, apply_quantization_config
from hostile import hostile_table
from measuring import medians, peak_bytes, seconds
from models import bert_like, deepseek_like, kimi_like
from operations import Case
from startup import startup_table
from tables import Table, times
from torch import nn
from workloads import (
    WORKLOADS,
    ConfigData,
    NamesAndTypes,
    experts,
    extreme_names,
    extreme_partial_hits,
    extreme_partial_misses,
    in_every_layer,
    mixed,
    stacked,
    yaml_text,
)

import compression_config as cc
from compression_config.budget import budget_findings, budget_of
from compression_config.documents import Format
from compression_config.reports.grid import grid_lines
from compression_config.reports.layout import plain_text

__all__ = ["sections"]

MIB = 2**20
LIMITS = {
    "small": 2.5,
    "medium": 3.0,
    "large": 4.0,
    "extreme-names": 5.0,
    "extreme-partial, hits": 8.0,
    "extreme-partial, misses": 6.0,
}
INVENTORY_LIMITS = dict.fromkeys(("small", "medium", "large"), 1.5)


def sections(*, quick: bool = False) -> Mapping[str, Callable[[], Table]]:
    """Return what there is to measure, by name; with `quick` on small sizes, to see that it works."""
    measured: dict[str, Callable[[], Table]] = {}
    if not quick:
        measured["deepseek"] = lambda: resolving("DeepSeek-V3-like", deepseek_like())
        measured["kimi"] = lambda: resolving("Kimi-K2-like", kimi_like())
    return {
        **measured,
        "budget": lambda: budgets(bert_like() if quick else deepseek_like(), rounds=1 if quick else 5),
        "seeing": lambda: seeing(*((1_000, 20) if quick else (63_000, 1_000)), rounds=1 if quick else 5),
        "exports": lambda: exports(bert_like() if quick else deepseek_like(), rounds=1 if quick else 3),
        "bert": lambda: resolving("BERT-base-like", bert_like(), limits={"small": 5.0}, rounds=1 if quick else 21),
        "reading": lambda: reading(500 if quick else 50_000, rounds=1 if quick else 5),
        "memory": lambda: memory(*((1_000, 100) if quick else (100_000, 10_000))),
        "misspelt": lambda: misspelt(*((1_000, 10) if quick else (70_000, 1_000))),
        "starting": lambda: startup_table(rounds=1 if quick else 15),
        "hostile": lambda: hostile_table(scale=0.01 if quick else 1.0),
    }


def resolving(name: str, model: nn.Module, *, limits: Mapping[str, float] = LIMITS, rounds: int = 5) -> Table:
    """Return how long `resolve` takes on `model`, as multiples of the walk."""
    layers = [(path, type(module).__name__) for path, module in model.named_modules() if path]
    rows = []
    for workload, make in WORKLOADS.items():
        data = make(layers)
        if data:
            live, ignoring, from_inventory = _ratios(data, model, rounds)
            limit = None if limits is not LIMITS else INVENTORY_LIMITS.get(workload)
            answers = [_against(live, limits.get(workload)), times(ignoring), _against(from_inventory, limit)]
            rows.append([workload, f"{len(data):,}", *answers])
    linear = sum(kind == "Linear" for _, kind in layers)
    return Table(
        f"Resolving: {name}, {len(layers):,} layers, {linear:,} Linear",
        ["workload", "sub-configs", "live model, errors found", "unmatched ignored", "from a loaded Inventory"],
        rows,
        "The whole of `resolve(validated_list, model)` as multiples of `list(model.named_modules())`, medians of "
        f"{rounds}, in brackets the most that is allowed. `extreme-partial, misses` ends in `UnmatchedSelector` with "
        "10,000 findings unless unmatched elements are ignored.",
    )


def _ratios(data: ConfigData, model: nn.Module, rounds: int) -> tuple[float, float, float]:
    """Return how long resolving takes in three ways, as multiples of the walk."""
    config_list, inventory = cc.validate(data, kind="pruning"), cc.Inventory.from_model(model)
    taken = medians(
        {
            "walk": lambda: list(model.named_modules()),
            "live": lambda: _resolved(config_list, model, "error"),
            "ignoring": lambda: _resolved(config_list, model, "ignore"),
            "inventory": lambda: _resolved(config_list, inventory, "error"),
        },
        rounds,
    )
    return taken["live"] / taken["walk"], taken["ignoring"] / taken["walk"], taken["inventory"] / taken["walk"]


def exports(model: nn.Module, rounds: int) -> Table:
    """Return how long exports take as multiples of `resolve`, how large they are, and how long one takes to apply."""
    # Each selector matches: the hint for one that does not would take longer than all else.
    last = {"op_names": [next(name for name, layer in model.named_modules() if isinstance(layer, nn.Linear))]}
    scheme = {"quant_scheme": {"weight": "per_channel_symmetric", "input": "per_tensor_symmetric"}}
    eight = {"op_types": ["Linear"], "quant_types": ["weight", "input"], "quant_bits": 8, **scheme}
    numbered = {"op_types": ["Linear"], "op_partial_names": [".1"]}
    lists: dict[str, cc.PruningConfigList | cc.QuantizationConfigList] = {
        "pruning": cc.validate(
            [
                {"op_types": ["Linear"], "sparsity_per_layer": 0.5},
                {**numbered, "total_sparsity": 0.7},
                {**last, "exclude": True},
            ],
            kind="pruning",
        ),
        "quantization": cc.validate(
            [eight, {**eight, **numbered, "quant_bits": {"weight": 4, "input": 8}}, {**last, "exclude": True}],
            kind="quantization",
        ),
    }
    resolutions = {kind: cc.resolve(config_list, model) for kind, config_list in lists.items()}
    made: dict[tuple[str, str, str], Callable[[], cc.Export]] = {
        (engine.name, kind, names): partial(
            cc.export, resolutions[kind], engine.name, on_loss="ignore", allocate=kind == "pruning", names=names
        )
        for engine in cc.engines()
        if engine.export
        for kind in engine.kinds
        for names in ("patterns", "exact")
    }
    resolving_each = {kind: partial(cc.resolve, config_list, model) for kind, config_list in lists.items()}
    taken = medians({**resolving_each, **{", ".join(key): export for key, export in made.items()}}, rounds)
    multiples = {key: taken[", ".join(key)] / taken[key[1]] for key in made}
    rows = [
        [engine, kind, _against(multiples[engine, kind, "patterns"], 3), times(multiples[engine, kind, "exact"])]
        for engine, kind in dict.fromkeys((engine, kind) for engine, kind, _ in made)
    ]
    patterns, exact = (made["compressed-tensors", "quantization", names]() for names in ("patterns", "exact"))
    parsed = QuantizationConfig.model_validate(patterns.document)
    applied = seconds(lambda: apply_quantization_config(model, parsed, show_progress=False))
    return Table(
        f"Exports: {sum(1 for name, _ in model.named_modules() if name):,} layers, "
        f"{len(resolutions['quantization'].compressed):,} compressed",
        ["engine", "list", "patterns", "exact names"],
        rows,
        "As multiples of `resolve` of the list and the live model; the budget of a group is allocated. "
        f"compressed-tensors itself applies the patterns, {len(patterns.to_json()):,} characters, in {applied:.0f} "
        "seconds (the bound is 30), with all of its own work for each layer; with exact names, "
        f"{len(exact.to_json()):,} characters, it compares each layer with each of them.",
    )


def _resolved(
    config_list: cc.PruningConfigList,
    model: cc.Inventory | nn.Module | NamesAndTypes,
    unmatched: Literal["error", "ignore"],
) -> object:
    with contextlib.suppress(cc.UnmatchedSelector):
        return cc.resolve(config_list, model, unmatched=unmatched)
    return None


def seeing(layers: int, sub_configs: int, rounds: int) -> Table:
    """Return how long comparing two resolutions and drawing one take, as multiples of resolving."""
    case = Case(experts(layers), mixed(experts(layers), sub_configs))
    other = [{**config, "sparsity_per_layer": 0.6} if "exclude" not in config else config for config in case.data]

    def both() -> tuple[cc.Resolution[cc.PruningSettings], ...]:
        return case.resolution(), cc.resolve(other, case.inventory, kind="pruning", unmatched="ignore")

    asked = both()
    taken = medians(
        {
            "both": both,
            # What was not asked before is asked again of new ones: budgets are computed within the comparison.
            "comparing both, budgets included": lambda: cc.compare(*map(copy.copy, asked)),
            "the comparison as Markdown": lambda: cc.compare(*asked).to_markdown(),
            "the grid of one": lambda: plain_text(grid_lines(asked[0].resolved, asked[0].budget, ())),
            "the page of one, with its findings": lambda: copy.copy(asked[0]).to_html(),
        },
        rounds,
    )
    resolving_both = taken.pop("both")
    limits = {"comparing both, budgets included": 1.5}
    return Table(
        f"Comparing and drawing: {layers:,} layers, {sub_configs:,} sub-configs",
        ["what", "times resolving both"],
        [[what, _against(seconds / resolving_both, limits.get(what))] for what, seconds in taken.items()],
        f"As multiples of resolving both lists, medians of {rounds}, at most what is in brackets.",
    )


def _against(measured: float, limit: float | None) -> str:
    return times(measured) if limit is None else f"{times(measured)} ({limit:g})"


def budgets(model: nn.Module, rounds: int) -> Table:
    """Return how long the budget of a model takes, as multiples of the walk; each time from nothing."""
    groups = [
        {"op_types": ["Linear"], "sparsity_per_layer": 0.5},
        {"op_types": ["Linear"], "op_partial_names": ["1."], "total_sparsity": 0.7, "max_sparsity_per_layer": 0.9},
    ]
    resolved = cc.resolve(groups, model, kind="pruning").resolved
    taken = medians(
        {
            "walk": lambda: list(model.named_modules()),
            "groups, and what they make possible": lambda: budget_of(resolved).groups,
            "the model: masked shares, bytes, bits": lambda: budget_of(resolved).model,
            "the counts and intervals of all layers": lambda: budget_of(resolved).layers,
            "an allocation by size": lambda: budget_of(resolved).allocate(),
            "findings about budgets": lambda: list(budget_findings(resolved, budget_of(resolved))),
        },
        rounds,
    )
    walk = taken.pop("walk")
    return Table(
        f"Budgets: {len(resolved.inventory):,} layers, of which {len(resolved.decided[1]):,} share one budget",
        ["what", "times the walk"],
        [[what, times(seconds / walk)] for what, seconds in taken.items()],
        f"Of a resolution that is there, as multiples of `list(model.named_modules())`, medians of {rounds}.",
    )


class Minimal(pydantic.BaseModel):
    """As little of a sub-config as pydantic can be asked to check."""

    op_types: list[str] | None = None
    op_names: list[str] | None = None
    op_partial_names: list[str] | None = None
    sparsity_per_layer: float | None = None
    exclude: bool | None = None


def reading(size: int, rounds: int) -> Table:
    """Return how long loading and validating `size` sub-configs takes, as multiples of what others do."""
    data = extreme_names(experts(size * 2))[:size]
    text = yaml_text(data)
    minimal = pydantic.TypeAdapter(list[Minimal])
    texts: dict[Format, str] = {"yaml": text, "json": json.dumps(data)}
    taken = medians(
        {
            "CSafeLoader": lambda: yaml.load(text, Loader=yaml.CSafeLoader),
            "minimal model": lambda: minimal.validate_python(data),
            "loads": lambda: cc.loads(text, kind="pruning"),
            "validate": lambda: cc.validate(data, kind="pruning"),
            **{notation: partial(_read, given, notation) for notation, given in texts.items()},
            **{
                f"misspelt {notation}": partial(
                    _read, given.replace("sparsity_per_layer", "sparsity_per_layr"), notation
                )
                for notation, given in texts.items()
            },
        },
        rounds,
    )
    loading, validating = taken["loads"] / taken["CSafeLoader"], taken["validate"] / taken["minimal model"]
    return Table(
        f"Reading {len(data):,} sub-configs",
        ["what", "measured (at most)", "times"],
        [
            ["loads: YAML read with positions and validated", _against(loading, 0.4), "`yaml.CSafeLoader` without"],
            ["validate: plain data", _against(validating, 3.0), "a minimal pydantic model"],
            *(
                [
                    f"loads: {notation.upper()} with a misspelt key in each sub-config",
                    _against(taken[f"misspelt {notation}"] / taken[notation], most),
                    "reading without it",
                ]
                for notation, most in (("yaml", 3.0), ("json", 15.0))
            ),
        ],
        f"{len(text) / 1e6:.1f} MB of YAML, medians of {rounds}.",
    )


def _read(text: str, notation: Format) -> object:
    try:
        return cc.loads(text, kind="pruning", format=notation)
    except cc.InvalidConfig as error:
        return error.findings


def memory(layers: int, partial_names: int) -> Table:
    """Return the peak of memory that `resolve` takes above the model (tracemalloc)."""
    pairs = experts(layers)
    rows = []
    for what, make in (("hits", extreme_partial_hits), ("misses", extreme_partial_misses)):
        config_list = cc.validate(make(pairs, partial_names), kind="pruning")
        peak = peak_bytes(partial(_resolved, config_list, pairs, "error"))
        rows.append([f"partial names, all {what}", f"{peak / MIB:.0f} MiB (60 MiB)"])
    pairs = stacked(layers // 5)
    resolution = cc.resolve(in_every_layer(pairs, partial_names // 5), pairs, kind="pruning")
    rows.append(
        ["partial names, each in every layer: `to_dict`", f"{peak_bytes(resolution.to_dict) / MIB:.0f} MiB (60 MiB)"]
    )
    return Table(
        f"Memory of a resolve: {layers:,} layers, {partial_names:,} partial names",
        ["workload", "peak above the model (at most)"],
        rows,
        "From pairs of name and type, so the inventory is part of it; measured by tracemalloc. The last row is of "
        f"{partial_names // 5:,} partial names and {layers // 5:,} layers, already resolved.",
    )


def misspelt(layers: int, names: int) -> Table:
    """Return how long it takes to find `names` misspelt names, nearest names included, as multiples of a walk."""
    pairs = experts(layers)
    linear = [name for name, kind in pairs if kind == "Linear"]
    wrong = [f"{name[:-6]}porj" for name in linear[:: len(linear) // names]][:names]
    data = [{"op_names": [name], "sparsity_per_layer": 0.5} for name in wrong]
    config_list, inventory = cc.validate(data, kind="pruning"), cc.Inventory.from_layers(pairs)
    taken = medians({"check": lambda: cc.check(config_list, inventory)}, 3)
    hints = sum(finding.hint is not None for finding in cc.check(config_list, inventory))
    return Table(
        f"{names:,} misspelt names against {layers:,} layers",
        ["what", "seconds", "findings with a hint"],
        [["check: every name with its nearest ones", f"{taken['check']:.1f}", f"{hints:,}"]],
    )


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it works")
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"of {', '.join(sections())}; all without")
    arguments = parser.parse_args()
    for name, measure in sections(quick=arguments.quick).items():
        if not arguments.sections or name in arguments.sections:
            print(measure().text(), flush=True)
            gc.collect()
    return 0


if __name__ == "__main__":
    sys.exit(main())
