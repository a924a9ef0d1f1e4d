"""The documentation says what is: each code and each key has its place, and what it shows is what happens.

Examples with `>>>` are doctests, which pytest runs by itself; the rest is held to the truth here.
"""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import io
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from recording import ROOT, assert_recorded

import compression_config as cc
from compression_config.cli import main
from compression_config.cli.main import command_parser
from compression_config.configs.sub_config import SubConfig
from compression_config.configs.validation import CONFIG_TYPES
from compression_config.serialization import finding_to_dict

PAGES = [ROOT / "README.md", *sorted((ROOT / ".github").glob("*.md"))]
PAGES += [page for folder in ("docs", "examples") for page in sorted((ROOT / folder).rglob("*.md"))]
EVERY_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
CONFIGS: tuple[type[SubConfig], ...] = (SubConfig, *CONFIG_TYPES.values())
KEYS = dict.fromkeys(key for config_type in CONFIGS for key in config_type.model_fields)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*)\n", re.MULTILINE)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")


LIBRARY = ROOT / "docs" / "library.md"


class Fence(NamedTuple):
    """A block of code in a page: its language, its text, and the line on which it begins."""

    language: str
    text: str
    line: int


def fences(page: Path) -> Iterator[Fence]:
    text = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        yield Fence(found[1], found[2], text.count("\n", 0, found.start()) + 1)


