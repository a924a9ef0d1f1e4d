"""Schema and models give the same verdict on plain data, for everything that a schema can say.

The lists are generated: each key with each of its values, good and bad, in sub-configs that are otherwise fine;
each pair of keys; and lists of sub-configs that are fine or were changed in up to two keys, drawn from a fixed seed.
What a schema cannot say is left out by name, and shown below to be what docs/how-to/editor.md says it is.
"""

from __future__ import annotations

import functools
import itertools
import json
import math
import random
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema
import pytest
from recording import ROOT

import compression_config as cc
from compression_config.configs.json_schema import json_schema
from compression_config.configs.sub_config import Kind
from compression_config.configs.validation import CONFIG_TYPES, KINDS

CANNOT_SAY = {cc.Code.CAP_TOO_LOW}
"""The codes of refusals that lie in how two numbers compare."""

_NAMES = [
    ["a"],
    ["a.b", "0"],
    ["a", "a"],
    ["default"],
    [],
    [""],
    ["a", ""],
    [0],
    [1.5],
    [True],
    [None],
    [["a"]],
    "a",
    "",
    3,
]
_RATIOS = [0.5, 0, 0.0, -0.0, 1e-9, 0.999999, 1, 1.0, -0.1, 80, "0.5", True, [0.5], {}]
_CAPS = [0.9, 1, 1.0, 1e-9, 0, 1.1, -1, True, "1", [1]]
_MAPPED = [{}, {"weights": 8}, {"weight": None}, {"weight": 8, "bias": 8}, {"": 8}, []]
_DTYPES = [
    "int",
    "uint",
    "int8",
    "",
    8,
    True,
    {"weight": "int"},
    {"weight": "int8"},
    {"input": "uint", "output": "int"},
]
_SCHEMES = ["per_tensor_affine", "per_channel_symmetric", "affine", 0, {"input": "per_channel_affine"}, {"input": 1}]
_BITS = [8, 1, 31, 0, 32, -8, 10**40, 8.5, True, "8", [8], {"weight": 8}, {"weight": 8, "input": 4}, {"output": 2}]
_TYPES = [
    "weight",
    "output",
    "weights",
    "",
    ["weight"],
    ["weight", "input"],
    ["output", "input", "weight"],
    [],
    ["bias"],
]

VALUES: dict[str, list[Any]] = {
    "op_types": [*_NAMES, None],
    "op_names": [*_NAMES, None, {"a": 1}],
    "op_partial_names": [*_NAMES, None],
    "exclude": [True, False, None, 1, 0, 1.0, "true", [True], {}],
    "sparsity_per_layer": [*_RATIOS, None],
    "total_sparsity": [*_RATIOS, None],
    "sparsity": [*_RATIOS, None],
    "max_sparsity_per_layer": [*_CAPS, None],
    "quant_types": [*_TYPES, ["weight", "weight"], ["weight", 8], [None], 8, {}, {"weight": True}, None],
    "quant_bits": [*_BITS, {"weight": 0}, {"weight": 32, "input": 8}, {"weight": True}, {"input": "8"}, *_MAPPED, None],
    "quant_start_step": [0, 1, 10**12, -1, 0.5, True, "0", [0], None],
    "quant_dtype": [*_DTYPES, *_MAPPED, None],
    "quant_scheme": [*_SCHEMES, *_MAPPED, None],
    "op_type": [["a"]],
    "sparse_ratio": [0.5],
    "Exclude": [True],
    "": [None],
}
"""Each key, and some that are none, with values of which about half are allowed."""

