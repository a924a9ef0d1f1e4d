"""Verification: masks and weights held against the config list, whatever they come as."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from builders import FakeModel
from hypothesis import given
from hypothesis import strategies as st

import compression_config as cc
from compression_config.resolving.resolved import Resolved
from compression_config.verification import Verification
from compression_config.verification import verify as verify_resolved


def verify(configs: Any, layers: Any, weights: Any, **options: Any) -> Verification:
    """Return what verification makes of `weights`, for one list or both of a two-part document."""
    config, inventory = cc.validate(configs), cc.Inventory.from_layers(layers)
    if isinstance(config, cc.CompressionConfig):
        options["beside"] = Resolved(config.quantization, inventory)
        config = config.pruning
    return verify_resolved(Resolved(config, inventory), weights, **options)


def linear(name: str, *shape: int, **more: Any) -> cc.Layer:
    return cc.Layer(**{"name": name, "type": "Linear", "weight_shape": shape} | more)


def mask(zeros: int, *shape: int) -> np.ndarray[Any, Any]:
    """Return a mask that keeps all elements but the first `zeros`."""
    flat = np.ones(shape, dtype="float32").reshape(-1)
    flat[:zeros] = 0
    return flat.reshape(shape)


def weight(zeros: int, *shape: int, dtype: str = "float32") -> np.ndarray[Any, Any]:
    """Return a weight of distinct numbers other than 0 and 1, but for the first `zeros`."""
    flat = (np.arange(int(np.prod(shape))) + 2.5).astype(dtype)
    flat[:zeros] = 0
    return flat.reshape(shape)


def said(verification: Verification) -> list[tuple[str, str, tuple[Any, ...], str]]:
    return [(f.code.value, f.severity.value, f.path, f.message) for f in verification.findings]


def codes(verification: Verification) -> dict[str, tuple[str, ...]]:
    return {row.layer: tuple(code.value for code in row.codes) for row in verification.layers if row.codes}


LAYERS = [linear("fc1", 20, 25), linear("fc2", 25, 40), linear("out", 10, 10), linear("norm", 8, type="Norm")]
CONFIGS = [
    {"op_types": ["Linear"], "sparsity_per_layer": 0.8},
    {"op_names": ["out"], "exclude": True},
]
GOOD = {"fc1": 400, "fc2": 800, "out": 0, "norm": 0}
SHAPES = {layer.name: layer.weight_shape or () for layer in LAYERS}


def as_state_dict(zeros: Mapping[str, int]) -> dict[str, Any]:
    return {f"{name}.weight": weight(count, *SHAPES[name]) for name, count in zeros.items()}


def as_pruned_state_dict(zeros: Mapping[str, int]) -> dict[str, Any]:
    found: dict[str, Any] = {"fc1.bias": weight(3, 20), "other": weight(3, 3)}
    for name, count in zeros.items():
        found[f"{name}.weight_orig"] = weight(0, *SHAPES[name])
        found[f"{name}.weight_mask"] = mask(count, *SHAPES[name])
    return found


def as_model(zeros: Mapping[str, int]) -> FakeModel:
    return FakeModel({name: SimpleNamespace(weight=weight(count, *SHAPES[name])) for name, count in zeros.items()})


def as_pruned_model(zeros: Mapping[str, int]) -> FakeModel:
    return FakeModel(
        {
            name: SimpleNamespace(weight=weight(0, *SHAPES[name]), weight_mask=mask(count, *SHAPES[name]))
            for name, count in zeros.items()
        }
    )


FORMS = [
    pytest.param(as_state_dict, "weight", id="state-dict"),
    pytest.param(as_pruned_state_dict, "mask", id="state-dict-with-masks"),
    pytest.param(as_model, "weight", id="model"),
    pytest.param(as_pruned_model, "mask", id="model-with-masks"),
    pytest.param(
        lambda zeros: {n: {"weight": mask(c, *SHAPES[n]), "bias": None} for n, c in zeros.items()},
        "mask",
        id="nni-masks",
    ),
    pytest.param(lambda zeros: {n: mask(c, *SHAPES[n]) for n, c in zeros.items()}, "mask", id="masks"),
    pytest.param(lambda zeros: {n: mask(c, *SHAPES[n]) > 0 for n, c in zeros.items()}, "mask", id="bool-masks"),
    pytest.param(lambda zeros: {n: weight(c, *SHAPES[n]) for n, c in zeros.items()}, "weight", id="arrays"),
    pytest.param(lambda zeros: {n: mask(c, *SHAPES[n]).tolist() for n, c in zeros.items()}, "mask", id="nested-lists"),
    pytest.param(lambda zeros: {n: weight(c, *SHAPES[n]).tolist() for n, c in zeros.items()}, "weight", id="numbers"),
]


# --- what is verified


@pytest.mark.parametrize(("form", "evidence"), FORMS)
def test_what_is_as_it_was_asked_for_passes_in_every_form(form: Any, evidence: str) -> None:
    found = verify(CONFIGS, LAYERS, form(GOOD))
    assert found.findings == ()
    assert [(r.layer, r.status, r.index, r.numel, r.demanded, r.masked) for r in found.layers] == [
        ("fc1", "compressed", 0, 500, 400, 400),
        ("fc2", "compressed", 0, 1000, 800, 800),
        ("out", "excluded", 1, 100, 0, 0),
        ("norm", "untouched", None, 8, 0, 0),
    ]
    assert {row.evidence for row in found.layers} == {evidence}
    assert all(row.verified and row.codes == () for row in found.layers)
    found.raise_for_findings("warning")


@pytest.mark.parametrize(("form", "evidence"), FORMS)
def test_what_is_wrong_is_caught_in_every_form(form: Any, evidence: str) -> None:
    found = verify(CONFIGS, LAYERS, form({"fc1": 250, "fc2": 810, "out": 5, "norm": 1}))
    assert said(found) == [
        (
            "touched-layer",
            "error",
            (),
            "elements are masked in 1 of 1 layers that no sub-config selects: 'norm' (1 of 8 masked)",
        ),
        (
            "sparsity-missed",
            "error",
            (0, "sparsity_per_layer"),
            (
                "'sparsity_per_layer' 0.8 is missed in 2 of 2 layers: "
                "'fc1' (250 of 500 masked, not 400), 'fc2' (810 of 1,000 masked, not 800)"
            ),
        ),
        (
            "touched-layer",
            "error",
            (1, "exclude"),
            "elements are masked in 1 of 1 layers that are excluded: 'out' (5 of 100 masked)",
        ),
    ]
    assert {row.evidence for row in found.layers} == {evidence}
    with pytest.raises(cc.FindingsError) as caught:
        found.raise_for_findings()
    assert caught.value.findings == found.findings


@given(st.fixed_dictionaries({name: st.integers(0, 60) for name in "abc"}), st.booleans())
def test_verification_counts_what_counting_by_hand_does(zeros: dict[str, int], bare: bool) -> None:
    layers = [linear(name, 60) for name in "abc"]
    tensors = {f"{n}.weight" if bare else n: (weight if bare else mask)(c, 60) for n, c in zeros.items()}
    configs = [{"op_names": ["a"], "sparsity_per_layer": 0.5}, {"op_names": ["b"], "exclude": True}]
    found = verify(configs, layers, tensors, tolerance="exact")
    assert {row.layer: row.masked for row in found.layers} == zeros
    wrong = {"a"} if zeros["a"] != 30 else set()
    # A weight of one axis that is zero throughout may be a scale that starts at zero.
    wrong |= {name for name in "bc" if zeros[name] and not (bare and zeros[name] == 60)}
    assert set(codes(found)) == wrong


def test_names_and_types_are_enough_where_the_weights_say_the_rest() -> None:
    pairs = [("fc1", "Linear"), ("fc2", "Linear"), ("relu", "ReLU")]
    configs = [{"op_types": ["Linear"], "total_sparsity": 0.8}]
    found = verify(configs, pairs, {"fc1.weight": weight(450, 500), "fc2.weight": weight(750, 1000)})
    assert found.findings == ()
    assert (found.groups[0].numel, found.groups[0].demanded, found.groups[0].masked) == (1500, 1200, 1200)
    assert [row.layer for row in found.layers] == ["fc1", "fc2"]


# --- groups and caps

GROUP = [{"op_names": ["fc1", "fc2"], "total_sparsity": 0.8, "max_sparsity_per_layer": 0.9}]


@pytest.mark.parametrize(
    ("fc1", "fc2", "wrong"),
    [
        pytest.param(400, 800, [], id="even"),
        pytest.param(300, 900, [], id="one-end"),
        pytest.param(450, 751, [], id="rounded-up"),
        pytest.param(450, 740, ["sparsity-missed"], id="too-few"),
        pytest.param(450, 760, ["sparsity-missed"], id="too-many"),
        pytest.param(500, 700, ["cap-exceeded"], id="beyond-a-cap"),
        pytest.param(0, 1000, ["cap-exceeded", "sparsity-missed"], id="beyond-a-cap-and-too-few"),
    ],
)
def test_a_group_is_held_against_its_demand_and_its_layers_against_their_caps(
    fc1: int, fc2: int, wrong: list[str]
) -> None:
    found = verify(GROUP, LAYERS, as_pruned_state_dict(GOOD | {"fc1": fc1, "fc2": fc2}))
    (group,) = found.groups
    assert (group.index, group.layers, group.numel, group.demanded) == (0, ("fc1", "fc2"), 1500, 1200)
    assert group.masked == fc1 + fc2
    assert sorted(code for code, *_ in said(found)) == wrong


def test_what_a_group_and_a_cap_miss_is_said_with_their_numbers() -> None:
    found = verify(GROUP, LAYERS, as_pruned_state_dict(GOOD | {"fc1": 0, "fc2": 990}))
    assert said(found) == [
        (
            "cap-exceeded",
            "error",
            (0, "max_sparsity_per_layer"),
            "'max_sparsity_per_layer' 0.9 is exceeded in 1 of 2 layers: 'fc2' (990 of 1,000 masked, at most 900)",
        ),
        (
            "sparsity-missed",
            "error",
            (0, "total_sparsity"),
            "'total_sparsity' 0.8 demands 1,200 of 1,500 elements, and 990 are masked",
        ),
    ]


def test_a_group_that_rounding_cuts_short_may_mask_what_its_caps_hold() -> None:
    layers = [linear(name, 7) for name in "abcd"]
    configs = [{"op_types": ["Linear"], "total_sparsity": 0.5, "max_sparsity_per_layer": 0.5}]
    assert verify(configs, layers, {name: mask(3, 7) for name in "abcd"}, tolerance="exact").findings == ()
    found = verify(configs, layers, {name: mask(2, 7) for name in "abcd"}, tolerance="exact")
    assert [message for *_, message in said(found)] == [
        "'total_sparsity' 0.5 demands 14 of 28 elements (12 under the caps), and 8 are masked"
    ]


# --- tolerances


@pytest.mark.parametrize(
    ("tolerance", "zeros", "passes"),
    [
        ("exact", 400, True),
        ("exact", 401, False),
        ("element", 401, True),
        ("element", 399, True),
        ("element", 402, False),
        ("element", 398, False),
        (0.01, 405, True),
        (0.01, 394, False),
        (0, 401, False),
        ("channel", 424, True),
        ("channel", 376, True),
        ("channel", 425, False),
        ("channel", 375, False),
    ],
)
def test_the_tolerance_says_by_how_much_a_count_may_be_off(tolerance: Any, zeros: int, passes: bool) -> None:
    found = verify(CONFIGS, LAYERS, {"fc1": mask(zeros, 20, 25), "fc2": mask(800, 25, 40)}, tolerance=tolerance)
    assert (found.findings == ()) is passes


@pytest.mark.parametrize("tolerance", ["exact", "element", "channel", 0.5])
@pytest.mark.parametrize("bare", [False, True])
def test_no_tolerance_covers_a_layer_that_is_masked_whole_under_a_cap(tolerance: Any, bare: bool) -> None:
    """Spec: 'all parameters in layer_1 may be totally masked. To avoid this situation, ...'."""
    layers = [linear("fc1", 2, 2), linear("fc2", 25, 40)]
    tensors = {"fc1": mask(4, 2, 2), "fc2": mask(600, 25, 40)}
    if bare:
        tensors = {"fc1.weight": weight(4, 2, 2), "fc2.weight": weight(600, 25, 40)}
    found = verify([GROUP[0] | {"total_sparsity": 0.6}], layers, tensors, tolerance=tolerance)
    assert found.layers[0].cap == 3
    assert codes(found) == {"fc1": ("cap-exceeded",)}
    assert found.findings[0].hint is None


def test_the_default_takes_an_engine_that_rounds_to_nearest() -> None:
    configs = [{"op_types": ["Linear"], "sparsity_per_layer": 0.29}]
    assert verify(configs, [linear("a", 10)], {"a": mask(3, 10)}).findings == ()


@pytest.mark.parametrize(("tolerance", "passes"), [("channel", True), ("element", False)])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("channels", [4, 5])
def test_whole_channels_of_either_axis_may_be_what_a_ratio_comes_to(
    axis: int, channels: int, tolerance: Any, passes: bool
) -> None:
    keep = np.ones((9, 9, 3, 3))
    keep.swapaxes(0, axis)[:channels] = 0
    configs = [{"op_types": ["Conv2d"], "sparsity_per_layer": 0.5}]
    layers = [linear("conv", 9, 9, 3, 3, type="Conv2d")]
    found = verify(configs, layers, {"conv": keep}, tolerance=tolerance)
    assert (found.findings == ()) is passes
    if not passes:
        assert found.findings[0].hint == "where whole channels are pruned, verify with tolerance 'channel'"


def test_a_group_of_channels_may_be_off_by_one_channel_a_layer() -> None:
    layers = [linear(name, 10, 10) for name in "abc"]
    configs = [{"op_types": ["Linear"], "total_sparsity": 0.55}]
    rows = {name: mask(50, 10, 10) for name in "abc"}
    assert verify(configs, layers, rows, tolerance="channel").findings == ()
    assert [code for code, *_ in said(verify(configs, layers, rows))] == ["sparsity-missed"]
    assert verify(configs, layers, rows | {"a": mask(0, 10, 10)}, tolerance="channel").findings != ()


@pytest.mark.parametrize("tolerance", ["row", 1, -0.1, None, True, float("nan")])
def test_what_is_no_tolerance_is_refused(tolerance: Any) -> None:
    with pytest.raises(cc.UsageError, match="a tolerance is 'exact', 'element', 'channel' or a number from 0"):
        verify(CONFIGS, LAYERS, {}, tolerance=tolerance)


# --- zeros that nobody masked


@pytest.mark.parametrize(
    ("layer", "tensor", "wrong"),
    [
        pytest.param(linear("a", 100, 100), weight(10, 100, 100), False, id="one-in-a-thousand"),
        pytest.param(linear("a", 100, 100), weight(11, 100, 100), True, id="more"),
        pytest.param(linear("a", 10, 10), weight(1, 10, 10), True, id="one-in-a-hundred"),
        pytest.param(linear("a", 10, 10, type="Embedding"), weight(10, 10, 10), False, id="padding-row"),
        pytest.param(linear("a", 10, 10, type="Embedding"), weight(11, 10, 10), True, id="more-than-that-row"),
        pytest.param(linear("a", 10, 10, type="Embedding"), weight(9, 10, 10), True, id="no-whole-row"),
        pytest.param(linear("a", 10, 10, type="Embedding"), weight(10, 10, 10).T, True, id="column"),
        pytest.param(linear("a", 64, type="Norm"), np.zeros(64), False, id="scale-that-starts-at-zero"),
        pytest.param(linear("a", 8, 8), np.zeros((8, 8)), False, id="weight-that-starts-at-zero"),
    ],
)
def test_a_few_zeros_in_a_bare_weight_are_nobodys_doing(layer: cc.Layer, tensor: Any, wrong: bool) -> None:
    found = verify([{"op_names": ["a"], "exclude": True}], [layer], {"a.weight": tensor})
    assert (codes(found) == {"a": ("touched-layer",)}) is wrong
    in_mask = verify([{"op_names": ["a"], "exclude": True}], [layer], {"a.weight_mask": np.asarray(tensor) != 0})
    assert codes(in_mask) == {"a": ("touched-layer",)}


@pytest.mark.parametrize(
    ("zeros", "tolerance", "passes"),
    [
        (5011, "element", True),
        (5012, "element", False),
        (4999, "element", True),
        (4998, "element", False),
        (5000, "exact", True),
        (5001, "exact", False),
        (4999, "exact", False),
    ],
)
def test_they_do_not_make_a_count_wrong_either_unless_it_is_to_be_exact(
    zeros: int, tolerance: Any, passes: bool
) -> None:
    layers = [linear("a", 100, 100)]
    configs = [{"op_types": ["Linear"], "sparsity_per_layer": 0.5}]
    found = verify(configs, layers, {"a.weight": weight(zeros, 100, 100)}, tolerance=tolerance)
    assert (found.findings == ()) is passes
    in_mask = verify(configs, layers, {"a": mask(zeros, 100, 100)}, tolerance=tolerance)
    assert (in_mask.findings == ()) is (abs(zeros - 5000) <= (tolerance == "element"))


def test_a_weight_that_is_zero_throughout_was_masked_or_starts_so() -> None:
    """The last layer of a residual branch often starts at zero, and the second factor of an adapter always."""
    found = verify([{"op_names": ["a"], "exclude": True}], [linear("a", 8, 8)], {"a.weight": np.zeros((8, 8))})
    assert said(found) == [
        (
            "not-verified",
            "warning",
            (0,),
            "1 of 1 layers could not be verified: 'a' is zero throughout, masked or as it was initialized",
        )
    ]
    half = np.zeros((8, 8))
    half[0] = 1.5
    assert codes(verify([{"op_names": ["a"], "exclude": True}], [linear("a", 8, 8)], {"a.weight": half})) == {
        "a": ("touched-layer",)
    }


# --- what cannot be verified


class Meta:
    """A tensor without numbers."""

    is_meta = True
    shape = (20, 25)


class Broken:
    """A tensor that raises when it is looked at."""

    shape = (20, 25)

    def __eq__(self, other: object) -> Any:
        raise RuntimeError("no kernel")

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("tensor", "reason"),
    [
        pytest.param(Meta(), "is on the meta device and has no numbers", id="meta"),
        pytest.param(Broken(), "cannot be counted: RuntimeError('no kernel')", id="broken"),
        pytest.param(weight(0, 300), "has 300 weight elements there instead of 500", id="other-size"),
        pytest.param([0.5], "has 1 weight element there instead of 500", id="one-number"),
        pytest.param(weight(400, 25, 20), "has the shape 25x20 there instead of 20x25", id="transposed"),
        pytest.param(weight(400, 500), "has the shape 500 there instead of 20x25", id="flat"),
        pytest.param("weights", "is not a tensor but 'str'", id="string"),
        pytest.param([[1, 2], [3]], "has rows of different length", id="ragged"),
        pytest.param([["1"]], "is a list that holds more than numbers", id="no-numbers"),
        pytest.param(None, "has no weight there", id="none"),
    ],
)
def test_what_cannot_be_counted_is_said_and_not_taken_for_right(tensor: Any, reason: str) -> None:
    tensors = as_state_dict(GOOD) | {"fc1.weight": tensor}
    found = verify(CONFIGS, LAYERS, tensors)
    severity = "error" if "instead of" in reason or reason == "has no weight there" else "warning"
    assert said(found) == [("not-verified", severity, (0,), f"1 of 2 layers could not be verified: 'fc1' {reason}")]
    assert not found.layers[0].verified
    if severity == "warning":
        found.raise_for_findings()
    with pytest.raises(cc.FindingsError):
        found.raise_for_findings("warning")


def test_a_mask_and_a_weight_of_different_shapes_are_not_taken_for_one_layer() -> None:
    """Names and types alone say nothing about shapes; a mask that does not fit its weight is wrong all the same."""
    tensors = {"fc1.weight_mask": mask(400, 25, 20), "fc1.weight_orig": weight(0, 20, 25)}
    found = verify(CONFIGS[:1], [("fc1", "Linear")], tensors)
    assert [message for *_, message in said(found)] == [
        "1 of 1 layers could not be verified: 'fc1' has the shape 20x25 there instead of 25x20"
    ]


def test_an_array_that_breaks_is_no_mask_and_not_verified() -> None:
    found = verify(CONFIGS, LAYERS, {"fc1": Broken(), "fc2": mask(800, 25, 40), "out": mask(0, 10, 10)})
    assert codes(found) == {"fc1": ("not-verified",), "norm": ("not-verified",)}


def test_a_weight_may_be_a_single_number() -> None:
    configs = [{"op_names": ["act"], "sparsity_per_layer": 0.5}]
    found = verify(configs, [linear("act", type="PReLU")], {"act.weight": 0.25})
    assert [(row.numel, row.demanded, row.masked) for row in found.layers] == [(1, 0, 0)]


def test_a_group_with_a_layer_that_cannot_be_counted_is_not_verified() -> None:
    tensors = as_state_dict(GOOD)
    del tensors["fc1.weight"]
    (group,) = verify(GROUP, LAYERS, tensors).groups
    assert (group.masked, group.codes, group.demanded) == (None, ("not-verified",), 1200)


def test_where_nothing_could_be_verified_that_is_an_error() -> None:
    tensors = {f"{name}.weight": Meta() for name in SHAPES}
    layers = [linear(name, 20, 25) for name in SHAPES]
    found = verify(CONFIGS, layers, tensors)
    assert [(code, severity, path) for code, severity, path, _ in said(found)] == [
        ("not-verified", "error", (0,)),
        ("not-verified", "error", (1,)),
    ]


def prefixed(prefix: str, zeros: Mapping[str, int]) -> list[object]:
    """Return a state dict and a model whose layers have a prefix."""
    tensors = {f"{prefix}{name}": tensor for name, tensor in as_state_dict(zeros).items()}
    modules: dict[str, object] = {
        name.removesuffix(".weight"): SimpleNamespace(weight=tensor) for name, tensor in tensors.items()
    }
    return [{f"{prefix}fc1.bias": [0.0], **tensors}, FakeModel(modules), {f"{prefix}x": 1, **tensors, "step": 3}]


@pytest.mark.parametrize(
    "prefix", ["module.", "_orig_mod.", "model.", "module.model.", "base_model.model.", "student."]
)
def test_what_is_before_every_name_is_understood(prefix: str) -> None:
    for weights in prefixed(prefix, GOOD):
        assert verify(CONFIGS, LAYERS, weights).findings == ()
    for weights in prefixed(prefix, GOOD | {"out": 5}):
        assert codes(verify(CONFIGS, LAYERS, weights)) == {"out": ("touched-layer",)}


def test_a_part_of_a_model_may_have_been_saved_by_itself() -> None:
    layers = [cc.Layer(name=f"bert.{one.name}", type=one.type, weight_shape=one.weight_shape) for one in LAYERS]
    assert verify([CONFIGS[0]], layers, as_state_dict(GOOD | {"out": 80})).findings == ()


def test_names_that_are_not_those_of_layers_are_one_finding() -> None:
    two = {f"{model}.{name}": tensor for model in ("teacher", "ema") for name, tensor in as_state_dict(GOOD).items()}
    model = FakeModel({name.removesuffix(".weight"): SimpleNamespace(weight=tensor) for name, tensor in two.items()})
    biases = {f"ema.{name}.bias": [0.0] for name in SHAPES}
    for weights in (model, {**biases, **two}):
        found = verify(CONFIGS, LAYERS, weights)
        (finding,) = found.findings
        assert (finding.code, finding.severity, finding.path) == ("not-verified", "error", ())
        assert finding.message.startswith("no given name is that of a layer: '")
        assert finding.hint == "the layer may be 'fc1'"
        assert {row.codes for row in found.layers} == {("not-verified",)}


@pytest.mark.parametrize("inner", [lambda: as_state_dict(GOOD), lambda: FakeModel({})], ids=["state-dict", "model"])
def test_the_weights_of_a_checkpoint_with_more_in_it_are_named(inner: Any) -> None:
    (finding,) = verify(CONFIGS, LAYERS, {"epoch": 3, "optimizer": {"state": {}}, "state_dict": inner()}).findings
    assert finding.hint == "the weights are under 'state_dict': verify what is there"


def test_what_cannot_be_looked_into_gets_no_hint() -> None:
    class Broken(dict[str, object]):
        def __iter__(self) -> Any:
            raise OSError

    (finding,) = verify(CONFIGS, LAYERS, {"epoch": 3, "rest": Broken()}).findings
    assert finding.hint is None


@pytest.mark.parametrize("kind", ["pruning", "quantization"])
@pytest.mark.parametrize("configs", [[], [{"op_names": ["fc1"], "exclude": True}]])
def test_a_list_that_compresses_nothing_may_come_to_nothing(configs: list[dict[str, Any]], kind: Any) -> None:
    resolution = cc.resolve(configs, LAYERS, kind=kind)
    assert cc.verify(resolution, {}).findings == ()
    missing = cc.verify(cc.resolve(CONFIGS, LAYERS), {})
    assert [(finding.code, finding.severity) for finding in missing.findings] == [("not-verified", "error")] * 3


@pytest.mark.parametrize("configs", [CONFIGS, GROUP])
def test_a_compressed_layer_that_is_missing_is_an_error(configs: list[dict[str, Any]]) -> None:
    tensors = as_state_dict({"fc1": 400, "out": 0})
    found = verify(configs, LAYERS, tensors)
    assert [(path, severity, message) for _, severity, path, message in said(found)] == [
        ((), "warning", said(found)[0][3]),
        ((0,), "error", "1 of 2 layers could not be verified: 'fc2' has no weight there"),
    ]
    with pytest.raises(cc.FindingsError):
        found.raise_for_findings()


def test_channels_that_are_removed_are_one_finding() -> None:
    tensors = as_state_dict(GOOD | {"out": 80}) | {"fc1.weight": weight(0, 10, 25), "fc2.weight": weight(0, 25, 20)}
    found = verify([*CONFIGS[:1], {"op_names": ["fc2"], "sparsity_per_layer": 0.5}], LAYERS, tensors)
    (finding,) = found.findings
    assert (finding.severity, finding.path, finding.message, finding.hint) == (
        "error",
        (),
        (
            "2 of 4 layers have fewer channels than in the model: "
            "'fc1' (10x25 instead of 20x25), 'fc2' (25x20 instead of 25x40)"
        ),
        "verify the masks, or the model before its channels are removed",
    )


def test_a_mask_for_a_layer_that_does_not_exist_is_a_typo() -> None:
    masks = {"fc1": {"weight": mask(400, 20, 25)}, "fcc2": {"weight": mask(800, 25, 40)}}
    found = verify(CONFIGS, LAYERS, masks)
    assert found.findings[0].message == "1 of the given names are not layers: 'fcc2'"
    assert found.findings[0].hint == "the layer may be 'fc2'"
    assert [code for code, *_ in said(found)] == ["not-verified", "sparsity-missed"]


@pytest.mark.parametrize("absent", [{}, {"fc2": {"weight": None}}])
def test_a_layer_without_a_mask_among_masks_is_not_masked(absent: dict[str, Any]) -> None:
    found = verify(CONFIGS, LAYERS, {"fc1": {"weight": mask(400, 20, 25)}, **absent})
    assert [(row.layer, row.masked, row.evidence) for row in found.layers if row.codes] == [("fc2", 0, "mask")]
    assert found.layers[1].codes == ("sparsity-missed",)


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [
        (3, "what is verified is a model, a state dict, or masks or arrays by layer, not 'int'"),
        ([mask(1, 2)], "what is verified is a model, a state dict, or masks or arrays by layer, not 'list'"),
        ({3: mask(1, 2)}, "tensors and masks are found by names, not by 3"),
    ],
)
def test_what_is_neither_weights_nor_masks_is_refused(weights: Any, sentence: str) -> None:
    with pytest.raises(cc.UsageError) as caught:
        verify(CONFIGS, LAYERS, weights)
    assert str(caught.value) == sentence


def test_modules_that_are_missing_or_keep_their_weight_to_themselves() -> None:
    class Packed:
        def weight(self) -> None: ...

    class Failing:
        @property
        def weight(self) -> None:
            raise RuntimeError("not here")

    model = FakeModel({"fc1": Packed(), "fc2": Failing(), "norm": SimpleNamespace(weight=weight(0, 8))})
    assert set(codes(verify(CONFIGS, LAYERS, model))) == {"fc1", "fc2", "out"}


def test_severities_that_the_caller_set_are_kept() -> None:
    config = cc.validate(CONFIGS, severity={"touched-layer": "ignore", "sparsity-missed": "warning"})
    found = verify(config, LAYERS, as_state_dict({"fc1": 0, "fc2": 800, "out": 5, "norm": 0}))
    assert [(code, severity) for code, severity, *_ in said(found)] == [("sparsity-missed", "warning")]


# --- shared weights


def test_a_shared_weight_is_looked_at_once_under_whichever_name_it_was_stored() -> None:
    layers = [
        linear("embed", 10, 10, type="Embedding", aliases=("encoder.embed",)),
        linear("head", 10, 10, tied_to="embed"),
    ]
    configs = [{"op_types": ["Embedding", "Linear"], "sparsity_per_layer": 0.5}]
    for name in ("embed", "encoder.embed", "head"):
        found = verify(configs, layers, {f"{name}.weight": weight(50, 10, 10)})
        assert [(row.layer, row.masked) for row in found.layers] == [("embed", 50)]
        assert found.findings == ()


def test_a_later_layer_of_a_tie_is_looked_at_where_it_has_a_mask_of_its_own() -> None:
    layers = [linear("fc", 10, 10), linear("embed", 10, 10, type="Embedding"), linear("head", 10, 10, tied_to="embed")]
    configs = [{"op_names": ["fc"], "sparsity_per_layer": 0.5}]
    masks = {name: {"weight": mask(count, 10, 10)} for name, count in (("fc", 50), ("embed", 0), ("head", 1))}
    found = verify(configs, layers, masks)
    assert [(row.layer, row.masked, row.codes) for row in found.layers] == [
        ("fc", 50, ()),
        ("embed", 0, ()),
        ("head", 1, ("touched-layer",)),
    ]
    del masks["embed"]  # then the only mask there is stands for the shared weight
    assert codes(verify(configs, layers, masks)) == {"embed": ("touched-layer",)}


def test_a_layer_of_a_tie_that_cannot_be_read_has_no_row_of_its_own() -> None:
    class Unreadable(dict[str, Any]):
        def __getitem__(self, key: str) -> Any:
            if key == "head.weight_mask":
                raise OSError("gone")
            return super().__getitem__(key)

    layers = [linear("embed", 10, 10, type="Embedding"), linear("head", 10, 10, tied_to="embed")]
    tensors = Unreadable({"embed.weight": weight(50, 10, 10), "head.weight_mask": mask(50, 10, 10)})
    found = verify([{"op_types": ["Embedding", "Linear"], "sparsity_per_layer": 0.5}], layers, tensors)
    assert [(row.layer, row.masked) for row in found.layers] == [("embed", 50)]


@pytest.mark.parametrize("stored_as", ["embed", "head"])
def test_what_is_asked_of_a_later_layer_of_a_tie_alone_is_looked_at_in_the_shared_weight(stored_as: str) -> None:
    layers = [linear("embed", 10, 10, type="Embedding"), linear("head", 10, 10, tied_to="embed")]
    configs = [{"op_names": ["head"], "total_sparsity": 0.5}]
    assert verify(configs, layers, {f"{stored_as}.weight": weight(50, 10, 10)}).findings == ()
    missed = verify(configs, layers, {f"{stored_as}.weight": weight(0, 10, 10)})
    assert {finding.code.value for finding in missed.findings} == {"sparsity-missed"}


def test_of_a_tie_that_is_compressed_whole_each_layer_needs_its_mask_where_masks_untie_it() -> None:
    layers = [linear("embed", 10, 10, type="Embedding"), linear("head", 10, 10, tied_to="embed")]
    configs = [{"op_types": ["Embedding", "Linear"], "sparsity_per_layer": 0.5}]
    tensors = {
        "embed.weight_orig": weight(0, 10, 10),
        "embed.weight_mask": mask(50, 10, 10),
        "head.weight": weight(0, 10, 10),
    }
    assert said(verify(configs, layers, tensors)) == [
        (
            "not-verified",
            "error",
            (0,),
            "1 of 2 layers could not be verified: 'head' shared the weight of 'embed', which alone has a mask there",
        )
    ]


# --- quantization


def levels(count: int, *shape: int, dtype: str = "float32") -> np.ndarray[Any, Any]:
    """Return a weight of `count` distinct values, all of them in each row that is long enough."""
    return ((np.arange(int(np.prod(shape))) % count) * 0.25 - 1).astype(dtype).reshape(shape)


def bits_config(bits: int, scheme: str | None = None) -> list[dict[str, Any]]:
    config: dict[str, Any] = {"op_names": ["a"], "quant_types": ["weight", "input"], "quant_bits": bits}
    return [config | ({} if scheme is None else {"quant_scheme": scheme})]


@pytest.mark.parametrize(
    ("tensor", "bits", "scheme", "found_levels", "exceeded"),
    [
        pytest.param(levels(16, 8, 64), 4, None, 16, False, id="as-many-as-there-may-be"),
        pytest.param(levels(17, 8, 64), 4, None, 17, True, id="one-more"),
        pytest.param(weight(0, 8, 64), 4, None, 17, True, id="not-quantized-at-all"),
        pytest.param(levels(16, 8, 64) * np.arange(1, 9)[:, None], 4, None, 16, False, id="a-scale-for-each-channel"),
        pytest.param(
            levels(16, 8, 64) * np.arange(1, 9)[:, None], 4, "per_channel_symmetric", 16, False, id="as-the-scheme-says"
        ),
        pytest.param(
            levels(16, 8, 64) * np.arange(1, 9)[:, None], 4, "per_tensor_affine", 17, True, id="other-than-it-says"
        ),
        pytest.param(levels(16, 8, 64), 4, "per_tensor_affine", 16, False, id="one-scale"),
        pytest.param(weight(0, 8, 64), 4, "per_tensor_affine", 17, True, id="not-one-scale"),
        pytest.param(weight(0, 8, 64), 16, None, 64, False, id="more-bits-than-elements"),
        pytest.param(weight(0, 8, 64), 17, None, None, False, id="not-counted"),
        pytest.param(np.arange(512).astype("int8").reshape(8, 64), 8, None, 64, False, id="integers-of-as-many-bits"),
        pytest.param(np.arange(512).astype("int8").reshape(8, 64), 4, None, 17, True, id="integers-of-more"),
        pytest.param(np.arange(512).astype("int8").reshape(8, 64) % 16, 4, None, 16, False, id="few-integers"),
        pytest.param(levels(17, 8, 64).tolist(), 4, None, 17, True, id="numbers"),
        pytest.param(levels(3, 9), 1, None, 3, True, id="one-axis"),
        pytest.param(np.zeros((0, 4)), 4, None, 0, False, id="no-elements"),
    ],
)
def test_a_quantized_weight_has_no_more_values_than_its_bits_tell_apart(
    tensor: Any, bits: int, scheme: str | None, found_levels: int | None, exceeded: bool
) -> None:
    found = verify(bits_config(bits, scheme), [linear("a", *np.shape(tensor))], {"a.weight": tensor})
    (row,) = found.layers
    assert (row.bits, row.levels, row.demanded, row.masked) == (bits, found_levels, None, None)
    assert (row.codes == ("bits-exceeded",)) is exceeded
    if exceeded:
        assert said(found) == [
            (
                "bits-exceeded",
                "error",
                (0, "quant_bits"),
                f"the {2**bits} values that {bits} bits tell apart are exceeded in 1 of 1 layers: 'a'",
            )
        ]


def test_the_channels_of_a_transposed_convolution_lie_along_the_second_axis() -> None:
    tensor = levels(8, 6, 40).T.reshape(40, 6)[:, :, None] * np.sqrt(np.arange(2, 8))[None, :, None]
    for kind, wrong in (("ConvTranspose1d", False), ("Conv1d", True)):
        layer = linear("a", 40, 6, 1, type=kind)
        found = verify(bits_config(3, "per_channel_affine"), [layer], {"a.weight": tensor})
        assert bool(found.findings) is wrong


def test_a_linear_layer_stored_the_other_way_round_has_its_outputs_along_the_second_axis() -> None:
    stored = np.add.outer(np.zeros(64), np.arange(32) * 100.0) + levels(16, 64).reshape(64, 1)
    configs = [{"op_types": ["Conv1D", "Linear"], "quant_types": ["weight", "input"], "quant_bits": 4}]
    for kind, wrong in (("Conv1D", False), ("Linear", True)):
        found = verify(configs, [linear("c_attn", 64, 32, type=kind)], {"c_attn.weight": stored})
        assert bool(found.findings) is wrong


def test_levels_are_counted_beyond_the_first_block() -> None:
    tensor = levels(16, 300, 1000)
    tensor[250, 7] = 0.1
    for scheme in (None, "per_tensor_affine"):
        found = verify(bits_config(4, scheme), [linear("a", 300, 1000)], {"a.weight": tensor})
        assert codes(found) == {"a": ("bits-exceeded",)}
        assert found.layers[0].levels == 17


def test_masks_alone_say_nothing_about_bits() -> None:
    found = verify(bits_config(4), [linear("a", 8, 8)], {"a": mask(3, 8, 8)})
    assert said(found) == [
        ("not-verified", "error", (0,), "1 of 1 layers could not be verified: 'a' has only a mask there")
    ]


def test_only_the_weight_of_a_layer_is_verified() -> None:
    config = [{"op_names": ["a"], "quant_types": ["output"], "quant_bits": 4}]
    found = verify(config, [linear("a", 8, 64)], {"a.weight": weight(0, 8, 64)})
    assert (found.findings, found.layers[0].bits) == ((), None)


@pytest.mark.parametrize(
    ("tensor", "wrong"),
    [
        pytest.param(weight(0, 64, 64), False, id="float"),
        pytest.param(weight(0, 64, 64, dtype="float16"), False, id="half"),
        pytest.param(levels(256, 64, 64), True, id="few-values"),
        pytest.param(levels(200, 4, 2048) * np.arange(1, 5)[:, None], True, id="few-values-in-each-channel"),
        pytest.param(levels(100, 64, 64, dtype="int8"), True, id="integers"),
        pytest.param(levels(256, 16, 16), False, id="too-small-to-tell"),
        pytest.param(np.ones((64, 64)), False, id="constant"),
        pytest.param(levels(200, 4096), False, id="scale"),
        pytest.param(levels(200, 64, 64) * (np.arange(64) < 30), False, id="pruned"),
    ],
)
def test_a_weight_that_was_quantized_although_nobody_asked_is_found(tensor: Any, wrong: bool) -> None:
    shape = np.shape(tensor)
    layers = [linear("b", 8, 64), linear("a", *shape), linear("c", *shape)]
    config = [
        {"op_names": ["b", "a"], "quant_types": ["weight", "input"], "quant_bits": 8},
        {"op_names": ["a"], "exclude": True},
    ]
    found = verify(config, layers, {"a.weight": tensor, "b.weight": levels(9, 8, 64), "c.weight": tensor})
    assert codes(found) == ({"a": ("touched-layer",), "c": ("touched-layer",)} if wrong else {})
    if wrong:
        assert [(path, message) for _, _, path, message in said(found)] == [
            ((), "the weight is quantized in 1 of 1 layers that no sub-config selects: 'c'"),
            ((1, "exclude"), "the weight is quantized in 1 of 1 layers that are excluded: 'a'"),
        ]


def test_a_model_that_came_with_integers_may_keep_them() -> None:
    config = [{"op_names": ["a"], "exclude": True}, {"op_names": ["b"], "quant_types": "weight", "quant_bits": 8}]
    layers = [linear("a", 64, 64, dtype="int8"), linear("b", 8, 8)]
    tensors = {"a.weight": levels(100, 64, 64, dtype="int8"), "b.weight": levels(8, 8, 8)}
    assert verify(config, layers, tensors).findings == ()


@pytest.mark.parametrize(
    ("name", "packed"), [("qweight", True), ("weight_packed", True), ("weight_g", False), ("W_q", True)]
)
def test_what_is_stored_instead_of_a_weight_is_not_looked_into(name: str, packed: bool) -> None:
    config = [*bits_config(4), {"op_names": ["b"], "exclude": True}, bits_config(4)[0] | {"op_names": ["c"]}]
    layers = [linear(layer, 8, 64) for layer in "abc"]
    codes_there = np.ones((8, 8), dtype="int32")
    tensors = {f"a.{name}": codes_there, f"b.{name}": codes_there, "c.weight": levels(16, 8, 64)}
    modules = {layer: SimpleNamespace(**{name: codes_there}) for layer in "ab"}
    for weights in (tensors, FakeModel({**modules, "c": SimpleNamespace(weight=levels(16, 8, 64))})):
        found = verify(config, layers, weights)
        assert [(code, severity, message) for code, severity, _, message in said(found)] == [
            (
                "not-verified",
                "warning",
                f"1 of 1 layers could not be verified: 'a' has '{name}' there instead of a weight",
            ),
            ("touched-layer", "error", "the weight is quantized in 1 of 1 layers that are excluded: 'b'")
            if packed
            else ("not-verified", "warning", said(found)[1][3].replace("'a'", "'b'")),
        ]


def test_numbers_of_which_several_share_a_byte_are_not_counted() -> None:
    layers = [linear("a", 8, 64), linear("b", 8, 64)]
    config = [bits_config(4)[0] | {"op_names": ["a", "b"]}]
    found = verify(config, layers, {"a.weight": np.ones((8, 32), dtype="uint8"), "b.weight": levels(16, 8, 64)})
    assert said(found) == [
        (
            "not-verified",
            "warning",
            (0,),
            "1 of 2 layers could not be verified: 'a' is stored packed, as 256 numbers of type 'uint8'",
        )
    ]


def test_zeros_that_a_narrow_type_rounds_to_are_not_certain_to_be_masked() -> None:
    class Float8(np.ndarray[Any, Any]):
        dtype = "torch.float8_e4m3fn"

    tensor = weight(5, 8, 80)
    layers = [linear("a", 8, 80, dtype="float32"), linear("b", 8, 80, dtype="float8_e4m3fn")]
    config = [{"op_names": ["a", "b"], "exclude": True}]
    found = verify(config, layers, {"a.weight": tensor.view(Float8), "b.weight": tensor.view(Float8)})
    assert codes(found) == {"b": ("touched-layer",)}
    as_float = verify(config, layers, {"a.weight": tensor, "b.weight": tensor})
    assert codes(as_float) == {"a": ("touched-layer",), "b": ("touched-layer",)}


# --- both lists

BOTH = {
    "pruning": [{"op_names": ["a", "b"], "sparsity_per_layer": 0.5}],
    "quantization": [{"op_names": ["a", "c"], "quant_types": ["weight", "input"], "quant_bits": 4}],
}
THREE = [linear(name, 64, 64) for name in "abc"]


def masked_levels(zeros: int) -> np.ndarray[Any, Any]:
    """Return a quantized weight without zeros of its own, some of which are masked."""
    tensor = (levels(16, 64, 64) + 1.125).T.reshape(-1)
    tensor[:zeros] = 0
    return tensor.reshape(64, 64).T


def test_both_lists_of_a_two_part_document_are_verified_at_once() -> None:
    tensors = {"a.weight": masked_levels(2048), "b.weight": weight(2048, 64, 64), "c.weight": levels(16, 64, 64)}
    found = verify(BOTH, THREE, tensors)
    assert found.findings == ()
    assert [(row.layer, row.status, row.demanded, row.bits, row.levels) for row in found.layers] == [
        ("a", "compressed", 2048, 4, 17),
        ("b", "compressed", 2048, None, None),
        ("c", "untouched", 0, 4, 16),
    ]


def test_zeros_that_quantization_rounds_to_are_not_taken_for_masked_ones() -> None:
    """A quantized weight may have more zeros than were masked, never fewer."""
    tensors = {"a.weight": masked_levels(3000), "b.weight": weight(2048, 64, 64), "c.weight": levels(16, 64, 64)}
    assert verify(BOTH, THREE, tensors).findings == ()
    wrong = {"a.weight": masked_levels(2000), "b.weight": weight(3000, 64, 64), "c.weight": weight(0, 64, 64)}
    found = verify(BOTH, THREE, wrong)
    assert codes(found) == {"a": ("sparsity-missed",), "b": ("sparsity-missed",), "c": ("bits-exceeded",)}
    assert [path for _, _, path, _ in said(found)] == [
        ("pruning", 0, "sparsity_per_layer"),
        ("quantization", 0, "quant_bits"),
    ]


def test_with_masks_alone_the_pruning_list_is_verified_and_the_other_is_not() -> None:
    found = verify(BOTH, THREE, {name: mask(2048, 64, 64) for name in "ab"})
    assert [(code, path) for code, _, path, _ in said(found)] == [("not-verified", ("quantization", 0))]
    assert (found.layers[0].masked, found.layers[0].codes) == (2048, ("not-verified",))


def test_a_part_that_is_left_out_asks_for_nothing() -> None:
    tensors = {"a.weight": levels(16, 64, 64), "b.weight": weight(300, 64, 64), "c.weight": levels(9, 64, 64)}
    assert verify({"quantization": BOTH["quantization"]}, THREE, tensors).findings == ()


def test_two_lists_of_one_kind_are_refused() -> None:
    resolved = Resolved(cc.validate(CONFIGS, kind="pruning"), cc.Inventory.from_layers(LAYERS))
    with pytest.raises(cc.UsageError, match="both lists are pruning lists"):
        verify_resolved(resolved, {}, beside=resolved)


# --- the report


def test_the_report_is_a_table_of_what_is_compressed_or_wrong() -> None:
    configs = [*GROUP, {"op_names": ["out"], "exclude": True}]
    found = verify(configs, LAYERS, as_pruned_state_dict({"fc1": 450, "fc2": 700, "out": 7, "norm": 0}))
    assert str(found).splitlines() == [
        "layers       by   elements  demanded  masked  verdict",
        "fc1       1  [0]       500                    ok",
        "fc2       1  [0]     1,000                    ok",
        "out       1  [1]       100         0       7  touched-layer",
        "together  2  [0]     1,500     1,200   1,150  sparsity-missed",
        *map(str, found.findings),
    ]
    assert len(found.findings) == 2


def test_the_report_is_plain_data_too() -> None:
    found = verify(GROUP, LAYERS, as_pruned_state_dict(GOOD | {"out": 7}))
    plain = found.to_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["layers"][2] == {
        "layer": "out",
        "status": "untouched",
        "index": None,
        "numel": 100,
        "demanded": 0,
        "cap": None,
        "masked": 7,
        "evidence": "mask",
        "bits": None,
        "levels": None,
        "codes": ["touched-layer"],
    }
    assert plain["groups"][0] == {
        "index": 0,
        "layers": ["fc1", "fc2"],
        "numel": 1500,
        "demanded": 1200,
        "granted": 1200,
        "masked": 1200,
        "codes": [],
    }
    assert plain["findings"] == [str(finding) for finding in found.findings]


def test_findings_are_raised_at_error_or_at_warning_and_nothing_else() -> None:
    with pytest.raises(cc.UsageError, match="'at' is 'error' or 'warning', not 'note'"):
        verify(CONFIGS, LAYERS, as_state_dict(GOOD)).raise_for_findings("note")  # type: ignore[arg-type]


def test_more_layers_than_a_message_names_are_counted() -> None:
    layers = [linear(name, 10) for name in "abcdef"]
    found = verify([{"op_types": ["Linear"], "sparsity": 0.5}], layers, {name: mask(9, 10) for name in "abcdef"})
    assert [(path, message) for _, _, path, message in said(found)] == [
        (
            (0, "sparsity"),
            (
                "'sparsity' 0.5 is missed in 6 of 6 layers: 'a' (9 of 10 masked, not 5), 'b' (9 of 10 masked, not 5), "
                "'c' (9 of 10 masked, not 5), ..."
            ),
        )
    ]


# --- what cannot be verified at all


class Offline:
    """A model or mapping that cannot list what it has."""

    def named_modules(self) -> object:
        raise RuntimeError("offline")


class Silent:
    def named_modules(self) -> object:
        return None


class Endless(dict[str, object]):
    def __iter__(self) -> Any:
        raise RuntimeError("offline")


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [
        (Offline(), "the names in 'Offline' could not be listed: RuntimeError('offline')"),
        (Silent(), "the names in 'Silent' could not be listed: TypeError(\"'NoneType' object is not iterable\")"),
        (Endless(fc1=1), "the names in 'Endless' could not be listed: RuntimeError('offline')"),
        ({1: [0.0]}, "tensors and masks are found by names, not by 1"),
    ],
)
def test_what_cannot_list_its_names_is_refused(weights: object, sentence: str) -> None:
    resolution = cc.resolve([{"op_names": ["fc1"], "sparsity": 0.5}], [("fc1", "Linear")])
    with pytest.raises(cc.UsageError) as caught:
        cc.verify(resolution, weights)
    assert str(caught.value) == sentence


def test_a_mask_that_cannot_be_read_leaves_its_layer_unverified() -> None:
    class Unreadable(dict[str, object]):
        def __getitem__(self, key: str) -> object:
            raise RuntimeError("offline")

    resolution = cc.resolve([{"op_names": ["fc1"], "sparsity": 0.5}], [("fc1", "Linear")])
    (finding,) = cc.verify(resolution, {"fc1": Unreadable(weight=1)}).findings
    assert finding.message == "1 of 1 layers could not be verified: 'fc1' cannot be read: offline"


@pytest.mark.parametrize("given", [[{"op_names": ["fc1"], "sparsity": 0.5}], None])
def test_verify_takes_a_resolution(given: Any) -> None:
    with pytest.raises(cc.UsageError) as caught:
        cc.verify(given, {})
    kind = type(given).__name__
    assert str(caught.value) == f"pass a resolution, cc.resolve(config_list, model), not {kind!r}"


def test_a_tolerance_is_a_word_or_a_number() -> None:
    resolution = cc.resolve([{"op_names": ["fc1"], "sparsity": 0.5}], [("fc1", "Linear")])
    with pytest.raises(cc.UsageError, match=r"^a tolerance is 'exact', .*, not array\(\[0, 0\]\)$"):
        cc.verify(resolution, {}, tolerance=np.zeros(2, dtype=int))  # type: ignore[arg-type]


def test_lists_of_numbers_need_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)
    resolution = cc.resolve([{"op_names": ["fc1"], "sparsity": 0.5}], [("fc1", "Linear")])
    (finding,) = cc.verify(resolution, {"fc1": [1.0, 0.0]}).findings
    assert finding.message == (
        "1 of 1 layers could not be verified: 'fc1' cannot be read: a list of numbers needs numpy, "
        "which is not installed: pip install 'compression-config[numpy]'"
    )
