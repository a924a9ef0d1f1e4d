"""YAML to documents: values, places and findings, the same from libyaml and from PyYAML's own parser."""

from __future__ import annotations

import functools
import itertools
import json
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from places import paths, slice_of, source_at

from compression_config.documents import Document, read_text, read_yaml, yaml_reader
from compression_config.documents.document import Lines
from compression_config.documents.yaml_scalars import is_number, plain_value
from compression_config.errors import UsageError
from compression_config.findings import Code
from compression_config.locations import Position, Span, place_in

DATA = Path(__file__).parents[1] / "data"
CORPUS = [
    json.loads(line)["config_list"]
    for line in (DATA / "corpus" / "nni_config_lists.jsonl").read_text(encoding="utf-8").splitlines()
]
MISTAKES = [
    json.loads(line) for line in (DATA / "documents" / "yaml_mistakes.jsonl").read_text(encoding="utf-8").splitlines()
]

both_parsers = pytest.mark.parametrize(
    "pure",
    [
        pytest.param(True, id="pure"),
        pytest.param(
            False,
            id="libyaml",
            marks=pytest.mark.skipif(not yaml_reader.HAS_LIBYAML, reason="this PyYAML was built without libyaml"),
        ),
    ],
)


def value_of(text: str, *, pure: bool) -> object:
    """Read a text that must be without fault."""
    document = read_yaml(text, "a.yaml", pure=pure)
    assert document.findings == ()
    assert document.complete
    return document.value


def seen(document: Document) -> tuple[object, ...]:
    """Everything that a document says, in a form that compares NaN as equal."""
    tree = document.source.tree
    places = [
        (path, tree.span(path), tree.span(path, key=True)) for path in itertools.islice(paths(document.value), 3_000)
    ]
    return repr(document.value), document.findings, document.complete, document.unread, places


def assert_sound(text: str) -> Document:
    """Both parsers give an answer with its places inside the text; the same value where neither finds fault."""
    document, pure = (read_yaml(text, "a.yaml", pure=pure) for pure in (None, True))
    for read in (document, pure):
        for finding in read.findings:
            if finding.span is not None:
                slice_of(text, finding.span)
        for path in itertools.islice(paths(read.value), 3_000):
            slice_of(text, read.source.tree.span(path))
            slice_of(text, read.source.tree.span(path, key=True))
    if not document.findings and not pure.findings and "!" not in text:  # the tag of an empty scalar differs
        assert repr(document.value) == repr(pure.value)
    return document


# --- Values


@both_parsers
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-1", 0.1),
        ("1E5", 1e5),
        (".5", 0.5),
        ("-1.", -1.0),
        ("+12", 12),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("-.inf", -math.inf),
        (".INF", math.inf),
        ("1.10", 1.1),
        ("1e999", math.inf),
        ("~", None),
        ("null", None),
        ("Null", None),
        ("NULL", None),
        ("", None),
        ("true", True),
        ("True", True),
        ("FALSE", False),
        ("false", False),
        *((word, word) for word in ("yes", "no", "on", "off", "y", "tRue", "nULL", "none", "None", "nan", "inf")),
        *(
            (word, word)
            for word in ("1:30", "2001-12-14", "0b1", "1_000", "0X1F", "-0x1", "0o8", "1e", "e1", ".", "-a")
        ),
        *((word, word) for word in ("1.1.1", "+", "+.", "0x", "~x", "=", "\u0661", "layer1.0", ".inf.", "1 2")),
    ],
)
def test_plain_scalars_mean_what_yaml_1_2_says(text: str, value: object, pure: bool) -> None:
    """D15: '1e-1 is a number; only true/false are booleans; no sexagesimals, no dates, no octal 010'."""
    for document in (f"- {text}", f"[{text}]", f"a:\n  - {text} # said"):
        read = value_of(document if text else document.replace("[]", "[~]"), pure=pure)
        found = read["a"][0] if isinstance(read, dict) else read[0]  # type: ignore[index]
        assert (found, type(found)) == (value, type(value))
    assert plain_value(text) == value


