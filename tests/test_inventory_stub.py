"""Inventories of models that are stored as torch stores them, without torch; `tests/interop` has them with torch."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import pytest
import torch_stub
from torch_stub import Module, Parameter

import compression_config as cc


@pytest.fixture(autouse=True)
def torch_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", torch_stub.stub())


class Linear(Module):
    def __init__(self, inputs: int = 3, outputs: int = 2, *, bias: bool = True) -> None:
        super().__init__(weight=Parameter(outputs, inputs), bias=Parameter(outputs) if bias else None)


class ReLU(Module):
    pass


class Block(Module):
    pass


def names_and_aliases(model: Module) -> dict[str, tuple[str, ...]]:
    """Return the name of each layer with its aliases, and check that the layers are those of `named_modules()`."""
    inventory = cc.Inventory.from_model(model)
    assert list(inventory.names) == [name for name, _ in model.named_modules() if name]
    assert list(inventory.types) == [type(module).__name__ for name, module in model.named_modules() if name]
    return {layer.name: layer.aliases for layer in inventory}


# --- The walk


def test_layers_come_in_the_order_of_the_model() -> None:
    model = Block(a=Block(b=Linear(), c=ReLU()), d=Linear())
    model._modules["gap"] = None
    assert list(names_and_aliases(model)) == ["a", "a.b", "a.c", "d"]


def test_a_shared_container_gives_aliases_to_all_below_it() -> None:
    block = Block(x=Linear(), y=ReLU())
    block._modules["gap"] = None
    assert names_and_aliases(Block(a=block, b=block)) == {"a": ("b",), "a.x": ("b.x",), "a.y": ("b.y",)}


def test_a_module_that_contains_itself_is_not_entered_twice() -> None:
    model = Block(a=Block(b=Block()))
    inner = model._modules["a"]
    assert inner is not None
    inner._modules["up"] = inner
    inner._modules["top"] = model
    assert names_and_aliases(model) == {"a": ("a.up",), "a.b": ()}


class Renamed(Module):
    def named_modules(self, memo: set[Module] | None = None, prefix: str = "") -> Iterator[tuple[str, Module]]:
        for name, module in super().named_modules(memo, prefix):
            yield name.replace("inner", "outer"), module


@pytest.mark.parametrize(
    "model", [Renamed(inner=Linear()), Block(a=Renamed(inner=Linear()))], ids=["the-root", "a-layer"]
)
def test_a_class_that_overrides_named_modules_is_asked(model: Module) -> None:
    *_, name = names_and_aliases(model)
    assert name.endswith("outer")


def test_a_scripted_model_is_asked() -> None:
    class Scripted(Module):
        __module__ = "torch.jit._script"

        def __init__(self) -> None:  # its children are not in `_modules`
            super().__init__()

        def named_modules(self, memo: object = None, prefix: str = "") -> Iterator[tuple[str, Module]]:  # noqa: ARG002
            yield "", self
            yield "hidden", Linear()

    (layer,) = cc.Inventory.from_model(Scripted())
    assert (layer.name, layer.weight_shape) == ("hidden", (2, 3))


def test_a_module_without_an_initialized_base_is_refused() -> None:
    class Forgetful(Module):
        def __init__(self) -> None:
            pass

    with pytest.raises(cc.InvalidInventory, match=r"^named_modules\(\) of 'Forgetful' failed: "):
        cc.Inventory.from_model(Forgetful())


# --- Weights and parameters


def without_weight_parameter(**parameters: Parameter) -> Linear:
    """Return a module whose parameters are its bias and `parameters`."""
    module = Linear()
    del module._parameters["weight"]
    module._parameters.update(parameters)
    return module


def pruned() -> Module:
    module = without_weight_parameter(weight_orig=Parameter(2, 3))
    vars(module)["weight"] = Parameter(2, 3)
    return module


def frozen(weight: Parameter) -> Module:
    module = without_weight_parameter()
    module._buffers["weight"] = weight
    return module


def parametrized(*steps: Module, unsafe: bool = False, **originals: Parameter) -> Module:
    of_weight = Module(**originals, **{str(number): step for number, step in enumerate(steps)})
    vars(of_weight)["unsafe"] = unsafe
    module = without_weight_parameter()
    module._modules["parametrizations"] = Module(weight=of_weight)
    return module


class _WeightNorm(Module):
    """Named and placed as torch's own, by which it is known."""

    __module__ = "torch.nn.utils.parametrizations"


class Lazy(Parameter):
    """A parameter that has no shape until the model has run once."""

    @property
    def shape(self) -> tuple[int, ...]:
        raise RuntimeError("no shape yet")

    @shape.setter
    def shape(self, value: object) -> None:
        pass


class Computed(Module):
    """Has a weight that is computed when it is asked for."""

    @property
    def weight(self) -> Parameter:
        return Parameter(5, 7)


