"""Reports of findings and of resolutions: whole texts, and the forms that programs read."""

from __future__ import annotations

import builtins
import csv
import functools
import io
import json
import re
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from recording import ROOT, assert_recorded

import compression_config as cc
from compression_config.findings import Code, Finding
from compression_config.loading import AnyConfig
from compression_config.locations import Position, Span
from compression_config.reports.findings import as_github, as_text, finding_lines, snippet
from compression_config.reports.layout import Part, Style, as_rich, display_width, elided, plain_text
from compression_config.reports.resolution import explanation_lines, resolution_lines
from compression_config.reports.tables import as_csv, as_json, as_markdown, to_json, to_yaml
from compression_config.resolving.resolved import Resolved
from compression_config.text import printable

DATA = ROOT / "tests" / "data" / "reports"
INVENTORIES = ROOT / "examples" / "inventories"
PAIRS = [("encoder", "Encoder"), ("encoder.fc1", "Linear"), ("encoder.fc2", "Linear"), ("act", "ReLU")]


def loaded(name: str) -> AnyConfig:
    return cc.loads((DATA / name).read_text(encoding="utf-8"), name=name)


def answer(config: Any, model: Any) -> tuple[Resolved, cc.Resolution[Any]]:
    resolved = Resolved(config, model if isinstance(model, cc.Inventory) else cc.Inventory.from_layers(model))
    return resolved, cc.Resolution[Any](resolved)


@functools.cache
def bert() -> tuple[Resolved, cc.Resolution[Any]]:
    """Return the answer of the list with overwriting for BERT."""
    return answer(loaded("overwriting.yaml"), cc.Inventory.load(INVENTORIES / "bert-base.json.gz"))


def table(config: Any, model: Any, width: int | None = None) -> str:
    resolved, resolution = answer(config, model)
    return plain_text(resolution_lines(resolved, resolution.budget, resolution.findings, width))


def finding(**facts: Any) -> Finding:
    known = {"code": Code.OUT_OF_RANGE, "severity": cc.Severity.ERROR, "message": "a ratio is below 1"}
    return Finding(**{**known, **facts})


def marked(excerpt: str, start: int, end: int, *, width: int | None = None, end_line: int = 7) -> list[str]:
    """Return the lines that show a span on line 7 from column `start` to before `end`, without their gutter."""
    span = Span(Position(7, start), Position(end_line, end))
    text = as_text([finding(span=span, source="a.yaml", excerpt=excerpt)], width)
    shown = text.splitlines()[2:5]
    assert shown[0] == "  |"
    return [line.rstrip() for line in (shown[1].removeprefix("7 | "), shown[2].removeprefix("  | "))]