def test_not_a_number_is_read_as_one() -> None:
    assert math.isnan(value_of(".nan", pure=True))  # type: ignore[arg-type]


@both_parsers
@pytest.mark.parametrize("text", ["1", "true", "~", "1e-1", "<<", "null", ""])
def test_what_stands_in_quotes_or_in_a_block_is_text(text: str, pure: bool) -> None:
    assert value_of(f"['{text}', \"{text}\"]", pure=pure) == [text, text]
    assert value_of(f"- |-\n  {text}\n- >-\n  {text}\n", pure=pure) == [text, text]


@both_parsers
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("!!str 1.10", "1.10"),
        ("!!str", ""),
        ("! 12", "12"),
        ("!!int '5'", 5),
        ("!!int 0x10", 16),
        ("!!float 1", 1.0),
        ("!!float '.5'", 0.5),
        ("!!float " + "9" * 400, math.inf),
        ("!!bool 'true'", True),
        ("!!null ''", None),
        ("!!null", None),
        ("!!seq [1]", [1]),
        ("!!map {a: 1}", {"a": 1}),
        ("! [1]", [1]),
        ("!<tag:yaml.org,2002:str> 1", "1"),
        ("!!s%74r 1", "1"),
    ],
)
def test_the_standard_tags_work(text: str, value: object, pure: bool) -> None:
    read = value_of(f"- {text}", pure=pure)
    assert isinstance(read, list)
    assert read == [value]
    assert type(read[0]) is type(value)


@both_parsers
@pytest.mark.parametrize(
    ("text", "code", "value", "place"),
    [
        ("!x 1", Code.UNSUPPORTED_TAG, None, "!x"),
        ("!!python/name:os.system", Code.UNSUPPORTED_TAG, None, "!!python/name:os.system"),
        ("!!python/object/apply:os.system ['rm']", Code.UNSUPPORTED_TAG, ["rm"], "!!python/object/apply:os.system"),
        ("!!timestamp 2001-12-14", Code.UNSUPPORTED_TAG, None, "!!timestamp"),
        ("&a # !no\n  !!binary 'x'", Code.UNSUPPORTED_TAG, None, "!!binary"),
        ("!!set {a: 1}", Code.UNSUPPORTED_TAG, {"a": 1}, "!!set"),
        ("!!int x", Code.SYNTAX, None, "x"),
        ("!!int '1.5'", Code.SYNTAX, None, "'1.5'"),
        ("!!float x", Code.SYNTAX, None, "x"),
        ("!!float 0x10", Code.SYNTAX, None, "0x10"),
        ("!!bool yes", Code.SYNTAX, None, "yes"),
        ("!!null x", Code.SYNTAX, None, "x"),
        ("!!map x", Code.SYNTAX, None, "x"),
        ("!!map [1]", Code.SYNTAX, [1], "!!map"),
        ("!!str [1]", Code.SYNTAX, [1], "!!str"),
        ("!!seq {a: 1}", Code.SYNTAX, {"a": 1}, "!!seq"),
    ],
)
def test_other_tags_are_refused_and_reading_goes_on(
    text: str, code: Code, value: object, place: str, pure: bool
) -> None:
    text = f"- {text}\n- last"
    document = read_yaml(text, "a.yaml", pure=pure)
    assert document.value == [value, "last"]
    (finding,) = document.findings
    assert (finding.code, finding.path) == (code, (0,))
    assert finding.span is not None
    assert slice_of(text, finding.span) == place
    assert len(document.unread) == (value is None)


@both_parsers
def test_keys_are_texts_whatever_they_look_like(pure: bool) -> None:
    text = "1: a\ntrue: b\n1.10: c\n'q': d\n? e\n: f\n!!str 2: g\n~: h\n? |\n  block\n: i\n"
    read = value_of(text, pure=pure)
    assert read == {"1": "a", "true": "b", "1.10": "c", "q": "d", "e": "f", "2": "g", "~": "h", "block\n": "i"}


