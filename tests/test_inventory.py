"""Inventories: what is known of a model's layers, from models, pairs and files."""

from __future__ import annotations

import copy
import functools
import gzip
import json
import math
import pickle
import sys
import types
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compression_config.errors import InvalidInventory, UnknownLayer, UsageError
from compression_config.inventory import Inventory, Layer, as_inventory


class Linear:
    """A module with a weight, as far as this library looks."""

    def __init__(self, *shape: int) -> None:
        self.weight = np.zeros(shape, dtype="float32")


class ReLU:
    """A module without a weight."""


@dataclass
class FakeModel:
    modules: dict[str, object] = field(default_factory=dict)

    def named_modules(self) -> Iterable[tuple[str, object]]:
        return [("", self), *self.modules.items()]


# --- Layer


def test_a_layer_needs_a_name_and_a_type_and_knows_nothing_else() -> None:
    layer = Layer(name="fc1", type="Linear")
    assert (layer.weight_shape, layer.has_weight, layer.numel) == (None, None, None)
    assert (dict(layer.parameters), layer.dtype, layer.tied_to, layer.aliases) == ({}, None, None, ())


@pytest.mark.parametrize(
    ("shape", "numel"),
    [
        pytest.param((64, 3, 7, 7), 9408, id="convolution"),
        pytest.param((), 1, id="single-number"),
        pytest.param((0, 5), 0, id="no-elements"),
        pytest.param([np.int64(2), 3], 6, id="list-with-numpy-integer"),
    ],
)
def test_a_shape_says_that_there_is_a_weight_and_how_many_elements_it_has(shape: Any, numel: int) -> None:
    layer = Layer(name="a", type="Conv2d", weight_shape=shape)
    assert layer.has_weight is True
    assert layer.numel == numel
    assert layer.weight_shape == tuple(shape)
    assert layer.parameters == {"weight": tuple(shape)}
    assert all(type(length) is int for length in layer.weight_shape or ())


def test_layers_are_values() -> None:
    layer = Layer(name="a", type="Linear", weight_shape=(2, 3), parameters={"weight": (2, 3), "bias": (2,)})
    same = Layer(name="a", type="Linear", weight_shape=(2, 3), parameters={"bias": (2,), "weight": (2, 3)})
    assert layer == same
    assert hash(layer) == hash(same)
    assert layer != layer._replace(dtype="float32")
    assert pickle.loads(pickle.dumps(layer)) == layer  # noqa: S301
    assert copy.deepcopy(layer) == layer
    with pytest.raises(AttributeError):
        layer.name = "b"  # type: ignore[misc]
    with pytest.raises(TypeError):
        layer.parameters["bias"] = (3,)  # type: ignore[index]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": ""}, "the name of a layer is a string that is not empty, not ''"),
        ({"name": 0}, "the name of a layer is a string that is not empty, not 0 (put it in quotes)"),
        ({"type": None}, "layer 'a': 'type' is the name of a class, not None"),
        ({"dtype": 32}, "layer 'a': 'dtype' is a string, not 32 (put it in quotes)"),
        ({"tied_to": 1}, "layer 'a': 'tied_to' is the name of a layer, not 1 (put it in quotes)"),
        ({"aliases": "b"}, "layer 'a': 'aliases' is a list of names, not 'b'"),
        ({"weight_shape": (2, -1)}, "layer 'a': 'weight_shape' is a list of whole numbers from 0, not (2, -1)"),
        (
            {"weight_shape": (2, True)},
            "layer 'a': 'weight_shape' is a list of whole numbers from 0, not (2, True)",
        ),
        ({"weight_shape": (2.0,)}, "layer 'a': 'weight_shape' is a list of whole numbers from 0, not (2.0,)"),
        ({"weight_shape": "23"}, "layer 'a': 'weight_shape' is a list of whole numbers from 0, not '23'"),
        ({"weight_shape": 6}, "layer 'a': 'weight_shape' is a list of whole numbers from 0, not 6"),
        ({"weight_shape": [1] * 65}, "layer 'a': 'weight_shape' has at most 64 axes, not 65"),
        (
            {"weight_shape": (2**32, 2**31)},
            "layer 'a': 'weight_shape' has fewer than 2**63 elements, not (4294967296, 2147483648)",
        ),
        (
            {"weight_shape": [0, 10**5000]},
            "layer 'a': 'weight_shape' has fewer than 2**63 elements, not an object of type list",
        ),
        ({"has_weight": 1}, "layer 'a': 'has_weight' is true or false, not 1"),
        (
            {"weight_shape": (2,), "has_weight": False},
            "layer 'a': 'has_weight' cannot be false beside a 'weight_shape'",
        ),
        ({"parameters": {"bias": "2"}}, "layer 'a': 'bias' is a list of whole numbers from 0, not '2'"),
        (
            {"parameters": [("bias", (2,))]},
            "layer 'a': 'parameters' maps names to shapes, and is not [('bias', (2,))]",
        ),
    ],
)
def test_a_layer_whose_fields_cannot_be_true_is_refused(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidInventory) as caught:
        Layer(**{"name": "a", "type": "Linear"} | fields)
    assert str(caught.value) == sentence


def test_a_changed_layer_is_checked_like_a_new_one() -> None:
    layer = Layer(name="a", type="Linear", weight_shape=[4, 3], aliases=["b"])
    assert layer._replace(name="c") == Layer(name="c", type="Linear", weight_shape=(4, 3), aliases=("b",))
    with pytest.raises(InvalidInventory, match=r"^layer 'a': 'weight_shape' is a list of whole numbers"):
        layer._replace(weight_shape=(-1,))


# --- from a model


def test_the_root_is_no_layer() -> None:
    """D1 says: 'The root module is no layer.' Containers are layers."""
    inventory = Inventory.from_model(FakeModel({"body": ReLU(), "body.fc": Linear(3, 4)}))
    assert inventory.names == ("body", "body.fc")
    assert inventory.types == ("ReLU", "Linear")
    assert inventory.model == "FakeModel"
    assert not inventory.only_root


def test_a_model_of_nothing_but_the_root_is_known_as_such() -> None:
    inventory = Inventory.from_model(FakeModel())
    assert inventory.only_root
    assert len(inventory) == 0


def test_a_model_that_gives_not_even_a_root_is_empty() -> None:
    assert not Inventory.from_layers([]).only_root
    assert Inventory.from_layers([("", "Net")]).only_root


def test_weights_are_known_by_shape_and_type_of_number() -> None:
    linear, relu = Inventory.from_model(FakeModel({"fc": Linear(3, 4), "act": ReLU()}))
    assert (linear.weight_shape, linear.numel, linear.has_weight, linear.dtype) == ((3, 4), 12, True, "float32")
    assert linear.parameters == {"weight": (3, 4)}
    assert (relu.weight_shape, relu.numel, relu.has_weight, relu.dtype) == (None, None, False, None)
    assert relu.parameters == {}


