"""Edits in texts do what the edits of findings do to plain data, whatever the layout of the text."""

from __future__ import annotations

import json
import pprint
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from edits import fixed
from recording import ROOT

import compression_config as cc
from compression_config import Edit
from compression_config.documents.editing import Editable, edited
from compression_config.documents.files import read_text
from compression_config.scripts import read_lists

INVALID = ROOT / "tests" / "data" / "invalid"


class Document(NamedTuple):
    """Plain data with mistakes that have a fix, and the model that shows them."""

    name: str
    data: list[dict[str, Any]]
    model: cc.Inventory | None


def documents() -> Iterator[Document]:
    for path in sorted(INVALID.iterdir()):
        if path.suffix not in (".yaml", ".json"):
            continue
        text = path.read_bytes().decode(errors="replace")
        first = text.partition("\n")[0]
        if "compression-config verify" in first:
            continue
        model = cc.Inventory.load(INVALID / first.split("--model ")[1].split()[0]) if "--model " in first else None
        data = read_text(text, "json" if path.suffix == ".json" else "yaml", path.name).value
        if isinstance(data, list) and any(finding.fix for finding in cc.check(data, model)):
            yield Document(path.stem, data, model)
    for name, data in ON_BLOCKS.items():
        yield Document(name, data, BLOCKS)


BLOCKS = cc.Inventory.from_layers(
    cc.Layer(name=f"block.{number}.{part}", type=kind, weight_shape=(8, 8) if kind != "ReLU" else None)
    for number in range(12)
    for part, kind in (("up", "Linear"), ("act", "ReLU"), ("norm", "LayerNorm"), ("down", "Linear"))
)
ON_BLOCKS: dict[str, list[dict[str, Any]]] = {
    "all-names-move": [{"op_names": ["block.*.up", "block.*.down"], "sparsity_per_layer": 0.5}],
    "one-name-moves": [{"op_names": ["block.*.up", "block.3.down"], "sparsity_per_layer": 0.5}],
    "names-join-others": [
        {"op_names": ["block.*.up", "block.3.down"], "sparsity_per_layer": 0.5, "op_partial_names": [".down"]},
        {"op_partial_names": ["block.1."], "op_names": ["block.*.up", "block.*.down"], "exclude": True},
    ],
    "all-of-a-type": [{"op_types": ["Linear"], "op_partial_names": ["block.*"], "sparsity_per_layer": 0.5}],
    "all-but-some": [
        {"op_types": ["Linear"], "op_partial_names": ["^(?!block.0.)"], "sparsity_per_layer": 0.5},
        {"op_names": ["block.3.up"], "exclude": True},
    ],
    "without-weight": [{"op_partial_names": ["block.1."], "sparsity_per_layer": 0.5}],
    "normalizations": [{"op_types": ["Linear", "LayerNorm"], "sparsity_per_layer": 0.5}],
    "several-in-one": [{"op_names": ["block.0.up, block.1.up", "block.2.up"], "sparsity_per_layer": 0.5}],
    "names-and-types": [{"op_names": ["Linear"], "sparsity_per_layer": 0.5}],
    "cap-dropped": [
        {"op_types": ["Linear"], "total_sparsity": 0.5, "max_sparsity_per_layer": 0.8},
        {"op_names": ["block.1.up", "block.2.up"], "total_sparsity": 0.5},
    ],
}


LAYOUTS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "yaml in lines": ("a.yaml", lambda data: yaml.safe_dump(data, sort_keys=False, allow_unicode=True)),
    "yaml indented": (
        "a.yaml",
        lambda data: "\n".join(f"   {line}" for line in yaml.safe_dump(data, sort_keys=False, indent=4).split("\n")),
    ),
    "yaml in braces": ("a.yaml", lambda data: yaml.safe_dump(data, sort_keys=False, default_flow_style=True, width=40)),
    "yaml with crlf": ("a.yaml", lambda data: yaml.safe_dump(data, sort_keys=False, line_break="\r\n")),
    "json": ("a.json", json.dumps),
    "json with tabs": ("a.json", lambda data: json.dumps(data, indent="\t")),
    "python": ("a.py", lambda data: f"config_list = {data!r}\n"),
    "python in lines": (
        "a.py",
        lambda data: f"config_list = (\n{pprint.pformat(data, width=30, sort_dicts=False)}\n)\n",
    ),
}


