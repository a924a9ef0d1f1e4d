"""Inventories of real torch models: what they are read as, and that the walk is that of torch."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune

from compression_config.errors import InvalidInventory
from compression_config.inventory import Inventory, Layer, as_inventory
from compression_config.inventory.torch_modules import MAX_ALIASES


def read(**modules: nn.Module) -> Inventory:
    """Return the inventory of a model with these modules."""
    return Inventory.from_model(nn.ModuleDict(modules))


# --- the walk


def shared_module() -> nn.Module:
    linear = nn.Linear(2, 2)
    return nn.Sequential(linear, nn.ReLU(), linear)


def shared_container() -> nn.Module:
    block = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU(), nn.Linear(2, 2)))
    return nn.ModuleDict({"a": block, "b": block, "c": nn.ModuleDict({"inner": block[1]})})


def with_empty_places() -> nn.Module:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model.register_module("gap", None)
    model.add_module("last", nn.Module())
    return model


def cycle() -> nn.Module:
    model = nn.ModuleDict({"a": nn.ModuleDict({"b": nn.ModuleDict()})})
    model["a"]["b"]["up"] = model["a"]
    model["a"]["b"]["top"] = model
    model["again"] = model["a"]["b"]
    return model


def doubling(depth: int) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        block: nn.Module = nn.Linear(2, 2)
        for _ in range(depth):
            block = nn.ModuleList([block, block])
        return block

    return build


MODELS = [
    nn.Identity,
    lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.Sequential(nn.ReLU(), nn.Sequential(nn.Linear(2, 3)))),
    lambda: nn.MultiheadAttention(8, 2),
    lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, batch_first=True), 2),
    shared_module,
    shared_container,
    with_empty_places,
    cycle,
    doubling(5),
]


@pytest.mark.parametrize("build", MODELS)
def test_the_layers_are_those_of_named_modules_in_that_order(build: Callable[[], nn.Module]) -> None:
    model = build()
    modules = list(model.named_modules())[1:]
    inventory = Inventory.from_model(model)
    assert list(inventory.names) == [name for name, _ in modules]
    assert list(inventory.types) == [type(module).__name__ for _, module in modules]
    assert inventory.only_root is (not modules)


@pytest.mark.parametrize("build", [model for model in MODELS if model is not cycle])
def test_aliases_are_the_names_that_named_modules_drops(build: Callable[[], nn.Module]) -> None:
    model = build()
    kept = dict(model.named_modules())
    names = {module: name for name, module in kept.items()}
    dropped = {n: names[m] for n, m in model.named_modules(remove_duplicate=False) if n not in kept}
    inventory = Inventory.from_model(model)
    assert {alias: inventory.names[position] for alias, position in inventory.aliases.items()} == dropped
    for alias in dropped:
        assert model.get_submodule(alias) is model.get_submodule(inventory.layer(alias).name)


def test_a_shared_container_gives_aliases_to_all_below_it() -> None:
    """D17 says: 'An alias of a shared module (...) is known to an inventory made from a model'."""
    assert {layer.name: layer.aliases for layer in Inventory.from_model(shared_container()) if layer.aliases} == {
        "a": ("b",),
        "a.0": ("b.0",),
        "a.1": ("b.1", "c.inner"),
        "a.1.0": ("b.1.0", "c.inner.0"),
        "a.1.1": ("b.1.1", "c.inner.1"),
    }


def test_a_module_that_contains_itself_is_not_entered_twice() -> None:
    inventory = Inventory.from_model(cycle())
    assert inventory.names == ("a", "a.b")
    assert dict(inventory.aliases) == {"a.b.up": 0, "again": 1, "again.up": 0, "again.up.b": 1}


def test_doubled_containers_do_not_go_beyond_all_bounds() -> None:
    inventory = Inventory.from_model(doubling(40)())
    assert len(inventory) == 40
    assert len(inventory.aliases) == MAX_ALIASES


class Renamed(nn.Module):
    """Has its own idea of what its modules are called."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(2, 3)

    def named_modules(self, *args: Any, **options: Any) -> Iterator[tuple[str, nn.Module]]:
        for name, module in super().named_modules(*args, **options):
            yield name.replace("inner", "outer"), module