def test_layers_with_one_weight_are_tied_to_the_first_of_them() -> None:
    """D17 says: 'Layers that share one weight are known as such.' Tied to the first of them."""
    first, second, other = Linear(3, 4), Linear(3, 4), Linear(3, 4)
    second.weight = first.weight
    inventory = Inventory.from_model(FakeModel({"a": other, "b": first, "c": ReLU(), "d": second, "e": first}))
    assert inventory.ties == ((1, 3, 4),)
    assert [layer.tied_to for layer in inventory] == [None, None, None, "b", "b"]
    assert [inventory.weight_owner(position) for position in range(5)] == [0, 1, 2, 1, 1]


def test_weights_that_are_made_anew_each_time_are_not_tied() -> None:
    class Fresh:
        @property
        def weight(self) -> object:
            return np.zeros((1000,))

    inventory = Inventory.from_model(FakeModel({str(number): Fresh() for number in range(10)}))
    assert inventory.ties == ()


class Slotted:
    __slots__ = ("weight",)

    def __init__(self) -> None:
        self.weight = np.zeros(2)


class Method:
    def weight(self) -> object:
        return np.zeros(2)


class Broken:
    @property
    def weight(self) -> object:
        raise RuntimeError("not loaded")


class Number:
    weight = 0.5


class Unshaped:
    class weight:  # noqa: N801
        shape = "unknown"


class Negative:
    class Weight:
        shape = (2, -1)

    weight = Weight()


@pytest.mark.parametrize(
    ("module", "has_weight", "shape"),
    [
        pytest.param(Slotted(), True, (2,), id="no-instance-dict"),
        pytest.param(Method(), False, None, id="weight-is-a-method"),
        pytest.param(Broken(), None, None, id="weight-raises"),
        pytest.param(Number(), False, None, id="weight-is-no-tensor"),
        pytest.param(Unshaped(), False, None, id="weight-is-a-class"),
        pytest.param(Negative(), True, None, id="shape-is-none"),
        pytest.param("Linear", None, None, id="name-of-a-type"),
        pytest.param(Linear, None, None, id="class"),
    ],
)
def test_modules_of_any_make_can_be_read(
    module: object, has_weight: bool | None, shape: tuple[int, ...] | None
) -> None:
    (layer,) = Inventory.from_model(FakeModel({"a": module}))
    assert (layer.has_weight, layer.weight_shape) == (has_weight, shape)


def test_a_weight_without_a_type_of_number_has_none() -> None:
    class Weight:
        shape = (2, 3)

    class Module:
        weight = Weight()

    assert Inventory.from_model(FakeModel({"a": Module()}))[0].dtype is None


def test_an_inventory_keeps_what_it_saw() -> None:
    model = FakeModel({"fc": Linear(3, 4)})
    inventory = Inventory.from_model(model)
    model.modules["fc"].weight = np.zeros((5, 5))  # type: ignore[attr-defined]
    assert inventory.numel(0) == 12


class Raising:
    def named_modules(self) -> Iterable[tuple[str, object]]:
        yield "a", ReLU()
        raise RuntimeError("offline")


class Giving:
    def __init__(self, *pairs: object) -> None:
        self.pairs = pairs

    def named_modules(self) -> Any:
        return self.pairs


class Unspeakable:
    def __repr__(self) -> str:
        raise RuntimeError("no words")


class Hiding:
    @property
    def named_modules(self) -> object:
        raise RuntimeError("offline")

    def __repr__(self) -> str:
        return "Hiding()"


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (Hiding(), "a model has named_modules(), or is an inventory or pairs of a name and a type, and not Hiding()"),
        (Raising(), "named_modules() of 'Raising' failed: RuntimeError('offline')"),
        (Giving("abc"), "named_modules() of 'Giving' failed: ValueError('too many values to unpack (expected 2)')"),
        (Giving((1, ReLU())), "named_modules() gives 1 as the name of a module"),
        (Giving(("a", ReLU()), ("a", ReLU())), "two layers have the name 'a'"),
        (Giving(("a", None)), "a layer comes with the name of its type, a class or a module, not None"),
        (Giving(("a", "")), "a layer comes with the name of its type, a class or a module, not ''"),
        (FakeModel, "the model is the class 'FakeModel': pass an instance of it"),
        (3, "a model has named_modules(), or is an inventory or pairs of a name and a type, and not 3"),
        (None, "a model has named_modules(), or is an inventory or pairs of a name and a type, and not None"),
        ("m.json", "'m.json' is not a model (write Inventory.from_source('m.json') to read one)"),
        ({"a": "Linear"}, "a mapping is not a model (write .items() after it for pairs of a name and a type)"),
        (["ab"], "a layer is a Layer or a pair of a name and a type, and not 'ab'"),
        ([("a",)], "a layer is a Layer or a pair of a name and a type, and not ('a',)"),
        ([(0, "Linear")], "a layer is a Layer or a pair of a name and a type, and not (0, 'Linear')"),
        ([("a", "Linear"), ("a", "ReLU")], "two layers have the name 'a'"),
        ([("a", "Linear"), Layer(name="a", type="ReLU")], "two layers have the name 'a'"),
        ([("a", 7)], "a layer comes with the name of its type, a class or a module, not 7"),
        ([10**5000], "a layer is a Layer or a pair of a name and a type, and not an object of type int"),
        ([("a", 10**5000)], "a layer comes with the name of its type, a class or a module, not an object of type int"),
        ([Unspeakable()], "a layer is a Layer or a pair of a name and a type, and not an object of type Unspeakable"),
        (
            Unspeakable(),
            "a model has named_modules(), or is an inventory or pairs of a name and a type, "  # noqa: ISC004
            "and not an object of type Unspeakable",
        ),
        (
            map(int, ["x"]),
            "the layers could not be listed: ValueError(\"invalid literal for int() with base 10: 'x'\")",
        ),
    ],
)
def test_what_is_no_model_is_refused(model: object, sentence: str) -> None:
    with pytest.raises(InvalidInventory) as caught:
        as_inventory(model)
    assert str(caught.value) == sentence


def test_from_model_refuses_what_has_no_modules() -> None:
    with pytest.raises(InvalidInventory, match=r"^a model has named_modules\(\), and 'list' has not$"):
        Inventory.from_model([("a", "Linear")])  # type: ignore[arg-type]


# --- from layers and pairs


