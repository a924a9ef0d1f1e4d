"""Findings as people and GitHub read them: the message, the place, the line of the document, the hint."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from command_line import command
from hypothesis import given
from hypothesis import strategies as st

import compression_config as cc
from compression_config.locations import Position, Span
from compression_config.reports.findings import as_github, as_text
from compression_config.text import display_width, printable


def finding(**facts: Any) -> cc.Finding:
    known = {"code": cc.Code.OUT_OF_RANGE, "severity": cc.Severity.ERROR, "message": "a ratio is below 1"}
    return cc.Finding(**{**known, **facts})


def shown(excerpt: str, span: Span, width: int | None = None) -> list[str]:
    """Return the two lines that show a span on line 7, without their gutter."""
    lines = as_text([finding(span=span, source="a.yaml", excerpt=excerpt)], width).split("\n")
    line, carets = lines[lines.index("  |") + 1 :][:2]
    assert line.startswith("7 |")
    assert carets.startswith("  | ")
    return [line.removeprefix("7 |").removeprefix(" "), carets.removeprefix("  | ")]


def marked(excerpt: str, start: int, end: int, *, width: int | None = None, end_line: int = 7) -> list[str]:
    """Return what is shown of a span on line 7 from column `start` to before `end`."""
    return shown(excerpt, Span(Position(7, start), Position(end_line, end)), width)


class TestText:
    def test_a_finding_shows_rule_place_line_span_and_hint(self, tmp_path: Path) -> None:
        path = tmp_path / "prune.yaml"
        path.write_text("- op_types: [Linear]\n  sparsity_per_layer: 80\n")
        assert command("validate", path).answer == (
            "error[out-of-range]: 'sparsity_per_layer' must be at least 0 and below 1, not 80\n"
            f" --> {path}:2:23 at [0].sparsity_per_layer\n"
            "  |\n"
            "2 |   sparsity_per_layer: 80\n"
            "  |                       ^^\n"
            "  = help: ratios are not percentages: write 0.8\n"
            "\n"
            "checked 1 file: 1 error\n"
        )

    def test_plain_data_shows_the_config_path(self) -> None:
        assert as_text([finding(path=(2, "op_types", 0), hint="write 0.8")]) == (
            "error[out-of-range]: a ratio is below 1\n --> [2].op_types[0]\n  = help: write 0.8\n\n1 error\n"
        )

    def test_a_finding_about_the_whole_has_no_place(self) -> None:
        assert as_text([finding()]) == "error[out-of-range]: a ratio is below 1\n\n1 error\n"

    def test_no_findings_are_the_empty_string(self) -> None:
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

    def test_without_a_terminal_sentences_are_not_broken(self) -> None:
        long = "a ratio " * 40
        assert as_text([finding(message=long.strip())]).splitlines()[0].endswith(long.strip())

    def test_on_a_terminal_sentences_are_broken_at_spaces(self) -> None:
        report = as_text([finding(message="a ratio is below 1 " * 9, hint="write less " * 12)], 60)
        assert max(map(len, report.splitlines())) <= 60
        assert [line[:9] for line in report.splitlines() if "write" in line] == ["  = help:", " " * 9, " " * 9]

    def test_a_name_that_is_wider_than_the_terminal_is_broken_after_dots(self) -> None:
        name = ".".join(["a_long_component"] * 6)
        report = as_text([finding(message=f"no layer is named '{name}'")], 60).splitlines()
        assert max(map(len, report)) <= 60
        assert report[:3] == [
            "error[out-of-range]: no layer is named 'a_long_component.",
            "    a_long_component.a_long_component.a_long_component.",
            "    a_long_component.a_long_component'",
        ]

    def test_after_a_thousand_findings_the_others_are_counted(self) -> None:
        report = as_text([finding(path=(number,)) for number in range(3500)]).splitlines()
        assert report[-4:] == ["", "and 2,500 more, not shown", "", "3,500 errors"]
        assert sum(line.startswith(" --> ") for line in report) == 1000
        assert "more" not in as_text([finding()] * 1000)


class TestSnippets:
    def test_a_span_over_several_lines_is_marked_to_the_end_of_its_first(self) -> None:
        assert marked("- op_types: [Linear]", 3, 9, end_line=9) == ["- op_types: [Linear]", "  ^^^^^^^^^^^^^^^^^^..."]

    def test_an_empty_span_is_marked_by_one_caret(self) -> None:
        assert marked("op_types:", 10, 10) == ["op_types:", "         ^"]

    def test_tabs_are_shown_as_spaces_and_counted_as_such(self) -> None:
        assert marked("\tratio:\t80", 9, 11) == ["    ratio:    80", "              ^^"]

    def test_wide_characters_take_two_columns_and_combining_marks_none(self) -> None:
        assert marked("层: e\u0301 80", 7, 9) == ["层: e\u0301 80", "      ^^"]

    def test_characters_that_cannot_be_seen_are_escaped(self) -> None:
        assert marked("a\x1b[2J: 80", 8, 10) == ["a\\x1b[2J: 80", "          ^^"]

    @pytest.mark.parametrize(
        ("start", "text"),
        [
            pytest.param(1, "0123456789" * 3 + "0123456...", id="start"),
            pytest.param(996, "...3456789" + "0123456789" * 3, id="end"),
        ],
    )
    def test_of_a_long_line_the_part_around_the_span_is_shown(self, start: int, text: str) -> None:
        found, carets = marked("0123456789" * 100, start, start + 4, width=44)
        assert len(found) <= 40
        assert found == text
        assert found[carets.index("^") : carets.index("^") + 4] == ("0123456789" * 100)[start - 1 : start + 3]

    def test_a_span_in_the_middle_of_a_long_line_has_room_on_both_sides(self) -> None:
        text, carets = marked("x" * 500 + "HERE" + "y" * 500, 501, 505, width=44)
        assert (text, carets) == ("...xxxxxxxxxxxxxxxHEREyyyyyyyyyyyyyyy...", "                  ^^^^")

    def test_a_span_longer_than_the_window_is_marked_as_far_as_it_is_shown(self) -> None:
        text, carets = marked("x" * 100 + "y" * 900, 101, 1001, width=44)
        assert text.startswith("...x")
        assert text.endswith("y...")
        assert carets.count("^") == text.count("y")

    @given(
        st.lists(st.sampled_from(list("ab: -[]'\t\x00\x1b\u202e层😀é\u0301\ud800")), max_size=120).map("".join),
        st.data(),
        st.integers(24, 120),
    )
    def test_carets_are_under_the_span_whatever_the_line_holds(
        self, excerpt: str, data: st.DataObject, width: int
    ) -> None:
        """What is shown fits, and what is above the carets is what the span holds, as far as it is shown."""
        start = data.draw(st.integers(0, len(excerpt)), label="start")
        end = data.draw(st.integers(start, len(excerpt)), label="end")
        text, carets = shown(excerpt, Span(Position(7, start + 1), Position(7, end + 1)), width)
        room = max(width - 4, 20)
        assert display_width(text) <= room
        columns = [letter for letter in text for _ in range(display_width(letter))]
        above = "".join(columns[len(carets) - len(carets.lstrip()) :][: carets.count("^")])
        meant = "".join(printable(letter) if letter != "\t" else "    " for letter in excerpt[start:end])
        doubled = "".join(letter * display_width(letter) for letter in meant)
        assert doubled.startswith(above.rstrip()) if start < end else carets.strip() == "^"
        if display_width("".join(map(printable, excerpt.replace("\t", "    ")))) <= room:
            assert carets.count("^") == max(display_width(meant), 1)
            assert not excerpt or "..." not in text


class TestPrograms:
    def test_json_parses_and_carries_a_version(self, tmp_path: Path) -> None:
        path = tmp_path / "a.json"
        path.write_text('[{"op_types": ["Linear"],\n  "sparsity": 80}]')
        report = json.loads(command("validate", path, "--format", "json").answer)
        assert list(report) == ["format", "version", "files", "joined", "model", "models", "counts", "findings"]
        assert report["format"] == "compression-config-findings"
        assert report["version"] == 2
        assert report["counts"] == {"error": 1, "warning": 0, "note": 0}
        assert report["findings"] == [
            {
                "code": "out-of-range",
                "docs": "docs/codes.md#out-of-range",
                "severity": "error",
                "message": "'sparsity' must be at least 0 and below 1, not 80",
                "hint": "ratios are not percentages: write 0.8",
                "fix": [{"action": "replace", "path": [0, "sparsity"], "value": 0.8}],
                "safe": False,
                "path": [0, "sparsity"],
                "at": "[0].sparsity",
                "source": str(path),
                "span": {"start": {"line": 2, "column": 15}, "end": {"line": 2, "column": 17}},
            }
        ]

    def test_github_gets_a_command_for_each_finding(self) -> None:
        span = Span(Position(3, 5), Position(3, 12))
        findings = [
            finding(span=span, source="a,b.yaml", path=(1, "op_type"), hint="write 'op_types'"),
            finding(severity=cc.Severity.WARNING, message="100% of\r\nit"),
            finding(severity=cc.Severity.NOTE),
        ]
        place = "file=a%2Cb.yaml,line=3,col=5,endColumn=12,title=out-of-range at [1].op_type"
        assert as_github(findings).splitlines() == [
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

    def test_after_a_thousand_commands_the_others_are_counted(self) -> None:
        commands = as_github([finding(path=(number,)) for number in range(1002)]).splitlines()
        assert len(commands) == 1001
        assert commands[-1] == "::notice::and 2 more, not shown"


class TestColour:
    @pytest.fixture
    def wrong(self, tmp_path: Path) -> Path:
        path = tmp_path / "a.yaml"
        path.write_text("- op_types: [Linear]\n  sparsity_per_layer: '[bold]0.8[/bold]'\n")
        return path

    def test_rich_adds_colour_and_changes_no_character(self, wrong: Path) -> None:
        coloured = command("validate", wrong, columns=200, NO_COLOR="").answer
        assert "\x1b[1;31merror[wrong-type]" in coloured
        assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == command("validate", wrong, columns=200).answer
        assert "[bold]0.8[/bold]" in coloured

    def test_a_terminal_without_colours_gets_plain_text(self, wrong: Path) -> None:
        assert "\x1b" not in command("validate", wrong, columns=200, NO_COLOR="", TERM="dumb").answer

    def test_without_rich_there_is_plain_text(self, wrong: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in ("rich.console", "rich.text"):
            monkeypatch.setitem(sys.modules, module, None)
        assert "\x1b" not in command("validate", wrong, columns=200, NO_COLOR="").answer