@pytest.mark.parametrize("build", [Renamed, lambda: nn.Sequential(nn.Linear(2, 2), Renamed())])
def test_a_class_that_overrides_named_modules_is_asked(build: Callable[[], nn.Module]) -> None:
    model = build()
    inventory = Inventory.from_model(model)
    assert list(inventory.names) == [name for name, _ in model.named_modules() if name]
    assert any(name.endswith("outer") for name in inventory.names)
    assert inventory.layer(inventory.names[-1]).weight_shape == (3, 2)


def test_modules_that_are_equal_to_one_another_are_the_business_of_torch() -> None:
    class Equal(nn.Linear):
        def __eq__(self, other: object) -> bool:
            return isinstance(other, Equal)

        def __hash__(self) -> int:
            return 1

    model = nn.Sequential(Equal(2, 2), Equal(2, 2))
    assert list(Inventory.from_model(model).names) == [name for name, _ in model.named_modules() if name] == ["0"]


def test_a_scripted_part_of_a_model_is_asked() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        model = nn.Sequential(torch.jit.script(nn.Sequential(nn.Linear(2, 3), nn.ReLU())))
    inventory = Inventory.from_model(model)
    assert list(inventory.names) == [name for name, _ in model.named_modules() if name]
    assert inventory["0.0"].weight_shape == (3, 2)


def test_a_module_without_an_initialized_base_is_refused() -> None:
    class Forgetful(nn.Module):
        def __init__(self) -> None:
            pass

    with pytest.raises(InvalidInventory, match="named_modules"):
        Inventory.from_model(Forgetful())


def test_the_modules_of_a_model_can_be_given_as_pairs() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Embedding(5, 3))
    model.append(nn.Linear(3, 5, bias=False))
    model[3].weight = model[2].weight
    assert as_inventory(model.named_modules()) == Inventory.from_model(model)


# --- weights and parameters


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize(
    ("build", "shape"),
    [
        (lambda: nn.Conv2d(3, 64, 7), (64, 3, 7, 7)),
        (lambda: nn.ConvTranspose1d(3, 5, 2), (3, 5, 2)),
        (lambda: nn.Linear(3, 5), (5, 3)),
        (lambda: nn.Bilinear(2, 3, 4), (4, 2, 3)),
        (lambda: nn.Embedding(10, 3), (10, 3)),
        (lambda: nn.PReLU(4), (4,)),
        (lambda: nn.LayerNorm((2, 3)), (2, 3)),
        (lambda: nn.LayerNorm(3, bias=False), (3,)),
    ],
)
def test_weights_have_the_shape_that_torch_gives_them(
    device: str, build: Callable[[], nn.Module], shape: tuple[int, ...]
) -> None:
    module = build().to(device)
    (layer,) = read(a=module)
    assert layer == Layer(
        name="a",
        type=type(module).__name__,
        weight_shape=shape,
        dtype="float32",
        parameters={name: tuple(parameter.shape) for name, parameter in module.named_parameters()},
        parameter_dtypes={name: "float32" for name, _ in module.named_parameters() if name != "weight"},
    )
    assert layer.numel == module.weight.numel()
    assert type(layer.weight_shape) is tuple


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64, torch.float8_e4m3fn])
def test_the_dtype_is_that_of_the_weight(dtype: torch.dtype) -> None:
    module = nn.Linear(2, 2)
    module.weight = nn.Parameter(module.weight.detach().to(dtype), requires_grad=False)
    assert f"torch.{read(a=module)[0].dtype}" == str(dtype)


@pytest.mark.parametrize(
    "module",
    [
        pytest.param(nn.BatchNorm2d(3, affine=False), id="norm-without-affine"),
        pytest.param(nn.LayerNorm(3, elementwise_affine=False), id="norm-without-weight"),
        pytest.param(nn.ReLU(), id="activation"),
        pytest.param(nn.Sequential(), id="container"),
        pytest.param(nn.CrossEntropyLoss(), id="buffer-that-is-none"),
    ],
)
def test_a_weight_that_is_none_or_missing_is_no_weight(module: nn.Module) -> None:
    (layer,) = read(a=module)
    assert (layer.has_weight, layer.weight_shape, layer.numel, dict(layer.parameters)) == (False, None, None, {})