def test_a_module_that_lies_about_its_class_is_taken_for_what_it_is() -> None:
    class Lying:
        @property  # type: ignore[misc]
        def __class__(self) -> type:
            raise RuntimeError("not yours")

    class Loud(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            raise RuntimeError("do not compare")

        def __hash__(self) -> int:
            raise RuntimeError("do not hash")

    inventory = as_inventory([(Loud("a"), Lying()), ("b", Loud("Linear"))])
    assert [(layer.name, layer.type) for layer in inventory] == [("a", "Lying"), ("b", "Linear")]


def test_pairs_of_names_and_types_know_no_more_than_that() -> None:
    inventory = as_inventory([("conv1", "Conv2d"), ("fc", Linear), ["act", "ReLU"], ("", "Net")])
    assert inventory.names == ("conv1", "fc", "act")
    assert inventory.types == ("Conv2d", "Linear", "ReLU")
    assert [layer.has_weight for layer in inventory] == [None, None, None]
    assert inventory.aliases == {}


def test_pairs_with_modules_are_read_like_a_model() -> None:
    model = FakeModel({"a": Linear(3, 4), "b": ReLU(), "c": Linear(4, 5)})
    model.modules["d"] = model.modules["a"]
    assert as_inventory(model.named_modules()) == Inventory.from_model(model)


def test_layers_and_pairs_mix_in_their_order() -> None:
    shared = Linear(3, 4)
    layer = Layer(name="b", type="Conv2d", weight_shape=(1,), aliases=("x",))
    inventory = Inventory.from_layers([("a", shared), layer, ("", "Net"), ("c", shared)], model="Mine")
    assert list(inventory) == [
        Layer(name="a", type="Linear", weight_shape=(3, 4), dtype="float32"),
        layer,
        Layer(name="c", type="Linear", weight_shape=(3, 4), dtype="float32", tied_to="a"),
    ]
    assert inventory.model == "Mine"


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        pytest.param(
            [Layer(name="a", type="Linear", tied_to="b")],
            "layer 'a' is tied to 'b', which is not a layer of the model",
            id="unknown",
        ),
        pytest.param(
            [Layer(name="a", type="Linear", tied_to="b"), Layer(name="b", type="Linear")],
            "layer 'a' is tied to 'b', which is not the first layer with that weight",
            id="later",
        ),
        pytest.param(
            [Layer(name="a", type="Linear", tied_to="a")],
            "layer 'a' is tied to 'a', which is not the first layer with that weight",
            id="itself",
        ),
        pytest.param(
            [
                Layer(name="a", type="Linear"),
                Layer(name="b", type="Linear", tied_to="a"),
                Layer(name="c", type="Linear", tied_to="b"),
            ],
            "layer 'c' is tied to 'b', which is not the first layer with that weight",
            id="chain",
        ),
        pytest.param(
            [
                Layer(name="a", type="Linear", weight_shape=(2, 3)),
                Layer(name="b", type="Linear", weight_shape=(3, 2), tied_to="a"),
            ],
            "layer 'b' is tied to 'a', whose weight has another shape",
            id="other-shape",
        ),
        pytest.param(
            [Layer(name="a", type="Linear", aliases=("b",)), Layer(name="b", type="Linear")],
            "'b', an alias of layer 'a', is the name of another layer",
            id="alias-is-a-name",
        ),
        pytest.param(
            [Layer(name="a", type="Linear", aliases=("x",)), Layer(name="b", type="Linear", aliases=("x",))],
            "'x', an alias of layer 'b', is the name of another layer",
            id="alias-of-two",
        ),
    ],
)
def test_layers_that_contradict_one_another_are_refused(layers: list[Layer], sentence: str) -> None:
    with pytest.raises(InvalidInventory) as caught:
        Inventory.from_layers(layers)
    assert str(caught.value) == sentence


# --- looking things up

SMALL = Inventory.from_layers(
    [
        Layer(name="encoder", type="Encoder", has_weight=False),
        Layer(name="encoder.query", type="Linear", weight_shape=(4, 4), aliases=("shared", "encoder.key")),
        Layer(name="encoder.act", type="ReLU", has_weight=False),
        Layer(name="head", type="Linear", weight_shape=(4, 4), tied_to="encoder.query"),
    ]
)


def test_an_inventory_is_a_sequence_of_layers() -> None:
    assert len(SMALL) == 4
    assert SMALL[0] == Layer(name="encoder", type="Encoder", has_weight=False)
    assert SMALL[-1].tied_to == "encoder.query"
    assert SMALL[1:3] == (SMALL[1], SMALL[2])
    assert SMALL[::-1] == tuple(reversed(list(SMALL)))
    assert SMALL.index(SMALL[2]) == 2
    with pytest.raises(IndexError):
        SMALL[4]


def test_a_layer_is_looked_up_in_brackets() -> None:
    assert SMALL["head"] == SMALL[3]
    assert SMALL["shared"] == SMALL[1]
    with pytest.raises(UnknownLayer, match=r"^the model has no layer 'hed'; did you mean 'head'\?$"):
        SMALL["hed"]
    with pytest.raises(UnknownLayer):
        SMALL.layer([])  # type: ignore[arg-type]


def test_an_inventory_is_taken_as_it_is() -> None:
    assert as_inventory(SMALL) is SMALL


def test_inventories_and_layers_show_what_they_are() -> None:
    assert repr(SMALL) == "<Inventory of a model: 4 layers>"
    assert repr(Inventory.from_model(FakeModel())) == "<Inventory of FakeModel: 0 layers>"
    assert "parameters={'weight': (4, 4)}" in repr(SMALL[1])


def test_a_layer_is_found_by_name_and_by_alias() -> None:
    assert SMALL.position("encoder.query") == 1
    assert SMALL.position("shared") == 1
    assert SMALL.position("Encoder") is None
    assert SMALL.aliases == {"shared": 1, "encoder.key": 1}
    assert SMALL.layer("encoder.key").name == "encoder.query"


def test_it_contains_its_layers_and_their_names() -> None:
    assert SMALL[3] in SMALL
    assert SMALL[3]._replace(type="Conv2d") not in SMALL
    assert Layer(name="other", type="Linear") not in SMALL
    assert SMALL.__contains__("head")
    assert SMALL.__contains__("shared")
    assert not SMALL.__contains__("hea")
    assert not SMALL.__contains__(3)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        pytest.param("encoder.quary", ("encoder.query",), id="typo-at-the-end"),
        pytest.param("encodr.query", ("encoder.query",), id="typo-on-the-way"),
        pytest.param("query", ("encoder.query",), id="without-the-way"),
        pytest.param("model.encoder.act", ("encoder.act",), id="with-more-of-a-way"),
        pytest.param("HEAD", ("head",), id="case"),
        pytest.param("xyz", (), id="nothing-like-it"),
        pytest.param(3, (), id="no-name"),
    ],
)
def test_an_unknown_name_brings_the_nearest_ones(name: str, nearest: tuple[str, ...]) -> None:
    with pytest.raises(UnknownLayer) as caught:
        SMALL.layer(name)
    assert caught.value.nearest == nearest


def test_no_more_names_come_than_were_asked_for() -> None:
    inventory = Inventory.from_layers([(f"block.{number}.query", "Linear") for number in range(9)])
    assert inventory.nearest("query", limit=2) == ("block.0.query", "block.1.query")
    assert inventory.nearest("block.7.quary") == ("block.7.query",)


def test_equality_is_that_of_the_layers() -> None:
    assert Inventory.from_layers(SMALL, model="Other") == SMALL
    assert Inventory.from_layers(SMALL[:3]) != SMALL
    assert list(SMALL) != SMALL
    copied = pickle.loads(pickle.dumps(SMALL))  # noqa: S301
    assert copied == SMALL
    assert copied.layer("shared") == SMALL.layer("shared")


