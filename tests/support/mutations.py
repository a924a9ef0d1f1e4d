"""Texts and data like those that people write, and what a slip of the hand makes of them."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Callable
from typing import Any

import yaml
from recording import ROOT

__all__ = ["data_corpus", "json_corpus", "mutated_data", "mutated_text", "script_corpus", "yaml_corpus"]

_LONGEST = 1_500
"""Longer documents only cost time; slips happen in short ones as well."""

_KEYS = (
    "op_types", "op_names", "op_partial_names", "exclude", "sparsity", "sparsity_per_layer", "total_sparsity",
    "max_sparsity_per_layer", "quant_types", "quant_bits", "quant_start_step", "quant_dtype", "quant_scheme",
    "op_type", "sparse_ratio", "pruning", "quantization", "quant_cfg", "<<", "", "1",
)  # fmt: skip
_WORDS = (
    "Linear", "default", "fc1", "0", "1.10", "true", "false", "null", "~", "yes", "0.5", "80", "-1", "8", "8.0", "1e-1",
    ".nan", ".inf", "NaN", "weight", "input", "[weight, input]", "{weight: 8}", "int", "per_tensor_affine", "''", '""',
    "[]", "{}", "[[]]", "*a", "&a", "&a [*a]", "!!python/none", "!x", "|", ">-", "? a", "<<: *a", "2001-01-01", "0x1F",
    "1_000", "010", "\\u00e9", "\\ud83d", "\u00e9\u5c42", "\U0001f600", "-", "---", "...", "# a", "%YAML 1.2", "@", "`",
)  # fmt: skip
_SPECIAL = "[]{}:,-&*!|>'\"%@`#?~<\\/ \t\n\r\u0085\u2028\ufeff\x00\x07\ud800\u00e9\U0001f600019.eE+_"
_SCALAR = re.compile(r"[\w.]+")


def yaml_corpus() -> list[str]:
    """Return YAML documents, right and wrong: those of the tests, and real config lists in two styles."""
    texts = [text for path in sorted(ROOT.glob("tests/data/*/*.yaml")) if (text := _text_of(path.read_bytes()))]
    for data in data_corpus()[::3]:
        texts += (yaml.safe_dump(data, sort_keys=False), yaml.safe_dump(data, sort_keys=False, default_flow_style=True))
    return texts


def json_corpus() -> list[str]:
    """Return JSON documents, right and wrong."""
    texts = [text for path in sorted(ROOT.glob("tests/data/*/*.json")) if (text := _text_of(path.read_bytes()))]
    return texts + [json.dumps(data, indent=rank % 3 or None) for rank, data in enumerate(data_corpus())]


def script_corpus() -> list[str]:
    """Return Python scripts with config lists in them, and one without."""
    paths = [*sorted(ROOT.glob("tests/data/scripts/*.py")), ROOT / "tests" / "support" / "literal.py"]
    return [path.read_text(encoding="utf-8") for path in paths]


def data_corpus() -> list[Any]:
    """Return real config lists, as plain data."""
    lines = (ROOT / "tests" / "data" / "corpus" / "nni_config_lists.jsonl").read_text(encoding="utf-8").splitlines()
    lists = [json.loads(line)["config_list"] for line in lines]
    return [data for data in lists if len(json.dumps(data)) <= _LONGEST]


def _text_of(data: bytes) -> str:
    return data.decode(errors="replace") if len(data) <= _LONGEST else ""


def mutated_text(rng: random.Random, texts: list[str]) -> str:
    """Return one of `texts` after one to four slips."""
    text = rng.choice(texts)
    for _ in range(rng.choice((1, 1, 2, 4))):
        text = rng.choice(_SLIPS)(rng, text, texts)
    return text


def _drop_characters(rng: random.Random, text: str, _: list[str]) -> str:
    start = rng.randint(0, len(text))
    return text[:start] + text[start + rng.choice((1, 1, 2, 20)) :]


def _put_character(rng: random.Random, text: str, _: list[str]) -> str:
    place = rng.randint(0, len(text))
    return text[:place] + rng.choice(_SPECIAL) * rng.choice((1, 1, 1, 2, 70)) + text[place:]


def _replace_word(rng: random.Random, text: str, _: list[str]) -> str:
    words = list(_SCALAR.finditer(text))
    if not words:
        return text + rng.choice(_WORDS)
    word = rng.choice(words)
    return text[: word.start()] + rng.choice(rng.choice((_KEYS, _WORDS))) + text[word.end() :]


def _move_line(rng: random.Random, text: str, _: list[str]) -> str:
    lines = text.splitlines(keepends=True) or [text]
    line = lines.pop(rng.randrange(len(lines)))
    for _copy in range(rng.choice((0, 1, 1, 2))):
        lines.insert(rng.randint(0, len(lines)), line)
    return "".join(lines)


def _indent_line(rng: random.Random, text: str, _: list[str]) -> str:
    lines = text.splitlines(keepends=True) or [text]
    number = rng.randrange(len(lines))
    lines[number] = rng.choice((" " + lines[number], "\t" + lines[number], lines[number][1:], lines[number].lstrip()))
    return "".join(lines)


def _splice(rng: random.Random, text: str, texts: list[str]) -> str:
    other = rng.choice(texts)
    return text[: rng.randint(0, len(text))] + other[rng.randint(0, len(other)) :]


def _other_line_breaks(rng: random.Random, text: str, _: list[str]) -> str:
    return text.replace("\n", rng.choice(("\r\n", "\r", "\u0085", "\n\n")))


_SLIPS: tuple[Callable[[random.Random, str, list[str]], str], ...] = (
    _drop_characters, _put_character, _replace_word, _replace_word, _move_line, _indent_line, _splice,
    _other_line_breaks,
)  # fmt: skip


_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, 0.5, 0.9, 1.0, 8, 31, 32, -1, 80, 1e-9, 10**40, 1e308, "", "a", "Linear", "weight", "0.5",
    "int", "int8", "per_tensor_affine", "affine", [], {}, [[]], ["weight", "input"], ["a", "a"], [0], [None], ["", "b"],
    {"weight": 8}, {"weight": 8, "input": 4}, {"weights": 8}, {"": None}, {"op_types": ["Linear"], "exclude": True},
)  # fmt: skip


def mutated_data(rng: random.Random, lists: list[Any]) -> Any:
    """Return one of `lists` with one to four of its parts replaced, added or taken away."""
    data = copy.deepcopy(rng.choice(lists))
    if rng.random() < 0.2:
        data = {rng.choice(("pruning", "quantization", "prune")): data for _ in range(rng.choice((1, 2)))}
    for _ in range(rng.choice((1, 1, 2, 4))):
        data = _mutated(rng, data)
    return data


def _mutated(rng: random.Random, data: Any) -> Any:
    if isinstance(data, list | dict) and data and rng.random() < 0.8:
        place = rng.randrange(len(data)) if isinstance(data, list) else rng.choice(list(data))
        if rng.random() < 0.15:
            del data[place]
        elif isinstance(data, dict) and rng.random() < 0.3:
            data[rng.choice(_KEYS)] = copy.deepcopy(rng.choice(_VALUES))
        elif isinstance(data, list) and rng.random() < 0.2:
            data.append(data[place])
        else:
            data[place] = _mutated(rng, data[place])
        return data
    return copy.deepcopy(rng.choice(_VALUES))
