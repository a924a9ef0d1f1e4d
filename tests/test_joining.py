"""Lists and two-part documents joined by `+`, and by the command line, under one rule (D12); and their severities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from command_line import command

import compression_config as cc

PRUNED = {"op_types": ["Linear"], "sparsity_per_layer": 0.5}
QUANTIZED = {"op_types": ["Linear"], "quant_types": ["weight", "input"], "quant_bits": 8}
EXCLUDED = {"op_names": ["fc1"], "exclude": True}
DOUBTFUL = {**QUANTIZED, "quant_bits": {"weight": 8, "input": 8, "output": 8}}
"""A sub-config that draws a warning."""
BOTH = {"pruning": [PRUNED], "quantization": [QUANTIZED]}
MODEL = [cc.Layer(name=name, type="Linear", weight_shape=(8, 8)) for name in ("fc1", "fc2")]


def joined(*operands: Any) -> Any:
    first, *others = operands
    for other in others:
        first = first + other
    return first


def codes_of(config: Any) -> list[str]:
    return [finding.code.value for finding in config.findings]


FORMS: list[Any] = [cc.validate, lambda data: data, lambda data: cc.loads(yaml.safe_dump(data))]


@pytest.mark.parametrize("form", FORMS, ids=["validated", "plain", "text"])
@pytest.mark.parametrize(
    ("first", "second", "whole"),
    [
        pytest.param([QUANTIZED], [EXCLUDED], [QUANTIZED, EXCLUDED], id="excludes-after-quantization"),
        pytest.param([EXCLUDED], [QUANTIZED], [EXCLUDED, QUANTIZED], id="excludes-before-quantization"),
        pytest.param([], [QUANTIZED], [QUANTIZED], id="nothing-before-quantization"),
        pytest.param([QUANTIZED], [], [QUANTIZED], id="nothing-after-quantization"),
        pytest.param([PRUNED], [EXCLUDED], [PRUNED, EXCLUDED], id="excludes-after-pruning"),
        pytest.param(
            BOTH,
            [EXCLUDED],
            {"pruning": [PRUNED, EXCLUDED], "quantization": [QUANTIZED, EXCLUDED]},
            id="excludes-after-both",
        ),
        pytest.param(
            [EXCLUDED],
            BOTH,
            {"pruning": [EXCLUDED, PRUNED], "quantization": [EXCLUDED, QUANTIZED]},
            id="excludes-before-both",
        ),
        pytest.param(
            BOTH, [PRUNED], {"pruning": [PRUNED, PRUNED], "quantization": [QUANTIZED]}, id="pruning-after-both"
        ),
        pytest.param(
            [QUANTIZED],
            BOTH,
            {"pruning": [PRUNED], "quantization": [QUANTIZED, QUANTIZED]},
            id="both-after-quantization",
        ),
        pytest.param(
            BOTH,
            {"quantization": [EXCLUDED]},
            {"pruning": [PRUNED], "quantization": [QUANTIZED, EXCLUDED]},
            id="excludes-of-a-stated-part-after-both",
        ),
        pytest.param({"pruning": [PRUNED]}, {"quantization": [QUANTIZED]}, BOTH, id="one-part-each"),
        pytest.param({"pruning": [PRUNED]}, [EXCLUDED], {"pruning": [PRUNED, EXCLUDED]}, id="excludes-after-one-part"),
        pytest.param({"pruning": [PRUNED]}, [QUANTIZED], BOTH, id="the-other-kind-after-one-part"),
    ],
)
def test_what_is_joined_is_what_both_write(form: Any, first: Any, second: Any, whole: Any) -> None:
    expected = cc.validate(whole)
    assert cc.validate(first) + form(second) == expected
    assert form(first) + cc.validate(second) == expected
    assert type(cc.validate(first) + form(second)) is type(expected)
    assert codes_of(cc.validate(first) + form(second)) == codes_of(expected)


def test_an_assumed_kind_stays_assumed_until_a_kind_is_known() -> None:
    nothing = cc.validate([EXCLUDED]) + cc.validate([EXCLUDED])
    assert codes_of(nothing) == ["kind-not-stated"]
    assert type(nothing + [QUANTIZED]) is cc.QuantizationConfigList  # noqa: RUF005 - a list of its own type
    assert codes_of(nothing + cc.validate([QUANTIZED])) == []


def test_a_kind_that_is_stated_in_the_call_comes_before_an_assumed_one() -> None:
    loaded = cc.loads("- op_names: [fc1]\n  exclude: true\n")
    resolution = cc.resolve(loaded, MODEL, kind="quantization")
    assert resolution.kind == "quantization"
    assert resolution["fc1"].status == "excluded"
    assert "kind-not-stated" not in codes_of(resolution)
    assert type(cc.validate(loaded, kind="quantization")) is cc.QuantizationConfigList
    place = cc.validate(loaded, kind="quantization").provenance.place((0,))
    assert place.span is not None
    assert place.span.start == (1, 3)


def test_a_kind_that_is_stated_does_not_give_way() -> None:
    stated = cc.validate([EXCLUDED], kind="pruning")
    with pytest.raises(cc.InvalidConfig, match="the quantization list cannot be joined to the pruning list"):
        joined(stated, cc.validate([QUANTIZED]))
    with pytest.raises(cc.InvalidConfig, match="this is a pruning list, not a quantization list"):
        cc.validate(stated, kind="quantization")


def test_lists_of_two_kinds_name_their_files(tmp_path: Path) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text(yaml.safe_dump([PRUNED]), encoding="utf-8")
    second.write_text(yaml.safe_dump([QUANTIZED]), encoding="utf-8")
    with pytest.raises(cc.InvalidConfig) as caught:
        joined(cc.load(first), cc.load(second))
    (finding,) = caught.value.findings
    assert finding.message == f"the quantization list of '{second}' cannot be joined to the pruning list of '{first}'"
    assert (finding.code, finding.source, finding.path) == ("mixed-kinds", str(second), (1,))


def test_what_is_wrong_with_plain_data_is_said_by_its_place_in_the_longer_list() -> None:
    with pytest.raises(cc.InvalidConfig) as caught:
        joined(cc.validate([PRUNED, PRUNED]), [{**PRUNED, "sparsity_per_layer": 80}])
    assert [finding.path for finding in caught.value.findings] == [(2, "sparsity_per_layer")]
    with pytest.raises(cc.InvalidConfig) as caught:
        joined(cc.validate(BOTH), {"pruning": [{"op_names": ["a"]}], "quantizatoin": []})
    assert [finding.code.value for finding in caught.value.findings] == ["no-setting", "unknown-key"]


@pytest.mark.parametrize("kind", ["pruning", "quantization"])
def test_a_part_that_a_document_does_not_have_is_an_empty_list_with_a_note(kind: Any) -> None:
    other = "quantization" if kind == "pruning" else "pruning"
    for strict in (False, True):
        config_list = cc.validate({other: BOTH[other]}, kind=kind, strict=strict)
        (finding,) = config_list.findings
        assert (finding.code, finding.severity, len(config_list)) == ("nothing-configured", "note", 0)
        assert finding.message == f"the document has no '{kind}' part: nothing is compressed"
    assert cc.validate({other: BOTH[other]}).findings == ()
    assert codes_of(cc.resolve({other: BOTH[other]}, MODEL, kind=kind)) == ["nothing-configured"]


class TestTheStricterSeverities:
    """Of two lists with severities of their own, the stricter one counts, whichever comes first (D10)."""

    @pytest.mark.parametrize("strict_first", [True, False])
    def test_strict_counts_on_either_side(self, strict_first: bool) -> None:
        plain, strict = cc.validate([DOUBTFUL]), cc.validate([QUANTIZED], strict=True)
        with pytest.raises(cc.InvalidConfig) as caught:
            joined(*((strict, plain) if strict_first else (plain, strict)))
        assert [(f.code.value, f.severity) for f in caught.value.findings] == [("unused-quant-type", "error")]

    @pytest.mark.parametrize(
        ("one", "other", "level"),
        [
            ("ignore", "note", "note"),
            ("note", "ignore", "note"),
            ("ignore", None, "warning"),
            (None, "ignore", "warning"),
            ("ignore", "ignore", None),
        ],
    )
    def test_of_two_levels_of_a_code_the_stricter_counts(self, one: Any, other: Any, level: str | None) -> None:
        first, second = (
            cc.validate(data, severity={} if set_to is None else {"unused-quant-type": set_to})
            for data, set_to in (([DOUBTFUL], one), ([QUANTIZED], other))
        )
        assert [finding.severity.value for finding in joined(first, second).findings] == ([level] if level else [])

    def test_a_code_that_one_list_raises_is_raised_for_both(self) -> None:
        raised = cc.validate([QUANTIZED], severity={"unused-quant-type": "error"})
        with pytest.raises(cc.InvalidConfig, match="unused-quant-type"):
            joined(cc.validate([DOUBTFUL]), raised)

    def test_plain_data_has_the_severities_of_the_list(self) -> None:
        assert joined(cc.validate([QUANTIZED], severity={"unused-quant-type": "ignore"}), [DOUBTFUL]).findings == ()


class TestTheCommandLine:
    def files(self, directory: Path, **lists: Any) -> list[str]:
        paths = []
        for name, data in lists.items():
            path = directory / f"{name}.yaml"
            path.write_text(yaml.safe_dump(data), encoding="utf-8")
            paths.append(str(path))
        model = directory / "net.json"
        cc.Inventory.from_layers(MODEL).save(model)
        return [*paths, "--model", str(model)]

    def test_excludes_after_a_two_part_document_are_for_both_parts(self, tmp_path: Path) -> None:
        files = self.files(tmp_path, both=BOTH, more=[EXCLUDED])
        shown = command("resolve", *files, "--format", "json")
        answer = yaml.safe_load(shown.answer)
        both = [answer[kind]["layers"][0]["status"] for kind in ("pruning", "quantization")]
        assert (shown.code, both) == (0, ["excluded", "excluded"])

    def test_files_of_two_kinds_are_refused_with_their_names(self, tmp_path: Path) -> None:
        shown = command("resolve", *self.files(tmp_path, first=[PRUNED], second=[QUANTIZED]))
        assert shown.code == 1
        assert "second.yaml' cannot be joined to the pruning list of" in shown.talk

    def test_unmatched_selectors_of_a_checked_file_can_be_warnings_or_nothing(self, tmp_path: Path) -> None:
        files = self.files(tmp_path, one=[PRUNED, {"op_names": ["fc9"], "exclude": True}])
        for unmatched, code, counts in (
            ("error", 1, "1 error"),
            ("warn", 0, "1 warning"),
            ("ignore", 0, "no findings"),
        ):
            shown = command("validate", *files, "--unmatched", unmatched)
            assert (shown.code, shown.answer.splitlines()[-1].endswith(counts)) == (code, True)