@pytest.mark.parametrize(
    "change",
    [
        {"name": "b"},
        {"type": "Conv2d"},
        {"weight_shape": (3, 4), "parameters": {}},
        {"parameters": {"weight": (4, 3), "bias": (4,)}},
        {"dtype": "float16"},
        {"aliases": ("x",)},
        {"parameters": {"weight": (4, 3), "bias": (4,)}, "parameter_dtypes": {"bias": "float32"}},
    ],
)
def test_every_field_counts_for_equality(change: dict[str, Any]) -> None:
    layer = Layer(name="a", type="Linear", weight_shape=(4, 3), dtype="float32")
    assert Inventory.from_layers([layer._replace(**change)]) != Inventory.from_layers([layer])


# --- files

FORMATS = ["json", "yaml", "yml", "json.gz", "yaml.gz", "yml.gz"]


@pytest.mark.parametrize("ending", FORMATS)
def test_what_is_saved_is_loaded(tmp_path: Path, ending: str) -> None:
    SMALL.save(tmp_path / f"small.{ending}")
    loaded = Inventory.load(str(tmp_path / f"small.{ending}"))
    assert loaded == SMALL
    assert list(loaded) == list(SMALL)
    assert loaded.model is None


@pytest.mark.parametrize("ending", FORMATS)
def test_what_is_known_of_all_parameters_is_saved_too(tmp_path: Path, ending: str) -> None:
    (tmp_path / "model.json").write_text(
        f'{HEADING}, "bases": {{"Linear": ["Module"]}}, "root": {{"parameters": {{"token": [3], "shared": [4]}}, '
        '"parameter_dtypes": {"token": "int8"}, "parameter_ties": {"shared": "fc.bias"}}, "layers": [{"name": "fc", '
        '"type": "Linear", "weight_shape": [4, 2], "parameters": {"weight": [4, 2], "bias": [4]}, '
        '"parameter_dtypes": {"bias": "int8"}}, {"name": "norm", "type": "Norm", "has_weight": false, '
        '"parameters": {"scale": [4]}, "parameter_ties": {"scale": "fc.bias"}}]}'
    )
    known = Inventory.load(tmp_path / "model.json")
    known.save(tmp_path / f"again.{ending}")
    again = Inventory.load(tmp_path / f"again.{ending}")
    assert again == known
    assert (again.root, again.bases) == (known.root, {"Linear": ("Module",)})
    assert known.root is not None
    assert dict(known.root.shapes) == {"token": (3,), "shared": (4,)}
    assert (dict(known.root.dtypes), dict(known.root.ties)) == ({"token": "int8"}, {"shared": "fc.bias"})
    assert (dict(again.parameter_dtypes(0)), dict(again.parameter_ties(1))) == ({"bias": "int8"}, {"scale": "fc.bias"})


@pytest.mark.parametrize("ending", FORMATS)
def test_equal_inventories_give_equal_bytes(tmp_path: Path, ending: str) -> None:
    first, second = tmp_path / f"first.{ending}", tmp_path / f"second.{ending}"
    SMALL.save(first)
    Inventory.load(first).save(second)
    assert first.read_bytes() == second.read_bytes()


def test_a_file_has_one_layer_a_line_in_the_words_of_layer(tmp_path: Path) -> None:
    Inventory.from_layers(SMALL, model="Net").save(tmp_path / "small.json")
    assert (
        (tmp_path / "small.json").read_text()
        == """{
  "format": "compression-config-inventory",
  "version": 1,
  "model": "Net",
  "root": {"parameters": {}},
  "layers": [
    {"name": "encoder", "type": "Encoder", "has_weight": false},
    {"name": "encoder.query", "type": "Linear", "weight_shape": [4, 4], "aliases": ["shared", "encoder.key"]},
    {"name": "encoder.act", "type": "ReLU", "has_weight": false},
    {"name": "head", "type": "Linear", "weight_shape": [4, 4], "tied_to": "encoder.query"}
  ]
}
"""
    )


def test_a_model_of_only_a_root_stays_one(tmp_path: Path) -> None:
    for ending in ("json", "yaml"):
        Inventory.from_model(FakeModel()).save(tmp_path / f"root.{ending}")
        loaded = Inventory.load(tmp_path / f"root.{ending}")
        assert (loaded.only_root, len(loaded), loaded.model) == (True, 0, "FakeModel")


def test_by_hand_a_name_and_a_type_will_do(tmp_path: Path) -> None:
    path = tmp_path / "hand.yaml"
    path.write_text(
        """\
format: compression-config-inventory
version: 1
layers:
- {name: conv1, type: Conv2d, weight_shape: [64, 3, 7, 7]}
- name: "0"  # a digit is a name in nn.Sequential
  type: Linear
"""
    )
    assert list(Inventory.load(path)) == [
        Layer(name="conv1", type="Conv2d", weight_shape=(64, 3, 7, 7)),
        Layer(name="0", type="Linear"),
    ]


HEADING = '{"format": "compression-config-inventory", "version": 1'


def layers_text(*entries: str) -> str:
    return f'{HEADING}, "layers": [\n{",".join(entries)}]}}'