FINE: tuple[dict[str, Any], ...] = (
    {"op_types": ["Linear"], "sparsity_per_layer": 0.5},
    {"op_names": ["a"], "sparsity": 0.5},
    {"op_partial_names": ["a."], "op_types": ["Linear"], "total_sparsity": 0.5},
    {"op_types": ["Conv2d"], "total_sparsity": 0.5, "max_sparsity_per_layer": 0.9},
    {"op_names": ["a", "b"], "op_partial_names": ["c"], "exclude": True},
    {"op_types": ["Linear"], "quant_types": ["weight", "input"], "quant_bits": 8},
    {"op_names": ["a"], "quant_types": "output", "quant_bits": {"output": 4}, "quant_start_step": 10},
    {
        "op_types": ["a"],
        "quant_types": ["input", "weight"],
        "quant_bits": {"weight": 4, "input": 8},
        "quant_dtype": "int",
    },
    {
        "op_partial_names": ["a"],
        "quant_types": ["weight"],
        "quant_bits": 2,
        "quant_scheme": {"weight": "per_tensor_affine"},
    },
)
"""Sub-configs that are allowed."""


def one_value_at_a_time() -> Iterator[object]:
    """Each key with each of its values in each sub-config that is otherwise fine, and alone."""
    for config, (key, values) in itertools.product(({}, *FINE), VALUES.items()):
        for value in values:
            yield [{**config, key: value}]


def two_keys_at_a_time() -> Iterator[object]:
    """Each pair of keys with the first values of each, which are allowed alone."""
    for (key, values), (other, others) in itertools.combinations(VALUES.items(), 2):
        for value, another in itertools.product(values[:4], others[:4]):
            yield [{"op_types": ["Linear"], key: value, other: another}]


def keys_left_out() -> Iterator[object]:
    """Each choice of keys out of each sub-config that is fine, down to none."""
    for config in FINE:
        for count in range(len(config) + 1):
            for keys in itertools.combinations(config, count):
                yield [{key: config[key] for key in keys}]


def documents() -> Iterator[object]:
    """All shapes of a whole document: two parts, other keys beside them, and no list at all."""
    parts: list[object] = [
        [],
        [FINE[0]],
        [FINE[5]],
        [FINE[4]],
        [FINE[0], FINE[5]],
        [{}],
        [None],
        [[]],
        [3],
        None,
        {},
        "a",
        3,
    ]
    yield from parts
    yield from (True, 0.5, {"pruning": [], "prunning": []}, {"a": 1}, FINE[0], FINE[5])
    for part, other in itertools.product(parts, repeat=2):
        yield {"pruning": part}
        yield {"quantization": part}
        yield {"pruning": part, "quantization": other}
        yield {"pruning": part, "op_types": other}


def drawn(count: int) -> Iterator[object]:
    """`count` different lists of sub-configs of one kind, most of them fine, some changed in up to two keys."""
    rng = random.Random(20)  # noqa: S311 - a fixed seed is the point
    pools = []
    for kind, of_kind in zip(KINDS, (FINE[:5], FINE[4:]), strict=True):
        varied = [_varied(rng, rng.choice(of_kind), kind) for _ in range(400)]
        fine = [config for config in varied if models_accept([config], kind)]
        pools.append((fine, [_changed(rng, rng.choice(fine)) for _ in range(400)]))
    seen: set[str] = set()
    while len(seen) < count:
        fine, changed = rng.choice(pools)
        drawn = [rng.choice(changed if rng.random() < 0.2 else fine) for _ in range(rng.choice((1, 2, 2)))]
        if (text := json.dumps(drawn)) not in seen:
            seen.add(text)
            yield drawn


def _varied(rng: random.Random, config: dict[str, Any], kind: Kind) -> dict[str, Any]:
    """Return `config` with some of its values replaced by others that the key can have."""
    rules = CONFIG_TYPES[kind].value_rules()
    return {
        key: rng.choice([other for other in VALUES[key] if rules[key].takes(other)]) if rng.random() < 0.5 else value
        for key, value in config.items()
    }


def _changed(rng: random.Random, config: dict[str, Any]) -> object:
    changed = dict(config)
    for _ in range(rng.choice((1, 2))):
        if changed and rng.random() < 0.3:
            del changed[rng.choice(list(changed))]
        else:
            key = rng.choice(list(VALUES))
            changed[key] = rng.choice(VALUES[key])
    return changed