def editable(name: str, text: str) -> Editable:
    if name.endswith(".py"):
        (made,) = read_lists(name, discovered=False, text=text).lists
        return Editable(made.source, made.value, made.name)
    document = read_text(text, "json" if name.endswith(".json") else "yaml", name)
    return Editable(document.source, document.value)


CASES = [
    pytest.param(document, layout, id=f"{document.name}-{layout}")
    for document in documents()
    for layout in LAYOUTS
    # A dict of a script in which two keys are misspelt is not taken for a sub-config.
    if layout[:6] != "python" or document.name != "unknown-key-misspelt"
]


@pytest.mark.parametrize(("document", "layout"), CASES)
def test_a_text_is_edited_as_plain_data_is(document: Document, layout: str, tmp_path: Path) -> None:
    name, write = LAYOUTS[layout]
    text = write(document.data)
    (tmp_path / name).write_bytes(text.encode())
    part = editable(str(tmp_path / name), text)
    findings = [found for found in cc.check(tmp_path / name, document.model) if found.fix]
    after, applied = edited(text, [(part, finding.fix or ()) for finding in findings])
    assert all(applied), after
    assert findings
    paths = [_inside(finding, len(part.prefix)) for finding in findings]
    assert _comparable(editable(str(tmp_path / name), after).value) == _comparable(fixed(document.data, paths))


def _comparable(data: Any) -> list[dict[str, Any]]:
    """Return a list without the order of partial names, which two findings may add to one key."""
    key = "op_partial_names"
    return [config | ({key: sorted(map(str, config[key]))} if config.get(key) else {}) for config in data]


def _inside(finding: cc.Finding, prefix: int) -> cc.Finding:
    edits = tuple(replace(edit, path=edit.path[prefix:]) for edit in finding.fix or ())
    return replace(finding, fix=edits)


def after(name: str, text: str, *fixes: Edit | tuple[Edit, ...]) -> str:
    """Return a text after fixes, each of which is a single edit or several."""
    part = editable(name, text)
    return edited(text, [(part, (fix,) if isinstance(fix, Edit) else fix) for fix in fixes]).text


@pytest.mark.parametrize(
    ("name", "text", "edit"),
    [
        ("a.yaml", "- op_types: [A]\n  sparsity: 0.5\n", Edit("rename", (0, "sparsity"), "op_types")),
        ("a.yaml", "- op_types: [A]\n  sparsity: 0.5\n", Edit("rename", (0, "op_names"), "op_types")),
        ("a.yaml", "- op_types: [A]\n  sparsity: 0.5\n", Edit("insert", (0, "sparsity"), 0.5)),
        ("a.yaml", "- op_types: [A]\n  sparsity: 0.5\n", Edit("insert", (3, "op_types", 0), "A")),
        ("a.yaml", "- op_types: [A]\n  sparsity: 0.5\n", Edit("delete", (0, "op_types", 7))),
        ("a.yaml", "- op_types: [A]\n", Edit("delete", (0, "op_types"))),
        ("a.yaml", "- op_types: [A]\n", Edit("delete", (0,))),
        ("a.yaml", "- op_types: [&a A, *a, B]\n", Edit("delete", (0, "op_types", 1))),
        ("a.yaml", "- op_types: |\n    A\n", Edit("replace", (0, "op_types"), ["A"])),
        ("a.yaml", "- op_types:\n  - A # one\n  - B\n", Edit("replace", (0, "op_types"), ["C"])),
        ("a.yaml", "- ? op_types\n  : - A\n", Edit("replace", (0, "op_types"), ["C"])),
        ("a.yaml", "- ? op_types\n  : [A]\n  exclude: true\n", Edit("insert", (0, "op_names"), ["C"])),
        ("a.yaml", "- op_types:\n  -\n    A\n  - B\n", Edit("delete", (0, "op_types", 0))),
        ("a.yaml", "- op_types:\n  -\n    A\n", Edit("insert", (0, "op_types", 0), "B")),
        ("a.yaml", "- {op_types: [A\n  # one\n  , B]}\n", Edit("delete", (0, "op_types", 1))),
        ("a.yaml", "- {exclude: true, <<: {op_types: [A]}}\n", Edit("delete", (0, "op_types"))),
        ("a.yaml", "- <<: {op_types: [A]}\n  exclude: true\n", Edit("delete", (0, "op_types"))),
        (
            "a.py",
            "T = ['A', 'B'] + ['C']\nc = [{'op_types': T, 'exclude': True}]\n",
            Edit("delete", ("c", 0, "op_types", 0)),
        ),
        ("a.py", "K = 'A'\nc = [{'op_types': [K], 'exclude': True}]\n", Edit("insert", ("c", 0, "zzz", 0), "B")),
    ],
)
def test_what_a_text_does_not_show_is_left(name: str, text: str, edit: Edit) -> None:
    assert after(name, text, edit) == text