def test_parameters_of_other_names_are_listed_and_are_no_weight() -> None:
    attention, recurrent = nn.MultiheadAttention(8, 2), nn.LSTM(3, 4)
    inventory = read(attention=attention, recurrent=recurrent)
    layer = inventory.layer("attention")
    assert layer.has_weight is False
    assert layer.parameters == {"in_proj_weight": (24, 8), "in_proj_bias": (24,)}
    assert inventory.layer("attention.out_proj").type == "NonDynamicallyQuantizableLinear"
    assert inventory.layer("attention.out_proj").weight_shape == (8, 8)
    assert inventory.layer("recurrent").parameters == {n: tuple(p.shape) for n, p in recurrent.named_parameters()}


def test_a_lazy_module_has_a_weight_of_unknown_shape_until_it_is_used() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torch says of each lazy module that it is new
        model = nn.Sequential(nn.LazyLinear(4), nn.LazyBatchNorm1d())
    linear, norm = Inventory.from_model(model)
    assert (linear.type, linear.has_weight, linear.weight_shape, linear.numel) == ("LazyLinear", True, None, None)
    assert linear.parameters == {"weight": None, "bias": None}
    assert (norm.has_weight, norm.numel) == (True, None)
    model(torch.zeros(2, 3))
    assert [layer.weight_shape for layer in Inventory.from_model(model)] == [(4, 3), (4,)]


def test_a_pruned_module_keeps_its_weight() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 5, bias=False))
    before = Inventory.from_model(model)
    prune.l1_unstructured(model[0], "weight", amount=0.5)
    prune.ln_structured(model[1], "weight", amount=0.5, n=2, dim=0)
    pruned = Inventory.from_model(model)
    assert [layer.weight_shape for layer in pruned] == [layer.weight_shape for layer in before]
    assert [layer.dtype for layer in pruned] == ["float32", "float32"]
    assert pruned[0].parameters == {"bias": (4,), "weight_orig": (4, 3)}
    prune.remove(model[0], "weight")
    prune.remove(model[1], "weight")
    assert Inventory.from_model(model) == before


def test_weights_that_are_tied_stay_so_when_they_are_pruned() -> None:
    model = nn.Sequential(nn.Embedding(5, 3), nn.Linear(3, 5))
    model[1].weight = model[0].weight
    prune.l1_unstructured(model[1], "weight", amount=0.5)
    assert Inventory.from_model(model).ties == ((0, 1),)


class Doubled(nn.Module):
    """A parametrization that changes the shape, which torch allows where it is told to."""

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return torch.cat([weight, weight])