@both_parsers
@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "--- # x\n...\n", "\ufeff", "%YAML 1.2\n---\n"])
def test_an_empty_text_is_null_without_a_finding(text: str, pure: bool) -> None:
    document = read_yaml(text, "a.yaml", pure=pure)
    assert (document.value, document.findings, document.complete) == (None, (), True)
    slice_of(text, document.source.tree.span(()))


@both_parsers
def test_corpus_lists_written_as_yaml_read_back_equal(pure: bool) -> None:
    for config_list in CORPUS:
        for flow in (None, False, True):
            text = yaml.safe_dump(config_list, default_flow_style=flow, sort_keys=False)
            assert value_of(text, pure=pure) == config_list


def test_the_pure_parser_stands_in_where_libyaml_is_missing() -> None:
    """Issue 3: 'built on libyaml events where PyYAML has them, the pure-Python parser otherwise'."""
    program = (
        "import sys; sys.modules['yaml._yaml'] = None\n"
        "from compression_config.documents import read_yaml, yaml_reader\n"
        "print(yaml_reader.HAS_LIBYAML, read_yaml('- a: 1', 'a.yaml').value)"
    )
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert ran.stdout == "False [{'a': 1}]\n"


def test_a_text_is_read_in_the_format_that_is_named() -> None:
    assert read_text("a: 1", "yaml", "x").value == {"a": 1}
    assert read_text('{"a": 1}', "json", "x").value == {"a": 1}
    with pytest.raises(UsageError, match="a format is 'yaml' or 'json', not 'toml'"):
        read_text("a: 1", "toml", "x")  # type: ignore[arg-type]


# --- Anchors, aliases, merges


@both_parsers
def test_an_alias_has_value_and_place_of_what_is_anchored(pure: bool) -> None:
    text = "- &types [Linear, Conv2d]\n- op_types: *types\n  op_names: &n 'fc'\n- [*n, *n]\n- &m later\n- *m\n"
    document = read_yaml(text, "a.yaml", pure=pure)
    types = ["Linear", "Conv2d"]
    assert document.value == [types, {"op_types": types, "op_names": "fc"}, ["fc", "fc"], "later", "later"]
    assert source_at(document, text, 1, "op_types", 1) == "Conv2d"
    assert source_at(document, text, 1, "op_types") == "[Linear, Conv2d]"
    assert source_at(document, text, 2, 1) == "'fc'"
    assert document.source.tree.span((4,)) == document.source.tree.span((3,))
    assert source_at(document, text, 1) == "op_types: *types\n  op_names: &n 'fc'"


@both_parsers
def test_an_alias_can_be_a_key(pure: bool) -> None:
    text = "- &k op_types\n- *k : [Linear]\n- &m {a: 1}\n- *m : 2\n"
    document = read_yaml(text, "a.yaml", pure=pure)
    assert document.value == ["op_types", {"op_types": ["Linear"]}, {"a": 1}, {}]
    assert source_at(document, text, 1, "op_types", key=True) == "op_types"
    assert [finding.span and slice_of(text, finding.span) for finding in document.findings] == ["*m"]


@both_parsers
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("- &a {x: 1, y: 2}\n- {<<: *a, y: 3}\n", {"y": 3, "x": 1}),
        ("- &a {x: 1, y: 2}\n- {y: 3, <<: *a}\n", {"y": 3, "x": 1}),
        ("- [&a {x: 1}, &b {x: 2, z: 3}]\n- <<: [*a, *b]\n", {"x": 1, "z": 3}),
        ("- [&a {x: 1}, &b {x: 2, z: 3}]\n- <<: [*b, *a]\n  z: 4\n", {"z": 4, "x": 2}),
        ("- &a {x: 1}\n- &b {<<: *a, y: 2}\n- {<<: *b, z: 3}\n", {"z": 3, "y": 2, "x": 1}),
        ("- {<<: {x: 1}, y: 2}\n", {"y": 2, "x": 1}),
        ("- {'<<': 1}\n", {"<<": 1}),
        ("- {<<: [], y: 2}\n", {"y": 2}),
    ],
)
def test_merges_are_honoured_and_explicit_keys_win(text: str, value: object, pure: bool) -> None:
    """D15: 'honest aliases and << merges load'."""
    assert value_of(text, pure=pure)[-1] == value  # type: ignore[index]


