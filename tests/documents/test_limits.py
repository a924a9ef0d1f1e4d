"""Documents that want to do harm, and files that are none: each ends in a finding, within the limits."""

from __future__ import annotations

import codecs
import errno
import gc
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compression_config.documents import (
    Document,
    Limits,
    decode,
    paused_collector,
    read_file,
    read_json,
    read_yaml,
)
from compression_config.findings import Code, Finding
from compression_config.locations import Position, Span

LIMITS = Limits()


def pure(text: str, name: str, limits: Limits = LIMITS) -> Document:
    """Read YAML without libyaml."""
    return read_yaml(text, name, limits, pure=True)


every_reader = pytest.mark.parametrize("read", [read_yaml, pure, read_json])
yaml_readers = pytest.mark.parametrize("read", [read_yaml, pure])
Reader = Callable[..., Document]


def refusal(document: Document) -> Finding:
    """Return the one finding of a document that was not read to its end."""
    assert (document.value, document.complete) == (None, False)
    (finding,) = document.findings
    return finding


# --- Limits


@every_reader
def test_a_text_beyond_the_limit_of_bytes_is_not_even_begun(read: Reader) -> None:
    """Issue 3: '100 MB scalars'; D15: 'documents beyond stated limits (default: 16 MiB ...) are refused'."""
    finding = refusal(read("a" * 100_000_000, "a.yaml"))
    assert (finding.code, finding.span, finding.source) == (Code.TOO_LARGE, None, "a.yaml")
    assert finding.message == "a document has at most 16,777,216 bytes"
    assert refusal(read('"\u00e9\u00e9\u00e9"', "a", Limits(bytes=7))).code is Code.TOO_LARGE
    assert read('"\u00e9\u00e9\u00e9"', "a", Limits(bytes=8)).value == "\u00e9\u00e9\u00e9"


@every_reader
def test_a_long_scalar_within_the_limit_is_read(read: Reader) -> None:
    assert read('"' + "a" * 1_000_000 + '"', "a").value == "a" * 1_000_000


@every_reader
@pytest.mark.parametrize("opening", ["[", '{"a": '])
def test_nesting_ends_at_the_limit_of_depth(read: Reader, opening: str) -> None:
    closed = opening * 65 + "1" + {"[": "]"}.get(opening, "}") * 65
    for text in (*(opening * depth for depth in (65, 1_000, 1_001, 100_000)), closed):
        finding = refusal(read(text, "a"))
        assert (finding.code, finding.message) == (Code.TOO_LARGE, "lists and mappings nest at most 64 deep")
        assert finding.span == Span(Position(1, 64 * len(opening) + 1), Position(1, 64 * len(opening) + 2))
    allowed = opening * 64 + "1" + {"[": "]"}.get(opening, "}") * 64
    assert read(allowed, "a").findings == ()


@yaml_readers
@pytest.mark.parametrize(
    "text", ["- " * 100_000 + "a", "".join(" " * depth + "-\n" for depth in range(300)), "? " * 500]
)
def test_block_nesting_ends_at_the_limit_of_depth(read: Reader, text: str) -> None:
    assert refusal(read(text, "a")).message == "lists and mappings nest at most 64 deep"


@yaml_readers
@pytest.mark.parametrize("fault", ["`", '"never closed', "%", "a: b: c", "]", "*"])
def test_the_limit_of_depth_comes_before_what_the_parser_says_after_it(read: Reader, fault: str) -> None:
    for text in ("[" * 65 + fault, "- " * 65 + fault, "- x\n- " + "[" * 1_500 + fault):
        assert refusal(read(text, "a")).message == "lists and mappings nest at most 64 deep"


@yaml_readers
def test_aliases_cannot_nest_deeper_than_brackets(read: Reader) -> None:
    text = "- &a0 [x]\n" + "".join(f"- &a{number} [*a{number - 1}]\n" for number in range(1, 1_000))
    finding = refusal(read(text, "a"))
    assert finding.message == "lists and mappings nest at most 64 deep"
    assert finding.span is not None
    assert finding.span.start.line == 64