class Sum(nn.Module):
    """A parametrization that makes one weight of two tensors."""

    def forward(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        return left + right

    def right_inverse(self, weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return weight / 2, weight / 2


class Forbidden(nn.Module):
    """A parametrization that nobody may compute."""

    def __init__(self) -> None:
        super().__init__()
        self.allowed = True

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        assert self.allowed
        return weight


def old_weight_norm(module: nn.Module) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return nn.utils.weight_norm(module)


@pytest.mark.parametrize(
    ("change", "shape"),
    [
        pytest.param(parametrizations.weight_norm, (4, 3), id="weight_norm"),
        pytest.param(parametrizations.orthogonal, (4, 3), id="orthogonal"),
        pytest.param(parametrizations.spectral_norm, (4, 3), id="spectral_norm"),
        pytest.param(old_weight_norm, (4, 3), id="older-weight_norm"),
        pytest.param(nn.utils.spectral_norm, (4, 3), id="older-spectral_norm"),
        pytest.param(lambda m: parametrize.register_parametrization(m, "bias", nn.Identity()), (4, 3), id="of-bias"),
        pytest.param(
            lambda m: parametrize.register_parametrization(m, "weight", Doubled(), unsafe=True), None, id="unsafe"
        ),
        pytest.param(lambda m: parametrize.register_parametrization(m, "weight", Sum()), None, id="of-two-tensors"),
    ],
)
def test_a_parametrized_weight_is_a_weight(change: Callable[[Any], Any], shape: tuple[int, ...] | None) -> None:
    model = nn.Sequential(nn.Linear(3, 4))
    change(model[0])
    layer = Inventory.from_model(model).layer("0")
    assert (layer.has_weight, layer.weight_shape) == (True, shape)
    assert shape in (None, tuple(model[0].weight.shape))


def test_reading_a_parametrized_weight_computes_nothing() -> None:
    model = nn.Sequential(nn.Linear(3, 4))
    parametrize.register_parametrization(model[0], "weight", Forbidden())
    model[0].parametrizations["weight"][0].allowed = False
    layer = Inventory.from_model(model).layer("0")
    assert (layer.type, layer.weight_shape, layer.dtype) == ("ParametrizedLinear", (4, 3), "float32")


def test_a_weight_that_is_a_method_is_none() -> None:
    class Quantized(nn.Module):
        def weight(self) -> torch.Tensor:
            return torch.zeros(3)

    assert read(a=Quantized())[0].has_weight is False


def test_a_weight_that_is_a_property_is_looked_at() -> None:
    class Wrapper(nn.Module):
        def __init__(self, base: nn.Module) -> None:
            super().__init__()
            self.base = base

        @property
        def weight(self) -> torch.Tensor:
            return self.base.weight

    inventory = read(a=Wrapper(nn.Linear(2, 3)), b=Wrapper(nn.ReLU()))
    assert inventory.layer("a").weight_shape == (3, 2)
    assert inventory.ties == ((inventory.position("a"), inventory.position("a.base")),)
    assert inventory.layer("b").has_weight is False


def test_a_wrapper_that_forwards_attributes_has_no_weight_for_it() -> None:
    class Forwarding(nn.Module):
        def __init__(self, base: nn.Module) -> None:
            super().__init__()
            self.base = base

        def __getattr__(self, name: str) -> Any:
            try:
                return super().__getattr__(name)
            except AttributeError:
                return getattr(super().__getattr__("base"), name)

    inventory = read(a=Forwarding(nn.Linear(2, 3)))
    assert [layer.has_weight for layer in inventory] == [False, True]


def test_a_buffer_called_weight_is_a_weight() -> None:
    module = nn.Module()
    module.register_buffer("weight", torch.zeros(2, 3, dtype=torch.int8))
    (layer,) = read(a=module)
    assert (layer.weight_shape, layer.dtype, dict(layer.parameters)) == ((2, 3), "int8", {})
    module.weight = nn.parameter.UninitializedBuffer()
    (layer,) = read(a=module)
    assert (layer.has_weight, layer.weight_shape, dict(layer.parameters)) == (True, None, {})


# --- ties


def test_one_parameter_in_two_layers_ties_them() -> None:
    for device in ("cpu", "meta"):
        with torch.device(device):
            model = nn.Sequential(nn.Embedding(5, 3), nn.Linear(3, 5), nn.Linear(3, 5))
        model[2].weight = model[0].weight
        inventory = Inventory.from_model(model)
        assert inventory.ties == ((0, 2),)
        assert inventory[2].tied_to == "0"


def test_two_parameters_of_one_storage_tie_their_layers() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 2))
    model[1].weight = nn.Parameter(model[0].weight.detach())
    model[2].weight = nn.Parameter(model[0].weight.detach()[:2])
    assert Inventory.from_model(model).ties == ((0, 1),)


def test_a_weight_that_has_no_address_is_known_by_identity() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2))
    model[1].weight = model[2].weight = nn.Parameter(torch.eye(2).to_sparse())
    inventory = Inventory.from_model(model)
    assert inventory.ties == ((1, 2),)
    assert inventory[1].weight_shape == (2, 2)


def test_weights_without_elements_are_not_tied() -> None:
    model = nn.Sequential(nn.Linear(1, 3), nn.Linear(1, 3))
    for linear in model:
        linear.weight = nn.Parameter(torch.empty(3, 0))
    assert Inventory.from_model(model).ties == ()


