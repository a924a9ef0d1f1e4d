"""Config lists in Python scripts: found, checked and named without running a script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from builders import codes_of
from recording import ROOT, assert_recorded

import compression_config as cc
from compression_config.cli import main
from compression_config.cli.files import expanded

SCRIPTS = sorted((ROOT / "tests" / "data" / "scripts").glob("*.py"))
MODEL = [("conv1", "Conv2d"), ("layer1.0.conv1", "Conv2d"), ("layer4.1.conv2", "Conv2d"), ("fc", "Linear")]


@pytest.fixture(autouse=True)
def _in_a_directory_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def findings_in(text: str, model: Any = None) -> tuple[cc.Finding, ...]:
    """Return what is wrong with the config lists of a script."""
    Path("train.py").write_bytes(text.encode())
    return cc.check("train.py", model)


def codes_in(text: str) -> list[str]:
    return codes_of(findings_in(text))


# The scripts that users write.


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_has_the_recorded_findings(
    script: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(script.parent)
    exit_code = main(["validate", script.name])
    shown = capsys.readouterr()
    assert_recorded(shown.out, script.with_suffix(".py.out"))
    assert (exit_code, shown.err) == ("error[" in shown.out, "")


def test_there_are_twelve_scripts_and_no_report_without_one() -> None:
    assert len(SCRIPTS) == 12
    assert {path.with_suffix("") for path in SCRIPTS[0].parent.glob("*.out")} == set(SCRIPTS)


def test_a_script_is_not_run() -> None:
    assert codes_in(
        "open('ran', 'w')\nraise SystemExit\nlists = [{'op_types': ['Linear'], 'sparsity_per_layer': 2}]"
    ) == ["out-of-range"]
    assert not Path("ran").exists()


# What is a config list.


@pytest.mark.parametrize(
    "text",
    [
        "summary = {'op_names': ['fc1'], 'total_sparsity': 80}",
        "rows = [{'op_names': ['fc1'], 'accuracy': 80}, {'total_sparsity': 80}]",
        "rows.append({'op_names': 'fc1', 'total_sparsity': 80, 'accuracy': 0.9, 'epoch': 1})",
        "calls = client.get(filter={'op_names': ['a'], 'limit': 3})",
        "rows = [{'op_type': 'Conv', 'sparsity': 80, 'accuracy': 0.9}]",
        "lists = []\nprint({'op_types': ['Linear']})",
        "",
    ],
)
def test_what_only_looks_like_a_sub_config_draws_nothing(text: str) -> None:
    assert findings_in(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        "config_list = [{}]",
        "def f(config_list=[{}]): pass",
        "prune(model, [{}])",
        "prune(model, config_list=[{}])",
        "def f():\n    return [{}]",
        "def f():\n    yield [{}]",
        "self.lists.append({})",
        "lists = list(found)\nlists.append({})",
        "lists = found + [{}]",
        "lists += [{}]",
        "lists.extend([{}])",
        "lists.insert(0, {})",
        "lists = [{} for name in names]",
        "lists = [*found, {}]",
        "lists = [] if x else [{}]",
        "f = lambda: [{}]",
        "if False:\n    lists = [{}]",
        "raise SystemExit\nlists = [{}]",
        "class A:\n    lists: list = [{}]",
        "match x:\n    case 1:\n        lists = [{}]",
        "async def f():\n    async with a as b:\n        async for c in b:\n            lists.append({})",
        "try:\n    pass\nexcept* ValueError:\n    lists = [{}]",
        "while x:\n    lists = [{}]\n    break",
        "space = {'lists': [{}]}",
        "assert [{}]",
    ],
)
def test_a_list_is_found_wherever_it_is_written(text: str) -> None:
    findings = findings_in(text.replace("{}", "{'op_types': ['Linear'], 'sparsity_per_layer': 80}"))
    assert codes_of(findings) == ["out-of-range"]
    (place,) = {finding.span and finding.span.start for finding in findings}
    line = text.splitlines()[(place or (1, 1))[0] - 1]
    assert place is not None
    assert place.column == line.index("{}") + len("{'op_types': ['Linear'], 'sparsity_per_layer': ") + 1


# Unknown values.


@pytest.mark.parametrize(
    "entry",
    [
        "{'op_types': types, 'sparsity_per_layer': args.sparsity}",
        "{'op_types': [kind, 'Linear', kind], 'sparsity_per_layer': float(x)}",
        "{'op_names': names[0], 'exclude': flag}",
        "{'op_names': ['a'], 'exclude': flag, 'sparsity_per_layer': 0.5}",
        "{'op_types': ['Linear'], **settings}",
        "{'sparsity_per_layer': 80, **settings}",
        "{**settings, 'op_types': ['Linear'], 'quant_bits': 8}",
        "{'op_types': ['Linear'], 'total_sparsity': 0.9, 'max_sparsity_per_layer': cap}",
        "{'op_types': ['Linear'], 'total_sparsity': ratio, 'max_sparsity_per_layer': 0.1}",
        "{'op_types': ['Linear'], 'quant_types': types, 'quant_bits': {'weight': 8, 'output': 4}}",
        "{'op_types': ['Linear'], 'quant_types': ['weight', kind], 'quant_bits': {'weight': 8, kind: 4}}",
        "{'op_types': ['Linear'], 'quant_types': ['weight', 'input'], 'quant_bits': {'weight': 8, 'input': bits}}",
        "{'op_types': ['Linear'], 'total_sparsity': {'_type': 'choice', '_value': [0.5, 0.8]}}",
        "{'op_names': [f'{prefix}.fc', prefix + '.fc', '%s.fc' % prefix], 'sparsity_per_layer': 0.5 + step}",
        "{key: value, 'op_types': ['Linear']}",
        "make(['Linear'], 80)",
    ],
)
def test_nothing_is_claimed_about_what_is_not_known(entry: str) -> None:
    setting = "'quant_types': ['weight', 'input'], 'quant_bits': 8" if "quant" in entry else "'sparsity_per_layer': 0.5"
    sure = f"{{'op_types': ['Linear'], {setting}}}"
    assert findings_in(f"lists = [{entry}, {sure}]") == ()


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("{'op_types': types, 'sparsty_per_layer': args.sparsity}", "unknown-key"),
        ("{'op_types': types, 'sparsity_per_layer': a, 'total_sparsity': b}", "conflicting-keys"),
        ("{'op_names': [name, 5], 'sparsity_per_layer': a}", "unquoted-name"),
        ("{'op_types': ['Linear'], **settings, 'sparsity_per_layer': 80}", "out-of-range"),
        (
            "{'op_types': ['Linear'], 'quant_types': ['weight', 'input'], 'quant_bits': {'weight': 80, 'input': b}}",
            "out-of-range",
        ),
        ("{'op_names': [name], 'quant_bits': bits}", "missing-key"),
        ("{'op_names': [name], 'exlude': True}", "unknown-key"),
    ],
)
def test_what_is_wrong_with_any_value_is_reported(entry: str, code: str) -> None:
    assert codes_in(f"lists = [{entry}]") == [code]


@pytest.mark.parametrize(
    "text",
    [
        "lists[0]['sparsity_per_layer'] = 0.5",
        "for each in lists:\n    each['sparsity_per_layer'] = 0.5",
        "for each in other + lists:\n    each['sparsity_per_layer'] = 0.5",
        "lists[i]['sparsity_per_layer'] = 0.5",
        "lists[0].update(settings)",
        "lists[0][key] = 0.5",
        "def fill(found):\n    found[0].update(x)\nfill(lists)",
        "if x:\n    lists[0]['exclude'] = True\nelse:\n    lists[0]['sparsity_per_layer'] = 0.5",
    ],
)
def test_a_key_that_is_set_later_is_not_missing(text: str) -> None:
    found = codes_in(f"lists = [{{'op_types': ['Linear']}}, {{'op_types': ['Conv2d'], 'exclude': True}}]\n{text}")
    assert "no-setting" not in found


def test_a_value_that_is_set_later_is_the_one_that_counts() -> None:
    before = "lists = [{'op_types': ['Linear'], 'sparsity_per_layer': 80}]\n"
    assert codes_in(before) == ["out-of-range"]
    assert codes_in(before + "lists[0]['sparsity_per_layer'] = 0.8") == []
    assert codes_in(before + "if x:\n    lists[0]['sparsity_per_layer'] = 0.8") == []


def test_rules_about_a_whole_list_need_the_whole_list() -> None:
    assert codes_in("lists = [{'op_names': ['fc'], 'exclude': True}]") == []
    assert codes_in(
        "lists = [{'op_types': ['Linear'], 'sparsity_per_layer': 0.5}, {'op_types': ['Linear'], 'quant_bits': 8}]"
    ) == ["mixed-kinds"]


@pytest.mark.parametrize(
    ("entry", "more", "codes"),
    [
        ("{'op_names': [], 'exclude': True}", "", ["nothing-configured"]),
        ("{'op_names': skip, 'exclude': True}", "", ["nothing-configured"]),
        ("{'op_names': names, 'exclude': True}", "", []),
        ("{'op_names': [], 'exclude': True, **more}", "", []),
        ("{'op_names': [], 'exclude': True}", "lists[1]['op_names'].append(name)", []),
        ("{'op_names': [], 'exclude': True}", "if args.head:\n    lists[1]['op_names'] = ['head']", []),
    ],
)
def test_an_empty_selector_is_reported_where_the_script_shows_all_of_the_dict(
    entry: str, more: str, codes: list[str]
) -> None:
    """D1: scripts generate it for models without exceptions; what is filled later is not empty."""
    text = f"skip = []\nlists = [{{'op_types': ['Linear'], 'sparsity_per_layer': rate}}, {entry}]\n{more}\n"
    assert codes_in(text) == codes
    assert codes_of(findings_in(text, [("fc", "Linear")])) == codes


def test_a_pattern_in_a_list_that_is_not_known_is_matched_beside_a_model() -> None:
    text = "lists = [{'op_names': ['layer1.*.conv1'], 'sparsity_per_layer': rate}]"
    assert (codes_in(text), codes_of(findings_in(text, MODEL))) == (["wildcard"], ["unmatched-name"])
    (finding,) = cc.check("train.py", MODEL, strict=True)
    assert (finding.code, finding.severity) == ("unmatched-name", "error")


def test_a_list_with_a_search_space_is_not_resolved() -> None:
    text = "lists = [{'op_names': ['fc'], 'sparsity_per_layer': {'_type': 'uniform', '_value': [0.3, 0.9]}}]"
    model = [cc.Layer(name="fc", type="Linear", weight_shape=(1,))]
    assert findings_in(text) == findings_in(text, model) == ()


def test_what_a_loop_repeats_is_reported_once_beside_a_model_too() -> None:
    text = """
