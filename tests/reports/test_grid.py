"""The grid: a row for each role in a block, a column for each block."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from builders import resolved
from command_line import command
from recording import ROOT, assert_recorded

import compression_config as cc
from compression_config.reports.grid import grid_lines, grid_of
from compression_config.reports.layout import plain_text
from compression_config.text import display_width

DATA = ROOT / "tests" / "data" / "reports"
INVENTORIES = ROOT / "examples" / "inventories"
W4A8 = {"quant_types": ["weight", "input"], "quant_bits": {"weight": 4, "input": 8}}
HALF = {"op_types": ["Linear"], "sparsity_per_layer": 0.5}


def linear(name: str, numel: int = 100) -> cc.Layer:
    return cc.Layer(name=name, type="Linear", weight_shape=(numel,))


def blocks(number: int, *roles: str) -> list[cc.Layer]:
    return [linear(f"layer.{block}.{role}") for block in range(number) for role in roles]


def drawn(config: Any, layers: Any, width: int = 100, kind: Any = None) -> list[str]:
    """Return the lines from after the headline to before the sub-configs."""
    resolution = resolved(config, layers, kind)
    text = plain_text(grid_lines(resolution.resolved, resolution.budget, (), width))
    assert max(map(display_width, text.splitlines())) <= width
    return text.split("\n[0] ")[0].splitlines()[2:]


@pytest.mark.parametrize("columns", [None, 80, 120, 160])
def test_a_list_with_overwriting_exclude_and_a_group_on_bert(
    columns: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("overwriting-new.yaml").write_bytes((DATA / "overwriting-new.yaml").read_bytes())
    shown = command(
        "resolve", "overwriting-new.yaml", "-m", INVENTORIES / "bert-base.json.gz", "--grid", columns=columns
    )
    assert_recorded(shown.answer, DATA / f"grid-{columns or 'file'}.txt")
    assert max(map(display_width, shown.answer.partition("\nmodel ")[0].splitlines())) <= (columns or 100)


def test_a_forgotten_block_and_a_partial_name_that_takes_too_much() -> None:
    config = [
        {"op_partial_names": [f"layer.{n}." for n in range(12) if n != 5], "sparsity_per_layer": 0.5},
        {"op_partial_names": ["layer.1"], "sparsity_per_layer": 0.9},
    ]
    lines = drawn(config, blocks(12, "q_proj", "k_proj", "v_proj"))
    assert lines[:2] == [
        "layer.N        0  1  2  3  4  5  6  7  8  9 10 11   weights  masked  by",
        "{q,k,v}_proj  ▒▒ ██ ▒▒ ▒▒ ▒▒  · ▒▒ ▒▒ ▒▒ ▒▒ ██ ██     100 %  55.8 %  [0] [1]",
    ]
    grid = grid_of(*parts(config, blocks(12, "q_proj")))
    assert grid.stacks[0].rows[0].uneven


def parts(config: Any, layers: Any) -> Any:
    resolution = resolved(config, layers)
    return resolution.resolved, resolution.budget


@pytest.mark.parametrize(
    ("sparsity", "mark"),
    [(0, " 0"), (0.01, "░░"), (0.25, "░░"), (0.26, "▒▒"), (0.5, "▒▒"), (0.75, "▓▓"), (0.76, "██"), (0.99, "██")],
)
def test_cells_are_shaded_by_sparsity(sparsity: float, mark: str) -> None:
    line = drawn([{**HALF, "sparsity_per_layer": sparsity}], blocks(2, "fc"))[1]
    assert line.startswith(f"fc       {mark} {mark} ")


def test_excluded_untouched_and_absent_are_told_apart() -> None:
    layers = [*blocks(3, "fc", "up"), linear("layer.3.up")]
    config = [{"op_names": ["layer.0.fc", "layer.0.up"], **HALF}, {"op_names": ["layer.1.fc"], "exclude": True}]
    lines = drawn(config, layers)
    assert lines[1:3] == [
        "fc       ▒▒  ×  ·       42.9 %  16.7 %  [0] [1]",
        "up       ▒▒  ·  ·  ·    57.1 %  12.5 %  [0]",
    ]
    assert lines[4] == "▒ sparsity up to 0.5   × excluded   · untouched"


def test_a_group_shows_its_average_and_what_a_row_may_lose_at_most() -> None:
    config = [{"op_types": ["Linear"], "total_sparsity": 0.5, "max_sparsity_per_layer": 0.9}]
    lines = drawn(config, [linear(f"layer.{n}.{role}") for n in range(2) for role in ("a", "b")])
    assert lines[1] == "{a,b}    ▒▒ ▒▒     100 %  ≤90.0 %  [0]"
    assert lines[3].endswith("   in a group the average")


@pytest.mark.parametrize(
    ("bits", "cells", "legend"),
    [
        ({"quant_types": ["weight"], "quant_bits": 4}, " 4  4", "numbers: bits of weights"),
        (
            {"quant_types": ["weight", "input"], "quant_bits": {"weight": 4, "input": 8}},
            " 4  4",
            "numbers: bits of weights",
        ),
        ({"quant_types": ["input"], "quant_bits": 8}, "-/8 -/8", "numbers: bits of weight/input/output"),
        ({"quant_types": ["weight", "input", "output"], "quant_bits": 16}, "16 16", "numbers: bits of weights"),
    ],
)
def test_quantization_shows_bits(bits: dict[str, Any], cells: str, legend: str) -> None:
    lines = drawn([{"op_types": ["Linear"], **bits}], blocks(2, "fc"), kind="quantization")
    assert lines[1].startswith(f"fc       {cells} ")
    assert lines[3] == legend


def test_bits_of_inputs_are_shown_where_those_of_weights_do_not_tell_cells_apart() -> None:
    weights = {"quant_types": ["weight"], "quant_bits": 4}
    lines = drawn(
        [{"op_types": ["Linear"], **weights}, {"op_names": ["layer.1.fc"], **W4A8}],
        blocks(2, "fc"),
        kind="quantization",
    )
    assert lines[1].startswith("fc         4 4/8 ")


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_more_blocks_than_fit_are_continued_in_bands(width: int) -> None:
    lines = drawn([HALF], blocks(100, "attention.self.query"), width)
    rows = [line for line in lines if line.startswith("attention.self.query")]
    assert sum(line.count("▒") for line in rows) == 100
    # Where there is no room for it nothing is at the end of rows.
    assert any(line.endswith("weights  masked  by") for line in lines) == (width >= 60)
    assert len({line.count("▒") for line in rows[:-1]}) <= 1


def test_stages_of_different_depth_are_stacks_and_experts_are_not() -> None:
    stages = [linear(f"stages.{s}.blocks.{b}.fc") for s, depth in enumerate((2, 3, 6)) for b in range(depth)]
    experts = [linear(f"layers.{b}.experts.{e}.up") for b in range(3) for e in range(8)]
    grid = grid_of(*parts([HALF], [*stages, *experts]))
    assert [(stack.name, stack.blocks) for stack in grid.stacks] == [
        ("stages.0.blocks", (0, 1)),
        ("stages.1.blocks", (0, 1, 2)),
        ("stages.2.blocks", (0, 1, 2, 3, 4, 5)),
        ("layers", (0, 1, 2)),
    ]
    assert [row.name for row in grid.stacks[3].rows] == ["experts.{0..7}.up"]


def test_experts_that_get_something_else_have_a_row_of_their_own() -> None:
    experts = [linear(f"layers.{b}.experts.{e}.up") for b in range(3) for e in range(8)]
    grid = grid_of(*parts([HALF, {"op_names": ["layers.1.experts.3.up"], "exclude": True}], experts))
    rows = {row.name: [cell.gets for cell in row.cells if cell] for row in grid.stacks[0].rows}
    assert rows == {
        "experts.{0..2,4..7}.up": ["sparsity 0.5"] * 3,
        "experts.3.up": ["sparsity 0.5", "excluded", "sparsity 0.5"],
    }


def test_a_model_without_blocks_is_a_list() -> None:
    lines = drawn([HALF, {"op_names": ["fc2"], "exclude": True}], [linear("fc1"), linear("fc2"), linear("head", 200)])
    assert lines[:4] == [
        "layers       weights  masked  by",
        "fc1     ▒▒    25.0 %  50.0 %  [0]",
        "fc2      ×    25.0 %          [1]",
        "head    ▒▒    50.0 %  50.0 %  [0]",
    ]


def test_modules_of_a_sequential_are_blocks_themselves() -> None:
    lines = drawn([HALF], [(f"features.{number}", "Linear" if number % 3 == 0 else "ReLU") for number in range(7)])
    assert lines[:2] == [
        "features.N   0  1  2  3  4  5  6   masked  by",
        "(itself)    ▒▒  ·  · ▒▒  ·  · ▒▒           [0]",
    ]


def test_a_tied_weight_is_counted_once_and_said() -> None:
    layers = [linear("embed"), cc.Layer(name="head", type="Linear", weight_shape=(100,), tied_to="embed")]
    lines = drawn([{"op_names": ["embed"], **HALF}], layers)
    assert lines[1:3] == ["embed   ▒▒     100 %  50.0 %  [0]", "head     ·      tied"]


def test_layers_that_hold_next_to_nothing_are_named() -> None:
    layers = [
        *blocks(3, "fc"),
        *(cc.Layer(name=f"layer.{n}.norm", type="LayerNorm", weight_shape=(1,)) for n in range(3)),
    ]
    lines = drawn([HALF], layers)
    assert lines[2] == "untouched, each with at most 1 % of the weights: norm"


def test_fused_experts_are_drawn_although_they_have_no_weight() -> None:
    resolution = resolved([HALF], cc.Inventory.load(INVENTORIES / "mixtral-8x7b.json.gz"))
    (stack,) = grid_of(resolution.resolved, resolution.budget).stacks
    assert "mlp.experts" in [row.name for row in stack.rows]


def test_nothing_is_known_of_pairs() -> None:
    lines = drawn(
        [HALF], [("a", "Block"), ("a.0", "Block"), ("a.0.fc", "Linear"), ("a.1", "Block"), ("a.1.fc", "Linear")]
    )
    assert lines[:2] == ["a.N   0  1   masked  by", "fc   ▒▒ ▒▒           [0]"]


def test_an_empty_model_has_an_empty_grid() -> None:
    assert [line for line in drawn([HALF], []) if line] == []


def test_two_part_documents_have_two_grids(tmp_path: Path) -> None:
    config = {"pruning": [HALF], "quantization": [{"op_types": ["Linear"], "quant_types": ["weight"], "quant_bits": 8}]}
    cc.Inventory.from_layers(blocks(2, "fc")).save(tmp_path / "model.json")
    (tmp_path / "two.json").write_text(json.dumps(config))
    shown = command("resolve", tmp_path / "two.json", "-m", tmp_path / "model.json", "--grid").answer
    assert shown.index("▒▒ ▒▒") < shown.index(" 8  8")