def sections(page: Path, level: int) -> dict[str, str]:
    """Return the text under each heading of a level that is a word in backquotes."""
    _, *parts = re.split(rf"^{'#' * level} `([\w-]+)`\n+", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    titles, texts = parts[::2], parts[1::2]
    assert len(set(titles)) == len(titles)
    return {title: re.split(r"^#+ ", text, flags=re.MULTILINE)[0] for title, text in zip(titles, texts, strict=True)}


# Codes.

CODES = sections(ROOT / "docs" / "codes.md", level=3)


def test_each_code_has_its_section_and_the_reverse() -> None:
    assert set(CODES) == {code.value for code in cc.Code}


@pytest.mark.parametrize("code", cc.Code)
def test_a_section_says_severity_meaning_example_and_what_to_do(code: cc.Code) -> None:
    section = CODES[code.value]
    assert re.match(rf"\*{code.severity.capitalize()}(\.|[;,] .*\.)\* ", section)
    assert re.search(rf"^(\w+)\[{code.value}\]|'{code.value}'", section, re.MULTILINE), "no example that draws it"
    assert ">>> " in section
    assert "\n**What to do:** " in section


def test_the_json_of_a_finding_names_the_section_of_its_code() -> None:
    (finding,) = cc.check([{"op_types": ["Linear"], "sparsity_per_layer": 80}])
    for code in cc.Code:
        path, _, anchor = finding_to_dict(dataclasses.replace(finding, code=code))["docs"].partition("#")
        assert anchor == code.value
        assert anchor in anchors(ROOT / path)


# Keys.

REFERENCE = sections(ROOT / "docs" / "keys.md", level=2)


def test_each_key_has_its_section_in_the_order_of_the_models() -> None:
    assert list(REFERENCE) == list(KEYS)


@pytest.mark.parametrize("key", KEYS)
def test_a_section_begins_with_the_description_of_its_key(key: str) -> None:
    fields = next(config.model_fields for config in CONFIG_TYPES.values() if key in config.model_fields)
    description = fields[key].description
    assert description is not None
    assert " ".join(REFERENCE[key].split()).startswith(description)


@pytest.mark.parametrize("key", KEYS)
def test_the_example_of_a_key_has_it_and_is_fine(key: str) -> None:
    (example,) = (fence.text for fence in _fences_of(REFERENCE[key]) if fence.language == "yaml")
    config = cc.loads(example)
    assert isinstance(config, cc.PruningConfigList | cc.QuantizationConfigList)
    assert any(key in sub_config for sub_config in config)
    assert {finding.code.value for finding in config.findings} <= {"legacy-key"}


def _fences_of(text: str) -> list[Fence]:
    return [Fence(found[1], found[2], 0) for found in FENCE.finditer(text)]


# Decisions.

RECORDS = {int(path.name[1:3]): path for path in sorted((ROOT / "docs" / "decisions").glob("d[0-9][0-9]-*.md"))}
INDEX = ROOT / "docs" / "decisions" / "index.md"
PARTS = ["Question", "Choice", "What it costs", "What would change our mind"]
CITED = re.compile(r"\bD(\d{1,2})\b")


def citing() -> Iterator[Path]:
    """Yield the files that may cite a decision."""
    for folder, ending in (("src", "py"), ("tests", "py"), ("docs", "md"), ("examples", "py")):
        yield from sorted((ROOT / folder).rglob(f"*.{ending}"))
    yield ROOT / "README.md"


def test_each_decision_that_is_cited_has_a_record() -> None:
    cited = {
        (int(number), str(path.relative_to(ROOT)))
        for path in citing()
        for number in CITED.findall(path.read_text(encoding="utf-8"))
    }
    assert {number for number, path in cited if path.startswith("src")}, "no citation was found at all"
    assert {(number, path) for number, path in cited if number not in RECORDS} == set()


def test_the_index_lists_each_record_once_and_in_order() -> None:
    rows = re.findall(r"^\| D(\d+) \| \[[^]]+\]\(([^)]+)\) \|", INDEX.read_text(encoding="utf-8"), re.MULTILINE)
    assert [(int(number), name) for number, name in rows] == [(n, path.name) for n, path in RECORDS.items()]
    assert list(RECORDS) == list(range(1, len(RECORDS) + 1))


@pytest.mark.parametrize("number", RECORDS)
def test_a_record_has_its_number_and_the_four_parts(number: int) -> None:
    title, *parts = HEADING.findall(RECORDS[number].read_text(encoding="utf-8"))
    assert title.startswith(f"D{number} · ")
    assert parts == PARTS


# What is shown of the command line.


def as_run(text: str) -> str:
    """Return the text of a page with what its commands print now, one after the other."""
    exit_code = 0

    def run_again(fence: re.Match[str]) -> str:
        nonlocal exit_code
        if fence[1] != "console":
            return fence[0]
        _, *parts = COMMAND.split(fence[2])
        shown = ""
        for command in parts[::2]:
            printed, exit_code = run(command.replace("\\\n", " "), exit_code)
            shown += f"$ {command}\n{printed.rstrip()}\n" if printed.strip() else f"$ {command}\n"
        return f"```console\n{shown}```"

    return FENCE.sub(run_again, text)


def run(command: str, last_exit_code: int) -> tuple[str, int]:
    """Return what a terminal shows of a command, and its exit code."""
    program, *arguments = shlex.split(command)
    if (program, arguments) == ("echo", ["$?"]):
        return f"{last_exit_code}\n", 0
    assert program == "compression-config", f"{command!r} is not run by any test: write ```sh"
    terminal = io.StringIO()
    with contextlib.redirect_stdout(terminal), contextlib.redirect_stderr(terminal):
        exit_code = main(arguments)
    return terminal.getvalue(), exit_code


@EVERY_PAGE
def test_commands_print_what_the_page_shows(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They run as if from the root of the repository; what they write goes elsewhere. `RECORD=1` updates the page."""
    for entry in ROOT.iterdir():
        (tmp_path / entry.name).symlink_to(entry)
    monkeypatch.chdir(tmp_path)
    assert_recorded(as_run(page.read_text(encoding="utf-8")), page)


# Python that is no doctest, and links.


@EVERY_PAGE
def test_python_that_is_shown_uses_what_there_is(page: Path) -> None:
    for fence in fences(page):
        if fence.language == "python" and ">>>" not in fence.text:
            for node in ast.walk(ast.parse(fence.text)):
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "cc":
                    assert hasattr(cc, node.attr), f"{page.relative_to(ROOT)}:{fence.line}: cc.{node.attr}"


WRITTEN = re.compile(r"^(?:[ -]*run: )?compression-config ((?:.*\\\n)*.*?)(?: *[>#].*)?$", re.MULTILINE)
"""A command that is shown and not run, in a shell or a workflow."""


@EVERY_PAGE
def test_commands_that_are_not_run_have_the_options_that_there_are(page: Path) -> None:
    for fence in fences(page):
        if fence.language in ("sh", "bash", "yaml"):
            for command in WRITTEN.findall(fence.text):
                name, *arguments = shlex.split(command.replace("\\\n", " "))
                command_parser(name).parse_args(arguments)


@EVERY_PAGE
def test_data_that_is_shown_can_be_read_and_config_lists_are_fine(page: Path) -> None:
    for fence in fences(page):
        if fence.language == "json":
            json.loads(fence.text)
        elif fence.language == "yaml" and fence.text.startswith("- op_"):
            findings = cc.check(cc.loads(fence.text))
            assert [str(finding) for finding in findings if finding.severity != "note"] == [], fence.line
        elif fence.language == "yaml":
            assert yaml.safe_load(fence.text), fence.line


def test_the_page_of_the_library_has_every_public_name() -> None:
    shown = set(re.findall(r"`(?:cc\.)?(\w+)\b[^`]*`", FENCE.sub("", LIBRARY.read_text(encoding="utf-8"))))
    assert set(cc.__all__) - shown == set()


def anchors(page: Path) -> set[str]:
    """Return the names by which the headings of a page are linked to."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(text)}


def test_the_pre_commit_example_has_the_current_version() -> None:
    assert f"rev: v{cc.__version__}\n" in (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")


@EVERY_PAGE
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        leads_to = (page.parent / path) if path else page
        assert leads_to.exists(), f"{page.relative_to(ROOT)}: {target}"
        assert not anchor or anchor in anchors(leads_to), f"{page.relative_to(ROOT)}: {target}"


def test_the_runner_runs_what_a_page_shows() -> None:
    """The test above would pass on pages of which it finds nothing."""
    page = "# A\n\n```console\n$ compression-config validate \\\n    x.yaml\nok\n$ echo $?\n0\n```\nend\n"
    assert as_run(page).splitlines()[4:] == [
        "    x.yaml",
        "error[unreadable-file]: there is no such file",
        " --> x.yaml",
        "  = help: write the path as seen from the working directory",
        "",
        "checked 1 file: 1 error",
        "$ echo $?",
        "1",
        "```",
        "end",
    ]


PLAIN_WORDS = re.compile(
    r"\bbehind\b|\bstands?\b(?! for\b)|\b(?:is|are) none\b(?! of)|(?<![Tt]here )\bis no (?!longer\b)"
    r"|\bsomebody\b|\bnobody\b|\bstrangers?\b|\bkin\b|\bmend(?:s|ed)?\b|\banew\b"
)
"""Words that messages and pages do not use: the standard terms of the field are plainer."""


def strings_of_the_package() -> Iterator[tuple[str, str]]:
    """Yield each string of the code, with its place; docstrings are pages of the reference."""
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield f"{path.name}:{node.lineno}", node.value


def test_messages_and_pages_are_in_plain_words() -> None:
    examples = [path for ending in ("yaml", "py", "sh") for path in (ROOT / "examples").rglob(f"*.{ending}")]
    pages = [*PAGES, *examples, *(ROOT / "tests" / "data" / "invalid").rglob("*.out")]
    texts = [*strings_of_the_package(), *((page.name, page.read_text(encoding="utf-8")) for page in pages)]
    assert [(place, found[0]) for place, text in texts if (found := PLAIN_WORDS.search(text))] == []
