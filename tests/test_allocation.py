"""Allocation: a group's budget divided among its layers, to the element."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import compression_config as cc
from compression_config.budget import Budget
from compression_config.budget.counting import apportion


def layers_of(*numels: int) -> list[cc.Layer]:
    """Return Linear layers `a`, `b`, ... of so many weight elements."""
    return [cc.Layer(name=chr(97 + i), type="Linear", weight_shape=(numel,)) for i, numel in enumerate(numels)]


def budget(layers: Sequence[cc.Layer], ratio: float, cap: float | None = None) -> Budget:
    config: dict[str, Any] = {"op_types": ["Linear"], "total_sparsity": ratio}
    resolution = cc.resolve([config | ({} if cap is None else {"max_sparsity_per_layer": cap})], layers)
    assert isinstance(resolution, cc.Resolution)
    return resolution.budget


def test_the_example_of_the_specification_is_divided_by_numbers_of_elements() -> None:
    """Spec: 'layer_1 and layer_2 will be masked a total of 1200 parameters'."""
    assert budget(layers_of(500, 1000), 0.8).allocate() == {"a": 400, "b": 800}
    assert budget(layers_of(500, 1000), 0.8, 0.9).allocate() == {"a": 400, "b": 800}


def test_what_a_full_layer_cannot_take_goes_to_the_others_in_proportion() -> None:
    found = budget(layers_of(500, 1000, 1500), 0.5, 0.6)
    assert found.allocate({"a": 10, "b": 1, "c": 1}) == {"a": 300, "b": 600, "c": 600}
    assert found.allocate({"a": 10, "b": 2, "c": 1}) == {"a": 300, "b": 600, "c": 600}
    assert found.allocate({"a": 4, "b": 1, "c": 2}) == {"a": 300, "b": 400, "c": 800}


def test_the_rest_of_rounding_goes_to_the_largest_remainders_and_where_equal_to_the_earlier_layer() -> None:
    assert budget(layers_of(3, 3, 3), 0.5).allocate() == {"a": 2, "b": 1, "c": 1}
    assert budget(layers_of(1, 2, 4), 0.5).allocate() == {"a": 0, "b": 1, "c": 2}
    assert budget(layers_of(10, 10), 0.5).allocate({"a": 1, "b": 2}) == {"a": 3, "b": 7}


def test_scores_are_numbers_as_they_are_written() -> None:
    found = budget(layers_of(100, 100), 0.2)
    assert found.allocate({"a": 0.1, "b": 0.3}) == {"a": 10, "b": 30}
    of_numpy: dict[str, Any] = {"a": np.float32(0.5), "b": np.int64(1)}
    assert found.allocate(of_numpy) == {"a": 13, "b": 27}
    assert found.allocate({"a": 10**30, "b": 3 * 10**30}) == {"a": 10, "b": 30}


def test_the_counts_are_read_only_and_cover_all_groups_but_nothing_else() -> None:
    configs = [
        {"op_types": ["Linear"], "sparsity_per_layer": 0.5},
        {"op_names": ["d", "b"], "total_sparsity": 0.5},
        {"op_names": ["a"], "total_sparsity": 0.1},
        {"op_names": ["e"], "exclude": True},
    ]
    counts = cc.resolve(configs, layers_of(10, 20, 30, 40, 50)).budget.allocate()
    assert list(counts.items()) == [("b", 10), ("d", 20), ("a", 1)]
    with pytest.raises(TypeError):
        counts["b"] = 0  # type: ignore[index]


def test_a_group_that_rounding_cuts_short_is_filled_to_its_caps() -> None:
    assert budget(layers_of(3, 5), 0.5, 0.5).allocate() == {"a": 1, "b": 2}


# --- scores that cannot be used


@pytest.mark.parametrize(
    ("scores", "sentence"),
    [
        ({"a": 1}, "1 layers that share a budget have no score, 'b' among them"),
        ({"a": 1, "b": math.nan}, "the score of 'b' is a finite number from 0, not nan"),
        ({"a": -1, "b": 1}, "the score of 'a' is a finite number from 0, not -1"),
        ({"a": math.inf, "b": 1}, "the score of 'a' is a finite number from 0, not inf"),
        ({"a": True, "b": 1}, "the score of 'a' is a finite number from 0, not True"),
        ({"a": "1", "b": 1}, "the score of 'a' is a finite number from 0, not '1'"),
        ({"a": 1, "b": 1, "B": 1}, "there is a score for 'B', which is not a layer; did you mean 'b'?"),
        ({"a": 1, "b": 1, 3: 1}, "there is a score for 3, which is not a layer"),
        ([1, 1], "scores map the names of layers to numbers, and are not 'list'"),
    ],
)
def test_scores_that_are_none_are_refused(scores: Any, sentence: str) -> None:
    with pytest.raises(cc.UsageError) as caught:
        budget(layers_of(10, 10), 0.5).allocate(scores)
    assert str(caught.value).startswith(sentence)


def test_scores_for_other_layers_and_under_an_alias_are_fine() -> None:
    layers = [*layers_of(10, 10), cc.Layer(name="relu", type="ReLU", has_weight=False)]
    layers[0] = cc.Layer(name="a", type="Linear", weight_shape=(10,), aliases=("first",))
    assert budget(layers, 0.5).allocate({"first": 4, "b": 1, "relu": 9}) == {"a": 8, "b": 2}


def test_layers_with_score_0_get_nothing_and_the_others_must_hold_it_all() -> None:
    found = budget(layers_of(500, 1000), 0.3, 0.9)
    assert found.allocate({"a": 1, "b": 0}) == {"a": 450, "b": 0}
    with pytest.raises(cc.FindingsError) as caught:
        budget(layers_of(500, 1000), 0.8, 0.9).allocate({"a": 1, "b": 0})
    (finding,) = caught.value.findings
    assert (finding.code, finding.severity, finding.path) == ("infeasible-budget", "error", (0, "total_sparsity"))
    assert finding.message == (
        "'total_sparsity' 0.8 demands 1,200 of 1,500 elements, and the layers with a score above 0 hold 450"
    )
    assert finding.hint == 'give more of its layers a score above 0, or write "total_sparsity": 0.3'


def test_nothing_is_demanded_so_no_score_has_to_be_above_0() -> None:
    assert budget(layers_of(5, 10), 0.0).allocate({"a": 0, "b": 0}) == {"a": 0, "b": 0}


def test_all_groups_that_cannot_be_filled_are_reported_at_once() -> None:
    configs = [{"op_names": [name], "total_sparsity": 0.5} for name in ("a", "b")]
    with pytest.raises(cc.FindingsError) as caught:
        cc.resolve(configs, layers_of(10, 10)).budget.allocate({"a": 0, "b": 0})
    assert [finding.path[0] for finding in caught.value.findings] == [0, 1]


# --- laws


@st.composite
def vessels(draw: st.DrawFn) -> tuple[int, list[int], list[int]]:
    """Return a total, caps and shares, such that the caps of the places with a share hold the total."""
    places = draw(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)), min_size=1, max_size=8))
    caps, shares = [cap for cap, _ in places], [share for _, share in places]
    total = draw(st.integers(0, sum(cap for cap, share in places if share)))
    return total, caps, shares


@given(vessels())
def test_the_total_is_met_exactly_under_the_caps(given_vessels: tuple[int, list[int], list[int]]) -> None:
    total, caps, shares = given_vessels
    counts = apportion(total, caps, shares)
    assert sum(counts) == total
    assert all(0 <= count <= cap for count, cap in zip(counts, caps, strict=True))
    assert all(count == 0 for count, share in zip(counts, shares, strict=True) if not share)


@given(vessels())
def test_the_counts_are_the_water_levels_rounded(given_vessels: tuple[int, list[int], list[int]]) -> None:
    """Judged by the level itself: the one at which min(cap, share * level) adds up to the total."""
    total, caps, shares = given_vessels
    levels = sorted({Fraction(cap, share) for cap, share in zip(caps, shares, strict=True) if share} | {Fraction(0)})

    def filled(level: Fraction) -> Fraction:
        return sum((min(Fraction(cap), share * level) for cap, share in zip(caps, shares, strict=True)), Fraction(0))

    below = max((level for level in levels if filled(level) <= total), default=Fraction(0))
    rising = sum(share for cap, share in zip(caps, shares, strict=True) if share and Fraction(cap, share) > below)
    level = below + (Fraction(total - filled(below), rising) if rising else 0)
    assert filled(level) == total
    counts = apportion(total, caps, shares)
    exact = [min(Fraction(cap), share * level) for cap, share in zip(caps, shares, strict=True)]
    assert all(abs(count - share) < 1 for count, share in zip(counts, exact, strict=True))
    # Whoever was rounded up had at least the remainder of whoever was rounded down.
    up = [value - math.floor(value) for count, value in zip(counts, exact, strict=True) if count > value]
    down = [value - math.floor(value) for count, value in zip(counts, exact, strict=True) if count < value]
    assert not up or not down or min(up) >= max(down)


@given(vessels(), st.integers(1, 1000))
def test_only_the_proportion_of_the_shares_matters(
    given_vessels: tuple[int, list[int], list[int]], factor: int
) -> None:
    total, caps, shares = given_vessels
    assert apportion(total, caps, [share * factor for share in shares]) == apportion(total, caps, shares)


@given(vessels(), st.randoms(use_true_random=False))
def test_the_order_of_the_layers_decides_ties_alone(
    given_vessels: tuple[int, list[int], list[int]], random: Any
) -> None:
    total, caps, shares = given_vessels
    order = random.sample(range(len(caps)), len(caps))
    mixed = apportion(total, [caps[i] for i in order], [shares[i] for i in order])
    straight = apportion(total, caps, shares)
    assert all(abs(mixed[place] - straight[i]) <= 1 for place, i in enumerate(order))


@given(st.lists(st.integers(0, 500), min_size=1, max_size=8), st.integers(0, 99), st.integers(1, 100))
def test_by_default_each_layer_gets_the_ratio_of_the_group(numels: list[int], ratio: int, cap: int) -> None:
    assume(cap >= ratio)
    found = budget(layers_of(*numels), ratio / 100, cap / 100)
    counts = found.allocate()
    (group,) = found.groups
    assert sum(counts.values()) == group.granted
    for layer in group.layers:
        assert (layer.minimum or 0) <= counts[layer.layer] <= (layer.maximum or 0)
        # Rounding caps down moves less than one element a layer to the others.
        if not group.rounded:
            assert abs(counts[layer.layer] - Fraction(ratio, 100) * (layer.numel or 0)) <= len(numels)