lists = []
for i in range(3):
    lists.append({"op_names": [f"layer.{i}.fc", f"layer.{i}.fc"], "sparsity_per_layer": 0.5})
"""
    assert codes_in(text) == ["repeated-element"]
    assert codes_of(findings_in(text, [(f"layer.{i}.fc", "Linear") for i in range(3)])) == ["repeated-element"]


@pytest.mark.parametrize("grow", ["lists.extend({} for name in names)", "lists += [{} for name in names]"])
def test_what_extends_a_list_has_the_name_of_the_list(grow: str) -> None:
    entry = "{'op_names': [name], 'sparsity_per_layer': 7}"
    first = "{'op_types': ['Linear'], 'exclude': True}"
    text = f"def make(names):\n    lists = [{first}]\n    {grow.format(entry)}\n    return lists\n"
    (finding,) = findings_in(text)
    assert finding.path == ("make", "lists", 0, "sparsity_per_layer")
    with pytest.raises(cc.UsageError, match=r"'make\.lists' at train\.py:2:13 has values that are known only when"):
        cc.load("train.py::make.lists")


def test_a_pattern_in_a_script_is_one_finding_beside_a_model() -> None:
    text = "lists = [{'op_names': ['layer1.*.conv1'], 'sparsity_per_layer': 0.5}]"
    assert codes_in(text) == ["wildcard"]
    assert codes_of(findings_in(text, MODEL)) == ["unmatched-name"]


def test_a_loop_that_makes_one_mistake_often_is_told_once() -> None:
    text = "lists = []\nfor i in range(12):\n    lists.append({'op_names': [f'layer.{i}'], 'sparsity_per_layer': 80})"
    (finding,) = findings_in(text)
    assert finding.path == ("lists", 0, "sparsity_per_layer")


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ("[5, 7]", [("not 5", 'write "5"'), ("not 7", 'write "7"')]),
        ("list(range(3))", [("not 0", "convert it with str(...)")]),
        ("[i for i in (1, 2)]", [("not 1", 'write "1"'), ("not 2", 'write "2"')]),
        ("[i + 1 for i in range(3)]", [("not 1", "convert it with str(...)")]),
    ],
)
def test_a_name_that_is_a_number_is_quoted_where_it_is_written(elements: str, expected: list[tuple[str, str]]) -> None:
    findings = findings_in(f"lists = [{{'op_names': {elements}, 'exclude': True}}]")
    assert [(finding.message, finding.hint) for finding in findings] == [
        (f"'op_names' must contain strings, {rest}", hint) for rest, hint in expected
    ]


# Places, and texts that are hard to read.


def test_columns_count_characters() -> None:
    (finding,) = findings_in("é = '层'; lists = [{'op_names': ['层'], 'sparsity_per_layer': 80}]")
    assert finding.span == ((1, 61), (1, 63))
    assert finding.source == "train.py"


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_line_breaks_of_any_kind_and_a_mark_at_the_start(line_break: str) -> None:
    lines = ["\ufeff# a comment", "", "lists = [", "  {'op_names': [5],", "   'exclude': True}]"]
    (finding,) = findings_in(line_break.join(lines))
    assert finding.span == ((4, 17), (4, 18))


def test_a_script_may_declare_its_encoding(tmp_path: Path) -> None:
    script = tmp_path / "latin.py"
    script.write_bytes("# -*- coding: latin-1 -*-\nlists = [{'op_names': ['é', 5], 'exclude': True}]".encode("latin-1"))
    assert [finding.span and finding.span.start for finding in cc.check(script)] == [(2, 29)]
    script.write_bytes(b"lists = [{'op_names': ['\xe9']}]")
    assert codes_of(cc.check(script)) == ["unreadable-file"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("print 'Python 2'", (1, 1)),
        ("lists = [\n{'op_names': }]", (2, 12)),
        ("x = 'abc", (1, 5)),
        ("%magic\n!magic\nx = = 1", (3, 5)),
        ("", None),
        ("lists = [\0]", (1, 1)),
        ("x = " + "(" * 5000, (1, 205)),
        ("x = " + "-" * 100_000 + "1", (1, 1)),
    ],
)
def test_a_script_that_is_not_python_is_one_finding(text: str, place: object) -> None:
    findings = findings_in(text)
    assert codes_of(findings) == ["syntax"] * (place is not None)
    assert [finding.span and finding.span.start for finding in findings] == [place] * (place is not None)


def test_a_script_that_cannot_be_opened_is_one_finding(tmp_path: Path) -> None:
    assert codes_of(cc.check(tmp_path / "missing.py")) == ["unreadable-file"]
    assert codes_of(cc.check(f"{tmp_path}/x\0.py")) == ["unreadable-file"]
    (tmp_path / "large.py").write_bytes(b"#" * (16 * 2**20 + 1))
    assert codes_of(cc.check(tmp_path / "large.py")) == ["too-large"]


def test_lines_for_notebooks_alone_are_passed_over() -> None:
    magics = ["%matplotlib inline", "!pip install nni", "if x:", "    %time y", "files = !ls", "model.fc?"]
    text = "\n".join([*magics, "x = 7 \\", "  % 3", "lists = [{'op_names': [5], 'exclude': True}]"])
    assert [finding.span and finding.span.start for finding in findings_in(text)] == [(9, 24)]


# Names.


def loaded(tmp_path: Path, text: str, name: str) -> list[dict[str, object]]:
    (tmp_path / "train.py").write_text(text)
    config = cc.load(f"{tmp_path / 'train.py'}{name}")
    assert not isinstance(config, cc.CompressionConfig)
    return config.to_list()


TWO = """
def f():
    names = ["fc1", "fc2"]
    pruned = [{"op_names": [f"{name}.0" for name in names], "sparsity_per_layer": 0.5}]
    kept = [{"op_names": names, "exclude": True}]
    both = pruned + kept
    prune(both, [{"op_types": ["Linear"], "sparsity_per_layer": rate}])
    self.x = [{"op_types": ["Conv2d"], "sparsity_per_layer": 0.25}]