class Method(Module):
    """Has a weight that is a method, as modules converted by torch.ao do."""

    def weight(self) -> Parameter:
        return Parameter(5, 7)


class Failing(Module):
    @property
    def weight(self) -> Parameter:
        raise RuntimeError("not on this device")


@pytest.mark.parametrize(
    ("build", "has_weight", "shape"),
    [
        pytest.param(Linear, True, (2, 3), id="a-parameter"),
        pytest.param(lambda: Linear(bias=False), True, (2, 3), id="without-bias"),
        pytest.param(ReLU, False, None, id="no-parameters"),
        pytest.param(lambda: Module(in_proj=Parameter(8, 2)), False, None, id="parameters-of-other-names"),
        pytest.param(lambda: Module(weight=None, bias=None), False, None, id="a-weight-that-is-none"),
        pytest.param(lambda: Module(weight=Lazy()), True, None, id="lazy"),
        pytest.param(lambda: Module(weight=Parameter(-1)), True, None, id="an-impossible-shape"),
        pytest.param(pruned, True, (2, 3), id="an-attribute-as-pruning-leaves-it"),
        pytest.param(lambda: frozen(Parameter(2, 3)), True, (2, 3), id="a-buffer"),
        pytest.param(lambda: frozen(Lazy()), True, None, id="a-lazy-buffer"),
        pytest.param(Computed, True, (5, 7), id="a-property"),
        pytest.param(Method, False, None, id="a-method"),
        pytest.param(Failing, None, None, id="a-property-that-fails"),
        pytest.param(lambda: parametrized(Module(), original=Parameter(4, 3)), True, (4, 3), id="parametrized"),
        pytest.param(
            lambda: parametrized(Module(), unsafe=True, original=Parameter(4, 3)), True, None, id="parametrized-unsafe"
        ),
        pytest.param(
            lambda: parametrized(Module(), original0=Parameter(4, 3), original1=Parameter(4, 3)),
            True,
            None,
            id="parametrized-of-two-tensors",
        ),
        pytest.param(
            lambda: parametrized(_WeightNorm(), unsafe=True, original0=Parameter(4, 1), original1=Parameter(4, 3)),
            True,
            (4, 3),
            id="weight-norm",
        ),
    ],
)
def test_a_weight_is_read_where_torch_stores_it(
    build: Callable[[], Module], has_weight: bool | None, shape: tuple[int, ...] | None
) -> None:
    """A second module of the same class and shape is read a shorter way, to the same result."""
    layers = cc.Inventory.from_model(Block(a=build(), b=build()))
    for layer in (layers.layer("a"), layers.layer("b")):
        assert (layer.has_weight, layer.weight_shape) == (has_weight, shape)


def test_own_parameters_are_those_that_are_there() -> None:
    layers = cc.Inventory.from_model(Block(a=Linear(), b=Linear(), c=pruned(), d=Linear(bias=False), e=ReLU()))
    assert {layer.name: layer.parameters for layer in layers} == {
        "a": {"weight": (2, 3), "bias": (2,)},
        "b": {"weight": (2, 3), "bias": (2,)},
        "c": {"bias": (2,), "weight_orig": (2, 3)},
        "d": {"weight": (2, 3)},
        "e": {},
    }
    assert layers.layer("a").dtype == "float32"


def test_a_weight_of_a_type_without_a_name_has_no_dtype() -> None:
    class Nameless:
        def __str__(self) -> str:
            raise RuntimeError("no name")

    module = Linear()
    vars(module._parameters["weight"])["dtype"] = Nameless()
    (layer,) = cc.Inventory.from_model(Block(a=module))
    assert (layer.weight_shape, layer.dtype) == ((2, 3), None)


def test_weights_at_one_address_are_tied_unless_their_shapes_differ() -> None:
    def at(address: int, *shape: int) -> Module:
        return Module(weight=Parameter(*shape, address=address))

    model = Block(a=at(64, 4, 3), b=at(64, 4, 3), c=at(64, 2, 3), d=at(128, 4, 3), e=at(0, 4, 3), f=at(0, 4, 3))
    tied_to = {layer.name: layer.tied_to for layer in cc.Inventory.from_model(model)}
    assert tied_to == {"a": None, "b": "a", "c": None, "d": None, "e": None, "f": None}, "no address is not the same"


def test_a_weight_that_has_no_address_is_known_by_itself() -> None:
    class Sparse(Parameter):
        def data_ptr(self) -> int:
            raise RuntimeError("no storage")

    Sparse.__name__ = "Parameter"
    shared = Sparse(4, 3)
    model = Block(a=Module(weight=shared), b=Module(weight=shared), c=Module(weight=Sparse(4, 3)))
    assert [layer.tied_to for layer in cc.Inventory.from_model(model)] == [None, "a", None]