@every_reader
def test_lists_and_mappings_end_at_the_limit_of_elements(read: Reader) -> None:
    limits = Limits(elements=1_000)
    finding = refusal(read(json.dumps(list(range(1_001))), "a", limits))
    assert (finding.code, finding.message) == (Code.TOO_LARGE, "a list has at most 1,000 elements")
    assert finding.excerpt is not None
    assert finding.span is not None
    assert finding.excerpt[finding.span.start.column - 1 :].startswith("1000]")
    text = json.dumps([{"a": {f"k{number}": 1 for number in range(3_000)}}], indent=0)
    finding = refusal(read(text, "a", limits))
    assert (finding.path, finding.message) == ((0, "a"), "a mapping has at most 1,000 keys")
    assert finding.excerpt == '"k1000": 1,'
    assert read(json.dumps(list(range(1_000))), "a", limits).findings == ()


def test_a_key_that_is_repeated_counts_each_time_in_json() -> None:
    document = read_json("{" + ", ".join(['"a": 1'] * 1_001) + "}", "a.json", Limits(elements=1_000))
    (finding,) = document.findings
    assert (finding.code, finding.message) == (Code.TOO_LARGE, "a mapping has at most 1,000 keys")


def test_more_keys_than_any_list_needs_are_refused() -> None:
    """D15: 'documents beyond stated limits (default: 16 MiB, 100,000 sub-configs ...) are refused'."""
    text = "{" + ",".join(f'"{number}": 1' for number in range(150_000)) + "}"
    assert len(text) < LIMITS.bytes
    assert refusal(read_yaml(text, "a")).message == "a mapping has at most 100,000 keys"