@both_parsers
def test_merged_keys_and_values_stand_where_they_are_written(pure: bool) -> None:
    text = "- &base\n  op_types: [Linear]\n  sparsity: 0.5\n- <<: *base\n  sparsity: 0.7\n"
    document = read_yaml(text, "a.yaml", pure=pure)
    tree = document.source.tree
    assert tree.span((1, "op_types"), key=True) == tree.span((0, "op_types"), key=True)
    assert tree.span((1, "op_types", 0)).start == Position(2, 14)
    assert source_at(document, text, 1, "sparsity") == "0.7"
    assert tree.span((1, "sparsity"), key=True).start == Position(5, 3)


@both_parsers
def test_what_cannot_be_merged_or_named_is_said(pure: bool) -> None:
    text = "- <<: 1\n- <<: [{a: 1}, [b]]\n- <<: {a: 1}\n  <<: {b: 1}\n- &c {<<: *c}\n"
    document = read_yaml(text, "a.yaml", pure=pure)
    assert document.value == [{}, {"a": 1}, {"a": 1}, {}]
    said = [(finding.code, finding.span and slice_of(text, finding.span)) for finding in document.findings]
    assert said == [
        (Code.SYNTAX, "1"),
        (Code.SYNTAX, "[b]"),
        (Code.DUPLICATE_KEY, "<<"),
        (Code.ALIAS_CYCLE, "*c"),
    ]


@both_parsers
@pytest.mark.parametrize("text", ["&a [*a]", "&a {k: *a}", "- &a [x, [*a]]", "&a\n- b: {c: *a}\n"])
def test_a_cycle_is_refused_and_none_stands_in_for_it(text: str, pure: bool) -> None:
    document = read_yaml(text, "a.yaml", pure=pure)
    (finding,) = document.findings
    assert (finding.code, finding.message) == (Code.ALIAS_CYCLE, "'*a' is inside the value that it refers to")
    assert document.unread == {finding.span}
    assert finding.span is not None
    assert slice_of(text, finding.span) == "*a"
    json.dumps(document.value)


@both_parsers
@pytest.mark.parametrize("text", ["- &n a\n- &n b\n- *n\n", "- &n [&n x, *n]\n"])
def test_an_anchor_cannot_be_set_twice(text: str, pure: bool) -> None:
    (finding,) = read_yaml(text, "a.yaml", pure=pure).findings
    assert (finding.code, finding.message) == (Code.SYNTAX, "the anchor '&n' is set twice")
    assert finding.span is not None
    assert slice_of(text, finding.span) == "&n"


# --- Findings


@pytest.mark.skipif(not yaml_reader.HAS_LIBYAML, reason="PyYAML's own parser marks some mistakes elsewhere")
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: repr(mistake["text"])[1:40])
def test_mistakes_are_explained_at_their_place(mistake: dict[str, Any]) -> None:
    """D16: 'each at the exact key or value'. D22: the parser's own sentence (null) is not compared."""
    document = read_yaml(mistake["text"], "a.yaml")
    reported = []
    for finding, expected in zip(document.findings, mistake["findings"], strict=True):
        assert finding.span is not None
        assert finding.source == "a.yaml"
        assert finding.excerpt == document.source.line(finding.span.start.line)
        start, end = finding.span
        at = f"{start.line}:{start.column}-{end.line}:{end.column}"
        message = finding.message if expected["message"] else None
        reported.append({"code": finding.code, "at": at, "message": message, "hint": finding.hint})
        slice_of(mistake["text"], finding.span)
    assert reported == mistake["findings"]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: repr(mistake["text"])[1:40])
def test_without_libyaml_mistakes_have_the_same_codes(mistake: dict[str, Any]) -> None:
    """PyYAML's own parser accepts a few texts that libyaml refuses."""
    codes = [finding.code for finding in read_yaml(mistake["text"], "a.yaml", pure=True).findings]
    assert codes in ([expected["code"] for expected in mistake["findings"]], [])


