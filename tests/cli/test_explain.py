"""`explain` for several layers: those of a pattern, of a part of names, and of several words."""

from __future__ import annotations

from pathlib import Path

import pytest
from samples import run

import compression_config as cc

MODEL = ["--model", "blocks.json"]
LISTS = """\
- op_types: [Linear]
  sparsity_per_layer: 0.5
- op_partial_names: [block.1.]
  exclude: true
"""


@pytest.fixture(autouse=True)
def blocks(here: Path) -> None:
    (here / "blocks.yaml").write_text(LISTS)
    layers = [
        cc.Layer(name=f"block.{block}.{name}", type=kind, weight_shape=shape)
        for block in range(4)
        for name, kind, shape in (("q", "Linear", (8, 8)), ("k", "Linear", (8, 8)), ("norm", "LayerNorm", (8,)))
    ]
    layers.append(cc.Layer(name="head", type="Linear", weight_shape=(2, 8), aliases=("tied.q",)))
    cc.Inventory.from_layers(layers, model="Blocks").save(here / "blocks.json")


def test_layers_that_get_the_same_for_the_same_reasons_are_told_together(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("explain", "blocks.yaml", "block.{0..2}.{q,k}", *MODEL) == 0
    assert (
        capsys.readouterr().out
        == """\
'block.{0..2}.{q,k}' matches 6 layers
  op_names: [block.0.q, block.0.k, block.1.q, block.1.k, block.2.q, block.2.k] selects the same layers

4 layers are compressed by the pruning list
  names       block.{0,2}.{q,k}
  each        Linear, weight 8x8, 64 elements
  gets        sparsity 0.5: 32 of its 64 weight elements are masked
  decided by  [0] sparsity 0.5 at blocks.yaml:1:3: op_types lists 'Linear'

2 layers are excluded by the pruning list
  names       block.1.{q,k}
  each        Linear, weight 8x8, 64 elements
  gets        nothing: it is left out of compression
  decided by  [1] exclude at blocks.yaml:3:3: its name contains 'block.1.'
  overwrites  [0] sparsity 0.5 at blocks.yaml:1:3: op_types lists 'Linear'
"""
    )


@pytest.mark.parametrize(
    ("word", "heading"),
    [
        ("norm", ["'norm' is in the names of 4 layers", "  op_partial_names: [norm] selects the same layers"]),
        ("3.nor", ["'3.nor' is in the name of 1 layer", "  op_partial_names: ['3.nor'] selects the same layer"]),
        ("*.norm", ["'*.norm' matches 4 layers", "  op_partial_names: ['.norm'] selects the same layers"]),
        ("tied*", ["'tied*' matches 1 layer", "  op_names: [head] selects the same layer"]),
        (
            "{q,norm}",
            [
                "'{q,norm}' matches 9 layers at the end of their names",
                "  op_partial_names: ['.q', '.norm'] selects the same layers",
            ],
        ),
        ("block.{1..3}.q", ["'block.{1..3}.q' matches 3 layers"]),
        (r"block\.[02]\.n", [r"'block\.[02]\.n' matches 2 layers from the start of their names"]),
        ("q", ["'q' is in the names of 5 layers", "  op_partial_names: [q] selects the same layers"]),
    ],
)
def test_the_heading_says_how_a_word_names_layers(
    word: str, heading: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("explain", "blocks.yaml", word, *MODEL) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[: len(heading)] == heading


@pytest.mark.parametrize("word", ["norm", "3.nor", "*.norm", "tied*", "{q,norm}", "block.{1..3}.q", "q"])
def test_the_selector_selects_what_is_told(word: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is resolved, and selects as many layers as the heading counts."""
    assert run("explain", "blocks.yaml", word, *MODEL) == 0
    first, second, *_ = capsys.readouterr().out.splitlines()
    selector, _, _ = second.partition(" selects the same layer")
    (here / "same.yaml").write_text(f"-{selector[1:]}\n  sparsity_per_layer: 0.5\n")
    same = cc.resolve(cc.load(here / "same.yaml", kind="pruning"), cc.Inventory.load(here / "blocks.json"))
    assert f" {len(same.sub_configs[0].selected)} layer" in first


def test_several_words_are_told_one_after_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["explain", "blocks.yaml", "head", "--layer", "block.0.q", "-l", "head", "-l", "norm", *MODEL]
    assert run(*argv) == 0
    shown = capsys.readouterr().out
    titles = [line for line in shown.splitlines() if line and not line.startswith(" ")]
    assert titles == [
        "head is compressed by the pruning list",
        "block.0.q is compressed by the pruning list",
        "'norm' is in the names of 4 layers",
        "3 layers are untouched by the pruning list",
        "block.1.norm is excluded by the pruning list",
    ]


def test_both_lists_of_a_document_are_told_for_each_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("explain", "two-parts.yaml", "fc", "--model", "net.json") == 0
    titles = [line for line in capsys.readouterr().out.splitlines() if line and not line.startswith(" ")]
    assert titles == [
        "'fc' is in the names of 2 layers",
        "2 layers are compressed by the pruning list",
        "2 layers are compressed by the quantization list",
    ]


def test_the_selector_is_in_the_notation_of_the_list(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "blocks.json5.json").write_text('[{"op_types": ["Linear"], "sparsity_per_layer": 0.5}]')
    assert run("explain", "blocks.json5.json", "norm", *MODEL) == 0
    assert capsys.readouterr().out.splitlines()[1] == '  "op_partial_names": ["norm"] selects the same layers'


def test_what_is_left_out_is_counted(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    layers = [cc.Layer(name=f"fc{number}", type="Linear", weight_shape=(8, number + 1)) for number in range(1_200)]
    cc.Inventory.from_layers(layers).save(here / "many.json")
    assert run("explain", "pruning.yaml", "fc", "--model", "many.json") == 0
    shown = capsys.readouterr().out
    assert shown.count(" is compressed by the pruning list") == 20
    assert shown.endswith("\nand 1,180 layers more, not shown\n")


@pytest.mark.parametrize("word", ["block.0.q", "block.*.q", "head"])
def test_a_layer_in_the_place_of_a_file_is_told_where_it_belongs(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("explain", "blocks.yaml", word, "head", *MODEL) == 2
    expected = (
        f"compression-config: error: there is no file '{word}': write '--layer' before the name of another layer\n"
    )
    assert capsys.readouterr() == ("", expected)


def test_patterns_of_files_are_still_files(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "more").mkdir()
    (here / "more" / "list").write_text("- op_names: [head]\n  exclude: true\n")
    assert run("explain", "blocks.yaml", "more/*", "head", *MODEL) == 0
    assert capsys.readouterr().out.startswith("head is excluded")


@pytest.mark.parametrize("word", ["block.9", "block.9.*", "[", "(", "*" * 600, ""])
def test_a_word_that_names_no_layer_is_a_wrong_command(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("explain", "blocks.yaml", word, *MODEL) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "the model has no layer " in err