@yaml_readers
def test_alias_bombs_are_counted_before_they_are_written_out(read: Reader) -> None:
    lines = ["- &a0 [" + "x, " * 9 + "x]"]
    lines += [f"- &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 12)]
    finding = refusal(read("\n".join(lines), "a"))
    assert finding.code is Code.TOO_LARGE
    assert finding.message == "a document has at most 4,000,000 keys and values, aliases and merges written out"
    assert finding.span is not None
    assert finding.span.start.line == 7
    assert read("\n".join(lines[:4]), "a").findings == ()


@yaml_readers
def test_merge_bombs_are_counted_too(read: Reader) -> None:
    wide = "- &a {" + ", ".join(f"k{number}: 1" for number in range(100)) + "}\n" + "- <<: *a\n" * 1_000
    assert refusal(read(wide, "a", Limits(nodes=100_000))).code is Code.TOO_LARGE
    doubling = "- &m0 {a: 1}\n" + "".join(f"- &m{n} {{<<: [*m{n - 1}, *m{n - 1}], k{n}: 1}}\n" for n in range(1, 60))
    assert refusal(read(doubling, "a")).code is Code.TOO_LARGE
    value = read(wide, "a").value
    assert isinstance(value, list)
    assert len(value) == 1_001


@every_reader
def test_findings_beyond_the_limit_are_counted(read: Reader) -> None:
    """D22: 'the first 1,000 findings of a document and one that counts the rest'."""
    text = "[" + ",\n".join(['{"a": 1, "a": 2}'] * 1_500) + "]"
    document = read(text, "a")
    assert (document.value, document.complete) == (None, False)
    assert len(document.findings) == 1_001
    last = document.findings[-1]
    assert (last.code, last.message) == (
        Code.TOO_LARGE,
        "only 1,000 findings are shown; there are 500 more errors",
    )
    assert len(read(text, "a", Limits(findings=10_000)).findings) == 1_500


@every_reader
def test_findings_on_one_long_line_share_its_text(read: Reader) -> None:
    document = read("[" + ", ".join(['{"a": 1, "a": 2}'] * 500) + "]", "a")
    assert len({id(finding.excerpt) for finding in document.findings}) == 1


@yaml_readers
@pytest.mark.parametrize(
    "digits", ["9" * 501, "0x" + "f" * 100_000, "-" + "1" * 5_000, "1." + "0" * 10_000, "0o" + "7" * 999]
)
def test_numbers_that_python_would_not_convert_are_refused(read: Reader, digits: str) -> None:
    document = read(f"- {digits}\n- !!int {digits}\n- !!str {digits}\n- x{digits}\n- b\n", "a")
    assert document.value == [None, None, digits, f"x{digits}", "b"]
    assert [(finding.code, finding.path) for finding in document.findings] == [
        (Code.TOO_LARGE, (0,)),
        (Code.TOO_LARGE, (1,)),
    ]
    assert document.unread == {finding.span for finding in document.findings}


@yaml_readers
def test_many_anchors_are_no_harm(read: Reader) -> None:
    text = "".join(f"- &a{number} x\n" for number in range(1_000)) + "- *a999\n"
    assert read(text, "a").value == ["x"] * 1_001


def test_a_hundred_thousand_anchors_are_no_harm() -> None:
    assert len(read_yaml("".join(f"- &a{number} x\n" for number in range(100_000)), "a").value) == 100_000  # type: ignore[arg-type]


# --- Characters


@pytest.mark.parametrize("number", [0, 0x01, 0x0B, 0x1B, 0x7F, 0x80, 0x9F, 0xD800, 0xDFFF, 0xFFFE, 0xFEFF])
@yaml_readers
def test_characters_that_yaml_does_not_print_are_refused_where_they_stand(read: Reader, number: int) -> None:
    finding = refusal(read(f"- a\n- b{chr(number)}c\n", "a"))
    assert finding.code is Code.SYNTAX
    assert finding.message == f"the character U+{number:04X} is not allowed in a document"
    assert finding.span == Span(Position(2, 4), Position(2, 5))


@yaml_readers
def test_how_many_characters_must_go_is_said(read: Reader) -> None:
    assert refusal(read("- a\x01\n- b\x01\x01\n", "a")).hint == "delete it, and the 2 others like it"
    assert refusal(read("a\0b\0", "a")).hint == "save the file as text in UTF-8"


@every_reader
def test_a_byte_order_mark_at_the_start_is_no_part_of_the_text(read: Reader) -> None:
    document = read('\ufeff["a"]', "a")
    assert (document.value, document.source.text) == (["a"], '["a"]')
    assert document.source.tree.span((0,)).start == Position(1, 2)


# --- When memory ends


@pytest.mark.parametrize("error", [MemoryError, RecursionError])
def test_running_out_of_memory_is_a_finding(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("compression_config.documents.yaml_reader._loader", fail)
    monkeypatch.setattr("compression_config.documents.json_reader.json.loads", fail)
    for document in (read_yaml("a: 1", "a"), read_json("[1]", "a")):
        finding = refusal(document)
        assert (finding.code, finding.message) == (Code.TOO_LARGE, "the document does not fit into memory")
    assert gc.isenabled()


def test_the_collector_is_left_as_it_was() -> None:
    with paused_collector():
        assert not gc.isenabled()
        with paused_collector():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(KeyError), paused_collector():
        raise KeyError
    assert gc.isenabled()


# --- Files


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
@pytest.mark.parametrize("suffix", [".yaml", ".json"])
def test_files_load_in_every_encoding_that_says_so(tmp_path: Path, mark: bytes, encoding: str, suffix: str) -> None:
    """D15: 'BOM, CRLF, UTF-16 with BOM ... load'."""
    text = '[ "\u00e9\U0001f600",\r\n  "x" ]\r\n'
    path = written(tmp_path / f"list{suffix}", mark + text.encode(encoding))
    document = read_file(path)
    assert (document.value, document.findings) == (["\u00e9\U0001f600", "x"], ())
    assert document.source.name == str(path)
    assert document.source.text == text
    assert document.source.tree.span((0,)) == Span(Position(1, 3), Position(1, 7))
    assert document.source.tree.span((1,)) == Span(Position(2, 3), Position(2, 6))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"caf\xe9: 1", "the file is not valid UTF-8: unexpected byte 0xe9 at offset 3"),
        (codecs.BOM_UTF8 + b"a\xff", "the file is not valid UTF-8: unexpected byte 0xff at offset 4"),
        (b"a\xed\xa0\x80", "the file is not valid UTF-8: unexpected byte 0xed at offset 1"),
        (codecs.BOM_UTF16_LE + b"a\0b", "the file is not valid UTF-16: unexpected byte 0x62 at offset 4"),
        (codecs.BOM_UTF16_BE + b"\xd8\0\0a", "the file is not valid UTF-16: unexpected byte 0xd8 at offset 2"),
        (codecs.BOM_UTF32_BE + b"\xff\0\0\0", "the file is not valid UTF-32: unexpected byte 0xff at offset 4"),
    ],
)
def test_bytes_that_are_no_text_are_named(tmp_path: Path, data: bytes, message: str) -> None:
    finding = decode(data, "a.yaml")
    assert isinstance(finding, Finding)
    assert (finding.code, finding.message, finding.hint) == (Code.UNREADABLE_FILE, message, "save the file as UTF-8")
    document = read_file(written(tmp_path / "a.yaml", data))
    assert refusal(document).message == message
    assert document.source.text == ""


