"""Grouping of names: what is written in braces stands for exactly the layers that were grouped."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compression_config.patterns import NameGroups, written_numbers


def written(names: list[str], longest: int | None = None) -> list[tuple[str, int]]:
    groups = NameGroups((position, name, None) for position, name in enumerate(names))
    return [(group.written, group.count) for group, _ in groups.written(longest)]


def expanded(text: str) -> list[str]:
    """Return the names that a text with braces stands for, as a shell expands it."""
    parts = [list(alternatives(part)) for part in re.split(r"(\{[^}]*\})", text)]
    return ["".join(combination) for combination in itertools.product(*parts)]


def alternatives(part: str) -> Iterator[str]:
    if not part.startswith("{"):
        yield part
        return
    for piece in part[1:-1].split(","):
        if ".." in piece:
            start, end, *step = map(int, piece.split(".."))
            yield from map(str, range(start, end + 1, *step))
        else:
            yield piece


BLOCKS = [f"layer.{block}.{part}" for block in range(12) for part in ("query", "key", "mlp.up")]

EXAMPLES = [
    pytest.param(["fc"], [("fc", 1)], id="one"),
    pytest.param(["fc1", "fc2"], [("fc{1,2}", 2)], id="numbers at the end of a component"),
    pytest.param(BLOCKS, [("layer.{0..11}.{query,key}", 24), ("layer.{0..11}.mlp.up", 12)], id="blocks"),
    pytest.param(["a.0", "a.1", "b.0"], [("a.{0,1}", 2), ("b.0", 1)], id="different parents"),
    pytest.param(["0", "1", "2"], [("{0..2}", 3)], id="nothing but numbers"),
    pytest.param(["x.01", "x.1"], [("x.0{1}".replace("{1}", "1"), 1), ("x.1", 1)], id="leading zeros are text"),
    pytest.param(
        [f"l.{i}.e.{j}" for i in range(3) for j in range(4) if (i, j) != (1, 2)],
        [("l.{0,2}.e.{0..3}", 8), ("l.1.e.{0,1,3}", 3)],
        id="one expert is missing",
    ),
    pytest.param([f"l.{i}" for i in range(0, 10, 2)], [("l.{0..8..2}", 5)], id="every second"),
]


@pytest.mark.parametrize(("names", "groups"), EXAMPLES)
def test_names_are_grouped(names: list[str], groups: list[tuple[str, int]]) -> None:
    assert written(names) == groups


def test_layers_of_different_outcome_are_apart() -> None:
    groups = NameGroups((i, f"layer.{i}.fc", i % 3 == 0) for i in range(6))
    assert [(group.written, outcome) for group, outcome in groups.written()] == [
        ("layer.{0,3}.fc", True),
        ("layer.{1,2,4,5}.fc", False),
    ]
    assert groups.outcomes == {True, False}


def test_a_name_that_would_be_too_long_has_fewer_alternatives() -> None:
    names = [f"block.{i}.{part}" for i in range(3) for part in ("query", "key", "value")]
    assert written(names, 30) == [("block.{0..2}.{query,key,value}", 9)]
    assert written(names, 29) == [("block.{0..2}.{query,key}", 6), ("block.{0..2}.value", 3)]
    assert written(names, 10) == [("block.{0..2}.query", 3), ("block.{0..2}.key", 3), ("block.{0..2}.value", 3)]


def test_a_flat_list_of_thousands_is_no_line_of_thousands() -> None:
    names = [
        f"adapters.{'abcdefghij'[i // 100]}{'klmnopqrst'[i // 10 % 10]}{'uvwxyzabcd'[i % 10]}" for i in range(1000)
    ]
    groups = written(names)
    assert max(len(text) for text, _ in groups) < 80
    assert sum(count for _, count in groups) == 1000


def test_names_deeper_than_calls_are_no_trouble() -> None:
    deep = ".".join(["0"] * 3000)
    assert written([deep, f"{deep}.1"]) == [(deep, 1), (f"{deep}.1", 1)]


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ([5], "5"),
        ([0, 1], "{0,1}"),
        ([0, 1, 2], "{0..2}"),
        ([0, 2, 4], "{0,2,4}"),
        ([0, 2, 4, 6], "{0..6..2}"),
        ([0, 1, 2, 4, 5, 6, 9], "{0..2,4..6,9}"),
        ([1, 10, 100], "{1,10,100}"),
    ],
)
def test_numbers_are_written_as_runs(numbers: list[int], text: str) -> None:
    assert written_numbers(numbers) == text


COMPONENTS = st.sampled_from(["0", "1", "2", "3", "7", "10", "01", "a", "b", "fc1", "fc2", "a0b", ""])
NAMES = st.lists(st.lists(COMPONENTS, min_size=1, max_size=4).map(".".join), unique=True, min_size=1, max_size=60)


@given(NAMES, st.one_of(st.none(), st.integers(1, 20)))
def test_braces_stand_for_every_layer_once(names: list[str], longest: int | None) -> None:
    """Each name is in one group, and the count of a group is the number of names it stands for."""
    groups = written(names, longest)
    assert Counter(name for text, _ in groups for name in expanded(text)) == Counter(names)
    assert all(len(expanded(text)) == count for text, count in groups)


@given(st.sets(st.integers(0, 40), min_size=1))
def test_runs_stand_for_exactly_their_numbers(numbers: set[int]) -> None:
    assert sorted(map(int, expanded(written_numbers(sorted(numbers))))) == sorted(numbers)