# --- files


@pytest.mark.parametrize("build", MODELS)
@pytest.mark.parametrize("ending", ["json", "yaml.gz"])
def test_the_saved_inventory_is_that_of_the_live_model(
    build: Callable[[], nn.Module], ending: str, tmp_path: Path
) -> None:
    inventory = Inventory.from_model(build())
    inventory.save(tmp_path / f"model.{ending}")
    loaded = Inventory.load(tmp_path / f"model.{ending}")
    assert loaded == inventory
    assert (loaded.model, loaded.only_root) == (inventory.model, inventory.only_root)


# --- models of transformers

SIZES = {"num_hidden_layers": 2, "hidden_size": 32, "num_attention_heads": 4, "intermediate_size": 64, "vocab_size": 99}
MOE = {**SIZES, "num_key_value_heads": 2, "num_local_experts": 4}

TRANSFORMERS: dict[str, Callable[[], nn.Module]] = {
    "bert": lambda: transformers.BertForMaskedLM(transformers.BertConfig(**SIZES)),
    "resnet": lambda: transformers.ResNetForImageClassification(transformers.ResNetConfig(num_labels=1000)),
    "llama": lambda: transformers.LlamaForCausalLM(transformers.LlamaConfig(**SIZES, tie_word_embeddings=True)),
    "mixtral": lambda: transformers.MixtralForCausalLM(transformers.MixtralConfig(**MOE)),
    "mixtral-8x7b": lambda: transformers.MixtralForCausalLM(transformers.MixtralConfig()),
}


# The weights of the last one would take 190 GB.
ON_DEVICES = [*((name, "meta") for name in TRANSFORMERS), *((name, "cpu") for name in list(TRANSFORMERS)[:-1])]


@pytest.mark.parametrize(("name", "device"), ON_DEVICES)
def test_models_of_transformers_are_read_whole(name: str, device: str, tmp_path: Path) -> None:
    with torch.device(device):
        model = TRANSFORMERS[name]()
    modules = dict(model.named_modules())
    inventory = Inventory.from_model(model)
    assert list(inventory.names) == list(modules)[1:]
    for layer in inventory:
        module = modules[layer.name]
        own = dict(module.named_parameters(recurse=False, remove_duplicate=False))
        assert layer.type == type(module).__name__
        assert layer.parameters == {name: tuple(parameter.shape) for name, parameter in own.items()}
        assert layer.has_weight is ("weight" in own)
        assert layer.numel == (own["weight"].numel() if "weight" in own else None)
    for ending in ("json.gz", "yaml"):
        inventory.save(tmp_path / f"model.{ending}")
        assert Inventory.load(tmp_path / f"model.{ending}") == inventory


@pytest.mark.parametrize(
    ("name", "tied"),
    [
        ("bert", [("bert.embeddings.word_embeddings", "cls.predictions.decoder")]),
        ("llama", [("model.embed_tokens", "lm_head")]),
        ("mixtral", []),
    ],
)
def test_models_of_transformers_tie_their_heads(name: str, tied: list[tuple[str, ...]]) -> None:
    with torch.device("meta"):
        inventory = Inventory.from_model(TRANSFORMERS[name]())
    assert [tuple(inventory.names[position] for position in tie) for tie in inventory.ties] == tied


def test_fused_experts_have_parameters_and_no_weight() -> None:
    with torch.device("meta"):
        inventory = Inventory.from_model(TRANSFORMERS["mixtral"]())
    experts = inventory.layer("model.layers.1.mlp.experts")
    assert (experts.type, experts.has_weight, experts.numel) == ("MixtralExperts", False, None)
    assert experts.parameters == {"gate_up_proj": (4, 128, 32), "down_proj": (4, 32, 64)}


def test_the_example_inventories_are_those_of_the_live_models() -> None:
    script = Path(__file__).parents[2] / "examples" / "inventories" / "make_inventories.py"
    result = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert "differs" not in result.stdout
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) == 8