@pytest.mark.parametrize("ending", ["json", "yaml"])
@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[]", "1:1: an inventory is a mapping with 'format: compression-config-inventory'"),
        ('{"layers": []}', "1:1: an inventory is a mapping with 'format: compression-config-inventory'"),
        (
            '{"format": "compression-config-inventory", "version": 2}',
            "1:55: version: this release reads version 1 of the format, not 2",
        ),
        (
            '{"format": "compression-config-inventory", "version": true}',
            "1:55: version: this release reads version 1 of the format, not True",
        ),
        (
            '{"format": "compression-config-inventory"}',
            "1:1: version: this release reads version 1 of the format, not None",
        ),
        (f"{HEADING}}}", "1:1: layers: the layers are a list"),
        (f'{HEADING}, "layers": {{}}}}', "1:68: layers: the layers are a list"),
        (f'{HEADING}, "layer": []}}', "1:1: unknown key 'layer' in an inventory: did you mean 'layers'?"),
        (f'{HEADING}, "model": 3, "layers": []}}', "1:67: model: the name of a model is a string, not 3"),
        (
            f'{HEADING}, "only_root": 1, "layers": []}}',
            "1:71: only_root: 'only_root' is true or false, and not true beside layers",
        ),
        (layers_text('"fc1"'), "2:1: layers[0]: a layer is a mapping with 'name' and 'type', not 'fc1'"),
        (
            layers_text('{"name": "a", "type": "T", "weigth_shape": [1]}'),
            "2:1: layers[0]: unknown key 'weigth_shape' in a layer: did you mean 'weight_shape'?",
        ),
        (
            layers_text('{"name": "a", "type": "T"}', '{"type": "T"}'),
            "2:28: layers[1].name: the name of a layer is a string that is not empty, not None",
        ),
        (
            layers_text('{"name": 0, "type": "T"}'),
            "2:10: layers[0].name: the name of a layer is a string that is not empty, not 0 (put it in quotes)",
        ),
        (
            layers_text('{"name": "a", "type": ""}'),
            "2:23: layers[0].type: 'type' is the name of a class, not ''",
        ),
        (
            layers_text('{"name": "a", "type": "T", "dtype": 32}'),
            "2:37: layers[0].dtype: 'dtype' is a string, not 32 (put it in quotes)",
        ),
        (
            layers_text('{"name": "a", "type": "T", "weight_shape": [2, -1]}'),
            "2:44: layers[0].weight_shape: 'weight_shape' is a list of whole numbers from 0, not [2, -1]",
        ),
        (
            layers_text('{"name": "a", "type": "T", "weight_shape": [2, true]}'),
            "2:44: layers[0].weight_shape: 'weight_shape' is a list of whole numbers from 0, not [2, True]",
        ),
        (
            layers_text('{"name": "a", "type": "T", "weight_shape": 6}'),
            "2:44: layers[0].weight_shape: 'weight_shape' is a list of whole numbers from 0, not 6",
        ),
        (
            layers_text('{"name": "a", "type": "T", "has_weight": "no"}'),
            "2:42: layers[0].has_weight: 'has_weight' is true or false, not 'no'",
        ),
        (
            layers_text('{"name": "a", "type": "T", "weight_shape": [1], "has_weight": false}'),
            "2:63: layers[0].has_weight: 'has_weight' cannot be false beside a 'weight_shape'",
        ),
        (
            layers_text('{"name": "a", "type": "T", "parameters": ["bias"]}'),
            "2:42: layers[0].parameters: 'parameters' maps names to shapes, and is not ['bias']",
        ),
        (
            layers_text('{"name": "a", "type": "T", "parameters": {"bias": [1.5]}}'),
            "2:51: layers[0].parameters.bias: 'bias' is a list of whole numbers from 0, not [1.5]",
        ),
        (
            layers_text('{"name": "a", "type": "T", "aliases": "b"}'),
            "2:39: layers[0].aliases: 'aliases' is a list of names, not 'b'",
        ),
        (
            layers_text('{"name": "a", "type": "T", "aliases": [""]}'),
            "2:39: layers[0].aliases: 'aliases' is a list of names, not ['']",
        ),
        (
            layers_text('{"name": "a", "type": "T", "parameter_dtypes": {"bias": "int8"}}'),
            (
                "2:48: layers[0].parameter_dtypes: 'parameter_dtypes' is about the 'parameters' besides the weight, "
                "and 'bias' is not one of them"
            ),
        ),
        (
            layers_text('{"name": "a", "type": "T", "weight_shape": [1], "parameter_ties": {"weight": "b.weight"}}'),
            (
                "2:67: layers[0].parameter_ties: 'parameter_ties' is about the 'parameters' besides the weight, and "
                "'weight' is not one of them"
            ),
        ),
        (
            layers_text('{"name": "a", "type": "T", "parameters": {"b": [1]}, "parameter_dtypes": {"b": 8}}'),
            (
                "2:74: layers[0].parameter_dtypes: 'parameter_dtypes' maps names of parameters to strings, and is not "
                "{'b': 8}"
            ),
        ),
        (
            f'{HEADING}, "root": [], "layers": []}}',
            "1:66: root: the root is a mapping with 'parameters', not []",
        ),
        (
            f'{HEADING}, "root": {{"parameter": {{}}}}, "layers": []}}',
            "1:66: root: unknown key 'parameter' in the root: did you mean 'parameters'?",
        ),
        (
            f'{HEADING}, "root": {{"parameters": {{"token": "3"}}}}, "layers": []}}',
            "1:91: root.parameters.token: 'token' is a list of whole numbers from 0, not '3'",
        ),
        (
            f'{HEADING}, "root": {{"parameter_dtypes": {{"token": "int8"}}}}, "layers": []}}',
            "1:87: root.parameter_dtypes: 'parameter_dtypes' is about the 'parameters', and 'token' is not one of them",
        ),
        (
            f'{HEADING}, "bases": ["Linear"], "layers": []}}',
            "1:67: bases: 'bases' maps types to the names of their bases, and is not ['Linear']",
        ),
        (
            f'{HEADING}, "bases": {{"Linear": "Module"}}, "layers": []}}',
            "1:67: bases: the bases of 'Linear' are a list of names, not 'Module'",
        ),
    ],
)
def test_a_fault_in_a_file_is_named_with_its_place(tmp_path: Path, ending: str, text: str, fault: str) -> None:
    path = tmp_path / f"wrong.{ending}"
    path.write_text(text)
    with pytest.raises(InvalidInventory) as caught:
        Inventory.load(path)
    assert str(caught.value) == f"{path}:{fault}"


