"""Us and other libraries on the same models and equivalent selections in one run; the answers have to agree.

    NNI_WHEEL=nni-3.0-py3-none-manylinux1_x86_64.whl python tests/benchmarks/compare_peers.py
    ... compare_peers.py --quick      on a small model only

Needs torch, compressed-tensors, torchao, nvidia-modelopt (and requests, which it does not declare), schema, and the
wheel of NNI 3.0 (`pip download --no-deps nni==3.0`). The table gives multiples of `list(model.named_modules())`;
`~` marks what is extrapolated from a part of the work.
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib.metadata import version

from measuring import medians
from models import bert_like, deepseek_like, kimi_like
from peers import PEERS, Choice, Outcome, Peer
from tables import Table, times
from torch import nn
from workloads import WORKLOADS, ConfigData, NamesAndTypes

import compression_config as cc

__all__ = ["tables"]

MODELS: Mapping[str, Callable[[], nn.Module]] = {
    "DeepSeek-V3-like": deepseek_like,
    "Kimi-K2-like": kimi_like,
    "BERT-base-like": bert_like,
}
ORDER = ("type", "part", "name")


def choices_of(data: ConfigData) -> list[Choice]:
    """Return the selection of a workload as every peer can say it: one element a choice, types, parts, then names.

    torchao lets exact names win wherever they stand, and none of the peers joins a type with a name; for the layers
    that are compared, which are all Linear, a type beside a name says nothing. What repeats an earlier choice is left
    out: targets and patterns are keys of a mapping in two of the peers.
    """
    choices: dict[Choice, None] = {}
    for config in data:
        if "op_names" not in config and "op_partial_names" not in config:
            choices.update((Choice("type", kind), None) for kind in config["op_types"])
        choices.update((Choice("part", part), None) for part in config.get("op_partial_names", ()))
        choices.update((Choice("name", name), None) for name in config.get("op_names", ()))
    return sorted(choices, key=lambda choice: ORDER.index(choice.by))


def config_list_of(choices: Sequence[Choice]) -> cc.PruningConfigList:
    """Return the same selection as our config list."""
    keys = {"type": "op_types", "part": "op_partial_names", "name": "op_names"}
    return cc.validate(
        [{keys[choice.by]: [choice.text], "sparsity_per_layer": 0.5} for choice in choices], kind="pruning"
    )


def check(peer: Peer, outcome: Outcome, choices: Sequence[Choice], model: nn.Module, linear: set[str]) -> None:
    """Raise `AssertionError` unless a peer's answer for the Linear layers that it was asked about is ours."""
    own = cc.resolve(config_list_of([choices[place] for place in outcome.choices]), model, unmatched="ignore")
    for name in linear.intersection(outcome.layers):
        index = own[name].index
        ours = None if index is None else outcome.choices[index]
        theirs = outcome.decided_by.get(name)
        assert theirs == ours, f"{peer.name}: {name} goes to {theirs}, and here to {ours}"


def tables(*, quick: bool = False) -> Iterator[Table]:
    """Yield a table for each model."""
    peers = [make() for make in PEERS.values()]
    for title, make in MODELS.items():
        if not quick or make is bert_like:
            yield _compared(title, make(), peers)
            gc.collect()


def _compared(title: str, model: nn.Module, peers: Sequence[Peer]) -> Table:
    layers: NamesAndTypes = [(name, type(module).__name__) for name, module in model.named_modules() if name]
    linear = {name for name, kind in layers if kind == "Linear"}
    workloads = {name: choices for name, make in WORKLOADS.items() if (choices := choices_of(make(layers)))}
    rows: dict[str, list[str]] = {f"{peer.name}, {version_of(peer)}": [] for peer in peers}
    ours: list[str] = []
    for choices in workloads.values():
        config_list = config_list_of(choices)
        taken = medians(
            {
                "walk": lambda: list(model.named_modules()),
                "resolve": partial(cc.resolve, config_list, model, unmatched="ignore"),
            }
        )
        for row, peer in zip(rows.values(), peers, strict=True):
            outcome = peer.outcome(model, choices)
            check(peer, outcome, choices, model, linear)
            row.append(f"{'~' if outcome.extrapolated else ''}{times(outcome.seconds / taken['walk'])}")
        ours.append(f"**{times(taken['resolve'] / taken['walk'])}**")
    header = [f"{name} ({len(choices):,})" for name, choices in workloads.items()]
    return Table(
        f"Peers: {title}, {len(layers):,} layers",
        ["selection by", *header],
        [*([name, *cells] for name, cells in rows.items()), ["**compression-config resolve**", *ours]],
        "Multiples of `list(model.named_modules())` in the same run; `~` is extrapolated from a part of the work. In "
        "brackets the number of selector elements. The answers agree on every Linear layer that was asked about.",
    )


def version_of(peer: Peer) -> str:
    """Return the version of a peer."""
    return "3.0" if peer.distribution == "nni" else version(peer.distribution)


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a small model only, to see that it works")
    for table in tables(quick=parser.parse_args().quick):
        print(table.text(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