class TestFindingsAsText:
    def test_a_finding_shows_rule_place_line_span_and_remedy(self) -> None:
        with pytest.raises(cc.InvalidConfig) as caught:
            cc.loads("- op_types: [Linear]\n  sparsity_per_layer: 80\n", name="prune.yaml")
        assert as_text(caught.value.findings) == (
            "error[out-of-range]: 'sparsity_per_layer' must be at least 0 and below 1, not 80\n"
            " --> prune.yaml:2:23 at [0].sparsity_per_layer\n"
            "  |\n"
            "2 |   sparsity_per_layer: 80\n"
            "  |                       ^^\n"
            "  = help: ratios are not percentages: write 0.8\n"
            "\n"
            "1 error\n"
        )

    def test_plain_data_shows_the_config_path(self) -> None:
        assert as_text([finding(path=(2, "op_types", 0), hint="write 0.8")]) == (
            "error[out-of-range]: a ratio is below 1\n --> [2].op_types[0]\n  = help: write 0.8\n\n1 error\n"
        )

    def test_a_finding_about_the_whole_has_no_place(self) -> None:
        assert as_text([finding()]) == "error[out-of-range]: a ratio is below 1\n\n1 error\n"

    def test_nothing_to_say_is_the_empty_string(self) -> None:
        assert as_text([]) == ""

    def test_the_count_names_the_worst_first(self) -> None:
        severities = [cc.Severity.NOTE, cc.Severity.ERROR, cc.Severity.WARNING, cc.Severity.ERROR]
        report = as_text([finding(severity=severity) for severity in severities])
        assert report.splitlines()[-1] == "2 errors, 1 warning, 1 note"

    def test_the_gutter_is_as_wide_as_the_number_of_the_line(self) -> None:
        span = Span(Position(1200, 3), Position(1200, 5))
        report = as_text([finding(span=span, source="a.yaml", excerpt="  80", hint="write 0.8")])
        assert report.splitlines()[1:6] == [
            "    --> a.yaml:1200:3",
            "     |",
            "1200 |   80",
            "     |   ^^",
            "     = help: write 0.8",
        ]

    def test_a_span_over_several_lines_is_marked_to_the_end_of_its_first(self) -> None:
        assert marked("- op_types: [Linear]", 3, 9, end_line=9) == ["- op_types: [Linear]", "  ^^^^^^^^^^^^^^^^^^..."]

    def test_an_empty_span_is_marked_by_one_caret(self) -> None:
        assert marked("op_types:", 10, 10) == ["op_types:", "         ^"]

    def test_tabs_are_shown_as_spaces_and_counted_as_such(self) -> None:
        assert marked("\tratio:\t80", 9, 11) == ["    ratio:    80", "              ^^"]

    def test_wide_letters_take_two_columns_and_combining_marks_none(self) -> None:
        assert marked("层: e\u0301 80", 7, 9) == ["层: e\u0301 80", "      ^^"]

    def test_characters_that_cannot_be_seen_are_spelt_out(self) -> None:
        assert marked("a\x1b[2J: 80", 8, 10) == ["a\\x1b[2J: 80", "          ^^"]

    def test_a_message_moves_no_cursor(self) -> None:
        assert "\x1b" not in as_text(
            [finding(message="no key '\x1b[2J'", hint="\x1b[1m", source="\x1b", path=("\x1b",))]
        )

    @pytest.mark.parametrize(
        ("start", "shown"),
        [
            pytest.param(1, "0123456789" * 3 + "0123456...", id="start"),
            pytest.param(996, "..." + "0123456789" * 4, id="end"),
        ],
    )
    def test_of_a_long_line_the_part_around_the_span_is_shown(self, start: int, shown: str) -> None:
        text, carets = marked("0123456789" * 100, start, start + 4, width=44)
        assert len(text) <= 40
        assert text in shown or shown.endswith(text.removeprefix("..."))
        assert text[carets.index("^") : carets.index("^") + 4] == ("0123456789" * 100)[start - 1 : start + 3]

    def test_a_span_in_the_middle_of_a_long_line_has_room_on_both_sides(self) -> None:
        text, carets = marked("x" * 500 + "HERE" + "y" * 500, 501, 505, width=44)
        assert (text, carets) == ("...xxxxxxxxxxxxxxxHEREyyyyyyyyyyyyyyy...", "                  ^^^^")

    def test_a_span_longer_than_the_window_is_marked_as_far_as_it_is_shown(self) -> None:
        text, carets = marked("x" * 100 + "y" * 900, 101, 1001, width=44)
        assert text.startswith("...x")
        assert text.endswith("y...")
        assert carets.count("^") == text.count("y")

    def test_without_a_terminal_sentences_are_not_broken(self) -> None:
        long = "a ratio " * 40
        assert as_text([finding(message=long.strip())]).splitlines()[0].endswith(long.strip())

    def test_on_a_terminal_sentences_are_broken_at_spaces(self) -> None:
        report = as_text([finding(message="a ratio is below 1 " * 9, hint="write less " * 12)], 60)
        assert max(map(len, report.splitlines())) <= 60
        assert [line[:9] for line in report.splitlines() if "write" in line] == ["  = help:", " " * 9, " " * 9]


LETTERS = st.sampled_from(list("ab: -[]'\t\x00\x1b\u202e層😀é\u0301\ud800"))