@both_parsers
def test_an_error_of_syntax_is_reported_alone(pure: bool) -> None:
    """D22: 'the first one of a document is reported'."""
    text = "- a: !x 1\n  a: 2\n- op_names: layer: 1\n- op_names: [b\n"
    document = read_yaml(text, "a.yaml", pure=pure)
    (finding,) = document.findings
    assert finding.message == "a string without quotes cannot contain ': '"
    assert (document.value, document.complete) == (None, False)


@both_parsers
def test_everything_but_syntax_is_reported_at_once_in_the_order_of_the_text(pure: bool) -> None:
    """D16: 'everything wrong is reported at once, in document order'."""
    text = "- a: !x 1\n  a: 2\n- b: !!int c\n- ? [c]\n  : d\n- {e: 1, e: 2, e: 3}\n- &f [*f]\n"
    document = read_yaml(text, "a.yaml", pure=pure)
    assert [(finding.code, finding.path) for finding in document.findings] == [
        (Code.UNSUPPORTED_TAG, (0, "a")),
        (Code.DUPLICATE_KEY, (0, "a")),
        (Code.SYNTAX, (1, "b")),
        (Code.SYNTAX, (2,)),
        (Code.DUPLICATE_KEY, (3, "e")),
        (Code.DUPLICATE_KEY, (3, "e")),
        (Code.ALIAS_CYCLE, (4, 0)),
    ]
    assert document.complete


@both_parsers
def test_of_a_repeated_key_the_first_value_stays(pure: bool) -> None:
    text = "a: 1\n'a': 2\nb: 3\n"
    document = read_yaml(text, "a.yaml", pure=pure)
    assert document.value == {"a": 1, "b": 3}
    (finding,) = document.findings
    assert finding.span is not None
    assert slice_of(text, finding.span) == "'a'"
    assert (finding.message, finding.hint) == (
        "'a' is set twice in one mapping",
        "delete one of the two; the first is on line 1; or begin a new list item with '- '",
    )
    assert source_at(document, text, "b") == "3"
    assert source_at(document, text, "a") == "1"


@both_parsers
def test_a_second_document_is_refused_and_the_first_one_stays(pure: bool) -> None:
    document = read_yaml("- a\n---\n- [\n", "a.yaml", pure=pure)
    assert (document.value, document.complete) == (["a"], True)
    (finding,) = document.findings
    assert (finding.code, finding.span) == (Code.SEVERAL_DOCUMENTS, Span(Position(2, 1), Position(2, 4)))


# --- Places


@both_parsers
@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_spans_cover_exactly_what_is_written(line_break: str, mark: str, pure: bool) -> None:
    """D16: 'each at the exact key or value: file, line, column'; D15: BOM and CRLF load."""
    lines = [
        "- op_types:  [Linear , 'Conv2d']   # both",
        "  op_names:",
        "  - layer1.0 ",
        '  - "a b"',
        "  -",
        "  text: a plain",
        "    scalar",
        "  block: |",
        "    one",
        "    two",
        "",
        "  folded: >+",
        "    x",
        "",
        "  nothing:",
        "  astral: [\U0001f600\u00e9, x]",
        "",
        "- &anchor !!map",
        "  # said",
        "  {a : 1, b}",
        "- ",
    ]
    text = mark + line_break.join(lines) + line_break
    document = read_yaml(text, "a.yaml", pure=pure)
    assert document.findings == ()

    def covered(*path: str | int, key: bool = False) -> str:
        return source_at(document, text, *path, key=key).replace(line_break, "\n")

    assert covered(0, "op_types") == "[Linear , 'Conv2d']"
    assert covered(0, "op_types", key=True) == "op_types"
    assert covered(0, "op_types", 0) == "Linear"
    assert covered(0, "op_types", 1) == covered(0, "op_types", 1, key=True) == "'Conv2d'"
    assert covered(0, "op_names") == '- layer1.0 \n  - "a b"\n  -'
    assert covered(0, "op_names", 0) == "layer1.0"
    assert covered(0, "op_names", 2) == ""
    assert document.source.tree.span((0, "op_names", 2)).start == Position(5, 4)
    assert covered(0, "text") == "a plain\n    scalar"
    assert covered(0, "block") == "|\n    one\n    two"
    assert covered(0, "folded") == ">+\n    x"
    assert document.source.tree.span((0, "nothing")).start == Position(15, 11)
    assert covered(0, "astral", 0) == "\U0001f600\u00e9"
    assert document.source.tree.span((0, "astral", 1)).start == Position(16, 16)
    assert covered(0, "astral", key=True) == "astral"
    assert covered(0) == "\n".join(lines[:16]).removeprefix("- ")
    assert covered(1) == "{a : 1, b}"
    assert covered(1, "b", key=True) == "b"
    assert covered(1, "b") == ""
    assert covered(2) == ""
    assert covered() == "\n".join(lines).rstrip()


