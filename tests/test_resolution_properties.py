"""What holds of every resolution: 5,000 random cases against the literal reading, and the laws of overwriting.

Without `--slow`, 500 of the cases.

Up to eight partial names are searched one by one, more of them by an automaton; both are judged here.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import literal
import pytest
from builders import answer_of, as_inventory, assert_reads_literally, resolved
from hypothesis import assume, given
from hypothesis import strategies as st
from literal import LiteralLayer
from random_cases import Case, random_case

import compression_config as cc
from compression_config.resolving.substrings import Substrings

FEW = 3
"""Partial names a selector, so that most cases stay within the plain search."""
MANY = 10
"""Partial names a selector, so that most cases need the automaton."""

UNMATCHED = ("unmatched-name", "unmatched-partial-name", "unmatched-type")

cases = st.builds(random_case, st.integers(0, 2**32), partial_names=st.sampled_from((FEW, MANY)))


def answer(
    case: Case, configs: Sequence[Any] | None = None, layers: Sequence[LiteralLayer] | None = None
) -> cc.Resolution[Any]:
    """Return what a case resolves to, with other sub-configs or other layers where they are given."""
    inventory = as_inventory(case.layers if layers is None else layers)
    return resolved(case.configs if configs is None else list(configs), inventory, case.kind)


@pytest.mark.parametrize(
    ("seeds", "partial_names"),
    [
        pytest.param(range(250), FEW, id="plain-search"),
        pytest.param(range(10_000, 10_250), MANY, id="automaton"),
        pytest.param(range(250, 2_500), FEW, id="plain-search, the rest", marks=pytest.mark.slow),
        pytest.param(range(10_250, 12_500), MANY, id="automaton, the rest", marks=pytest.mark.slow),
    ],
)
def test_random_lists_mean_what_the_specification_says(seeds: range, partial_names: int) -> None:
    """D1, D3, D14, D17, and D18: the canonical list, in any order, is the same answer."""
    beyond_plain_search = 0
    for seed in seeds:
        case = random_case(seed, partial_names=partial_names)
        resolution = assert_reads_literally(case.configs, case.layers, case.kind)
        canonical = resolution.to_list()
        Random(seed).shuffle(canonical)  # noqa: S311
        again = resolved(canonical, resolution.inventory, case.kind)
        assert again.fingerprint == resolution.fingerprint, seed
        assert answer_of(again) == answer_of(resolution), seed
        distinct = {name for config in case.configs for name in config.get("op_partial_names", ())}
        beyond_plain_search += len(distinct) > 8
    assert (beyond_plain_search > len(seeds) / 2) == (partial_names == MANY)


@given(cases)
def test_a_sub_config_that_selects_nothing_changes_no_answer(case: Case) -> None:
    nothing = {"op_names": ["no such layer"], "exclude": True}
    for place in range(len(case.configs) + 1):
        longer = [*case.configs[:place], nothing, *case.configs[place:]]
        assert answer(case, longer).fingerprint == answer(case).fingerprint


@given(cases)
def test_removing_all_sub_configs_that_win_nothing_changes_no_answer(case: Case) -> None:
    before = answer(case)
    winning = [config for config, sub in zip(case.configs, before.sub_configs, strict=True) if sub.decided]
    after = answer(case, winning)
    assert after.fingerprint == before.fingerprint
    assert {n: layer.config for n, layer in after.items()} == {n: layer.config for n, layer in before.items()}


@given(cases, st.integers(0))
def test_the_answer_of_a_layer_does_not_depend_on_other_layers(case: Case, which: int) -> None:
    layer = case.layers[which % len(case.layers)]
    alone, together = answer(case, layers=[layer])[layer.name], answer(case)[layer.name]
    assert (alone.status, alone.settings, alone.index, alone.selected_by) == (
        together.status,
        together.settings,
        together.index,
        together.selected_by,
    )


@given(cases, st.randoms(use_true_random=False))
def test_the_order_of_layers_is_kept_and_changes_no_answer(case: Case, random: Random) -> None:
    shuffled = list(case.layers)
    random.shuffle(shuffled)
    resolution = answer(case, layers=shuffled)
    assert list(resolution) == [layer.name for layer in shuffled]
    assert resolution.fingerprint == answer(case).fingerprint
    for names in (resolution.compressed, resolution.prunable, resolution.excluded, resolution.untouched):
        assert list(names) == [name for name in resolution if name in set(names)]


@given(cases)
def test_an_appended_catch_all_wins_everywhere(case: Case) -> None:
    everything = {"op_names": [layer.name for layer in case.layers], "exclude": True}
    resolution = answer(case, [*case.configs, everything])
    assert resolution.excluded == tuple(resolution)
    assert {layer.index for layer in resolution.values()} == {len(case.configs)}


@given(cases)
def test_every_layer_is_compressed_excluded_or_untouched(case: Case) -> None:
    resolution = answer(case)
    parts = [*resolution.compressed, *resolution.excluded, *resolution.untouched]
    assert sorted(parts) == sorted(resolution)
    assert sorted(name for sub in resolution.sub_configs for name in sub.decided) == sorted(
        [*resolution.compressed, *resolution.excluded]
    )
    for layer in resolution.values():
        assert layer.index == (layer.selected_by[-1] if layer.selected_by else None)
        assert (layer.settings is not None) == (layer.status == "compressed")


@given(cases)
def test_the_canonical_list_is_exact_disjoint_and_its_own_canonical_list(case: Case) -> None:
    resolution = answer(case)
    canonical = resolution.to_list()
    names = [name for config in canonical for name in config["op_names"]]
    assert sorted(names) == sorted([*resolution.compressed, *resolution.excluded])
    assert len(set(names)) == len(names)
    assert sum("exclude" in config for config in canonical) <= 1
    assert answer(case, canonical).to_list() == canonical


@given(cases)
def test_groups_stay_apart_in_the_canonical_list(case: Case) -> None:
    assume(case.kind == "pruning")
    resolution = answer(case)
    groups = {
        sub.decided for sub in resolution.sub_configs if sub.decided and "total_sparsity" in sub.config.model_dump()
    }
    canonical = {tuple(config["op_names"]) for config in resolution.to_list() if "total_sparsity" in config}
    assert canonical == groups


@given(cases)
def test_a_list_gives_the_same_answer_joined_from_two_parts(case: Case) -> None:
    for place in range(len(case.configs) + 1):
        kind: Any = case.kind
        base = cc.validate(list(case.configs[:place]), kind=kind)
        assert (
            answer(case, layers=None).fingerprint
            == resolved(base + list(case.configs[place:]), as_inventory(case.layers)).fingerprint
        )


@given(cases)
def test_the_same_answer_has_the_same_fingerprint_and_another_one_has_not(case: Case) -> None:
    resolution, again = answer(case), answer(case)
    assert (resolution, hash(resolution)) == (again, hash(again))
    assume(resolution.untouched)
    more = answer(case, [*case.configs, {"op_names": [resolution.untouched[0]], "exclude": True}])
    assert more != resolution


texts = st.text("ab.", min_size=1, max_size=7)


@given(st.lists(texts, min_size=9, max_size=40, unique=True), st.lists(texts, max_size=20))
def test_the_automaton_finds_what_a_plain_search_finds(substrings: list[str], names: list[str]) -> None:
    found = Substrings(substrings).search(names)
    assert [{substrings[number] for number in found.members(hits)} for hits in found.of_name] == [
        {substring for substring in substrings if substring in name} for name in names
    ]


@given(cases)
def test_what_selects_nothing_is_said(case: Case) -> None:
    """D14: each element of each selector reports, and a compressing sub-config that selects no layer."""
    resolution = answer(case)
    findings = cc.check(resolution.config_list, resolution.inventory)
    errors = {finding.path for finding in findings if finding.severity == "error"}
    said = {finding.path for finding in findings if finding.code in UNMATCHED}
    elements = literal.unmatched(case.configs, case.layers)
    assert said == set(elements)
    assert errors >= {path for path in elements if path[1] != "op_types"}
    for index in literal.idle(case.configs, case.layers):
        if "exclude" not in case.configs[index]:
            assert any(path[0] == index for path in errors)
    for path in literal.mismatches(case.configs, case.layers):
        assert path in {f.path for f in findings if f.code in ("type-mismatch", "selects-nothing")}