@given(st.lists(LETTERS, max_size=120).map("".join), st.data(), st.integers(24, 120))
def test_carets_stand_under_the_span_whatever_the_line_holds(excerpt: str, data: st.DataObject, width: int) -> None:
    """What is shown fits the width, and what stands above the carets is what the span holds, as far as it is shown."""
    start = data.draw(st.integers(0, len(excerpt)), label="start")
    end = data.draw(st.integers(start, len(excerpt)), label="end")
    span = Span(Position(7, start + 1), Position(7, end + 1))
    (_, (_, shown), (_, indent, carets)), gutter = snippet(excerpt, span, width, Style.ERROR)
    room = width - gutter - 3
    assert display_width(shown.text) <= room + 1
    columns = [letter for letter in shown.text[1:] for _ in range(display_width(letter))]
    above = "".join(columns[len(indent.text) - 1 :][: len(carets.text)])
    meant = "".join(printable(letter) if letter != "\t" else "    " for letter in excerpt[start:end])
    doubled = "".join(letter * display_width(letter) for letter in meant)
    assert doubled.startswith(above.rstrip()) if start < end else carets.text == "^"
    if display_width("".join(map(printable, excerpt.replace("\t", "    ")))) <= room:
        assert len(carets.text) == max(display_width(meant), 1)
        assert not excerpt or "..." not in shown.text


class TestFindingsForPrograms:
    def test_json_parses_and_carries_a_version(self) -> None:
        said = [finding(path=(2, "op_types", 0), hint="write 0.8"), finding(severity=cc.Severity.NOTE)]
        report = json.loads(as_json(said, files=["a.yaml"]))
        assert list(report) == ["format", "version", "files", "counts", "findings"]
        assert report["format"] == "compression-config-findings"
        assert report["version"] == 2
        assert report["counts"] == {"error": 1, "warning": 0, "note": 1}
        assert report["findings"][0] == {
            "code": "out-of-range",
            "severity": "error",
            "message": "a ratio is below 1",
            "hint": "write 0.8",
            "fix": None,
            "safe": False,
            "path": [2, "op_types", 0],
            "at": "[2].op_types[0]",
            "source": None,
            "span": None,
        }

    def test_github_gets_a_command_for_each_finding(self) -> None:
        span = Span(Position(3, 5), Position(3, 12))
        said = [
            finding(span=span, source="a,b.yaml", path=(1, "op_type"), hint="write 'op_types'"),
            finding(severity=cc.Severity.WARNING, message="100% of\r\nit"),
            finding(severity=cc.Severity.NOTE),
        ]
        place = "file=a%2Cb.yaml,line=3,col=5,endColumn=12,title=out-of-range at [1].op_type"
        assert as_github(said).splitlines() == [
            f"::error {place}::a ratio is below 1%0Ahelp: write 'op_types'",
            "::warning title=out-of-range::100%25 of\\r\\nit",
            "::notice title=out-of-range::a ratio is below 1",
        ]

    def test_github_is_told_no_columns_of_a_span_over_several_lines(self) -> None:
        span = Span(Position(3, 5), Position(6, 2))
        assert as_github([finding(span=span, source="C:a.yaml")]) == (
            "::error file=C%3Aa.yaml,line=3,endLine=6,title=out-of-range::a ratio is below 1\n"
        )

    def test_no_findings_are_no_commands(self) -> None:
        assert as_github([]) == ""


