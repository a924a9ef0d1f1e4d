"""Wrapped torch models: resolved, compressed and verified like the bare one (D19)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper
from torch.nn.utils import parametrizations, parametrize, prune

import compression_config as cc

# torch.compile and torch.jit use what torch deprecates.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

LIST: list[dict[str, Any]] = [
    {"op_types": ["Linear"], "sparsity_per_layer": 0.5},
    {"op_partial_names": ["mod"], "op_types": ["Linear"], "total_sparsity": 0.25},
    {"op_names": ["head"], "exclude": True},
]


class Net(nn.Module):
    """A model with a shared module, tied parameters and parameters of the root."""

    def __init__(self) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.zeros(3))
        self.embed = nn.Embedding(10, 8)
        self.mod = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8))
        self.again = self.mod
        self.head = nn.Linear(8, 10)
        self.head.weight = self.embed.weight
        self.bias = nn.Parameter(torch.zeros(10))
        self.head.bias = self.bias


def with_checkpoints(model: Net) -> nn.Module:
    model.mod = model.again = checkpoint_wrapper(model.mod)
    model.head = checkpoint_wrapper(model.head)
    return model


def with_compiled_parts(model: Net) -> nn.Module:
    model.mod = model.again = torch.compile(model.mod)
    model.head = nn.DataParallel(model.head)
    return model


class FullyShardedDataParallel(nn.Module):
    """What the class of torch looks like from outside: it needs a process group."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self._fsdp_wrapped_module = module


class OurParallel(nn.DataParallel[nn.Module]):
    """A subclass of a wrapper."""


WRAPPERS: dict[str, Callable[[Any], nn.Module]] = {
    "data-parallel": nn.DataParallel,
    "subclass": OurParallel,
    "compiled": torch.compile,
    "both": lambda model: torch.compile(nn.DataParallel(model)),
    "the-other-way": lambda model: nn.DataParallel(torch.compile(model)),
    "checkpoints": with_checkpoints,
    "compiled-parts": with_compiled_parts,
    "sharded": FullyShardedDataParallel,
}


@pytest.fixture(params=list(WRAPPERS.values()), ids=list(WRAPPERS))
def wrapped(request: pytest.FixtureRequest) -> Any:
    return request.param(Net())


def test_its_inventory_is_that_of_the_bare_model(wrapped: nn.Module) -> None:
    bare, inventory = cc.Inventory.from_model(Net()), cc.Inventory.from_model(wrapped)
    assert inventory == bare
    assert (inventory.model, inventory.root, inventory.bases) == (bare.model, bare.root, bare.bases)
    assert dict(inventory.aliases) == dict(bare.aliases)


def test_pairs_of_it_are_those_of_the_bare_model(wrapped: nn.Module) -> None:
    pairs = cc.Inventory.from_layers(wrapped.named_modules())
    if not any(isinstance(module, nn.DataParallel) and name for name, module in wrapped.named_modules()):
        assert pairs.names == cc.Inventory.from_model(Net()).names


def test_a_list_for_the_bare_model_is_applied_and_verified(wrapped: nn.Module) -> None:
    bare, resolution = cc.resolve(LIST, Net()), cc.resolve(LIST, wrapped)
    assert resolution.fingerprint == bare.fingerprint
    assert resolution.findings == bare.findings
    for name, count in resolution.budget.allocate().items():
        prune.l1_unstructured(wrapped.get_submodule(name), "weight", amount=count)
    for name in resolution.prunable:
        assert type(wrapped.get_submodule(name)).__name__ == resolution[name].layer.type
    for one in (bare, resolution):
        for weights in (wrapped, wrapped.state_dict()):
            verification = cc.verify(one, weights)
            assert verification.findings == ()
            assert [row.masked for row in verification.layers if row.status == "compressed"] == [16, 16]


def test_all_parameters_are_counted_once(wrapped: nn.Module) -> None:
    model = cc.resolve(LIST, wrapped).budget.model
    assert model.parameters == sum(parameter.numel() for parameter in wrapped.parameters())
    assert model.bytes_before == 4 * (model.parameters or 0)


PARAMETRIZED: dict[str, Callable[[nn.Module], object]] = {
    "weight-norm": parametrizations.weight_norm,
    "old-weight-norm": nn.utils.weight_norm,
    "spectral-norm": parametrizations.spectral_norm,
    "old-spectral-norm": nn.utils.spectral_norm,
    "orthogonal": parametrizations.orthogonal,
    "pruned": lambda module: prune.l1_unstructured(module, "weight", amount=0.5),
    "pruned-bias": lambda module: prune.l1_unstructured(module, "bias", amount=0.5),
    "bias": lambda module: parametrize.register_parametrization(module, "bias", nn.Tanh()),
}


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("change", PARAMETRIZED.values(), ids=PARAMETRIZED)
def test_parametrizations_are_counted_once(change: Callable[[nn.Module], object]) -> None:
    """N-D11: 136 parameters are 136, not 200."""
    model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8, bias=False))
    change(model[0])
    budget = cc.resolve([{"op_types": ["Linear", "ParametrizedLinear"], "sparsity_per_layer": 0.5}], model).budget.model
    assert budget.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert (budget.reachable, budget.numel) == (128, 128)


def test_a_parametrized_layer_is_said_to_be_left_out() -> None:
    model = nn.Sequential(parametrizations.weight_norm(nn.Linear(8, 8)), nn.Linear(8, 8))
    findings = cc.check([{"op_types": ["Linear"], "sparsity_per_layer": 0.5}], model)
    assert [finding.message for finding in findings if finding.code == "subclass-not-selected"] == [
        "1 layer of ParametrizedLinear, a subclass of Linear, is not selected"
    ]


def test_attention_is_said_to_be_left_out() -> None:
    model = nn.Sequential(*(nn.MultiheadAttention(8, 2) for _ in range(12)), nn.Linear(8, 8))
    findings = cc.check([{"op_types": ["Linear"], "sparsity_per_layer": 0.5}], model)
    assert [finding.message for finding in findings] == [
        "no sub-config selects 12 MultiheadAttention (73.5 %), which hold 2,592 of all 3,528 parameters",
        "12 layers of NonDynamicallyQuantizableLinear, a subclass of Linear, are not selected",
    ]


@pytest.mark.parametrize("make", [torch.jit.script, lambda model: torch.jit.trace(model, torch.zeros(1, 4))])
def test_a_scripted_model_is_told_what_to_pass(make: Callable[[nn.Module], Any]) -> None:
    with pytest.raises(cc.InvalidInventory) as caught:
        cc.resolve(LIST, make(nn.Sequential(nn.Linear(4, 4))))
    assert str(caught.value) == (
        "a scripted model does not have the types of its layers (pass the model that torch.jit.script or "
        "torch.jit.trace was given)"
    )


def test_a_state_dict_is_told_what_to_pass() -> None:
    with pytest.raises(cc.InvalidInventory, match="a state dict is not a model"):
        cc.resolve(LIST, Net().state_dict())