@pytest.mark.parametrize("ending", ["json", "yaml"])
@pytest.mark.parametrize(
    ("entries", "fault"),
    [
        (['{"name": "a", "type": "T"}'] * 2, "two layers have the name 'a'"),
        (['{"name": "a", "type": "T", "tied_to": "b"}'], "layer 'a' is tied to 'b', which is not a layer of the model"),
        (['{"name": "a", "type": "T", "aliases": ["a"]}'], "'a', an alias of layer 'a', is the name of another layer"),
        (
            ['{"name": "a", "type": "T", "parameters": {"b": [1]}, "parameter_ties": {"b": "c.d"}}'],
            "parameter 'a.b' is tied to 'c.d', which is not a parameter of the model or is tied itself",
        ),
        (
            ['{"name": "a", "type": "T", "parameters": {"b": [1]}, "parameter_ties": {"b": "a.b"}}'],
            "parameter 'a.b' is tied to 'a.b', which is not a parameter of the model or is tied itself",
        ),
        (
            [
                '{"name": "a", "type": "T", "parameters": {"b": [1]}, "parameter_ties": {"b": "c.b"}}',
                '{"name": "c", "type": "T", "parameters": {"b": [2]}}',
            ],
            "parameter 'a.b' is tied to 'c.b', which has another shape",
        ),
    ],
)
def test_layers_of_a_file_may_not_contradict_one_another(
    tmp_path: Path, ending: str, entries: list[str], fault: str
) -> None:
    path = tmp_path / f"wrong.{ending}"
    path.write_text(layers_text(*entries))
    with pytest.raises(InvalidInventory) as caught:
        Inventory.load(path)
    assert str(caught.value) == f"{path}: {fault}"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        pytest.param("a.json", b"{", id="no-json"),
        pytest.param("a.json", b'{"format": 1, "format": 1}', id="key-twice"),
        pytest.param("a.json", b"[" * 100_000, id="deep-json"),
        pytest.param("a.json", b'{"format": ' + b"9" * 5000 + b"}", id="long-number"),
        pytest.param("a.json", b"\xff\xfe", id="not-utf-8"),
        pytest.param("a.json", b"", id="empty-json"),
        pytest.param("a.yaml", b"", id="empty-yaml"),
        pytest.param("a.yaml", b"a: [", id="no-yaml"),
        pytest.param("a.yaml", b"a: 1\na: 1", id="yaml-key-twice"),
        pytest.param("a.yaml", b"&a [*a]", id="yaml-cycle"),
        pytest.param("a.yaml", b"!!python/object:os.system {}", id="yaml-tag"),
        pytest.param("a.json.gz", b"{}", id="not-gzipped"),
        pytest.param("a.json.gz", gzip.compress(b"{}" * 100)[:-12], id="cut-off"),
        pytest.param("a.json.gz", gzip.compress(b"{}")[:10] + b"\xff" * 20, id="damaged"),
    ],
)
def test_a_file_that_cannot_be_understood_is_refused(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(InvalidInventory) as caught:
        Inventory.load(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["missing.json", "missing.yaml.gz", "\0.json"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInventory, match="cannot be read"):
        Inventory.load(tmp_path / name)
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(InvalidInventory, match="cannot be read"):
        Inventory.load(tmp_path / "folder.json")


@pytest.mark.parametrize("name", ["a.txt", "a", "a.gz", "a.json.zip"])
def test_the_ending_says_the_format(tmp_path: Path, name: str) -> None:
    sentence = r"^the name of an inventory file ends in '\.json', '\.yaml' or '\.yml', each also with '\.gz'$"
    with pytest.raises(UsageError, match=sentence):
        SMALL.save(tmp_path / name)
    with pytest.raises(UsageError, match=sentence):
        Inventory.load(tmp_path / name)
    assert not (tmp_path / name).exists()


def test_a_file_that_unpacks_beyond_all_bounds_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compression_config.inventory.files.MAX_BYTES", 10_000)
    path = tmp_path / "bomb.json.gz"
    path.write_bytes(gzip.compress(b" " * 10_001))
    with pytest.raises(InvalidInventory, match="at most 10,000 bytes"):
        Inventory.load(path)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param(b"[" + b"[]," * 500 + b"[]]", "an inventory has at most 1,000 values", id="lists"),
        pytest.param(b"1," * 1001, "an inventory has at most 1,000 values", id="numbers"),
        pytest.param(b" " * (16 * 2**20 + 1), "a gzipped inventory unpacks to at most 100 times its size", id="blanks"),
    ],
)
def test_a_small_file_does_not_take_all_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: bytes, sentence: str
) -> None:
    monkeypatch.setattr("compression_config.inventory.files._MAX_VALUES", 1000)
    path = tmp_path / "bomb.json.gz"
    path.write_bytes(gzip.compress(text))
    with pytest.raises(InvalidInventory) as caught:
        Inventory.load(path)
    assert str(caught.value) == f"{path}: {sentence}"


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        pytest.param(
            {"weight_shape": [2**62, 2]}, "fewer than 2**63 elements, not [4611686018427387904, 2]", id="large"
        ),
        pytest.param({"weight_shape": [2] * 100_000}, "at most 64 axes, not 100,000", id="axes"),
    ],
)
def test_a_shape_that_no_tensor_has_is_refused_at_reading(tmp_path: Path, entry: dict[str, Any], fault: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(layers_text(json.dumps({"name": "a", "type": "T"} | entry)))
    with pytest.raises(InvalidInventory) as caught:
        Inventory.load(path)
    assert str(caught.value) == f"{path}:2:44: layers[0].weight_shape: 'weight_shape' has {fault}"


@pytest.mark.parametrize(
    "entry",
    [
        '"' + "x" * 10**6 + '"',
        '{"name": "a", "type": "T", "' + "x" * 10**6 + '": 1}',
        '{"name": "a", "type": "T", "parameters": {"' + "x" * 10**6 + '": 1}}',
        '{"name": "' + "x" * 10**6 + '", "type": "T", "tied_to": "b"}',
    ],
)
def test_a_message_repeats_no_more_than_the_start_of_what_is_wrong(tmp_path: Path, entry: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(layers_text(entry))
    with pytest.raises(InvalidInventory) as caught:
        Inventory.load(path)
    assert len(str(caught.value)) < len(str(path)) + 300


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, link = tmp_path / "small.json", tmp_path / "link.json"
    SMALL.save(path)
    path.chmod(0o640)
    link.symlink_to(path)
    Inventory.from_layers(SMALL[:1]).save(link)
    assert link.is_symlink()
    assert len(Inventory.load(path)) == 1
    assert path.stat().st_mode & 0o777 == 0o640

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UsageError) as caught:
        SMALL.save(path)
    assert str(caught.value) == f"'{path}' cannot be written: No space left on device"
    assert len(Inventory.load(path)) == 1
    assert sorted(tmp_path.iterdir()) == [link, path]


def test_what_is_not_a_regular_file_is_written_to(tmp_path: Path) -> None:
    link = tmp_path / "null.json"
    link.symlink_to("/dev/null")
    SMALL.save(link)
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("name", ["a\0.json", "x" * 5000 + ".json", "missing/a.json", "\ud800.json", "circle.json"])
def test_a_file_that_cannot_be_written_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / "circle.json").symlink_to(tmp_path / "circle.json")
    with pytest.raises(UsageError, match="cannot be written: "):
        SMALL.save(tmp_path / name)


NAMES = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("\\\"'{}[]:,#&*!|>%@`- \n\t\x00\x7f\x85\u2028\ufeff"),
    min_size=1,
    max_size=8,
)
SHAPES = st.lists(st.integers(0, 2**15), max_size=4).map(tuple)


@st.composite
def inventories(draw: st.DrawFn) -> Inventory:
    """Any inventory: shapes known or not, ties, aliases, parameters beside the weight."""
    names = draw(st.lists(NAMES, unique=True, max_size=8))
    split = draw(st.integers(0, len(names)))
    layers: list[Layer] = []
    for name in names[:split]:
        owners = [layer for layer in layers if layer.tied_to is None]
        owner = draw(st.none() | st.sampled_from(owners)) if owners else None
        shape = owner.weight_shape if owner else draw(st.none() | SHAPES)
        fields: dict[str, Any] = {
            "has_weight": True if shape is not None else draw(st.sampled_from([None, True, False])),
            "dtype": draw(st.none() | NAMES),
        }
        if draw(st.booleans()):
            fields["parameters"] = draw(st.dictionaries(NAMES, st.none() | SHAPES, max_size=3))
        layers.append(
            Layer(name=name, type=draw(NAMES), weight_shape=shape, tied_to=owner.name if owner else None, **fields)
        )
    for alias in names[split:] if layers else ():
        position = draw(st.integers(0, len(layers) - 1))
        layers[position] = layers[position]._replace(aliases=(*layers[position].aliases, alias))
    return Inventory.from_layers(layers, model=draw(st.none() | NAMES))


