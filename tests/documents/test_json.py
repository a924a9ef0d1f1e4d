"""JSON to documents: strict, with everything that is wrong at its place, however the text was read."""

from __future__ import annotations

import functools
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from places import paths, slice_of, source_at

from compression_config.documents import Limits, read_json
from compression_config.findings import Code
from compression_config.locations import ConfigPath, Position, Span

DATA = Path(__file__).parents[1] / "data"
CORPUS = [
    json.loads(line)["config_list"]
    for line in (DATA / "corpus" / "nni_config_lists.jsonl").read_text(encoding="utf-8").splitlines()
]
MISTAKES = [
    json.loads(line) for line in (DATA / "documents" / "json_mistakes.jsonl").read_text(encoding="utf-8").splitlines()
]


def at(value: object, path: ConfigPath) -> object:
    held: Any = value
    return functools.reduce(lambda outer, step: outer[step], path, held)


# --- What is right


@pytest.mark.parametrize("indent", [None, 2])
def test_corpus_lists_written_as_json_read_back_equal(indent: int | None) -> None:
    for config_list in CORPUS:
        document = read_json(json.dumps(config_list, indent=indent), "a.json")
        assert (document.value, document.findings, document.complete) == (config_list, (), True)


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_spans_cover_exactly_what_is_written(line_break: str, mark: str) -> None:
    """Issue 3: 'JSON with the same quality'; D15: BOM and CRLF load."""
    lines = ['[ {"op_types" : ["Linear","C\\u00e9" ],', '  "sparsity":1.10, "e": {}, "\U0001f600": null', "}, true ]"]
    text = mark + line_break.join(lines) + line_break
    document = read_json(text, "a.json")
    assert document.findings == ()
    assert source_at(document, text, 0, "op_types") == '["Linear","C\\u00e9" ]'
    assert source_at(document, text, 0, "op_types", key=True) == '"op_types"'
    assert source_at(document, text, 0, "op_types", 1) == '"C\\u00e9"'
    assert document.source.tree.span((0, "sparsity")) == Span(Position(2, 14), Position(2, 18))
    assert source_at(document, text, 0, "\U0001f600", key=True) == '"\U0001f600"'
    assert source_at(document, text, 0, "\U0001f600") == "null"
    assert source_at(document, text, 1) == "true"
    assert source_at(document, text) == line_break.join(lines)


def test_a_path_that_leads_too_far_gives_the_nearest_known_ancestor() -> None:
    text = '[{"a": {"b": 1}}]'
    document = read_json(text, "a.json")
    assert source_at(document, text, 0, "z", key=True) == '{"a": {"b": 1}}'
    assert source_at(document, text, 0, "a", "b", 3) == "1"
    assert source_at(document, text, 4) == text


numbers = st.integers() | st.floats(allow_nan=False)
values = st.recursive(
    st.none() | st.booleans() | numbers.filter(lambda number: abs(number) < float("inf")) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
).filter(lambda value: not re.search("[\ud800-\udfff]", str(value)))


@given(
    value=values,
    indent=st.sampled_from([None, 0, 2, "\t"]),
    ascii_only=st.booleans(),
    separators=st.sampled_from([None, (",", ":"), (" , ", " : ")]),
)
def test_what_json_writes_reads_back_equal_at_places_that_hold_it(
    value: object, indent: Any, ascii_only: bool, separators: Any
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only, separators=separators)
    document = read_json(text, "a.json")
    assert (document.value, document.findings) == (value, ())
    for path in paths(value):
        assert json.loads(source_at(document, text, *path)) == at(value, path)
        if path and isinstance(path[-1], str):
            assert json.loads(source_at(document, text, *path, key=True)) == path[-1]


def test_a_program_with_a_high_recursion_limit_gets_the_same_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "getrecursionlimit", lambda: 1_000_000)
    document = read_json('[{"a": [1, 2.5, "x"]}]', "a.json")
    assert (document.value, document.findings) == ([{"a": [1, 2.5, "x"]}], ())
    (finding,) = read_json("[" * 100_000, "a.json").findings
    assert finding.code is Code.TOO_LARGE


@pytest.mark.parametrize(("text", "value"), [('"\\ud83d\\ude00"', "\U0001f600"), ("-0", 0), ("1E2", 100.0), ("2", 2)])
def test_a_value_without_brackets_is_json_too(text: str, value: object) -> None:
    """RFC 8259, section 2: 'A JSON text is a serialized value'."""
    document = read_json(text, "a.json")
    assert (document.value, type(document.value), document.findings) == (value, type(value), ())


# --- What is wrong


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: repr(mistake["text"])[1:40])
def test_mistakes_are_explained_at_their_place(mistake: dict[str, Any]) -> None:
    document = read_json(mistake["text"], "a.json")
    said = []
    for finding in document.findings:
        assert finding.span is not None
        assert finding.source == "a.json"
        assert finding.excerpt == document.source.line(finding.span.start.line)
        start, end = finding.span
        place = f"{start.line}:{start.column}-{end.line}:{end.column}"
        said.append({"code": finding.code, "at": place, "message": finding.message, "hint": finding.hint})
        slice_of(mistake["text"], finding.span)
    assert said == mistake["findings"]