def test_of_fixes_that_contradict_one_another_the_first_is_applied() -> None:
    text = "- op_typ: [A]\n  op_tpyes: [B]\n  sparsity: 0.5\n  op_names: [a, b]\n"
    fixes: list[Edit | tuple[Edit, ...]] = [
        Edit("rename", (0, "op_typ"), "op_types"),
        Edit("rename", (0, "op_tpyes"), "op_types"),
        Edit("replace", (0, "sparsity"), 0.4),
        Edit("replace", (0, "sparsity"), 0.3),
        (Edit("replace", (0, "op_names", 0), "c"), Edit("delete", (0, "op_names", 7))),
        Edit("replace", (0, "op_names", 1), "d"),
        Edit("delete", (0, "op_names", 1)),
    ]
    expected = "- op_types: [A]\n  op_tpyes: [B]\n  sparsity: 0.4\n  op_names: [a, d]\n"
    assert after("a.yaml", text, *fixes) == expected


ELEMENTS = [
    (
        "a.json",
        '[\n\t{\n\t\t"exclude": true\n\t}\n]\n',
        '[\n\t{\n\t\t"exclude": true,\n\t\t"op_names": ["a"]\n\t}\n]\n',
    ),
    ("a.json", '[{"exclude": true}]', '[{"exclude": true, "op_names": ["a"]}]'),
    ("a.yaml", "- exclude: true", "- exclude: true\n  op_names: [a]"),
    ("a.yaml", "- exclude: true # x\r\n# y\r\n", "- exclude: true # x\r\n  op_names: [a]\r\n# y\r\n"),
    ("a.yaml", "- - exclude: true\n", None),
    ("a.yaml", "- {'exclude': true # x\n  }\n", "- {'exclude': true, 'op_names': ['a'] # x\n  }\n"),
    ("a.yaml", "- {\n    exclude: true\n  }\n", "- {\n    exclude: true,\n    op_names: [a]\n  }\n"),
]


@pytest.mark.parametrize(("name", "text", "expected"), ELEMENTS)
def test_a_new_key_goes_after_the_others(name: str, text: str, expected: str | None) -> None:
    assert after(name, text, Edit("insert", (0, "op_names"), ("a",))) == (expected or text)


def test_new_elements_go_where_they_belong() -> None:
    text = "- op_names:\n  - b # b\n  - d\n- op_names: [b, d]\n- op_names: []\n"
    edits = [
        Edit("insert", (index, "op_names", place), word)
        for index in (0, 1)
        for place, word in ((0, "a"), (1, "c"), (2, "e"))
    ]
    lines = "- op_names:\n  - a\n  - b # b\n  - c\n  - d\n  - e\n- op_names: [a, b, c, d, e]\n- op_names: [f]\n"
    assert after("a.yaml", text, *edits, Edit("insert", (2, "op_names", 0), "f")) == lines


def test_a_new_sub_config_goes_after_the_others_too() -> None:
    new = Edit("insert", (1,), {"op_names": ["a"], "exclude": True})
    assert after("a.yaml", "- op_types: [A]\n", new) == "- op_types: [A]\n- op_names: [a]\n  exclude: true\n"
    assert (
        after("a.json", '[{"op_types": ["A"]}]', new) == '[{"op_types": ["A"]}, {"op_names": ["a"], "exclude": true}]'
    )
