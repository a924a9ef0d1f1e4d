"""Wrapped models: a list written for the bare model holds for the wrapped one (D19). Live ones: tests/interop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from random_cases import random_case

import compression_config as cc

BARE = [
    ("encoder", "Encoder"),
    ("encoder.fc1", "Linear"),
    ("encoder.mod", "Block"),
    ("encoder.mod.fc2", "Linear"),
    ("head", "Linear"),
]
WRAPPED: dict[str, list[tuple[str, str]]] = {
    "data-parallel": [("", "DataParallel"), ("module", "Net"), *((f"module.{name}", kind) for name, kind in BARE)],
    "without-the-wrappers": [(f"module.{name}", kind) for name, kind in BARE],
    "compiled": [("_orig_mod", "Net"), *((f"_orig_mod.{name}", kind) for name, kind in BARE)],
    "compiled-data-parallel": [
        ("_orig_mod", "DataParallel"),
        ("_orig_mod.module", "Net"),
        *((f"_orig_mod.module.{name}", kind) for name, kind in BARE),
    ],
    "parallel-compiled": [
        ("module", "OptimizedModule"),
        ("module._orig_mod", "Net"),
        *((f"module._orig_mod.{name}", kind) for name, kind in BARE),
    ],
    "parts-of-it": [
        ("encoder", "FullyShardedDataParallel"),
        ("encoder._fsdp_wrapped_module", "Encoder"),
        ("encoder._fsdp_wrapped_module.fc1", "Linear"),
        ("encoder._fsdp_wrapped_module.mod", "CheckpointWrapper"),
        ("encoder._fsdp_wrapped_module.mod._checkpoint_wrapped_module", "Block"),
        ("encoder._fsdp_wrapped_module.mod._checkpoint_wrapped_module.fc2", "Linear"),
        ("head", "Linear"),
    ],
}
every_wrapper = pytest.mark.parametrize("pairs", WRAPPED.values(), ids=WRAPPED)

LIST: list[dict[str, Any]] = [
    {"op_types": ["Linear"], "total_sparsity": 0.5},
    {"op_partial_names": ["mod"], "op_types": ["Linear"], "sparsity_per_layer": 0.2},
    {"op_names": ["head"], "exclude": True},
]


@every_wrapper
def test_a_list_for_the_bare_model_holds_for_the_wrapped_one(pairs: list[tuple[str, str]]) -> None:
    bare, wrapped = cc.resolve(LIST, BARE), cc.resolve(LIST, pairs)
    assert wrapped.fingerprint == bare.fingerprint
    assert wrapped.to_list() == bare.to_list()
    assert [layer.layer for layer in wrapped.values()] == [layer.layer for layer in bare.values()]
    assert wrapped.findings == bare.findings
    assert (wrapped.excluded, wrapped.untouched) == (bare.excluded, bare.untouched)


@every_wrapper
def test_only_the_keys_keep_the_wrapper(pairs: list[tuple[str, str]]) -> None:
    wrapped = cc.resolve(LIST, pairs)
    linear = [name for name, kind in pairs if kind == "Linear"]
    assert [key for key in wrapped if wrapped[key].layer.type == "Linear"] == linear
    assert set(wrapped.prunable) < set(wrapped) <= {name for name, _ in pairs}
    for key, (name, _) in zip(linear, [pair for pair in BARE if pair[1] == "Linear"], strict=True):
        assert wrapped[key] == wrapped[name]
        assert wrapped[key].name == name
        assert (key in wrapped.prunable, name in wrapped.prunable) == ((True, True) if name != "head" else (False,) * 2)


@every_wrapper
def test_names_with_the_wrapper_select_too(pairs: list[tuple[str, str]]) -> None:
    key = next(name for name, _ in pairs if name.endswith("fc2"))
    for selector in ({"op_names": [key]}, {"op_partial_names": [key]}):
        resolution = cc.resolve([{**selector, "sparsity_per_layer": 0.5}], pairs)
        assert list(resolution.prunable) == [key]
        assert resolution.sub_configs[0].selected == ("encoder.mod.fc2",)
        assert resolution[key].selected_by == (0,)
        assert resolution.findings == ()
        assert f"'{key}'" in resolution.explain(key)


@every_wrapper
def test_hints_have_bare_names(pairs: list[tuple[str, str]]) -> None:
    (finding,) = cc.check([{"op_names": ["heda"], "exclude": True}], pairs, kind="pruning", severity=QUIET)
    assert finding.hint is not None
    assert "'head'" in finding.hint
    assert "module" not in finding.hint


QUIET: dict[str, Any] = {"kind-not-stated": "ignore"}


def test_allocation_goes_by_the_keys_of_the_resolution() -> None:
    layers = [cc.Layer(name=f"module.{name}", type="Linear", weight_shape=(10,)) for name in ("fc1", "fc2")]
    resolution = cc.resolve([{"op_types": ["Linear"], "total_sparsity": 0.5}], layers)
    assert dict(resolution.budget.allocate()) == {"module.fc1": 5, "module.fc2": 5}
    assert dict(resolution.budget.allocate({"fc1": 1, "module.fc2": 3})) == {"module.fc1": 3, "module.fc2": 7}


@pytest.mark.parametrize(
    "pairs",
    [
        pytest.param([("module.fc", "Linear"), ("head", "Linear")], id="not-in-every-name"),
        pytest.param([("module", "Linear")], id="a-layer-of-that-name"),
        pytest.param([("net.module.fc", "Linear"), ("net.module", "Block")], id="not-the-first"),
        pytest.param([("modules.fc", "Linear")], id="only-part-of-a-component"),
        pytest.param([("x_orig_mod.fc", "Linear")], id="at-the-end-of-a-component"),
    ],
)
def test_what_is_not_a_wrapper_stays_in_the_name(pairs: list[tuple[str, str]]) -> None:
    inventory = cc.Inventory.from_layers(pairs)
    assert inventory.names == inventory.keys == tuple(name for name, _ in pairs)


def test_a_layer_that_has_the_bare_name_of_another_keeps_it() -> None:
    """A real name comes before an alias."""
    pairs = [("a._orig_mod.fc", "Linear"), ("a.fc", "Conv2d")]
    inventory = cc.Inventory.from_layers(pairs)
    assert inventory.names == ("a._orig_mod.fc", "a.fc")
    assert inventory["a.fc"].type == "Conv2d"


def test_ties_aliases_and_the_root_lose_the_wrapper_too(tmp_path: Path) -> None:
    layers = [
        cc.Layer(name="module", type="Net", has_weight=False, parameters={"token": (3,)}),
        cc.Layer(name="module.embed", type="Embedding", weight_shape=(4, 2), aliases=("module.shared",)),
        cc.Layer(
            name="module.head",
            type="Linear",
            weight_shape=(4, 2),
            tied_to="module.embed",
            parameters={"weight": (4, 2), "bias": (3,)},
            parameter_ties={"bias": "module.token"},
        ),
    ]
    inventory = cc.Inventory.from_layers(layers)
    assert inventory.names == ("embed", "head")
    assert (inventory["head"].tied_to, inventory["embed"].aliases) == ("embed", ("shared",))
    assert dict(inventory["head"].parameter_ties) == {"bias": "token"}
    assert inventory.root is not None
    assert dict(inventory.root.shapes) == {"token": (3,)}
    assert cc.resolve([], inventory, kind="pruning").budget.model.parameters == 11
    inventory.save(tmp_path / "bare.json")
    assert cc.Inventory.load(tmp_path / "bare.json") == inventory


def test_an_inventory_that_was_made_from_a_wrapped_model_by_an_earlier_release_is_that_of_the_bare_one(
    tmp_path: Path,
) -> None:
    (tmp_path / "old.json").write_text(
        '{"format": "compression-config-inventory", "version": 1, "layers": [{"name": "_orig_mod", "type": "Net"}, '
        '{"name": "_orig_mod.fc", "type": "Linear", "weight_shape": [4, 4]}]}'
    )
    inventory = cc.Inventory.load(tmp_path / "old.json")
    assert (inventory.names, inventory.keys) == (("fc",), ("_orig_mod.fc",))


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "_fsdp_wrapped_module.module."])
def test_random_lists_have_the_answer_that_they_have_for_the_bare_model(seed: int, prefix: str) -> None:
    case = random_case(seed, partial_names=3)
    layers = [cc.Layer(name=layer.name, type=layer.type, aliases=layer.aliases) for layer in case.layers]
    wrapped = [
        cc.Layer(name=prefix + layer.name, type=layer.type, aliases=tuple(prefix + name for name in layer.aliases))
        for layer in layers
    ]
    options: Any = {"kind": case.kind, "unmatched": "ignore"}
    bare = cc.resolve(list(case.configs), layers, **options)
    assert cc.resolve(list(case.configs), wrapped, **options).fingerprint == bare.fingerprint


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "_orig_mod.module."])
def test_state_dicts_and_masks_of_wrapped_models_are_verified(prefix: str) -> None:
    pairs = [("a", "Linear"), ("b.fc", "Linear")]
    resolution = cc.resolve([{"op_names": ["a"], "sparsity_per_layer": 0.5}], pairs)
    weights = {"a": [1.0, 0.0], "b.fc": [1.0, 2.0]}
    state = {f"{prefix}{name}.weight": weight for name, weight in weights.items()}
    assert cc.verify(resolution, {**state, f"{prefix}norm.bias": [0.0]}).findings == ()
    assert cc.verify(resolution, {f"{prefix}{name}": weight for name, weight in weights.items()}).findings == ()
    wrong = cc.verify(resolution, state | {f"{prefix}a.weight": [1.0, 2.0]}, tolerance="exact")
    assert [finding.code for finding in wrong.findings] == ["sparsity-missed"]


class Tensor:
    shape = (2, 2)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        pytest.param(
            {"fc.weight": Tensor()},
            "a state dict is not a model, as it does not have the types of layers (pass the model that it is for, or "
            "its inventory)",
            id="state-dict",
        ),
        pytest.param(
            "model.pt",
            "'model.pt' holds weights, or a pickle that only Python can read: load it there and pass the model, or "
            "write its inventory with Inventory.from_model(model).save('model.json.gz')",
            id="pickle",
        ),
        pytest.param(
            Path("model.safetensors"),
            "'model.safetensors' holds weights, or a pickle that only Python can read: load it there and pass the "
            "model, or write its inventory with Inventory.from_model(model).save('model.json.gz')",
            id="checkpoint",
        ),
        pytest.param(
            {"fc": "Linear"},
            "a mapping is not a model (write .items() after it for pairs of a name and a type)",
            id="mapping",
        ),
    ],
)
def test_what_is_not_a_model_is_told_what_to_pass(model: Any, message: str) -> None:
    with pytest.raises(cc.InvalidInventory) as caught:
        cc.resolve(LIST, model)
    assert str(caught.value) == message


def test_a_file_of_weights_is_refused_as_a_source_too() -> None:
    with pytest.raises(cc.UsageError, match=r"'model\.ckpt' holds weights, or a pickle that only Python can read"):
        cc.Inventory.from_source("model.ckpt")