class TestColour:
    LINES = (*finding_lines([finding(hint="write [bold]0.8[/bold]", path=(0,))]), (Part("x", Style.GOOD), Part("   ")))

    def test_rich_adds_colour_and_changes_no_letter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.delenv("NO_COLOR", raising=False)
        coloured = as_rich(self.LINES)
        assert "\x1b[1;31merror[out-of-range]" in coloured
        assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain_text(self.LINES)

    def test_a_terminal_without_colours_gets_plain_text(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TERM", "dumb")
        assert as_rich(self.LINES) == plain_text(self.LINES)

    def test_without_rich_there_is_plain_text(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real = builtins.__import__

        def without_rich(name: str, *rest: Any) -> Any:
            if name.startswith("rich"):
                raise ImportError(name)
            return real(name, *rest)

        monkeypatch.setattr(builtins, "__import__", without_rich)
        assert as_rich(self.LINES) == plain_text(self.LINES)


class TestLetters:
    def test_text_is_cut_at_the_width_of_what_is_seen(self) -> None:
        assert [elided("层层层层", width) for width in (8, 7, 5)] == ["层层层层", "层层...", "层..."]

    def test_what_is_printable_stays(self) -> None:
        assert printable("encoder.层.é") == "encoder.层.é"

    def test_direction_overrides_and_halves_of_characters_are_spelt_out(self) -> None:
        assert printable("a\u202eb\ud800") == "a\\u202eb\\ud800"

    def test_width_counts_columns(self) -> None:
        assert [display_width(text) for text in ("abc", "层", "e\u0301", "😀")] == [3, 2, 1, 2]


class TestResolutionTable:
    @pytest.mark.parametrize("width", [None, 80, 120])
    def test_a_list_with_overwriting_exclude_and_a_group_on_bert(self, width: int | None) -> None:
        report = table(loaded("overwriting.yaml"), cc.Inventory.load(INVENTORIES / "bert-base.json.gz"), width)
        assert_recorded(report, DATA / f"overwriting-{width or 'file'}.txt")
        sections = report.partition("\nuntouched")[0]
        assert max(map(display_width, sections.splitlines())) <= (width or 100)

    def test_a_quantization_list_on_llama(self) -> None:
        report = table(loaded("quantization.yaml"), cc.Inventory.load(INVENTORIES / "llama-3-8b.json.gz"))
        assert_recorded(report, DATA / "quantization-file.txt")

    def test_a_model_of_which_only_names_and_types_are_known(self) -> None:
        assert_recorded(table(loaded("nothing-known.yaml"), PAIRS), DATA / "nothing-known-file.txt")

    def test_fused_experts_are_seen_although_they_have_no_weight(self) -> None:
        report = table(loaded("quantization.yaml"), cc.Inventory.load(INVENTORIES / "mixtral-8x7b.json.gz"))
        assert "42,278,584,320 elements in 30 MixtralExperts without a 'weight'" in " ".join(report.split())

    def test_an_empty_list(self) -> None:
        report = table(cc.validate([]), PAIRS)
        assert report.startswith("0 sub-configs for pruning, a model with 4 layers\n\nuntouched  4 layers: 2 Linear,")
        assert "masked     nothing\n" in report

    def test_an_empty_model(self) -> None:
        report = table(cc.validate([{"op_types": ["Linear"], "sparsity_per_layer": 0.5}]), [])
        assert "[0] sparsity 0.5: Linear\n    selects no layer\n" in report
        assert "untouched  no layer\n" in report

    def test_sub_configs_of_several_files_say_where_they_stand(self) -> None:
        base = cc.loads("- {op_types: [Linear], sparsity_per_layer: 0.5}", name="base.yaml", kind="pruning")
        over = cc.loads("\n- {op_names: [encoder.fc1], exclude: true}", name="over.yaml", kind="pruning")
        report = table(base + over, PAIRS)
        assert "[0] sparsity 0.5: Linear (base.yaml:1)\n" in report
        assert "[1] exclude: name is 'encoder.fc1' (over.yaml:2)\n" in report

    def test_names_move_no_cursor(self) -> None:
        config = cc.validate([{"op_types": ["Lin\x1b[2J"], "sparsity_per_layer": 0.5}])
        assert "\x1b" not in table(config, [("a\x1b[2J", "Lin\x1b[2J"), ("b", "c\x07")])

    def test_a_name_wider_than_the_terminal_stands_on_a_line_of_its_own(self) -> None:
        name = ".".join(["a_very_long_component"] * 4)
        config = cc.validate([{"op_types": ["Linear"], "sparsity_per_layer": 0.5}])
        lines = table(config, [(name, "Linear"), ("fc", "Linear")], 60).splitlines()
        place = lines.index(f"      {name}")
        assert lines[place + 1].split() == ["1", "Linear"]


class TestResolutionForPrograms:
    def test_json_and_yaml_read_back_to_the_same_data(self) -> None:
        data = bert()[1].to_dict()
        assert json.loads(to_json(data)) == data
        assert yaml.safe_load(to_yaml(data)) == data

    def test_two_parts_read_back_as_well(self) -> None:
        config = {
            "pruning": [{"op_types": ["Linear"], "sparsity_per_layer": 0.5}],
            "quantization": [{"op_types": ["Linear"], "quant_types": ["weight", "input"], "quant_bits": 8}],
        }
        data = cc.resolve(config, PAIRS).to_dict()
        assert json.loads(to_json(data)) == data
        assert yaml.safe_load(to_yaml(data)) == data

    @pytest.mark.parametrize("name", ["层", "a\u2028b", "\x7f", "true", "a: b", "- 'x\"", "\ufeff", "😀"])
    def test_yaml_holds_any_name(self, name: str) -> None:
        data = {"layers": [{"name": name}], "model": name}
        assert yaml.safe_load(to_yaml(data)) == data

    def test_a_layer_takes_a_line(self) -> None:
        lines = to_json(bert()[1].to_dict()).splitlines()
        assert sum(line.strip().startswith('{"name": "') for line in lines) == len(bert()[1])

    def test_csv_has_a_row_for_each_layer(self) -> None:
        rows = list(csv.DictReader(io.StringIO(as_csv([bert()[1].to_dict()]))))
        assert [row["name"] for row in rows] == list(bert()[1])
        row = rows[list(bert()[1]).index("bert.encoder.layer.3.attention.self.query")]
        assert (row["kind"], row["status"], row["index"], row["sparsity"]) == ("pruning", "compressed", "1", "0.8")

    def test_csv_has_a_column_for_each_quant_type(self) -> None:
        config = [{"op_types": ["Linear"], "quant_types": ["weight", "input"], "quant_bits": {"weight": 4, "input": 8}}]
        text = as_csv([cc.resolve(config, PAIRS).to_dict()])
        row = list(csv.DictReader(io.StringIO(text)))[1]
        assert (row["bits.weight"], row["bits.input"]) == ("4", "8")
        assert "\r" not in text

    def test_csv_of_an_empty_model_has_its_header(self) -> None:
        assert as_csv([cc.resolve([], [], kind="pruning").to_dict()]) == "kind,name\n"

    def test_markdown_tables_have_equal_cells(self) -> None:
        resolved, resolution = bert()
        text = as_markdown(resolved, resolution.budget, resolution.findings)
        assert_recorded(text, DATA / "overwriting.md")
        tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
        assert len(tables) == 2
        for found in tables:
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in found.splitlines()}) == 1

    def test_markdown_reads_no_markup_into_names(self) -> None:
        config = cc.validate([{"op_types": ["A|B"], "sparsity_per_layer": 0.5}, {"op_names": ["*b*"], "exclude": True}])
        resolved, resolution = answer(config, [("a|`x`", "A|B"), ("*b*", "C")])
        text = as_markdown(resolved, resolution.budget, resolution.findings)
        assert "| `a\\|x` | 1 | A\\|B |" in text
        assert "name is '\\*b\\*'" in text


class TestExplanationText:
    def test_without_a_terminal_it_is_what_explain_returns(self) -> None:
        resolved, resolution = answer(loaded("nothing-known.yaml"), PAIRS)
        for position, name in enumerate(resolution):
            lines = explanation_lines(resolved, resolution.budget, position)
            assert plain_text(lines) == resolution.explain(name) + "\n"

    def test_on_a_terminal_lines_are_broken_behind_their_label(self) -> None:
        model = cc.Inventory.load(INVENTORIES / "bert-base.json.gz")
        resolved, resolution = answer(loaded("overwriting.yaml"), model)
        position = model.position("bert.encoder.layer.1.output.dense")
        assert position is not None
        lines = plain_text(explanation_lines(resolved, resolution.budget, position, 72)).splitlines()
        assert max(map(len, lines)) <= 72
        assert any(line.startswith(" " * 14) and line[14] != " " for line in lines)
