"""Patterns for layers: what they match is exactly what they stand for, in every model that ships and in random ones."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import compression_config as cc
from compression_config.patterns import NameGroups, digit_classes, escaped_glob

INVENTORIES = sorted((Path(__file__).parents[1] / "examples" / "inventories").glob("*.json.gz"))
OUTCOMES = (None, "a", "b")

Pairs = Iterable[tuple[str, Hashable]]


def matched(names: list[str], patterns: Pairs, regex: Callable[[str], str]) -> dict[str, set[Hashable]]:
    """Return the outcomes of the patterns that match each name."""
    found: dict[str, set[Hashable]] = {name: set() for name in names}
    by_outcome: dict[Hashable, list[str]] = {}
    for pattern, outcome in patterns:
        by_outcome.setdefault(outcome, []).append(regex(pattern))
    for outcome, regexes in by_outcome.items():
        match = re.compile("|".join(regexes)).fullmatch
        for name in names:
            if match(name):
                found[name].add(outcome)
    return found


def assert_exact(outcomes: Mapping[str, Hashable]) -> None:
    groups = NameGroups((position, name, outcome) for position, (name, outcome) in enumerate(outcomes.items()))
    meant = {name: {outcome} for name, outcome in outcomes.items()}
    names = list(outcomes)
    assert matched(names, groups.regexes(), str) == meant
    assert matched(names, groups.globs(), fnmatch.translate) == meant


def random_outcomes(names: list[str], random: Random) -> dict[str, str | None]:
    """Return an outcome for each name: by parts of names, by ranges of numbers, and some by themselves."""
    parts = [random.choice(random.choice(names).split(".")) for _ in range(3)]
    ends = [random.randrange(70), random.randrange(300)]

    def outcome(name: str) -> str | None:
        numbers = [int(number) for number in re.findall("[0-9]{1,9}", name)]
        drawn = sum(part in name for part in parts) + sum(n >= end for n, end in zip(numbers, ends, strict=False))
        return OUTCOMES[(drawn + (random.random() < 0.001)) % 3]

    return {name: outcome(name) for name in names}


@pytest.mark.parametrize("path", INVENTORIES, ids=lambda path: path.name.partition(".")[0])
@pytest.mark.parametrize("seed", range(3))
def test_patterns_match_exactly_the_layers_meant_in_the_inventories(path: Path, seed: int) -> None:
    assert_exact(random_outcomes(list(cc.Inventory.load(path).names), Random(seed)))  # noqa: S311 - nothing secret


@pytest.mark.parametrize("path", INVENTORIES, ids=lambda path: path.name.partition(".")[0])
@pytest.mark.parametrize("seed", range(3))
def test_patterns_match_exactly_the_layers_that_each_sub_config_of_a_random_list_decides(path: Path, seed: int) -> None:
    inventory, random = cc.Inventory.load(path), Random(100 + seed)  # noqa: S311
    config = [{**random_selector(inventory, random), "sparsity_per_layer": 0.5} for _ in range(random.randint(2, 12))]
    resolution = cc.resolve(config, inventory, kind="pruning")
    assert_exact({name: layer.index for name, layer in resolution.items()})


def random_selector(inventory: cc.Inventory, random: Random) -> dict[str, list[str]]:
    """Return a selector that has a layer with a weight."""
    name = random.choice([layer.name for layer in inventory if layer.has_weight])
    parts = name.split(".")
    start = random.randrange(len(parts))
    partial = ".".join(parts[start : random.randint(start + 1, len(parts))])
    kind = inventory[name].type
    selectors = ({"op_types": [kind]}, {"op_names": [name]}, {"op_partial_names": [partial]})
    return random.choice((*selectors, {**selectors[0], **selectors[2]}))


COMPONENTS = st.sampled_from(
    [
        "fc1",
        "fc10",
        "fc01",
        "0",
        "1",
        "10",
        "a*b",
        "a[0]",
        "re:fc1",
        "a.1.b",
        "1a",
        "2a",
        "Linear",
        "$",
        "x\n",
        "é٣",
        "",
    ]
)
NAMES = st.lists(st.lists(COMPONENTS, min_size=1, max_size=4).map(".".join), min_size=1, max_size=12, unique=True)


@given(NAMES, st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_patterns_match_exactly_the_layers_meant_whatever_the_names_are(names: list[str], random: Random) -> None:
    assert_exact({name: random.choice(OUTCOMES) for name in names})


@given(st.sets(st.integers(0, 400), min_size=1))
def test_classes_of_digits_match_exactly_the_numbers(numbers: set[int]) -> None:
    matches = re.compile("|".join(digit_classes(sorted(numbers)))).fullmatch
    assert {number for number in range(500) if matches(str(number))} == numbers


def test_a_large_model_needs_few_patterns() -> None:
    layers = [f"model.layers.{i}.mlp.experts.{j}.{part}" for i in range(3, 61) for j in range(256) for part in "gud"]
    rest = [f"model.layers.{i}.mlp.gate" for i in range(61)]
    outcomes = dict.fromkeys(layers, "experts") | dict.fromkeys(rest)
    groups = NameGroups((position, name, outcome) for position, (name, outcome) in enumerate(outcomes.items()))
    experts = (
        r"model\.layers\.(?:[3-9]|[1-5][0-9]|60)\.mlp\.experts\.(?:[0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])\."
    )
    assert [regex for regex, outcome in groups.regexes() if outcome] == [experts + "(?:g|u|d)"]
    assert [glob for glob, outcome in groups.globs() if outcome] == [f"model.layers.*.mlp.experts.*.{e}" for e in "gud"]


def test_a_star_stands_only_where_no_other_layer_is_matched() -> None:
    names = {f"a.{i}.b": "yes" for i in range(12)} | {"a.3.c.4.b": None}
    groups = NameGroups((position, name, outcome) for position, (name, outcome) in enumerate(names.items()))
    assert [glob for glob, outcome in groups.globs() if outcome] == ["a.[0-9].b", "a.1[01].b"]


def test_an_escaped_glob_matches_its_text_alone() -> None:
    assert [name for name in ("a[0]*?", "a00", "a0bc") if fnmatch.fnmatchcase(name, escaped_glob("a[0]*?"))] == [
        "a[0]*?"
    ]