@given(inventories(), st.sampled_from(FORMATS))
def test_any_inventory_survives_its_file(
    tmp_path_factory: pytest.TempPathFactory, inventory: Inventory, ending: str
) -> None:
    path = tmp_path_factory.mktemp("saved") / f"any.{ending}"
    inventory.save(path)
    loaded = Inventory.load(path)
    assert list(loaded) == list(inventory)
    assert (loaded.model, loaded.ties, loaded.aliases) == (inventory.model, inventory.ties, inventory.aliases)


@given(inventories())
def test_the_layers_of_an_inventory_make_the_same_inventory(inventory: Inventory) -> None:
    assert Inventory.from_layers(list(inventory)) == inventory
    for position, layer in enumerate(inventory):
        assert inventory.position(layer.name) == position
        assert inventory.numel(position) == layer.numel
        assert inventory.has_weight(position) is layer.has_weight
        assert inventory.names[inventory.weight_owner(position)] == (layer.tied_to or layer.name)
        assert all(inventory.position(alias) == position for alias in layer.aliases)


WORDS = st.sampled_from(["name", "type", "weight_shape", "has_weight", "parameters", "tied_to", "aliases", "a", "b"])
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 3) | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
ENTRIES = st.fixed_dictionaries({"name": WORDS, "type": WORDS}, optional={"tied_to": WORDS, "aliases": PLAIN})


@given(st.lists(ENTRIES | PLAIN, max_size=4), st.sampled_from(["json", "yaml"]))
def test_no_data_brings_out_another_error(
    tmp_path_factory: pytest.TempPathFactory, layers: list[object], ending: str
) -> None:
    path = tmp_path_factory.mktemp("any") / f"any.{ending}"
    path.write_text(json.dumps({"format": "compression-config-inventory", "version": 1, "layers": layers}))
    try:
        inventory = Inventory.load(path)
    except InvalidInventory as error:
        assert str(path) in str(error)  # noqa: PT017
    else:
        assert list(inventory.names) == [layer["name"] for layer in layers]  # type: ignore[index]


def test_a_name_that_has_no_utf_8_is_saved_as_json_only(tmp_path: Path) -> None:
    inventory = Inventory.from_layers([("\ud800", "Linear")])
    inventory.save(tmp_path / "half.json")
    assert Inventory.load(tmp_path / "half.json") == inventory
    with pytest.raises(InvalidInventory, match=r"half of a surrogate pair cannot be written as YAML"):
        inventory.save(tmp_path / "half.yaml")


# --- from sources


@pytest.mark.parametrize("source", ["inventory.json", "model.py:build", "model.py:Holder.layers"])
def test_a_source_is_named_as_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    monkeypatch.chdir(tmp_path)
    SMALL.save("inventory.json")
    Path("beside.py").write_text("import compression_config as cc\nLAYERS = cc.Inventory.load('inventory.json')\n")
    Path("model.py").write_text(
        "from dataclasses import dataclass\nfrom beside import LAYERS\n\n@dataclass\nclass Holder:\n"
        "    layers = LAYERS\n\ndef build():\n    print('building')\n    return LAYERS\n"
    )
    assert Inventory.from_source(source) == SMALL
    assert Inventory.from_source(source, device="cpu") == SMALL
    assert Inventory.from_source(str(tmp_path / source)) == SMALL


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("a\0.json", r"^a\\x00\.json cannot be read: embedded null byte$"),
        ("hf:a\0b", r"^there is no config\.json in 'a\\x00b': hf: takes a local directory$"),
        (
            "x" * 5000,
            r"^a model is an inventory file, path/to/file\.py:factory, package\.module:factory or hf:",
        ),
        ("x" * 5000 + ".py:make", r"^there is no file 'x+\.py'$"),
        ("\x1b[31m:make", r"^a model is .*, not '\\x1b\[31m:make'$"),
        (7, r"^a source of a model is a string, not 7$"),
    ],
)
def test_a_source_without_a_model_is_refused(source: str, sentence: str) -> None:
    with pytest.raises((UsageError, InvalidInventory), match=sentence):
        Inventory.from_source(source)


def test_a_device_is_meta_or_cpu() -> None:
    with pytest.raises(UsageError, match=r"^a device is 'meta' or 'cpu', not 'cuda'$"):
        Inventory.from_source("a.json", device="cuda")  # type: ignore[arg-type]


def transformers(architecture: object) -> types.ModuleType:
    """Return a stand-in for transformers, with a config that names `architecture`."""

    class PreTrainedModel:
        def __init__(self, config: object) -> None:
            pass

        def named_modules(self) -> Iterable[tuple[str, object]]:
            return [("fc", Linear(2, 2))]

    module = types.ModuleType("transformers")
    config = types.SimpleNamespace(architectures=[architecture])
    vars(module).update(
        PreTrainedModel=PreTrainedModel,
        AutoConfig=types.SimpleNamespace(from_pretrained=lambda *_, **__: config),
        Net=type("Net", (PreTrainedModel,), {}),
        pipeline=pytest.fail,
    )
    return module


@pytest.mark.parametrize(
    ("architecture", "sentence"),
    [
        ("Missing", "this transformers has no 'Missing', which config.json names"),
        ("pipeline", "config.json names 'pipeline', which is not a model of transformers"),
        ("AutoConfig", "config.json names 'AutoConfig', which is not a model of transformers"),
    ],
)
def test_only_a_model_of_transformers_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, architecture: str, sentence: str
) -> None:
    (tmp_path / "config.json").write_text("{}")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    for name in ("Net", architecture):
        monkeypatch.setitem(sys.modules, "transformers", transformers(name))
        if name == "Net":
            assert Inventory.from_source(f"hf:{tmp_path}", device="cpu").names == ("fc",)
    with pytest.raises(UsageError) as caught:
        Inventory.from_source(f"hf:{tmp_path}", device="cpu")
    assert str(caught.value) == sentence


# --- the example inventories

EXAMPLES = Path(__file__).parent.parent / "examples" / "inventories"


@functools.cache
def example(name: str) -> Inventory:
    return Inventory.load(EXAMPLES / f"{name}.json.gz")


def parameters_of(inventory: Inventory) -> int:
    """Return how many parameters the layers have of their own; a weight that several share counts once."""
    return sum(
        math.prod(shape)
        for layer in inventory
        for name, shape in layer.parameters.items()
        if shape is not None and not (name == "weight" and layer.tied_to)
    )


def norm(size: int) -> int:
    return 2 * size


def linear(inputs: int, outputs: int, *, bias: int = 1) -> int:
    return (inputs + bias) * outputs


def resnet_50() -> int:
    """Convolutions without bias, each with a norm: stem, 16 bottlenecks of three, 4 shortcuts; one Linear."""
    total = 7 * 7 * 3 * 64 + norm(64)
    inputs = 64
    for width, depth in ((64, 3), (128, 4), (256, 6), (512, 3)):
        outputs = 4 * width
        total += inputs * outputs + norm(outputs)
        for _ in range(depth):
            total += inputs * width + 9 * width * width + width * outputs + 2 * norm(width) + norm(outputs)
            inputs = outputs
    return total + linear(2048, 1000)