@functools.cache
def validator(kind: Any = None) -> jsonschema.Draft202012Validator:
    """Return a validator that remembers what it found of equal parts: the lists share many sub-configs."""
    remembered: dict[tuple[str, str], list[jsonschema.ValidationError]] = {}
    judge = jsonschema.Draft202012Validator.VALIDATORS["$ref"]

    def judge_once(checks: Any, name: str, part: object, schema: Any) -> list[jsonschema.ValidationError]:
        key = (name, json.dumps(part))
        if key not in remembered:
            remembered[key] = list(judge(checks, name, part, schema))
        return remembered[key]

    extend: Any = jsonschema.validators.extend
    checks: jsonschema.Draft202012Validator = extend(jsonschema.Draft202012Validator, {"$ref": judge_once})(
        json_schema(kind)
    )
    return checks


def models_accept(data: Any, kind: Any = None) -> bool:
    """Whether the models accept `data`, leaving aside what a schema cannot say."""
    try:
        cc.validate(data, kind=kind)
    except cc.InvalidConfig as error:
        return {finding.code for finding in error.findings if finding.severity is cc.Severity.ERROR} <= CANNOT_SAY
    return True


def assert_agreement(lists: Iterator[object], kind: Any = None) -> tuple[int, int]:
    """Assert that both judge each of `lists` alike; return how many they accept, and how many they refuse."""
    verdicts = [0, 0]
    for data in lists:
        accepted = models_accept(data, kind)
        assert validator(kind).is_valid(data) is accepted, (data, cc.check(data, kind=kind))  # type: ignore[arg-type]
        verdicts[not accepted] += 1
    return verdicts[0], verdicts[1]


GENERATED: dict[str, Callable[[], Iterator[object]]] = {
    "one-value-at-a-time": one_value_at_a_time,
    "two-keys-at-a-time": two_keys_at_a_time,
    "keys-left-out": keys_left_out,
    "documents": documents,
    "drawn": functools.partial(drawn, 16_500),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name == "drawn" else []) for name in GENERATED]
)
def test_schema_and_models_give_the_same_verdict(name: str) -> None:
    accepted, refused = assert_agreement(iter(GENERATED[name]()))
    assert min(accepted, refused) > 10  # or the lists would show nothing


@pytest.mark.parametrize("kind", KINDS)
def test_with_a_stated_kind_too(kind: Any) -> None:
    accepted, refused = assert_agreement(itertools.chain(keys_left_out(), drawn(500)), kind)
    assert min(accepted, refused) > 100


def test_the_lists_are_many() -> None:
    lists = (data for generate in GENERATED.values() for data in generate())
    assert len(set(map(json.dumps, lists))) >= 20_000


# What a schema cannot say. docs/how-to/editor.md lists it; each is shown to be so.

_LINEAR = {"op_types": ["Linear"]}
DIFFERENCES = {
    "a cap below the ratio": ([_LINEAR | {"total_sparsity": 0.8, "max_sparsity_per_layer": 0.5}], "cap-too-low"),
    "a whole number written with a point": (
        [_LINEAR | {"quant_types": ["weight", "input"], "quant_bits": 8.0}],
        "wrong-type",
    ),
    "not a number": ([_LINEAR | {"sparsity": math.nan}], "out-of-range"),
    "half of a surrogate pair": ([{"op_names": ["\ud800"], "sparsity": 0.5}], "wrong-type"),
}


@pytest.mark.parametrize("what", DIFFERENCES)
def test_what_a_schema_cannot_say_is_listed(what: str) -> None:
    data, code = DIFFERENCES[what]
    assert validator().is_valid(data)
    assert code in {finding.code for finding in cc.check(data)}  # type: ignore[arg-type]
    assert what in (ROOT / "docs" / "how-to" / "editor.md").read_text(encoding="utf-8")
