"""Models of torch with given names and types, on the meta device: for tests against engines."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import torch
from nasty import NASTY
from torch import nn

import compression_config as cc

__all__ = [
    "example_inputs",
    "filled_model",
    "inventory",
    "live_model",
    "nasty_model",
    "resolved",
    "running_model",
]


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


@functools.cache
def inventory() -> cc.Inventory:
    """Return the inventory of the model of the nasty names."""
    return cc.Inventory.from_model(nasty_model())


def resolved(config: Any, kind: Any = "quantization", *, model: Any = None) -> cc.Resolution[Any]:
    """Return what a list makes of that model, or of another one; elements may select nothing."""
    resolution: cc.Resolution[Any] = cc.resolve(
        config, inventory() if model is None else model, unmatched="ignore", kind=kind
    )
    return resolution


def running_model(layers: Mapping[str, str] = NASTY) -> nn.Module:
    """Return a model on the CPU that runs each of its layers once; linear ones all take the same tensor."""
    model = live_model(layers, device="cpu")
    called = [(_submodule(model, name), kind) for name, kind in layers.items()]

    def forward(_: nn.Module, values: torch.Tensor, indices: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        taken = {"Embedding": indices, "Conv2d": image, "LayerNorm": values[:, :4]}
        total = torch.zeros(())
        for module, kind in called:
            if type(module).forward is not nn.Module.forward:
                total = total + module(taken.get(kind, values)).sum()
        return total

    model.__class__ = type("Running", (nn.Module,), {"forward": forward})
    return model


def example_inputs() -> tuple[torch.Tensor, ...]:
    """Return what a running model takes."""
    generator = torch.Generator().manual_seed(0)
    values = torch.rand(3, 8, generator=generator) - 0.4
    return values, torch.tensor([1, 2, 4]), torch.rand(1, 2, 4, 4, generator=generator)


def _submodule(root: nn.Module, name: str) -> nn.Module:
    for part in name.split("."):
        root = _children(root)[part]
    return root


def filled_model(model: nn.Module) -> nn.Module:
    """Return `model` with weights no two elements of which are as far from zero."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randperm(parameter.numel()).reshape(parameter.shape) + 1.0)
    return model
