"""Models of torch with given names and types, on the meta device: for tests against engines."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from nasty import NASTY
from torch import nn

__all__ = ["live_model", "nasty_model"]


def live_model(layers: Mapping[str, str], *, device: str = "meta", linear: tuple[int, int] = (8, 4)) -> nn.Module:
    """Return a model with these layers; containers between them are made as needed, whatever the names are.

    `linear` has the numbers of inputs and outputs of linear layers.
    """
    root = nn.Module()
    with torch.device(device):
        for name, kind in layers.items():
            parent, _, last = name.rpartition(".")
            _children(_container(root, parent))[last] = _module(kind, linear)
    return root


def _container(root: nn.Module, path: str) -> nn.Module:
    module = root
    for part in path.split(".") if path else ():
        children = _children(module)
        if part not in children:
            children[part] = nn.Module()
        module = children[part]
    return module


def _children(module: nn.Module) -> dict[str, nn.Module]:
    """Return the children of a module as they are kept: past the check of names, which refuses those of attributes."""
    children: dict[str, nn.Module] = module.__dict__["_modules"]
    return children


def _module(kind: str, linear: tuple[int, int]) -> nn.Module:
    if kind == "Linear":
        return nn.Linear(*linear, bias=False)
    if kind == "Embedding":
        return nn.Embedding(5, 8)
    if kind == "Conv2d":
        return nn.Conv2d(2, 4, 3)
    if kind == "LayerNorm":
        return nn.LayerNorm(4)
    if kind == "ReLU":
        return nn.ReLU()
    return type(kind, (nn.Module,), {})()


def nasty_model(*, device: str = "meta", linear: tuple[int, int] = (8, 4)) -> nn.Module:
    """Return the model of the nasty names."""
    return live_model(NASTY, device=device, linear=linear)
