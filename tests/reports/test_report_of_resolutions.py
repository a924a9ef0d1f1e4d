"""Resolutions as people read them, and in the formats that programs read."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from command_line import command
from recording import ROOT, assert_recorded

import compression_config as cc
from compression_config.text import display_width

DATA = ROOT / "tests" / "data" / "reports"
INVENTORIES = ROOT / "examples" / "inventories"
BERT = INVENTORIES / "bert-base.json.gz"
PAIRS = [("encoder", "Encoder"), ("encoder.fc1", "Linear"), ("encoder.fc2", "Linear"), ("act", "ReLU")]
LINEAR = {"op_types": ["Linear"], "sparsity_per_layer": 0.5}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def saved(name: str, config: object) -> str:
    Path(name).write_text(json.dumps(config), encoding="utf-8")
    return name


def resolved(config: object, model: Iterable[Any], *options: str, columns: int | None = None) -> str:
    """Return what `resolve` answers for plain data."""
    cc.Inventory.from_layers(model).save("model.json")
    return command("resolve", saved("list.json", config), "-m", "model.json", *options, columns=columns).answer


def recorded(name: str, model: Path, *options: str, columns: int | None = None) -> str:
    """Return what `resolve` answers for a list in the data of these tests, which the report calls by its bare name."""
    Path(name).write_bytes((DATA / name).read_bytes())
    return command("resolve", name, "-m", model, *options, columns=columns).answer


class TestTable:
    @pytest.mark.parametrize("columns", [None, 80, 120])
    def test_a_list_with_overwriting_exclude_and_a_group_on_bert(self, columns: int | None) -> None:
        report = recorded("overwriting.yaml", BERT, columns=columns)
        assert_recorded(report, DATA / f"overwriting-{columns or 'file'}.txt")
        sections = report.partition("\nuntouched")[0]
        assert max(map(display_width, sections.splitlines())) <= (columns or 100)

    def test_a_quantization_list_on_llama(self) -> None:
        report = recorded("quantization.yaml", INVENTORIES / "llama-3-8b.json.gz")
        assert_recorded(report, DATA / "quantization-file.txt")

    def test_a_model_of_which_only_names_and_types_are_known(self) -> None:
        cc.Inventory.from_layers(PAIRS).save("model.json")
        assert_recorded(recorded("nothing-known.yaml", Path("model.json")), DATA / "nothing-known-file.txt")

    def test_fused_experts_are_seen_although_they_have_no_weight(self) -> None:
        report = recorded("quantization.yaml", INVENTORIES / "mixtral-8x7b.json.gz")
        assert "42,278,584,320 elements in 30 MixtralExperts without a 'weight'" in " ".join(report.split())

    def test_an_empty_list(self) -> None:
        report = resolved([], PAIRS)
        assert report.startswith("0 sub-configs for pruning, a model with 4 layers\n\nuntouched  4 layers: 2 Linear,")
        assert "masked     nothing\n" in report

    def test_an_empty_model(self) -> None:
        report = resolved([LINEAR], [])
        assert "[0] sparsity 0.5: Linear\n    selects no layer\n" in report
        assert "untouched  no layer\n" in report

    @pytest.mark.parametrize(
        ("layers", "overwrites", "words"),
        [
            (1, [], "decides the one layer it selects"),
            (2, [], "decides both layers it selects"),
            (3, [], "decides all 3 layers it selects"),
            (1, [["a.0"]], "shadowed: selects 1 layer, decided by [1]"),
            (2, [["a.0"], ["a.1"]], "shadowed: selects 2 layers, both decided by [1] and [2]"),
            (3, [["a.0", "a.1", "a.2"]], "shadowed: selects 3 layers, all decided by [1]"),
            (2, [["a.0"]], "decides 1 of the 2 layers it selects; [1] decides the rest"),
            (4, [["a.0"], ["a.1"], ["a.0"]], "decides 2 of the 4 layers it selects; [2] and [3] decide the rest"),
            (
                9,
                [[f"a.{number}"] for number in range(8)],
                "decides 1 of the 9 layers it selects; [1], [2], [3], [4], [5] and 3 more decide the rest",
            ),
        ],
    )
    def test_a_sub_config_says_what_it_decides_and_what_overwrites_it(
        self, layers: int, overwrites: Sequence[list[str]], words: str
    ) -> None:
        config = [LINEAR, *({"op_names": names, "sparsity_per_layer": 0.9} for names in overwrites)]
        report = resolved(config, [(f"a.{number}", "Linear") for number in range(layers)])
        assert f"[0] sparsity 0.5: Linear\n    {words}\n" in report

    def test_sub_configs_of_several_files_say_where_they_are(self) -> None:
        cc.Inventory.from_layers(PAIRS).save("model.json")
        Path("base.yaml").write_text("- {op_types: [Linear], sparsity_per_layer: 0.5}")
        Path("over.yaml").write_text("\n- {op_names: [encoder.fc1], exclude: true}")
        report = command("resolve", "base.yaml", "over.yaml", "-m", "model.json").answer
        assert "[0] sparsity 0.5: Linear (base.yaml:1)\n" in report
        assert "[1] exclude: name is 'encoder.fc1' (over.yaml:2)\n" in report

    def test_the_labels_of_a_joined_part_are_of_one_kind(self) -> None:
        cc.Inventory.from_layers(PAIRS).save("model.json")
        saved("base.json", {"pruning": [LINEAR]})
        saved("over.json", [{"op_names": ["encoder.fc1"], "sparsity_per_layer": 0.9}])
        report = command("resolve", "base.json", "over.json", "-m", "model.json").answer
        assert [line.split()[0] for line in report.splitlines() if "sparsity 0" in line] == ["pruning[0]", "pruning[1]"]
        assert "; pruning[1] decides the rest\n" in report

    @pytest.mark.parametrize("columns", [60, 80, 120])
    def test_long_settings_and_names_are_broken_to_the_width(self, columns: int) -> None:
        schemes = {"weight": "per_channel_symmetric", "input": "per_tensor_symmetric"}
        quantized = {"op_types": ["Linear"], "quant_types": ["weight", "input"], "quant_scheme": schemes}
        config = [{**quantized, "quant_bits": {"weight": 4, "input": 8}}]
        names = [".".join([f"a_very_long_component_{number}"] * 5) for number in range(2)]
        report = resolved(config, [(name, "Linear") for name in names], columns=columns)
        assert max(map(display_width, report.splitlines())) <= columns
        gets = "weight 4 bits per_channel_symmetric, input 8 bits per_tensor_symmetric: Linear"
        assert gets in " ".join(report.split())
        joined = re.sub(r"\.\n +", ".", report)
        assert all(f"      {name}\n" in joined for name in names)


class TestFormats:
    def test_json_and_yaml_are_the_data_of_the_library(self) -> None:
        for config in ([LINEAR], {"pruning": [LINEAR], "quantization": []}):
            cc.Inventory.from_layers(PAIRS).save("model.json")
            data = cc.resolve(cc.load(saved("list.json", config)), cc.Inventory.load("model.json")).to_dict()
            assert json.loads(resolved(config, PAIRS, "--format", "json")) == data
            assert yaml.safe_load(resolved(config, PAIRS, "--format", "yaml")) == data

    @pytest.mark.parametrize("ratio", [1e-7, 1.5e-7, 1e-5, 0.1, 0])
    def test_yaml_has_numbers_that_every_reader_takes_for_numbers(self, ratio: float) -> None:
        """YAML 1.1, as PyYAML reads it, takes 1e-07 for a string."""
        config = [{"op_names": ["1e-07"], "sparsity_per_layer": ratio}]
        text = resolved(config, [("1e-07", "Linear")], "--format", "yaml")
        (layer,) = yaml.safe_load(text)["layers"]
        assert (layer["name"], layer["settings"]["sparsity"]) == ("1e-07", ratio)

    @pytest.mark.parametrize("name", ["层", "a\u2028b", "\x7f", "true", "a: b", "- 'x\"", "\ufeff", "😀", "\U000e0001"])
    def test_yaml_holds_any_name(self, name: str) -> None:
        data = yaml.safe_load(resolved([LINEAR], [(name, "Linear")], "--format", "yaml"))
        assert [layer["name"] for layer in data["layers"]] == [name]

    def test_a_layer_takes_a_line(self) -> None:
        lines = recorded("overwriting.yaml", BERT, "--format", "json").splitlines()
        assert sum(line.strip().startswith('{"name": "') for line in lines) == 232

    def test_csv_has_a_row_for_each_layer(self) -> None:
        rows = list(csv.DictReader(io.StringIO(recorded("overwriting.yaml", BERT, "--format", "csv"))))
        assert [row["name"] for row in rows] == list(cc.Inventory.load(BERT).names)
        row = next(row for row in rows if row["name"] == "bert.encoder.layer.3.attention.self.query")
        assert (row["kind"], row["status"], row["index"], row["sparsity"]) == ("pruning", "compressed", "1", "0.8")

    def test_csv_has_a_column_for_each_quant_type(self) -> None:
        config = [{"op_types": ["Linear"], "quant_types": ["weight", "input"], "quant_bits": {"weight": 4, "input": 8}}]
        text = resolved(config, PAIRS, "--format", "csv")
        row = list(csv.DictReader(io.StringIO(text)))[1]
        assert (row["bits.weight"], row["bits.input"]) == ("4", "8")
        assert "\r" not in text

    def test_csv_of_an_empty_model_has_its_header(self) -> None:
        assert resolved([], [], "--format", "csv") == "kind,name\n"

    def test_markdown_tables_have_equal_cells(self) -> None:
        text = recorded("overwriting.yaml", BERT, "--format", "markdown")
        assert_recorded(text, DATA / "overwriting.md")
        tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
        assert len(tables) == 2
        for found in tables:
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in found.splitlines()}) == 1

    def test_markdown_reads_no_markup_into_names(self) -> None:
        config = [{"op_types": ["A|B"], "sparsity_per_layer": 0.5}, {"op_names": ["*b*"], "exclude": True}]
        text = resolved(config, [("a|`x`", "A|B"), ("*b*", "C")], "--format", "markdown")
        assert "| `` a\\|`x` `` | 1 | A\\|B |" in text
        assert "name is '\\*b\\*'" in text


class TestExplanation:
    def test_without_a_terminal_it_is_what_the_library_explains(self) -> None:
        cc.Inventory.from_layers(PAIRS).save("model.json")
        Path("list.yaml").write_bytes((DATA / "nothing-known.yaml").read_bytes())
        resolution = cc.resolve(cc.load("list.yaml"), cc.Inventory.load("model.json"), unmatched="ignore")
        for name in resolution:
            shown = command("explain", "list.yaml", name, "-m", "model.json").answer
            assert shown == resolution.explain(name) + "\n"

    def test_on_a_terminal_lines_are_broken_under_the_words(self) -> None:
        path = DATA / "overwriting.yaml"
        shown = command("explain", path, "bert.encoder.layer.1.output.dense", "-m", BERT, columns=72).answer
        lines = shown.splitlines()
        assert max(map(len, lines)) <= 72
        assert any(line.startswith(" " * 14) and line[14] != " " for line in lines)