@both_parsers
def test_lines_are_counted_as_editors_count_them(pure: bool) -> None:
    """YAML 1.1 broke lines at U+0085, U+2028 and U+2029 too; editors and `SourceMap.line` do not."""
    text = "# \x85 \u2028 \u2029\n- 'a \u2028 b'\n- c\n"
    document = read_yaml(text, "a.yaml", pure=pure)
    assert document.source.tree.span((1,)).start == Position(3, 3)
    assert place_in(document.source, (1,)).excerpt == "- c"


@both_parsers
def test_a_path_that_leads_too_far_gives_the_nearest_known_ancestor(pure: bool) -> None:
    text = "- a: {b: 1}\n  c: [x]\n"
    document = read_yaml(text, "a.yaml", pure=pure)
    for path in [(0, "z"), (0, "z", 1), (0, 0), (0, "c", "x"), (0, "c", 7), (0, "c", -1), ("0",), (5,)]:
        nearest = {(0, "c", "x"): "[x]", (0, "c", 7): "[x]", (0, "c", -1): "[x]", ("0",): text.strip()}
        nearest[5,] = text.strip()
        expected = nearest.get(path, "a: {b: 1}\n  c: [x]")
        assert source_at(document, text, *path) == expected
        assert source_at(document, text, *path, key=True) == expected
    assert source_at(document, text, 0, "a", "b", "deeper") == "1"


@both_parsers
def test_the_place_of_a_scalar_is_its_text_alone(pure: bool) -> None:
    """D15: 'a layer name that YAML reads as a number gets unquoted-name with the text as it stands in the file'."""
    text = "- [0, 1.10, &a 010, !!str 1, *a, 'q', a\n  b, ~]\n- {a: }\n"
    document = read_yaml(text, "a.yaml", pure=pure)
    written = [source_at(document, text, 0, index) for index in range(8)]
    assert written == ["0", "1.10", "010", "1", "010", "'q'", "a\n  b", "~"]
    assert source_at(document, text, 1, "a") == ""


@both_parsers
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a\n  b\n\n  c\n", "a b\nc"),
        ("a\tb \t c\t# d\n", "a\tb \t c"),
        ("a \u2028 b\n", "a\u2028b"),
        ("a\x85\x85b\n", "a\nb"),
        ("|2\n   a\n", " a\n"),
        (">-\t# c\n a\n b\n\n c\n", "a b\nc"),
        ('"a\\\n   b"', "ab"),
        ("'it''s'", "it's"),
        ('"\\x41\\u00e9\\U0001F600\\/\\_"', "A\u00e9\U0001f600/\xa0"),
    ],
)
def test_white_space_and_escapes_are_folded_alike(text: str, value: str, pure: bool) -> None:
    if pure and "\t" in text:
        pytest.skip("PyYAML's own parser refuses tabs between tokens")
    assert value_of(text, pure=pure) == value


def test_between_the_halves_of_a_line_break_there_is_no_column() -> None:
    lines = Lines("ab\r\nc")
    assert [lines.position(index) for index in range(6)] == [(1, 1), (1, 2), (1, 3), (1, 3), (2, 1), (2, 2)]
    assert (lines.line(1), lines.line(2)) == ("ab", "c")


