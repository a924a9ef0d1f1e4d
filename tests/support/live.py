"""Models of torch with given names and types, on the meta device: for tests against engines."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from nasty import NASTY
from torch import nn

__all__ = ["live_model", "nasty_model"]


def live_model(layers: Mapping[str, str], *, device: str = "meta") -> nn.Module:
    """Return a model with these layers; containers between them are made as needed, whatever the names are."""
    root = nn.Module()
    with torch.device(device):
        for name, kind in layers.items():
            parent, _, last = name.rpartition(".")
            _add(_container(root, parent), last, _module(kind))
    return root


def _container(root: nn.Module, path: str) -> nn.Module:
    module = root
    for part in path.split(".") if path else ():
        if part not in dict(module.named_children()):
            _add(module, part, nn.Module())
        module = dict(module.named_children())[part]
    return module


def _add(parent: nn.Module, name: str, module: nn.Module) -> None:
    # Past the check of names, which refuses those of attributes.
    parent.__dict__["_modules"][name] = module


def _module(kind: str) -> nn.Module:
    if kind == "Linear":
        return nn.Linear(8, 4, bias=False)
    if kind == "Embedding":
        return nn.Embedding(5, 8)
    if kind == "Conv2d":
        return nn.Conv2d(2, 4, 3)
    if kind == "LayerNorm":
        return nn.LayerNorm(4)
    if kind == "ReLU":
        return nn.ReLU()
    return type(kind, (nn.Module,), {})()


def nasty_model(*, device: str = "meta") -> nn.Module:
    """Return the model of the nasty names."""
    return live_model(NASTY, device=device)
