"""Budgets: counts to the element, what groups leave their layers, and what is to be said of it."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from builders import codes_of
from hypothesis import assume, given
from hypothesis import strategies as st

import compression_config as cc
from compression_config.budget import (
    Budget,
    GroupBudget,
    budget_findings,
    budget_of,
    masked_count,
    ratio_for,
)
from compression_config.budget.counting import smallest_cap
from compression_config.explanation import share_in_words
from compression_config.resolving.resolved import Resolved
from compression_config.serialization import budget_to_dict

BUDGET_CODES = ("infeasible-budget", "rounded-demand", "shrunk-group", "whole-layer-masked", "masks-nothing")


def layers_of(*numels: int | None, **more: Any) -> list[cc.Layer]:
    """Return Linear layers `layer_1`, `layer_2`, ... of so many weight elements."""
    return [
        cc.Layer(name=f"layer_{number}", type="Linear", weight_shape=None if numel is None else (numel,), **more)
        for number, numel in enumerate(numels, start=1)
    ]


SPEC_LAYERS = layers_of(500, 1000)


def budget(configs: Sequence[dict[str, Any]], layers: Any = SPEC_LAYERS) -> Budget:
    resolution = cc.resolve(configs, layers, unmatched="ignore")
    assert isinstance(resolution, cc.Resolution)
    return resolution.budget


def group(ratio: float, cap: float | None, layers: Any) -> GroupBudget:
    config: dict[str, Any] = {"op_types": ["Linear"], "total_sparsity": ratio}
    (found,) = budget([config | ({} if cap is None else {"max_sparsity_per_layer": cap})], layers).groups
    return found


def said(configs: Sequence[dict[str, Any]], layers: Any = SPEC_LAYERS) -> list[cc.Finding]:
    """Return the findings about the budget alone."""
    resolution = cc.resolve(configs, layers, unmatched="ignore")
    return [finding for finding in resolution.findings if finding.code in BUDGET_CODES]


# --- counting


@pytest.mark.parametrize("hundredths", range(100))
def test_every_ratio_of_two_decimals_is_exact_for_every_number_of_elements(hundredths: int) -> None:
    ratio = float(f"0.{hundredths:02}")
    exact = Fraction(hundredths, 100)
    assert [masked_count(numel, ratio) for numel in range(1001)] == [math.floor(exact * n) for n in range(1001)]


@pytest.mark.parametrize(
    ("numel", "ratio", "masked"),
    [
        pytest.param(100, 0.29, 29, id="binary-float-falls-short"),
        pytest.param(10**12, 1e-12, 1, id="one-of-a-trillion"),
        pytest.param(10**12, 0.999999999999, 10**12 - 1, id="all-but-one-of-a-trillion"),
        pytest.param(10**40, 0.1, 10**39, id="beyond-the-context-of-decimal"),
        pytest.param(3, 5e-324, 0, id="smallest-float"),
        pytest.param(7, 0.0, 0, id="nothing"),
        pytest.param(7, 1.0, 7, id="a-cap-of-all"),
        pytest.param(0, 0.5, 0, id="no-elements"),
        pytest.param(np.int64(100), np.float64(0.29), 29, id="numpy"),
    ],
)
def test_counts_are_those_of_the_ratio_as_it_is_written(numel: int, ratio: float, masked: int) -> None:
    """D8: 'the ratio read as its shortest decimal text (repr(float)): 0.29 of 100 is 29, not 28'."""
    assert masked_count(numel, ratio) == masked


@pytest.mark.parametrize(
    ("numel", "ratio", "sentence"),
    [
        (-1, 0.5, "a number of elements is a whole number from 0, not -1"),
        (1.0, 0.5, "a number of elements is a whole number from 0, not 1.0"),
        (True, 0.5, "a number of elements is a whole number from 0, not True"),
        (1, 1.5, "a ratio is a number from 0 to 1, not 1.5"),
        (1, math.nan, "a ratio is a number from 0 to 1, not nan"),
        (1, "0.5", "a ratio is a number from 0 to 1, not '0.5'"),
        pytest.param(1, 10**400, f"a ratio is a number from 0 to 1, not 1{'0' * 56}...", id="beyond-all-floats"),
    ],
)
def test_what_is_no_count_or_no_ratio_is_refused(numel: Any, ratio: Any, sentence: str) -> None:
    with pytest.raises(cc.UsageError) as caught:
        masked_count(numel, ratio)
    assert str(caught.value) == sentence


@given(st.integers(1, 10**14), st.data())
def test_a_count_has_a_ratio_that_masks_exactly_that(numel: int, data: st.DataObject) -> None:
    masked = data.draw(st.integers(0, numel))
    assert masked_count(numel, ratio_for(masked, numel)) == masked


@pytest.mark.parametrize(
    ("masked", "numel", "ratio"),
    [(400, 500, 0.8), (1, 3, 0.4), (2, 3, 0.7), (0, 0, 0.0), (5, 5, 1.0), (1, 10**12, 1e-12), (333, 1000, 0.333)],
)
def test_that_ratio_has_the_fewest_decimals(masked: int, numel: int, ratio: float) -> None:
    assert ratio_for(masked, numel) == ratio


@given(st.integers(20, 40), st.integers(3, 10**6))
def test_where_floats_are_too_coarse_the_ratio_masks_less_and_never_more(digits: int, part: int) -> None:
    numel, masked = 10**digits + 7, 10**digits // part + 12345
    ratio = ratio_for(masked, numel)
    assert masked * (1 - Fraction(1, 10**15)) <= masked_count(numel, ratio) <= masked


def test_where_floats_are_too_coarse_the_cap_holds_more_and_never_less() -> None:
    numel, demanded = 10**30, 10**30 // 3 + 12345
    cap = smallest_cap([numel], demanded)
    assert demanded <= masked_count(numel, cap) < demanded * (1 + 1e-15)


def test_more_than_there_is_has_no_ratio() -> None:
    with pytest.raises(cc.UsageError, match="6 of 5 elements cannot be masked"):
        ratio_for(6, 5)


@given(st.lists(st.integers(0, 400), min_size=1, max_size=6), st.data())
def test_the_smallest_cap_holds_the_demand_and_no_cap_that_holds_less_does(numels: list[int], data: Any) -> None:
    assume(sum(numels))
    demanded = data.draw(st.integers(1, sum(numels)))
    cap = smallest_cap(numels, demanded)
    held = sum(masked_count(numel, cap) for numel in numels)
    assert held >= demanded
    # The sum only changes at multiples of 1/numel: those below the cap hold too little or just as much.
    for step in {Fraction(k, numel) for numel in numels if numel for k in range(1, numel + 1)}:
        if step < Fraction(repr(cap)):
            at_step = sum(math.floor(step * numel) for numel in numels)
            assert at_step < demanded or at_step == held


# --- the specification's own numbers


def test_a_ratio_per_layer_masks_400_and_800() -> None:
    """Spec: 'then layer_1 will be masked 400 parameters and layer_2 will be masked 800 parameters'."""
    first, second = budget([{"op_types": ["Linear"], "sparsity_per_layer": 0.8}]).layers
    assert (first.layer, first.numel, first.masked, first.minimum, first.maximum) == ("layer_1", 500, 400, 400, 400)
    assert (second.layer, second.numel, second.masked, second.cap, second.group) == ("layer_2", 1000, 800, 1000, None)


def test_the_old_key_means_the_same() -> None:
    old = budget([{"op_types": ["Linear"], "sparsity": 0.8}])
    assert old.layers == budget([{"op_types": ["Linear"], "sparsity_per_layer": 0.8}]).layers


def test_a_total_masks_1200_and_may_mask_layer_1_whole() -> None:
    """Spec: 'a total of 1200 parameters'; 'all parameters in layer_1 may be totally masked'."""
    found = group(0.8, None, SPEC_LAYERS)
    assert (found.numel, found.demanded, found.reachable, found.slack, found.granted) == (1500, 1200, 1500, 300, 1200)
    first, second = found.layers
    assert (first.masked, first.minimum, first.maximum, first.cap, first.group) == (None, 200, 500, 500, 0)
    assert (second.masked, second.minimum, second.maximum, second.cap) == (None, 700, 1000, 1000)


def test_a_cap_of_0_9_lets_450_and_900_be_masked() -> None:
    """Spec: 'this means up to 450 parameters can be masked in layer_1, and 900 parameters can be masked in layer_2'."""
    found = group(0.8, 0.9, SPEC_LAYERS)
    assert (found.demanded, found.reachable, found.slack) == (1200, 1350, 150)
    assert [(layer.minimum, layer.maximum, layer.cap) for layer in found.layers] == [(300, 450, 450), (750, 900, 900)]


# --- what counts


def test_layers_come_in_the_order_of_the_model_and_groups_in_that_of_the_list() -> None:
    found = budget(
        [
            {"op_names": ["layer_3", "layer_1"], "total_sparsity": 0.5},
            {"op_names": ["layer_2"], "sparsity_per_layer": 0.5},
            {"op_names": ["layer_4"], "total_sparsity": 0.25},
            {"op_names": ["layer_5"], "exclude": True},
        ],
        layers_of(10, 20, 30, 40, 50, 60),
    )
    assert [layer.layer for layer in found.layers] == ["layer_1", "layer_2", "layer_3", "layer_4"]
    assert [(one.index, one.names, one.demanded) for one in found.groups] == [
        (0, ("layer_1", "layer_3"), 20),
        (2, ("layer_4",), 10),
    ]
    assert (found.model.numel, found.model.reachable, found.model.masked) == (210, 100, 40)
    assert (found.model.masked_share, found.model.masked_share_of_all) == (0.4, 40 / 210)


def test_a_group_covers_what_its_sub_config_won_not_what_it_selects() -> None:
    """D7: `total_sparsity` covers the layers its sub-config *decides*, not those it selects; each group is its own."""
    found = budget(
        [
            {"op_types": ["Linear"], "total_sparsity": 0.5},
            {"op_names": ["layer_2"], "total_sparsity": 0.5},
        ],
        layers_of(3, 5, 7),
    )
    assert [(one.names, one.demanded) for one in found.groups] == [(("layer_1", "layer_3"), 5), (("layer_2",), 2)]


def test_layers_without_a_weight_are_left_out() -> None:
    layers = [*SPEC_LAYERS, cc.Layer(name="relu", type="ReLU", has_weight=False)]
    found = budget([{"op_types": ["Linear", "ReLU"], "total_sparsity": 0.8}], layers)
    assert found.groups[0].names == ("layer_1", "layer_2")
    assert [layer.layer for layer in found.layers] == ["layer_1", "layer_2"]
    assert found.unknown == ()
    assert found.model.numel == 1500


def test_a_weight_of_no_elements_counts_nothing() -> None:
    found = group(0.5, 0.5, layers_of(0, 10))
    assert (found.numel, found.demanded, found.reachable) == (10, 5, 5)
    assert (found.layers[0].minimum, found.layers[0].maximum, found.layers[0].cap) == (0, 0, 0)


TIED = [
    cc.Layer(name="embed", type="Embedding", weight_shape=(10, 10)),
    cc.Layer(name="fc", type="Linear", weight_shape=(5, 10)),
    cc.Layer(name="head", type="Linear", weight_shape=(10, 10), tied_to="embed"),
]


@pytest.mark.parametrize(
    ("types", "counted", "masked"),
    [
        pytest.param(["Embedding", "Linear"], ["embed", "fc"], 75, id="all"),
        pytest.param(["Linear"], ["fc", "head"], 75, id="first-of-the-tie-untouched"),
        pytest.param(["Embedding"], ["embed"], 50, id="later-of-the-tie-untouched"),
    ],
)
@pytest.mark.parametrize("key", ["sparsity_per_layer", "total_sparsity"])
def test_a_shared_weight_counts_once_for_the_first_of_its_compressed_layers(
    types: list[str], counted: list[str], masked: int, key: str
) -> None:
    """D17: 'budgets and totals count it once', for the first that is compressed: what it masks is masked for all."""
    found = budget([{"op_types": types, key: 0.5}], TIED)
    assert [layer.layer for layer in found.layers] == counted
    assert (found.model.numel, found.model.masked) == (150, masked)


def test_a_group_of_nothing_but_later_layers_of_compressed_ties_is_empty() -> None:
    configs = [
        {"op_names": ["embed"], "sparsity_per_layer": 0.0},
        {"op_names": ["head"], "total_sparsity": 0.5, "max_sparsity_per_layer": 0.9},
    ]
    found = budget(configs, TIED)
    assert (found.groups[0].names, found.groups[0].numel, found.groups[0].demanded) == ((), 0, 0)
    assert found.allocate() == {}
    assert found.model.masked == 0


# --- what is not known


def test_unknown_counts_stay_unknown_and_are_named() -> None:
    found = budget(
        [
            {"op_types": ["Linear"], "total_sparsity": 0.5, "max_sparsity_per_layer": 0.75},
            {"op_names": ["layer_4"], "sparsity_per_layer": 0.5},
            {"op_names": ["layer_5"], "sparsity_per_layer": 0.5},
        ],
        layers_of(100, None, 200, 10, None),
    )
    assert found.unknown == ("layer_2", "layer_5")
    (one,) = found.groups
    assert (one.numel, one.demanded, one.reachable, one.slack, one.granted) == (None,) * 5
    assert one.unknown == ("layer_2",)
    assert [(layer.minimum, layer.maximum, layer.cap) for layer in one.layers] == [
        (None, None, 75),
        (None, None, None),
        (None, None, 150),
    ]
    assert [layer.masked for layer in found.layers] == [None, None, None, 5, None]
    model = found.model
    assert (model.numel, model.reachable, model.masked, model.masked_share) == (None, None, None, None)
    with pytest.raises(cc.UnknownNumel) as caught:
        found.allocate()
    assert caught.value.layers == ("layer_2",)


def test_names_and_types_alone_give_no_findings_about_budgets() -> None:
    pairs = [("a", "Linear"), ("b", "Linear")]
    assert said([{"op_types": ["Linear"], "total_sparsity": 0.5}, {"op_names": ["b"], "exclude": True}], pairs) == []
    assert said([{"op_types": ["Linear"], "sparsity_per_layer": 0.001}], pairs) == []


def test_what_is_unknown_elsewhere_leaves_a_group_known() -> None:
    found = budget([{"op_names": ["layer_1"], "total_sparsity": 0.5}], layers_of(100, None))
    assert (found.groups[0].demanded, found.unknown) == (50, ())
    assert (found.model.numel, found.model.reachable, found.model.masked) == (None, 100, 50)


def test_an_empty_list_and_an_empty_model_have_a_budget() -> None:
    for empty in (budget([], SPEC_LAYERS), budget([{"op_types": ["Linear"], "total_sparsity": 0.5}], [])):
        assert (empty.layers, empty.groups, empty.model.masked, empty.allocate()) == ((), (), 0, {})


# --- laws

NUMELS = st.lists(st.integers(0, 300), min_size=1, max_size=7)
RATIOS = st.integers(0, 99).map(lambda hundredths: hundredths / 100)


@st.composite
def capped_ratios(draw: st.DrawFn) -> tuple[float, float | None]:
    """Return a ratio, and a cap that is not below it, or none."""
    ratio = draw(RATIOS)
    cap = draw(st.none() | st.integers(max(1, round(ratio * 100)), 100).map(lambda hundredths: hundredths / 100))
    return ratio, cap


@given(NUMELS, capped_ratios())
def test_the_interval_of_each_layer_lies_within_its_cap_and_the_sums_hold_what_is_masked(
    numels: list[int], ratios: tuple[float, float | None]
) -> None:
    found = group(*ratios, layers_of(*numels))
    assert found.granted == min(found.demanded or 0, found.reachable or 0)
    for layer in found.layers:
        assert 0 <= layer.minimum <= layer.maximum <= layer.cap <= layer.numel  # type: ignore[operator]
    assert sum(layer.minimum or 0 for layer in found.layers) <= (found.granted or 0)
    assert sum(layer.maximum or 0 for layer in found.layers) >= (found.granted or 0)
    assert sum(layer.cap or 0 for layer in found.layers) == found.reachable


@given(st.lists(st.integers(0, 5), min_size=1, max_size=4), capped_ratios())
def test_the_ends_of_an_interval_are_what_some_distribution_reaches(
    numels: list[int], ratios: tuple[float, float | None]
) -> None:
    found = group(*ratios, layers_of(*numels))
    caps = [layer.cap or 0 for layer in found.layers]
    possible = [counts for counts in itertools.product(*(range(c + 1) for c in caps)) if sum(counts) == found.granted]
    assert [(layer.minimum, layer.maximum) for layer in found.layers] == [
        (min(counts), max(counts)) for counts in zip(*possible, strict=True)
    ]


@given(NUMELS, capped_ratios())
def test_what_validation_lets_pass_falls_short_by_rounding_alone(
    numels: list[int], ratios: tuple[float, float | None]
) -> None:
    """A cap is never below its ratio (D6), so its groups can only miss less than one element a layer."""
    found = group(*ratios, layers_of(*numels))
    assert found.slack is not None
    assert found.slack >= 0 or found.rounded


@given(NUMELS, RATIOS, st.data())
def test_taking_a_layer_away_never_raises_the_demand(numels: list[int], ratio: float, data: st.DataObject) -> None:
    taken = data.draw(st.sampled_from(range(1, len(numels) + 1)))
    configs = [
        {"op_types": ["Linear"], "total_sparsity": ratio},
        {"op_names": [f"layer_{taken}"], "exclude": True},
    ]
    demanded = sum(one.demanded or 0 for one in budget(configs, layers_of(*numels)).groups)
    assert demanded <= (group(ratio, None, layers_of(*numels)).demanded or 0)


@given(NUMELS, capped_ratios(), st.randoms(use_true_random=False))
def test_the_order_of_layers_does_not_matter(
    numels: list[int], ratios: tuple[float, float | None], random: Any
) -> None:
    layers = layers_of(*numels)
    mixed = random.sample(layers, len(layers))
    one, other = group(*ratios, layers), group(*ratios, mixed)
    assert (one.demanded, one.reachable) == (other.demanded, other.reachable)
    assert sorted(one.layers, key=str) == sorted(other.layers, key=str)


@given(NUMELS, RATIOS)
def test_a_ratio_per_layer_masks_no_more_than_the_same_total(numels: list[int], ratio: float) -> None:
    each = budget([{"op_types": ["Linear"], "sparsity_per_layer": ratio}], layers_of(*numels)).model.masked or 0
    together = group(ratio, None, layers_of(*numels)).demanded or 0
    assert each <= together < each + len(numels)


# --- findings


def test_a_group_that_every_cap_can_hold_says_nothing() -> None:
    assert said([{"op_types": ["Linear"], "total_sparsity": 0.8, "max_sparsity_per_layer": 0.9}]) == []
    assert said([{"op_types": ["Linear"], "sparsity_per_layer": 0.8}]) == []


@pytest.mark.parametrize("key", ["sparsity_per_layer", "total_sparsity", "sparsity"])
def test_a_ratio_of_0_is_a_note_once_a_list(key: str) -> None:
    config_list = [{"op_types": ["Linear"], key: 0}, {"op_names": ["fc1"], key: 0.0}]
    (finding,) = (finding for finding in cc.check(config_list) if finding.code == "masks-nothing")
    assert (finding.severity, finding.path) == ("note", (0, key))
    assert finding.message == f"'{key}' 0 masks nothing, here and in 1 more sub-config"
    assert finding.hint == 'write "exclude": True in its place'


def test_a_shortfall_of_less_than_one_element_a_layer_is_rounding() -> None:
    """D7: a shortfall smaller than the number of layers is rounding; it is a warning beyond 1 % of the demand."""
    (finding,) = said([{"op_types": ["Linear"], "total_sparsity": 0.5, "max_sparsity_per_layer": 0.5}], layers_of(3, 5))
    assert (finding.code, finding.severity, finding.path) == ("rounded-demand", "warning", (0, "total_sparsity"))
    assert finding.message == (
        "'total_sparsity' 0.5 demands 4 of 8 elements, and the caps, rounded down layer by layer, hold 3"
    )
    assert finding.hint == 'write "total_sparsity": 0.4, or "max_sparsity_per_layer": 0.6'


def test_rounding_that_hardly_matters_needs_no_remedy() -> None:
    (finding,) = said(
        [{"op_types": ["Linear"], "total_sparsity": 0.5, "max_sparsity_per_layer": 0.5}], layers_of(2001, 2003)
    )
    assert (finding.code, finding.severity, finding.hint) == ("rounded-demand", "note", None)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=7), st.integers(1, 99))
def test_the_remedies_of_a_rounded_group_are_ones(numels: list[int], ratio: int) -> None:
    config = {"op_types": ["Linear"], "total_sparsity": ratio / 100, "max_sparsity_per_layer": ratio / 100}
    for finding in said([config], layers_of(*numels)):
        if finding.code == "rounded-demand" and finding.hint is not None:
            words = finding.hint.replace(",", "").replace('"', "").split()
            lower, higher = float(words[words.index("total_sparsity:") + 1]), float(words[-1])
            for remedy in ({"total_sparsity": lower}, {"max_sparsity_per_layer": higher}):
                codes = {found.code for found in said([config | remedy], layers_of(*numels))}
                assert "rounded-demand" not in codes


def unchecked(ratio: float, cap: float, layers: list[cc.Layer]) -> tuple[Resolved, Budget]:
    """Return the budget of a list that validation would refuse, because its cap is below its ratio."""
    config = cc.PruningConfig.model_construct(op_types=("Linear",), total_sparsity=ratio, max_sparsity_per_layer=cap)
    config_list = cc.PruningConfigList()
    vars(config_list).update(_configs=(config,))  # past the validation that every way in has
    resolved = Resolved(config_list, cc.Inventory.from_layers(layers))
    return resolved, budget_of(resolved)


def test_a_group_that_the_caps_cannot_hold_is_an_error_with_both_remedies() -> None:
    resolved, found = unchecked(0.8, 0.5, SPEC_LAYERS)
    (finding,) = budget_findings(resolved, found)
    assert (finding.code, finding.severity, finding.path) == ("infeasible-budget", "error", (0, "total_sparsity"))
    assert finding.message == (
        "'total_sparsity' 0.8 demands 1,200 of 1,500 elements, and 'max_sparsity_per_layer' 0.5 lets 750 be masked"
    )
    assert finding.hint == 'write "total_sparsity": 0.5, or "max_sparsity_per_layer": 0.8'
    with pytest.raises(cc.FindingsError) as caught:
        found.allocate()
    assert caught.value.findings == (finding,)


@given(st.lists(st.integers(1, 300), min_size=1, max_size=7), st.integers(1, 99), st.integers(1, 98))
def test_the_remedies_of_an_infeasible_group_are_ones(numels: list[int], ratio: int, cap: int) -> None:
    resolved, found = unchecked(ratio / 100, cap / 100, layers_of(*numels))
    (one,) = found.groups
    infeasible = [finding for finding in budget_findings(resolved, found) if finding.code == "infeasible-budget"]
    assert len(infeasible) == (one.slack is not None and one.slack < 0 and not one.rounded)
    if infeasible:
        words = (infeasible[0].hint or "").replace(",", "").replace('"', "").split()
        lower, higher = float(words[words.index("total_sparsity:") + 1]), float(words[-1])
        assert masked_count(one.numel or 0, lower) == one.reachable
        assert sum(masked_count(numel, higher) for numel in numels) >= (one.demanded or 0)


def test_layers_that_later_sub_configs_took_shrink_the_group() -> None:
    (finding,) = said(
        [
            {"op_types": ["Linear"], "total_sparsity": 0.8, "max_sparsity_per_layer": 0.9},
            {"op_names": ["layer_3"], "exclude": True},
            {"op_names": ["layer_4"], "sparsity_per_layer": 0.5},
        ],
        layers_of(500, 1000, 600, 400),
    )
    assert (finding.code, finding.severity, finding.path) == ("shrunk-group", "note", (0, "total_sparsity"))
    assert finding.message == (
        "later sub-configs overwrite 2 of the 4 layers (1 excluded, 1 compressed otherwise), so 'total_sparsity' 0.8 "
        "masks 1,200 of 1,500 elements instead of 2,000 of 2,500"
    )


def test_what_has_no_weight_or_is_counted_elsewhere_shrinks_no_group() -> None:
    relu = cc.Layer(name="relu", type="ReLU", has_weight=False)
    configs = [
        {"op_types": ["Linear", "ReLU", "Embedding"], "total_sparsity": 0.5, "max_sparsity_per_layer": 0.9},
        {"op_names": ["relu", "head"], "exclude": True},
    ]
    assert said(configs, [*TIED, relu]) == []


def test_groups_that_lost_layers_are_found_however_many_there_are() -> None:
    """Beyond a few groups the layers are asked instead of the selectors."""
    blocks = [
        cc.Layer(name=f"block.{block}.{name}", type="Linear", weight_shape=(10,))
        for block in range(9)
        for name in ("gate", "up", "down")
    ]
    groups = [
        {"op_partial_names": [f"block.{block}."], "total_sparsity": 0.5, "max_sparsity_per_layer": 0.5}
        for block in range(9)
    ]
    first = {"op_types": ["Linear"], "sparsity_per_layer": 0.5}
    found = said([first, *groups, {"op_partial_names": ["gate"], "exclude": True}], blocks)
    alone = [said([groups[0], {"op_partial_names": ["gate"], "exclude": True}], blocks)[0].message]
    assert [finding.path for finding in found] == [(index, "total_sparsity") for index in range(1, 10)]
    assert [finding.message for finding in found] == alone * 9


def test_without_a_cap_layers_may_be_masked_whole() -> None:
    (finding,) = said([{"op_types": ["Linear"], "total_sparsity": 0.5}], layers_of(5, 1, 3, 2, 20))
    assert (finding.code, finding.severity, finding.path) == ("whole-layer-masked", "note", (0, "total_sparsity"))
    assert finding.message == (
        "without 'max_sparsity_per_layer' the budget may mask 4 of 5 layers whole: "
        "'layer_2' (1 element), 'layer_4' (2 elements), 'layer_3' (3 elements), ..."
    )
    assert finding.hint == 'write "max_sparsity_per_layer": 0.9'


def test_a_cap_of_1_says_that_whole_layers_are_meant() -> None:
    assert said([{"op_types": ["Linear"], "total_sparsity": 0.5, "max_sparsity_per_layer": 1}]) == []


def test_a_group_of_one_layer_cannot_mask_it_whole() -> None:
    assert said([{"op_names": ["layer_1"], "total_sparsity": 0.95}]) == []


def test_the_cap_that_is_proposed_would_be_accepted() -> None:
    (finding,) = said([{"op_types": ["Linear"], "total_sparsity": 0.95}])
    assert finding.hint == "write a 'max_sparsity_per_layer' from 0.95 to below 1"


@pytest.mark.parametrize("key", ["sparsity_per_layer", "sparsity"])
def test_a_ratio_that_rounds_down_to_nothing_is_likely_a_mistake(key: str) -> None:
    (finding,) = said([{"op_types": ["Linear"], key: 0.1}], layers_of(1000, 9, 5, 0))
    assert (finding.code, finding.severity, finding.path) == ("masks-nothing", "warning", (0, key))
    assert finding.message == (
        f"'{key}' 0.1 masks nothing in 2 of 4 layers: 'layer_3' (5 elements), 'layer_2' (9 elements)"
    )
    assert finding.hint == f'write "{key}": 0.2, or exclude layers that small'


def test_a_weight_of_a_single_element_can_only_be_excluded() -> None:
    (finding,) = said([{"op_types": ["Linear"], "sparsity_per_layer": 0.9}], layers_of(1000, 1))
    assert finding.hint == "exclude layers of a single element: no ratio below 1 masks that"


def test_a_total_that_rounds_down_to_nothing_is_one_too() -> None:
    (finding,) = said([{"op_types": ["Linear"], "total_sparsity": 0.0005}])
    assert (finding.code, finding.path) == ("masks-nothing", (0, "total_sparsity"))
    assert finding.message == "'total_sparsity' 0.0005 of 1,500 elements rounds down to 0"
    assert finding.hint == 'write "total_sparsity": 0.001, or exclude layers that small'


def test_one_sub_config_is_spoken_of_once_for_each_cause() -> None:
    layers = layers_of(*range(1, 60))
    configs = [
        {"op_types": ["Linear"], "total_sparsity": 0.5},
        {"op_names": ["layer_1", "layer_2", "layer_3"], "sparsity_per_layer": 0.1},
    ]
    assert codes_of(said(configs, layers)) == ["whole-layer-masked", "shrunk-group", "masks-nothing"]


def test_findings_about_budgets_stand_where_the_ratio_is_written() -> None:
    text = "- op_types: [Linear]\n  total_sparsity: 0.8\n"
    resolution = cc.resolve(cc.loads(text, name="prune.yaml"), SPEC_LAYERS)
    (finding,) = (finding for finding in resolution.findings if finding.code in BUDGET_CODES)
    assert (finding.source, finding.span and finding.span.start) == ("prune.yaml", (2, 19))


# --- quantization, bits and bytes


def quantized(bits: Any, types: Any = "weight", layers: Any = SPEC_LAYERS) -> Budget:
    config = {"op_names": ["layer_1"], "quant_types": types, "quant_bits": bits}
    return budget([config], layers)


def test_a_quantization_list_has_neither_layers_nor_groups() -> None:
    found = quantized(8)
    assert (found.layers, found.groups, found.model.masked, found.allocate()) == ((), (), 0, {})
    assert (found.model.numel, found.model.reachable) == (1500, 500)


@pytest.mark.parametrize(
    ("types", "bits", "after", "mean"),
    [
        pytest.param("weight", 8, 500 + 4000, (500 * 8 + 1000 * 32) / 1500, id="eight"),
        pytest.param("weight", 3, 188 + 4000, (500 * 3 + 1000 * 32) / 1500, id="whole-bytes-for-each-weight"),
        pytest.param(["input", "output"], 8, 6000, 32.0, id="weight-left-alone"),
        pytest.param(["weight", "input"], {"weight": 4, "input": 8}, 250 + 4000, 68 / 3, id="by-type"),
    ],
)
def test_a_quantized_weight_takes_its_bits(types: Any, bits: Any, after: int, mean: float) -> None:
    model = quantized(bits, types, layers_of(500, 1000, dtype="float32")).model
    assert (model.bytes_before, model.bytes_after, model.mean_bits) == (6000, after, mean)


def test_bytes_of_unknown_types_are_unknown_unless_the_type_is_given() -> None:
    found = quantized(8)
    assert (found.model.bytes_before, found.model.bytes_after, found.model.mean_bits) == (None, None, None)
    given = found.bytes("bfloat16")
    assert (given.before, given.after, given.mean_bits) == (3000, 500 + 2000, (500 * 8 + 1000 * 16) / 1500)


def test_what_is_quantized_throughout_needs_no_type_to_know_what_is_left() -> None:
    model = budget([{"op_types": ["Linear"], "quant_types": "weight", "quant_bits": 4}]).model
    assert (model.bytes_before, model.bytes_after, model.mean_bits) == (None, 750, 4.0)


def test_unknown_counts_make_bytes_unknown() -> None:
    storage = budget([{"op_types": ["Linear"], "sparsity_per_layer": 0.5}], layers_of(10, None)).bytes("int8")
    assert (storage.before, storage.after, storage.mean_bits) == (None, None, None)


@pytest.mark.parametrize("layers", [layers_of(10, None, dtype="int8"), layers_of(10, 10)])
def test_sparse_storage_is_unknown_where_counts_or_types_are(layers: list[cc.Layer]) -> None:
    for key in ("sparsity_per_layer", "total_sparsity"):
        assert budget([{"op_types": ["Linear"], key: 0.5}], layers).bytes(sparse=True).after is None


def test_sparse_storage_changes_nothing_for_quantized_weights() -> None:
    assert quantized(4).bytes("float16", sparse=True) == quantized(4).bytes("float16")


@pytest.mark.parametrize("dtype", ["float31x", "", 32, None])
def test_the_size_of_a_type_is_known_or_refused(dtype: Any) -> None:
    if dtype is None:
        assert quantized(8).bytes(dtype).before is None
    else:
        with pytest.raises(cc.UsageError, match="a dtype is named as in 'float32' or 'bfloat16', not"):
            quantized(8).bytes(dtype)


def test_masked_elements_take_as_much_as_any_other() -> None:
    config = {"op_types": ["Linear"], "sparsity_per_layer": 0.8}
    model = budget([config], layers_of(500, 1000, dtype="float16")).model
    assert (model.bytes_before, model.bytes_after, model.mean_bits) == (3000, 3000, 16.0)


@pytest.mark.parametrize("key", ["sparsity_per_layer", "total_sparsity"])
def test_sparse_storage_is_a_bitmap_and_what_is_not_masked(key: str) -> None:
    layers = [
        *layers_of(500, 1000, dtype="float16"),
        cc.Layer(name="norm", type="Norm", weight_shape=(9,), dtype="float32"),
    ]
    storage = budget([{"op_types": ["Linear"], key: 0.8}], layers).bytes(sparse=True)
    assert storage.before == 3036
    assert storage.after == (63 + 100 * 2) + (125 + 200 * 2) + 36


def test_a_group_of_two_types_hides_how_many_bytes_sparse_storage_saves() -> None:
    layers = [
        *layers_of(500, dtype="float16"),
        cc.Layer(name="b", type="Linear", weight_shape=(1000,), dtype="float32"),
    ]
    config = {"op_types": ["Linear"], "total_sparsity": 0.8}
    assert budget([config], layers).bytes(sparse=True).after is None
    assert budget([config | {"total_sparsity": 0.0}], layers).bytes(sparse=True).after == 1000 + 63 + 4000 + 125


# --- other forms


def test_a_budget_is_plain_data_too() -> None:
    configs = [
        {"op_types": ["Linear"], "total_sparsity": 0.8, "max_sparsity_per_layer": 0.9},
        {"op_names": ["layer_3"], "sparsity_per_layer": 0.5},
    ]
    found = budget(configs, layers_of(500, 1000, 10, dtype="float32"))
    plain = budget_to_dict(found)
    assert json.loads(json.dumps(plain)) == plain
    assert plain["layers"][2] == {
        "layer": "layer_3",
        "numel": 10,
        "masked": 5,
        "minimum": 5,
        "maximum": 5,
        "cap": 10,
        "group": None,
    }
    assert plain["groups"] == [
        {
            "index": 0,
            "numel": 1500,
            "demanded": 1200,
            "reachable": 1350,
            "granted": 1200,
            "slack": 150,
            "layers": ["layer_1", "layer_2"],
        }
    ]
    assert plain["model"] == {
        "numel": 1510,
        "parameters": 1510,
        "reachable": 1510,
        "excluded": 0,
        "untouched": 0,
        "besides": 0,
        "coverage": 1.0,
        "masked": 1205,
        "masked_share": 1205 / 1510,
        "masked_share_of_all": 1205 / 1510,
        "mean_bits": 32.0,
        "bytes_before": 6040,
        "bytes_after": 6040,
    }
    assert plain["unknown"] == []


def words(configs: list[dict[str, Any]], name: str, layers: Any = SPEC_LAYERS) -> str | None:
    inventory = cc.Inventory.from_layers(layers)
    resolved = Resolved(cc.validate(configs), inventory)
    position = inventory.position(name)
    assert position is not None
    return share_in_words(resolved, budget_of(resolved), position)


@pytest.mark.parametrize(
    ("config", "name", "sentence"),
    [
        ({"sparsity_per_layer": 0.8}, "layer_2", "800 of its 1,000 weight elements are masked"),
        (
            {"total_sparsity": 0.8, "max_sparsity_per_layer": 0.9},
            "layer_1",
            "300 to 450 of its 500 weight elements are masked; the group of 2 layers masks 1,200 of 1,500",
        ),
        ({"exclude": True}, "layer_1", None),
        ({"quant_types": "weight", "quant_bits": 4}, "layer_1", "its 500 weight elements take 250 bytes"),
        ({"quant_types": "output", "quant_bits": 4}, "layer_1", "its 500 weight elements are not quantized"),
    ],
)
def test_the_share_of_a_layer_in_words(config: dict[str, Any], name: str, sentence: str | None) -> None:
    assert words([{"op_types": ["Linear"], **config}], name) == sentence


def test_the_share_of_layers_that_are_not_as_others_in_words() -> None:
    total = {"op_types": ["Linear", "ReLU"], "total_sparsity": 0.5, "max_sparsity_per_layer": 0.75}
    relu = cc.Layer(name="relu", type="ReLU", has_weight=False)
    layers = [*layers_of(100, None), relu]
    assert words([total], "layer_1", layers) == (
        "at most 75 of its 100 weight elements are masked; 'layer_2', which shares the budget, has an unknown number"
    )
    assert words([total], "layer_2", layers) == "its number of weight elements is not known"
    assert words([total], "relu", layers) is None
    both = {"op_types": ["Linear", "Embedding"], "total_sparsity": 0.5}
    assert words([both], "head", TIED) == "its weight is that of 'embed' and counted there"
    assert (
        words([total], "head", TIED)
        == "38 to 75 of its 100 weight elements are masked; the group of 2 layers masks 75 of 150"
    )
    excluded = {"op_names": ["embed"], "exclude": True}
    assert str(words([both, excluded], "head", TIED)).startswith("25 to 75 of its 100")
    alone = {"op_names": ["layer_1"], "total_sparsity": 0.5}
    assert words([alone], "layer_1") == (
        "250 of its 500 weight elements are masked; the group of 1 layer masks 250 of 500"
    )
    bits = {"op_types": ["Linear"], "quant_types": "weight", "quant_bits": 8}
    assert words([bits], "layer_1", layers_of(500, dtype="float32")) == (
        "its 500 weight elements take 500 bytes instead of 2,000"
    )


def test_a_budget_says_what_it_is_of() -> None:
    resolution = cc.resolve([{"op_types": ["Linear"], "sparsity_per_layer": 0.5}], layers_of(10, 20))
    assert repr(resolution.budget) == "<Budget of pruning for 2 layers>"