def transformer(hidden: int, blocks: int) -> int:
    """Blocks of four projections to attend, two to feed forward, and two norms, all with biases."""
    attend, feed = 4 * linear(hidden, hidden), linear(hidden, 4 * hidden) + linear(4 * hidden, hidden)
    return blocks * (attend + feed + 2 * norm(hidden))


def vit_base() -> int:
    """Patches of 16 x 16 x 3, a class token and 197 positions, the blocks, a last norm and the classifier."""
    return linear(16 * 16 * 3, 768) + 768 + 197 * 768 + transformer(768, 12) + norm(768) + linear(768, 1000)


def bert_base() -> int:
    """Three embeddings and a norm, the blocks, and a head whose decoder has the words' weight and a bias.

    The bias is one parameter in two modules; inventories know of shared weights only, so it counts twice here.
    """
    embeddings = (30522 + 512 + 2) * 768 + norm(768)
    return embeddings + transformer(768, 12) + linear(768, 768) + norm(768) + 2 * 30522


def gpt2() -> int:
    """Words, positions, the blocks and a last norm; the head has the words' weight."""
    return (50257 + 1024) * 768 + transformer(768, 12) + norm(768)


def decoder(hidden: int, vocabulary: int, blocks: list[int]) -> int:
    """Words and a head of its own, a last norm, and blocks with two norms each; norms have no bias."""
    return 2 * vocabulary * hidden + hidden + sum(block + 2 * hidden for block in blocks)


def grouped_attention(hidden: int) -> int:
    """Count queries and output as wide as the model, and eight of 32 heads for keys and values."""
    return 2 * hidden * hidden + 2 * hidden * hidden // 4


def llama_3_8b() -> int:
    """32 blocks of attention and a gated feed-forward of three projections."""
    return decoder(4096, 128256, [grouped_attention(4096) + 3 * 4096 * 14336] * 32)


def mixtral_8x7b() -> int:
    """32 blocks of attention, a router, and eight times three projections."""
    return decoder(4096, 32000, [grouped_attention(4096) + 8 * 4096 + 8 * 3 * 4096 * 14336] * 32)


def deepseek_v3() -> int:
    """61 blocks of latent attention: three dense ones, 58 with 256 experts, a shared one and a router."""
    queries = 7168 * 1536 + 1536 + 1536 * 128 * 192
    keys_and_values = 7168 * 576 + 512 + 512 * 128 * 256
    attention = queries + keys_and_values + 128 * 128 * 7168
    dense = attention + 3 * 7168 * 18432
    sparse = attention + (256 + 1) * 3 * 7168 * 2048 + 256 * 7168
    return decoder(7168, 129280, [dense] * 3 + [sparse] * 58)


@pytest.mark.parametrize(
    ("name", "derived", "exact", "published"),
    [
        ("resnet-50", resnet_50, 25_557_032, "25.6M"),
        ("vit-base", vit_base, 86_567_656, "86.6M"),
        ("bert-base", bert_base, 109_514_298 + 30_522, "110M"),
        ("gpt2", gpt2, 124_439_808, "124M"),
        ("llama-3-8b", llama_3_8b, 8_030_261_248, "8.03B"),
        ("mixtral-8x7b", mixtral_8x7b, 46_702_792_704, "46.7B"),
        ("deepseek-v3", deepseek_v3, 671_026_404_352, "671B"),
        ("deepseek-v3-unfused", deepseek_v3, 671_026_404_352, "671B"),
    ],
)
def test_example_inventories_have_the_published_number_of_parameters(
    name: str, derived: Callable[[], int], exact: int, published: str
) -> None:
    counted = parameters_of(example(name))
    assert counted == derived() == exact
    unit = {"M": 10**6, "B": 10**9}[published[-1]]
    decimals = len(published[:-1].partition(".")[2])
    assert round(counted / unit, decimals) == float(published[:-1])


@pytest.mark.parametrize(
    ("name", "model", "layers", "with_weight"),
    [
        ("resnet-50", "ResNetForImageClassification", 285, 107),
        ("vit-base", "ViTForImageClassification", 164, 99),
        ("bert-base", "BertForMaskedLM", 232, 103),
        ("gpt2", "GPT2LMHeadModel", 163, 76),
        ("llama-3-8b", "LlamaForCausalLM", 422, 291),
        ("mixtral-8x7b", "MixtralForCausalLM", 390, 227),
        ("deepseek-v3", "DeepseekV3ForCausalLM", 1214, 793),
        ("deepseek-v3-unfused", "DeepseekV3ForCausalLM", 60548, 45337),
    ],
)
def test_example_inventories_hold_the_layers_of_the_models(
    name: str, model: str, layers: int, with_weight: int
) -> None:
    inventory = example(name)
    assert inventory.model == model
    assert len(inventory) == layers
    assert sum(map(bool, map(inventory.has_weight, range(layers)))) == with_weight
    assert all(inventory.has_weight(position) is not None for position in range(layers))
    dtype = "float32" if with_weight < 200 else "bfloat16"
    assert {layer.dtype for layer in inventory} == {dtype, None}


def test_example_inventories_know_their_ties() -> None:
    """The head of BERT and of GPT-2 has the weight of the embedding of words; the others have one of their own."""
    tied = {path.name: example(path.name[:-8]).ties for path in EXAMPLES.glob("*.json.gz")}
    assert {name for name, ties in tied.items() if ties} == {"bert-base.json.gz", "gpt2.json.gz"}
    decoder_layer = example("bert-base").layer("cls.predictions.decoder")
    assert decoder_layer.tied_to == "bert.embeddings.word_embeddings"
    assert example("gpt2").layer("lm_head").tied_to == "transformer.wte"


def test_the_two_inventories_of_deepseek_v3_differ_in_their_experts_only() -> None:
    """Fused, the experts of a layer have no weight and no layers of their own; else each projection is a Linear."""
    fused, unfused = example("deepseek-v3"), example("deepseek-v3-unfused")
    experts = fused.layer("model.layers.3.mlp.experts")
    assert experts.has_weight is False
    assert experts.parameters == {"gate_up_proj": (256, 4096, 7168), "down_proj": (256, 7168, 2048)}
    assert unfused.layer("model.layers.3.mlp.experts.0.gate_proj") == Layer(
        name="model.layers.3.mlp.experts.0.gate_proj", type="Linear", weight_shape=(2048, 7168), dtype="bfloat16"
    )
    assert Counter(unfused.types)["Linear"] - Counter(fused.types)["Linear"] == 58 * 256 * 3
    outside = [position for position, name in enumerate(unfused.names) if ".experts" not in name]
    assert [unfused[position] for position in outside] == [layer for layer in fused if ".experts" not in layer.name]


def test_example_inventories_are_small() -> None:
    assert sum(path.stat().st_size for path in EXAMPLES.glob("*.json.gz")) < 3 * 2**20