class Job:
    default = [{"op_types": ["Conv2d"], "sparsity_per_layer": 0.5}]

twice = [{"op_types": ["Conv2d"], "sparsity_per_layer": 0.5}]
use(twice)
twice = [{"op_types": ["Linear"], "sparsity_per_layer": 0.5}]
"""


def test_a_name_means_the_list_as_it_is_in_the_end(tmp_path: Path) -> None:
    pruned = {"op_names": ["fc1.0", "fc2.0"], "sparsity_per_layer": 0.5}
    kept = {"op_names": ["fc1", "fc2"], "exclude": True}
    assert loaded(tmp_path, TWO, "::f.pruned") == [pruned]
    assert loaded(tmp_path, TWO, "::f.both") == [pruned, kept]
    assert loaded(tmp_path, TWO, "::Job.default") == [{"op_types": ["Conv2d"], "sparsity_per_layer": 0.5}]
    assert loaded(tmp_path, TWO, "::f.self.x") == [{"op_types": ["Conv2d"], "sparsity_per_layer": 0.25}]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "::f.nothing",
            "'train.py' has no config list 'f.nothing'; it has 'f.pruned', 'f.kept', 'f.both' and 4 more",
        ),
        ("::twice", "'train.py' has more than one config list 'twice': line 13 and line 15"),
        (
            "::f.prune",
            "the config list 'f.prune' at train.py:7:17 has values that are known only when the script runs",
        ),
        (
            "",
            "'train.py' has more than one config list: line 6 (f.both), line 7 (f.prune), line 8 (f.self.x) and 3 more",
        ),
    ],
)
def test_a_name_that_means_no_list_is_a_wrong_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(TWO)
    cc.Inventory.from_layers(MODEL).save("net.json")
    assert main(["resolve", f"train.py{name}", "--model", "net.json"]) == 2
    assert capsys.readouterr().err == f"compression-config: error: {message}\n"


def test_a_script_with_one_list_needs_no_name(tmp_path: Path) -> None:
    text = "lists = [{'op_types': ('Linear',), 'sparsity_per_layer': 1 / 2}]"
    assert loaded(tmp_path, text, "") == [{"op_types": ["Linear"], "sparsity_per_layer": 0.5}]
    with pytest.raises(cc.UsageError, match=r"has no config list$"):
        loaded(tmp_path, "x = 1", "")
    with pytest.raises(cc.InvalidConfig, match="syntax"):
        loaded(tmp_path, "x = ", "")


def test_sub_configs_of_a_script_keep_their_places_when_lists_are_joined(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("lists = [{'op_names': ['fc3'], 'sparsity_per_layer': 0.5}]")
    config = cc.load(tmp_path / "train.py", kind="pruning")
    config += [{"op_names": ["fc4"], "sparsity_per_layer": 0.5}]
    with pytest.raises(cc.UnmatchedSelector) as raised:
        cc.resolve(config, MODEL)
    places = [(finding.path, finding.span and finding.span.start) for finding in raised.value.findings]
    assert places == [(("lists", 0, "op_names", 0), (1, 24)), ((1, "op_names", 0), None)]


def test_with_a_model_the_selectors_that_are_known_are_checked_in_every_list() -> None:
    text = (
        "a = [{'op_names': ['fc9'], 'sparsity_per_layer': 0.5}]\nb = [{'op_names': ['fc9'], 'sparsity_per_layer': x}]"
    )
    findings = findings_in(text, MODEL)
    assert [(finding.code.value, finding.path) for finding in findings] == [
        ("unmatched-name", ("a", 0, "op_names", 0)),
        ("unmatched-name", ("b", 0, "op_names", 0)),
    ]


@pytest.mark.parametrize(
    ("entry", "codes"),
    [
        ("{'op_names': ['fc9', x], 'sparsity_per_layer': 0.5}", ["unmatched-name"]),
        ("{'op_partial_names': [x, 'gate'], 'exclude': True}", ["unmatched-partial-name"]),
        ("{'op_names': ['fc.*'], 'sparsity_per_layer': 0.5}", ["unmatched-name"]),
        ("{'op_types': ['Conv3d'], 'sparsity_per_layer': 0.5}", ["unmatched-type"]),
        ("{'op_names': ['fc'], 'op_types': ['Conv2d'], 'exclude': True}", ["type-mismatch"]),
        ("*({'op_names': [name], 'sparsity_per_layer': 0.5} for name in ('fc', 'fc9'))", ["unmatched-name"]),
        # What may be something else, or may not be in the list at all.
        ("{'op_types': ['Conv3d'], 'exclude': flag}", []),
        ("{'op_types': [x], 'sparsity_per_layer': 0.5}", []),
        ("{'op_types': ['Conv3d', x], 'sparsity_per_layer': 0.5}", []),
        ("{'op_partial_names': [x + '.fc'], 'sparsity_per_layer': 0.5}", []),
        ("{'op_names': ['fc9'], 'sparsity_per_layer': 0.5, **more}", []),
        ("*more", []),
        ("*({'op_names': ['fc9'], 'sparsity_per_layer': 0.5} for _ in more)", []),
        # About the order of the list, or its budgets, which the unknown part may change.
        ("{'op_types': ['Linear'], 'total_sparsity': 0.9, 'max_sparsity_per_layer': 0.95}", []),
    ],
)
def test_beside_unknown_sub_configs_only_what_is_true_in_any_case_is_reported(entry: str, codes: list[str]) -> None:
    text = f"lists = [{{'op_types': ['Linear'], 'sparsity_per_layer': rate}}, {entry}]"
    assert codes_of(findings_in(text, MODEL)) == codes


def test_what_is_appended_under_a_condition_is_not_checked_against_the_model() -> None:
    text = (
        "def make(model, rate):\n"
        "    lists = [{'op_types': ['Linear'], 'sparsity_per_layer': rate}]\n"
        "    if model == 'resnet':\n"
        "        lists.append({'op_names': ['layer4.conv'], 'exclude': True})\n"
        "    return lists\n"
    )
    assert findings_in(text, MODEL) == ()


@pytest.mark.parametrize(("rate", "lists"), [("0.5", 2), ("rate", 1)])
def test_more_lists_than_can_be_checked_against_a_model_are_told(
    rate: str, lists: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list with an unknown value is resolved twice."""
    monkeypatch.setattr("compression_config.api._WORK", 2 * (1_000 + len(MODEL)))
    text = "".join(f"f([{{'op_names': ['no{n}'], 'sparsity_per_layer': {rate}}}])\n" for n in range(4))
    (*checked, last) = findings_in(text, MODEL)
    assert codes_of(checked) == ["unmatched-name"] * lists
    assert (last.code.value, last.hint) == ("too-large", "split the script, or check it without the model")
    assert last.span is not None
    assert last.span.start.line == lists + 1


