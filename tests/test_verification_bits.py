"""What numbers show of bits: random floats never pass, and quantized weights are never said to be wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import compression_config as cc

Array: TypeAlias = np.ndarray[Any, Any]


def brain(numbers: Array) -> Array:
    """Round to brain floats, half to even, and keep them as 32-bit floats, as checkpoints are read."""
    whole = np.ascontiguousarray(numbers, "<f4").view("<u4")
    rounded: Array = (whole + 0x7FFF + (whole >> 16 & 1)) >> 16 << 16
    return rounded.astype("<u4").view("<f4")


STORED: dict[str, Callable[[Array], Array]] = {
    "double": lambda numbers: numbers.astype("f8"),
    "single": lambda numbers: numbers.astype("f4"),
    "half": lambda numbers: numbers.astype("f2"),
    "brain": brain,
}
SHAPES = [(8, 16), (16, 64), (24, 256), (8, 1024), (64, 1, 3, 3), (16, 8, 3, 3), (300,), (1, 4096)]
DRAWN: dict[str, Callable[[np.random.Generator, tuple[int, ...]], Array]] = {
    "normal": lambda rng, shape: rng.standard_normal(shape) * 0.02,
    "uniform": lambda rng, shape: rng.uniform(-1, 1, shape),
    "all-positive": lambda rng, shape: rng.random(shape) + 0.5,
    "around-one": lambda rng, shape: 1 + rng.standard_normal(shape) * 0.05,
    "heavy-tails": lambda rng, shape: rng.standard_t(3, shape),
}


def quantized(weight: Array, bits: int, form: str, *, symmetric: bool) -> tuple[Array, Array]:
    """Return a weight as an engine quantizes it, in floats and in integers.

    `form` is "tensor", "channel", or how many inputs in a row share a scale.
    """
    units = weight.reshape({"tensor": 1, "channel": weight.shape[0]}.get(form, -1), -1 if form.isalpha() else int(form))
    if symmetric:
        low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
        scale = (abs(units).max(1, keepdims=True) / high).astype("f4")
        zero = np.zeros_like(scale)
    else:
        low, high = 0, 2**bits - 1
        least, most = np.minimum(units.min(1, keepdims=True), 0), np.maximum(units.max(1, keepdims=True), 0)
        scale = ((most - least) / high).astype("f4")
        zero = np.rint(-least / scale)
    codes = np.clip(np.rint(units / scale) + zero, low, high)
    numbers = (codes - zero).astype("f4") * scale
    return numbers.reshape(weight.shape), codes.astype("i1" if symmetric else "u1").reshape(weight.shape)


def verdict(weight: Array, bits: int, scheme: str | None = None, **others: Any) -> tuple[str, ...]:
    """Return what is wrong with the only layer of a model."""
    config: dict[str, Any] = {"op_names": ["a"], "quant_types": ["weight", "input"], "quant_bits": bits}
    config |= {} if scheme is None else {"quant_scheme": scheme}
    layers = [cc.Layer(**{"name": "a", "type": "Linear", "weight_shape": weight.shape} | others)]
    (row,) = cc.verify(cc.resolve([config], layers), {"a.weight": weight}).layers
    return tuple(code.value for code in row.codes)


SCHEMES = st.sampled_from([None, "per_tensor_affine", "per_tensor_symmetric", "per_channel_symmetric"])


@given(st.data())
def test_random_floats_are_never_taken_for_quantized(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    drawn = DRAWN[data.draw(st.sampled_from(sorted(DRAWN)))](rng, data.draw(st.sampled_from(SHAPES)))
    weight = STORED[data.draw(st.sampled_from(sorted(STORED)))](drawn)
    assert verdict(weight, data.draw(st.integers(1, 31)), data.draw(SCHEMES)) != ()


@given(
    st.integers(0, 2**32),
    st.sampled_from(["tensor", "channel", "32", "64", "128", "150", "256"]),
    st.integers(2, 8),
    st.booleans(),
    st.data(),
)
def test_quantized_weights_are_never_said_to_be_wrong(
    seed: int, form: str, bits: int, symmetric: bool, data: st.DataObject
) -> None:
    shapes = [(8, 2 * int(form))] if form.isdigit() else [shape for shape in SHAPES if len(shape) > 1]
    drawn = np.random.default_rng(seed).standard_normal(data.draw(st.sampled_from(shapes))) * 0.02
    numbers, codes = quantized(drawn, bits, form, symmetric=symmetric)
    shared = "tensor" if form == "tensor" else "channel"
    scheme = data.draw(st.sampled_from([None, f"per_{shared}_{'symmetric' if symmetric else 'affine'}"]))
    stored = STORED[data.draw(st.sampled_from(sorted(STORED)))](numbers)
    assert verdict(stored, bits, scheme) in ((), ("not-verified",))
    assert verdict(codes, bits, scheme) == ()


@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("form", ["tensor", "channel", "32", "128"])
@pytest.mark.parametrize("stored", ["single", "half"])
@pytest.mark.parametrize("symmetric", [True, False])
def test_quantized_weights_pass_where_their_numbers_are_fine_enough(
    stored: str, form: str, bits: int, symmetric: bool
) -> None:
    numbers, _ = quantized(np.random.default_rng(0).standard_normal((32, 256)) * 0.02, bits, form, symmetric=symmetric)
    assert verdict(STORED[stored](numbers), bits) == ()
    pruned = numbers * (np.random.default_rng(1).random(numbers.shape) < 0.5)
    assert verdict(STORED[stored](pruned), bits) == ()


@pytest.mark.parametrize("shape", [(256, 256), (512, 1, 3, 3), (64, 200), (10,), (1,)])
def test_a_channel_of_no_more_elements_than_values_shows_nothing_by_its_number(shape: tuple[int, ...]) -> None:
    drawn = np.random.default_rng(0).standard_normal(shape).astype("f4")
    assert verdict(drawn, 8, "per_channel_symmetric") == ("not-verified",)
    assert verdict(drawn, 17) == ("not-verified",)
    assert verdict(drawn.astype("i2"), 17) == ()


def test_the_finding_says_so_and_what_would_show_it() -> None:
    layers = [cc.Layer(name=name, type="Linear", weight_shape=(64, 64)) for name in "ab"]
    configs = [{"op_types": ["Linear"], "quant_types": ["weight", "input"], "quant_bits": 8}]
    drawn = np.random.default_rng(0).standard_normal((64, 64)).astype("f4")
    even, _ = quantized(drawn, 8, "channel", symmetric=True)
    (finding,) = cc.verify(cc.resolve(configs, layers), {"a.weight": drawn, "b.weight": even}).findings
    assert str(finding) == (
        "warning[not-verified] at [0]: 1 of 2 layers could not be verified: "
        "'a' does not show whether it is quantized to 8 bits "
        "(verify the integers that the engine exports, or weights of more precise floats)"
    )
    (finding,) = cc.verify(cc.resolve(configs, layers), {"a.weight": drawn, "b.weight": drawn}).findings
    # What is rightly quantized may not show it either: it never draws an error.
    assert finding.severity == "warning"


def test_what_is_computed_in_double_precision_is_even_too() -> None:
    drawn = np.random.default_rng(0).standard_normal((20, 25))
    scale = abs(drawn).max(axis=1, keepdims=True) / 127
    assert verdict(np.rint(drawn / scale) * scale, 8) == ()
    assert verdict(drawn, 8) == ("not-verified",)


def test_one_channel_that_was_left_out_is_seen() -> None:
    drawn = np.random.default_rng(0).standard_normal((64, 64)).astype("f4")
    even, _ = quantized(drawn, 8, "channel", symmetric=True)
    assert verdict(even, 8) == ()
    even[40] = drawn[40]
    assert verdict(even, 8) == ("not-verified",)
    four, _ = quantized(drawn, 4, "channel", symmetric=True)
    four[40] = drawn[40]
    assert verdict(four, 4) == ("bits-exceeded",)


def test_channels_that_are_pruned_do_not_hide_the_others() -> None:
    numbers, _ = quantized(np.random.default_rng(0).standard_normal((128, 128)), 8, "channel", symmetric=True)
    numbers[:, ::2] = 0
    numbers[::2] = 0
    assert verdict(numbers, 8) == ()


def test_codebooks_pass_by_their_number_of_values() -> None:
    """Not all quantizers space values evenly: a normal float of 4 bits has more of them near zero."""
    rng = np.random.default_rng(0)
    book = np.sort(rng.standard_normal(16))
    scales = rng.random((32, 8, 1)) + 0.5
    weight = (book[rng.integers(0, 16, (32, 8, 64))] * scales).reshape(32, 512).astype("f4")
    assert verdict(weight, 4) == ()
    assert verdict(weight, 3) == ("bits-exceeded",)


def test_numbers_that_are_not_numbers_are_not_quantized() -> None:
    weight = np.full((4, 64), np.nan, "f4")
    assert verdict(weight, 8) == ("not-verified",)
    weight[:] = np.inf
    assert verdict(weight, 8) == ("not-verified",)


def saved(path: Path, dtype: Literal["BF16", "F8_E4M3"], codes: Array) -> Path:
    """Write a safetensors file with one tensor, given as the integers that it is stored in."""
    header = (
        f'{{"a.weight": {{"dtype": "{dtype}", "shape": {list(codes.shape)}, "data_offsets": [0, {codes.nbytes}]}}}}'
    )
    path.write_bytes(len(header).to_bytes(8, "little") + header.encode() + codes.tobytes())
    return path


def test_a_checkpoint_says_in_which_type_it_is_stored(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    layers = [cc.Layer(name="a", type="Linear", weight_shape=(16, 600))]
    eight = cc.resolve([{"op_names": ["a"], "quant_types": ["weight", "input"], "quant_bits": 8}], layers)
    # The values of brain floats from 0.5 to 1.5 are as few as those of 8 bits, however many numbers there are.
    drawn = brain(rng.random((16, 600)) + 0.5).view("<u4") >> 16
    random = cc.verify(eight, saved(tmp_path / "random.safetensors", "BF16", drawn.astype("<u2")))
    assert [finding.code for finding in random.findings] == ["not-verified"]
    floats = rng.integers(0, 120, (16, 600), dtype="u1")
    assert cc.verify(eight, saved(tmp_path / "float8.safetensors", "F8_E4M3", floats)).findings == ()
    excluded = cc.resolve([{"op_names": ["a"], "exclude": True}], layers, kind="pruning")
    assert (floats == 0).sum() > 9
    assert cc.verify(excluded, tmp_path / "float8.safetensors").findings == ()
