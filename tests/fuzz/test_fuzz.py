"""Whatever is thrown at the library, an answer or a `CompressionConfigError` comes back, soon and with sound places.

The inputs are real config lists and the documents of the tests after a few slips, drawn from fixed seeds, and what
hypothesis makes up. The core suite draws a few thousand; with `FUZZ_INPUTS=50000` in the environment it is that many.
"""

from __future__ import annotations

import functools
import json
import os
import random
from pathlib import Path
from typing import Any

import mutations
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from targets import answer, assert_findings_are_sound, assert_reloads, judge, judge_pure, time_limit

import compression_config as cc

INPUTS = int(os.environ.get("FUZZ_INPUTS", "2500"))
CHUNKS = 10
"""Each draws its share of the inputs: several processes can work at once."""

EACH_CHUNK = pytest.mark.parametrize("seed", range(CHUNKS))

yaml_texts = functools.cache(mutations.yaml_corpus)
json_texts = functools.cache(mutations.json_corpus)
script_texts = functools.cache(mutations.script_corpus)
config_lists = functools.cache(mutations.data_corpus)


def test_the_corpus_as_it_is() -> None:
    for text in yaml_texts():
        judge(text, "yaml")
        judge_pure(text)
    for text in json_texts():
        judge(text, "json")


@EACH_CHUNK
def test_yaml_texts(seed: int) -> None:
    rng = random.Random(f"yaml {seed}")  # noqa: S311 - a fixed seed is the point
    for _ in range(INPUTS // CHUNKS // 2):
        text = mutations.mutated_text(rng, yaml_texts())
        with time_limit():
            judge(text, "yaml")
            judge_pure(text)


@EACH_CHUNK
def test_json_texts(seed: int) -> None:
    rng = random.Random(f"json {seed}")  # noqa: S311 - a fixed seed is the point
    for _ in range(INPUTS // CHUNKS // 4):
        text = mutations.mutated_text(rng, json_texts())
        with time_limit():
            judge(text, "json")


@EACH_CHUNK
def test_scripts(seed: int, tmp_path: Path) -> None:
    rng = random.Random(f"scripts {seed}")  # noqa: S311 - a fixed seed is the point
    script = tmp_path / "train.py"
    for _ in range(INPUTS // CHUNKS // 4):
        text = mutations.mutated_text(rng, script_texts())
        script.write_bytes(text.encode(errors="surrogatepass"))
        with time_limit():
            findings = cc.check(script)
            assert_findings_are_sound(findings, text.removeprefix("\ufeff"))
            assert cc.check(script) == findings
            assert len(findings) == 1 or cc.Code.SYNTAX not in {finding.code for finding in findings}


@EACH_CHUNK
def test_plain_data(seed: int) -> None:
    """What is said of plain data is said of the same data in a file, at the same config paths."""
    rng = random.Random(f"data {seed}")  # noqa: S311 - a fixed seed is the point
    for _ in range(INPUTS // CHUNKS // 4):
        data = mutations.mutated_data(rng, config_lists())
        with time_limit():
            assert_same_in_a_file(data)


def assert_same_in_a_file(data: Any) -> None:
    config, findings = answer(lambda: cc.validate(data))
    assert_findings_are_sound(findings, None)
    text = json.dumps(data)
    in_file, said = answer(lambda: cc.loads(text, format="json"))
    assert config == in_file
    assert sorted(map(_gist, findings)) == sorted(map(_gist, said)), text
    if config is not None:
        assert_reloads(config)


def _gist(finding: cc.Finding) -> tuple[str, str, str]:
    return finding.code.value, repr(finding.path), finding.severity.value


@settings(max_examples=INPUTS // 40)
@given(st.text(st.sampled_from("-?:,[]{}&*!|>'\"%@`# \n\ta1.e~<\\/\r\u0085\u00e9\U0001f600"), max_size=60))
def test_any_text_at_all(text: str) -> None:
    judge(text, "yaml")
    judge(text, "json")
    judge_pure(text)


_KEYS = st.sampled_from(
    ["op_types", "op_names", "exclude", "sparsity", "total_sparsity", "quant_bits", "pruning", "a", ""]
)
_LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
)  # fmt: skip
_ANYTHING = st.recursive(_LEAVES, lambda part: st.lists(part, max_size=4) | st.dictionaries(_KEYS, part, max_size=4))


@settings(max_examples=INPUTS // 40)
@given(_ANYTHING)
def test_any_data_at_all(data: Any) -> None:
    assert_same_in_a_file(data)