@given(st.binary(max_size=40))
def test_any_bytes_give_a_text_or_a_finding(data: bytes) -> None:
    text = decode(data, "a.yaml")
    if isinstance(text, str):
        for read in (read_yaml, read_json):
            assert read(text, "a").source.name == "a"
    else:
        assert text.code is Code.UNREADABLE_FILE


def test_the_format_of_a_file_is_told_by_its_name(tmp_path: Path) -> None:
    text = b"[1, 2,]"
    assert read_file(written(tmp_path / "a.yaml", text)).value == [1, 2]
    assert read_file(written(tmp_path / "a", text)).findings == ()
    assert read_file(str(written(tmp_path / "a.JSON", text))).findings[0].code is Code.SYNTAX


def test_files_that_cannot_be_read_are_findings(tmp_path: Path) -> None:
    for path, message in [
        (tmp_path / "none.yaml", "there is no such file"),
        (tmp_path, "this is a directory, not a file"),
        (written(tmp_path / "file", b"") / "below.yaml", "there is no such file"),
    ]:
        finding = refusal(read_file(path))
        assert (finding.code, finding.message) == (Code.UNREADABLE_FILE, message)
        assert finding.source == str(path)
        assert finding.span is None
        assert finding.hint
    for name in ("a\0b.yaml", "x" * 10_000):
        finding = refusal(read_file(name))
        assert finding.code is Code.UNREADABLE_FILE
        assert finding.message.startswith("the file cannot be read: ")


def test_a_file_that_may_not_be_read_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert refusal(read_file("a.yaml")).message == "this user may not read the file"


def test_a_file_that_does_not_fit_into_memory_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Path, "open", fail)
    assert refusal(read_file("a.yaml")).message == "the document does not fit into memory"


def test_no_more_of_a_file_is_read_than_the_limit(tmp_path: Path) -> None:
    path = written(tmp_path / "a.yaml", b"- a\n" * 10)
    assert refusal(read_file(path, Limits(bytes=39))).message == "a document has at most 39 bytes"
    assert read_file(path, Limits(bytes=40)).value == ["a"] * 10


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no file without an end")
def test_a_file_without_an_end_is_refused() -> None:
    assert refusal(read_file("/dev/zero")).code is Code.TOO_LARGE
