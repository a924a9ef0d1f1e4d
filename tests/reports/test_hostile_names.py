"""Names of layers, types, models, files and keys that want to be more than names, in every output there is."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
import yaml
from checkpoint_files import saved
from command_line import command
from hypothesis import given
from hypothesis import strategies as st

import compression_config as cc
from compression_config.reports.writers import (
    COMPARISON_WRITERS,
    FINDING_WRITERS,
    RESOLUTION_WRITERS,
    VERIFICATION_WRITERS,
)
from compression_config.text import printable

HOSTILE = [
    "\x00",
    "\x1b[2J\x1b]0;title\x07",
    "\n::error::taken over",
    "\r\n::stop-commands::x",
    "a\u202eb\u2066c\u200bd",
    "\x01\x7f\x9b31m",
    "=cmd|' /C calc'!A0",
    "+1",
    "-1",
    "@SUM(A1)",
    "| cell | `code` <b>bold</b> [link](x) ~~gone~~ &lt;",
    "{0..9},'\"\\%",
]
EVERY_NAME = pytest.mark.parametrize("name", HOSTILE, ids=map(ascii, HOSTILE))

COMMANDS = [
    *(["validate", "{file}", "--format", name] for name in FINDING_WRITERS),
    *(["validate", "{file}", "-m", "{model}", "--format", name] for name in FINDING_WRITERS),
    *(["validate", "wrong.json", "parts.json", "list.py", "--format", name] for name in FINDING_WRITERS),
    *(["validate", "list.py", "-m", "{model}", "--format", name] for name in FINDING_WRITERS),
    ["validate", "list.py::{name}", "{file}", "--join"],
    ["resolve", "list.py::config_list", "-m", "{model}"],
    *(["resolve", "{file}", "-m", "{model}", "--format", name] for name in RESOLUTION_WRITERS),
    ["resolve", "{file}", "-m", "{model}", "--grid"],
    *(["diff", "{file}", "other.json", "-m", "{model}", "--format", name] for name in COMPARISON_WRITERS),
    ["diff", "{file}", "{name}.json", "-m", "{model}"],
    ["diff", "{file}", "other.json", "-m", "{name}"],
    ["inventory", "{model}"],
    ["inventory", "keys.json"],
    ["validate", "{file}", "-m", "layers.yaml"],
    ["verify", "{file}", "index", "-m", "{model}"],
    *(["verify", "{file}", "net.safetensors", "-m", "{model}", "--format", name] for name in VERIFICATION_WRITERS),
    ["explain", "{file}", "{name}", "-m", "{model}"],
    ["explain", "{file}", "{name}{name}", "-m", "{model}"],
    ["inventory", "{model}", "-o", "{name}.yaml"],
    ["resolve", "{file}", "-m", "{model}", "-o", "{name}.json"],
    ["resolve", "{file}", "-m", "{model}", "-o", "{name}"],
    ["validate", "{name}.missing"],
    ["validate", "{name}*"],
    ["validate", "{file}", "-m", "{name}"],
    ["validate", "{file}", "-m", "{name}.json"],
    ["validate", "{file}", "-m", "hf:{name}"],
    ["validate", "{file}", "--severity", "{name}=note"],
    ["resolve", "{file}", "-m", "{model}", "--kind", "{name}"],
    ["verify", "{file}", "{name}.safetensors", "-m", "{model}"],
    ["{name}"],
    ["validate", "--{name}"],
]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def prepared(name: str) -> dict[str, str]:
    """Write a model, a list and a checkpoint in which everything is called `name`; return how the files are called."""
    hostile = cc.Layer(name=name, type=name, weight_shape=(2, 2), aliases=(f"{name}x",))
    cc.Inventory.from_layers([hostile, cc.Layer(name="fc", type="Linear")], model=name).save("model.json")
    config = [
        {"op_types": [name, name + "y"], "sparsity_per_layer": 0.5},
        {"op_partial_names": [name], "op_types": [name], "sparsity": 0.5},
        {"op_names": [name, name + "z"], "exclude": True},
    ]
    file = f"./{name.replace('/', '').replace(chr(0), '')}.list.json"  # no file can be called so
    Path(file).write_text(json.dumps(config))
    Path("other.json").write_text(json.dumps([{"op_names": [name], "sparsity_per_layer": 0.25}]))
    Path("wrong.json").write_text(json.dumps([{name: name, "op_types": name}]))
    Path("parts.json").write_text(json.dumps({"pruning": [], name: [{name: name}]}))
    Path("list.py").write_text(f"config_list = [{{'op_names': [{name!r}], 'sparsity': 0.5, {name!r}: {name!r}}}]\n")
    Path("keys.json").write_text(json.dumps({"format": "compression-config-inventory", "version": 1, name: name}))
    layer = {"name": "a", "type": "b", "tied_to": name, name: name}
    Path("layers.yaml").write_text(
        json.dumps({"format": "compression-config-inventory", "version": 1, "layers": [layer]})
    )
    Path("index").mkdir()
    Path("index/net.safetensors.index.json").write_text(json.dumps({"weight_map": {name: name}}))
    saved(Path("net.safetensors"), {f"{name}.weight": [[0.0, 1.0], [1.0, 0.0]], name: [1.0]})
    return {"file": file, "model": "model.json", "name": name}


@EVERY_NAME
@pytest.mark.parametrize("argv", COMMANDS, ids=" ".join)
def test_a_name_moves_no_cursor_and_begins_no_line(argv: list[str], name: str) -> None:
    files = prepared(name)
    for columns in (None, 60):
        shown = command(*(argument.format(**files) for argument in argv), columns=columns)
        for text in (shown.answer, shown.talk):
            assert [line for line in text.split("\n") if not line.isprintable()] == []
            commands = [line for line in text.split("\n") if line.startswith("::")]
            assert all(line.startswith(("::error ", "::warning ", "::notice ")) for line in commands)
        assert shown.answer or shown.talk
        assert shown.code in (0, 1, 2)


@EVERY_NAME
def test_json_and_yaml_have_the_exact_name(name: str) -> None:
    files = prepared(name)
    asked = ["resolve", files["file"], "-m", "model.json", "--unmatched", "ignore", "--format"]
    for data in (json.loads(command(*asked, "json").answer), yaml.safe_load(command(*asked, "yaml").answer)):
        assert (data["model"], data["layers"][0]["name"], data["layers"][0]["type"]) == (name, name, name)


@EVERY_NAME
def test_csv_has_no_cell_that_a_spreadsheet_computes(name: str) -> None:
    files = prepared(name)
    text = command("resolve", files["file"], "-m", "model.json", "--unmatched", "ignore", "--format", "csv").answer
    first, second = csv.DictReader(io.StringIO(text))
    cells = [*first.values(), *second.values()]
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []
    assert first["name"] == first["type"] == printable(name if name[0] not in "=+-@" else f"'{name}")
    assert second["name"] == "fc"


@EVERY_NAME
def test_what_the_library_prints_is_escaped_too(name: str) -> None:
    config = [{"op_types": [name], "sparsity_per_layer": 0.5}, {"op_names": [name], "exclude": True}]
    text = cc.resolve(config, [(name, name)]).explain(name)
    assert [line for line in text.split("\n") if not line.isprintable()] == []
    with pytest.raises(cc.InvalidConfig) as caught:
        cc.validate([{name: 1}], kind="pruning")
    assert [line for line in str(caught.value).split("\n") if not line.isprintable()] == []


@given(st.text())
def test_what_is_escaped_is_seen_and_stays(text: str) -> None:
    escaped = printable(text)
    assert escaped.isprintable()
    assert printable(escaped) == escaped
    assert escaped == text or not text.isprintable()