@pytest.mark.parametrize(
    ("rate", "options", "said"),
    [
        ("0.5", [], ""),
        (
            "args.rate",
            [],
            (
                "'train.py': config lists with values that are known only when the script runs; "
                "of these only selectors are checked against the model\n"
            ),
        ),
        ("args.rate", ["--quiet"], ""),
    ],
)
def test_the_command_says_where_only_selectors_are_checked(
    rate: str, options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("train.py").write_text(f"lists = [{{'op_types': ['Linear'], 'sparsity_per_layer': {rate}}}]\n")
    cc.Inventory.from_layers([cc.Layer(name="fc", type="Linear")]).save("net.json")
    assert main(["validate", "train.py", "--model", "net.json", *options]) == 0
    assert capsys.readouterr().err == said


# Directories and hooks.


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a directory with files of many kinds."""
    monkeypatch.chdir(tmp_path)
    files = {
        "a/train.py": "lists = [{'op_types': ['Linear'], 'sparsity_per_layer': 80}]",
        "a/nni3.py": "lists = [{'op_types': ['Linear'], 'sparse_ratio': 0.5}]",
        "a/python2.py": "print 'x', [{'op_types': ['Linear'], 'sparsity_per_layer': 80}]",
        "a/none.py": "print('op_types', 'sparsity')",
        "a/misspelt.py": "lists = [{'op_type': ['Linear'], 'sparsity_per_layer': 0.5}]",
        "a/result.py": "print({'op_type': 'Linear', 'sparsity_per_layer': 0.5, 'accuracy': 1})",
        "a/older.py": "lists = [{'op_name': 'fc1', 'sparsity': 0.5}]",
        "a/mixed.py": "a = [{'op_types': ['L'], 'sparse_ratio': 9}]\nb = [{'op_types': ['L'], 'total_sparsity': 9}]",
        "b/list.yaml": "- op_types: [Linear]\n  sparsity_per_layer: 80\n",
        "b/parts.yml": "pruning:\n- op_types: [Linear]\n  sparsity_per_layer: 80\n",
        "b/nni3.yaml": "- op_types: [Linear]\n  sparse_ratio: 0.5\n",
        "b/deploy.yaml": "quantity: 3\n",
        "b/broken.yaml": "- op_types: [Linear\n  sparsity_per_layer: 80\n",
        "b/list.json": '[{"op_types": ["Linear"], "exclude": false}]',
        "b/data.json": '{"a": [1]}',
        "b/notes.txt": "op_types: sparsity",
        ".git/list.yaml": "- op_types: [Linear]\n  sparsity_per_layer: 80\n",
        "venv/pyvenv.cfg": "",
        "venv/list.yaml": "- op_types: [Linear]\n  sparsity_per_layer: 80\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_directory_contributes_the_files_with_a_config_list(repository: Path) -> None:
    names = [
        "a/misspelt.py",
        "a/mixed.py",
        "a/train.py",
        "b/broken.yaml",
        "b/list.json",
        "b/list.yaml",
        "b/parts.yml",
    ]
    assert [Path(path).as_posix() for path in expanded(["."])] == names
    assert expanded([str(repository / "b" / "list.yaml")]) == [str(repository / "b" / "list.yaml")]


@pytest.mark.usefixtures("repository")
def test_in_a_directory_other_dialects_are_passed_over(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "a"]) == 1
    shown = capsys.readouterr().out
    assert shown.splitlines()[-1] == "checked 3 files: 3 errors"
    assert "other-dialect" not in shown
    assert main(["validate", "a/mixed.py", "a"]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "checked 3 files: 4 errors"


@pytest.mark.usefixtures("repository")
def test_discovered_files_are_taken_as_those_of_a_directory(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["a/train.py", "a/nni3.py", "a/python2.py", "a/none.py", "a/mixed.py", "b/nni3.yaml", "b/deploy.yaml"]
    assert main(["validate", "--discover", *names]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "checked 2 files: 2 errors"
    assert main(["validate", *names[:5]]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "checked 5 files: 5 errors"
    assert main(["validate", "--discover", "a/none.py", "b/data.json"]) == 0
    assert capsys.readouterr().out == "checked 0 files: no findings\n"