def test_places_are_found_in_large_mappings_too() -> None:
    text = "".join(f"key{number}: {number}\n" for number in range(100))
    document = read_yaml(text, "a.yaml")
    for number in (0, 50, 99):
        assert source_at(document, text, f"key{number}") == str(number)
        assert source_at(document, text, f"key{number}", key=True) == f"key{number}"


# --- Any text at all

names = st.from_regex(r"[A-Za-z_][\w.]{0,12}", fullmatch=True)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\ufeff"), max_size=12)
safe_texts = (names | texts).filter(
    lambda text: (
        not is_number(text) and text not in {"<<", "="} and not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)
    )
)
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | safe_texts
)  # fmt: skip
structures = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(safe_texts, inner, max_size=4)
        | inner.map(lambda shared: [shared, shared, {"again": shared}])
    ),
    max_leaves=20,
)
styles = st.fixed_dictionaries(
    {
        "default_flow_style": st.sampled_from([None, True, False]),
        "default_style": st.sampled_from([None, None, None, '"', "'", "|", ">"]),
        "allow_unicode": st.booleans(),
        "width": st.sampled_from([10, 80, 10_000]),
        "indent": st.sampled_from([2, 4]),
        "line_break": st.sampled_from(["\n", "\r\n", "\r"]),
        "explicit_start": st.booleans(),
    }
)


@settings(max_examples=80)
@given(value=structures, style=styles)
def test_what_pyyaml_writes_reads_back_equal_at_places_that_hold_it(value: object, style: dict[str, Any]) -> None:
    text = yaml.safe_dump(value, sort_keys=False, **style)
    document = assert_sound(text)
    assert document.findings == ()
    assert document.value == value
    for path in itertools.islice(paths(value), 200):
        raw = source_at(document, text, *path)
        leaf: Any = functools.reduce(lambda held, step: held[step], path, value)  # type: ignore[index]
        has_tag = not isinstance(leaf, str) and style["default_style"] is not None
        if not isinstance(leaf, list | dict) and raw[:1] not in ("|", ">") and not has_tag:
            assert read_yaml(raw, "b.yaml").value == leaf


TOKENS = [
    *"ab1-:?,[]{}#&*!|>'\"%@`\\~",
    *("- ", ": ", "? ", ", ", "\n", "\n", "\n  ", "\n    ", "\n- ", "\t", " ", "  ", "\r\n", "\r", "\u2028", "\x85"),
    *("&a ", "*a ", "&b ", "*b", "!!str ", "!!int ", "!x ", "!a!b ", "!<tag:yaml.org,2002:str> ", "!%41 ", "! "),
    *("'x'", '"y"', '"\\x41', '"\\ud800"', '"a\\\nb"', "''", "|\n", ">-\n", "|2\n  ", "|+\n\n", "---\n", "...\n"),
    *("%YAML 1.2\n", "%TAG ! x\n", "<<: ", "k: v\n", "  k2: v\n", "op_types: [Linear]\n", "- op_names: [a, b]\n"),
    *(" # c\n", "# c\n", "\u00e9", "\U0001f600", "1.10", "-1", "null", "true", "\x00", "\ufeff", "\ud800"),
]  # fmt: skip
corpus_texts = st.sampled_from([yaml.safe_dump(config_list, sort_keys=False) for config_list in CORPUS])


@settings(max_examples=200)
@given(st.lists(st.sampled_from(TOKENS), max_size=25).map("".join))
def test_any_text_has_a_sound_answer(text: str) -> None:
    assert_sound(text)


@settings(max_examples=120)
@given(text=corpus_texts, cuts=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3), st.sampled_from(["", *TOKENS]))))
def test_damaged_lists_have_a_sound_answer(text: str, cuts: list[tuple[float, int, str]]) -> None:
    for share, length, token in cuts[:6]:
        index = int(share * len(text))
        text = text[:index] + token + text[index + length :]
    assert_sound(text)