def test_an_error_of_syntax_is_reported_alone() -> None:
    """D22: 'the first one of a document is reported'."""
    document = read_json('[{"a": NaN, "a": 1, "b": True, "c": .5,}]', "a.json")
    (finding,) = document.findings
    assert (finding.message, finding.path) == ("'True' is not valid JSON", (0, "b"))
    assert (document.value, document.complete) == (None, False)


def test_everything_but_syntax_is_reported_at_once_in_the_order_of_the_text() -> None:
    """D16: 'everything wrong is reported at once, in document order'."""
    text = (
        '[{"op_types": ["Linear", "x\\ud83d"],\n'
        ' "cap": NaN, "cap": -Infinity,\n'
        ' "exclude": [{"\\ud83d": 1, "a": 2, "a": 3}]}]'
    )
    document = read_json(text, "a.json")
    assert document.complete
    assert document.value == [{"op_types": ["Linear", "x\ufffd"], "cap": None, "exclude": [{"\ufffd": 1, "a": 2}]}]
    assert [
        (finding.code, finding.path, finding.span and slice_of(text, finding.span)) for finding in document.findings
    ] == [
        (Code.SYNTAX, (0, "op_types", 1), '"x\\ud83d"'),
        (Code.SYNTAX, (0, "cap"), "NaN"),
        (Code.DUPLICATE_KEY, (0, "cap"), '"cap"'),
        (Code.SYNTAX, (0, "cap"), "-Infinity"),
        (Code.SYNTAX, (0, "exclude", 0), '"\\ud83d"'),
        (Code.DUPLICATE_KEY, (0, "exclude", 0, "a"), '"a"'),
    ]
    assert document.source.tree.span((0, "cap")) in document.unread


def test_a_lone_surrogate_is_refused_because_it_cannot_be_written_anywhere() -> None:
    document = read_json('["\\ud800", "\\udc00\\ud800", "\\ud83d\\ude00"]', "a.json")
    assert document.value == ["\ufffd", "\ufffd\ufffd", "\U0001f600"]
    assert [finding.path for finding in document.findings] == [(0,), (1,)]


@pytest.mark.parametrize("digits", [500, 501, 5_000, 100_000])
def test_numbers_of_any_length_are_safe(digits: int) -> None:
    for text in ("[" + "9" * digits + "]", "[1." + "1" * (digits - 2) + "]"):
        document = read_json(text, "a.json")
        if digits <= Limits().number:
            assert document.value == json.loads(text)
        else:
            (finding,) = document.findings
            assert (finding.code, document.value) == (Code.TOO_LARGE, [None])
            assert document.unread == {finding.span}


# --- Any text at all


class Refused(ValueError):
    """What the strict reading of the standard library refuses."""


def strictly(text: str) -> object:
    """Return the value of a text, or raise: the standard library plus what D15 adds."""

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        if len({key for key, _ in pairs}) < len(pairs):
            raise Refused
        return dict(pairs)

    def no_constant(name: str) -> object:
        raise Refused(name)

    value = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=once, parse_constant=no_constant)
    json.dumps(value, ensure_ascii=False).encode()
    return value


TOKENS = [
    *"[]{},:\"'\\/ \n\t#-+.0129eE\x00\x85",
    *(
        '"a"',
        '"b":',
        '"a":',
        "1",
        "1.5",
        "-0",
        "1e5",
        "01",
        "true",
        "null",
        "NaN",
        "Infinity",
        "[1,2]",
        '{"a":1}',
        '""',
    ),
    *('"\\u00e9"', "\\u", "\\ud83d\\ude00", '"\\ud800"', "\u00e9", "\U0001f600", "\u00a0", "//c\n", "/*x*/", "\r\n"),
    *("\ufeff", "\ud800", '"k":"v",', "#"),
]


def assert_read_as_the_standard_says(text: str) -> None:
    document = read_json(text, "a.json")
    for finding in document.findings:
        assert finding.span is not None
        slice_of(text, finding.span)
    try:
        value = strictly(text)
    except ValueError:
        assert document.findings
    else:
        assert document.findings == ()
        assert json.dumps(document.value) == json.dumps(value)
    for path in paths(document.value):
        slice_of(text, document.source.tree.span(path))
        slice_of(text, document.source.tree.span(path, key=True))


@settings(max_examples=150)
@given(st.lists(st.sampled_from(TOKENS), max_size=14).map("".join))
def test_a_text_has_findings_exactly_when_it_is_no_strict_json(text: str) -> None:
    assert_read_as_the_standard_says(text)


@settings(max_examples=150)
@given(
    value=st.sampled_from(CORPUS),
    indent=st.sampled_from([None, 1]),
    cuts=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3), st.sampled_from(["", *TOKENS])), max_size=4),
)
def test_damaged_lists_have_findings_exactly_when_they_are_no_strict_json(
    value: object, indent: int | None, cuts: list[tuple[float, int, str]]
) -> None:
    text = json.dumps(value, indent=indent)
    for share, length, token in cuts:
        index = int(share * len(text))
        text = text[:index] + token + text[index + length :]
    assert_read_as_the_standard_says(text)
