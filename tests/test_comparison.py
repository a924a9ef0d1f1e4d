"""Two resolutions side by side: which layers change, because of what, and what that does to the budget."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from builders import resolved
from random_cases import random_case

import compression_config as cc

LAYERS = [
    *(
        cc.Layer(name=f"block.{n}.{part}", type="Linear", weight_shape=(10, 10))
        for n in range(4)
        for part in ("q", "k")
    ),
    cc.Layer(name="head", type="Linear", weight_shape=(10, 20)),
]
HALF = {"op_types": ["Linear"], "sparsity_per_layer": 0.5}
GROUP = {"op_partial_names": ["block."], "total_sparsity": 0.5}
NO_HEAD = {"op_names": ["head"], "exclude": True}


def compared(old: Any, new: Any, layers: Any = LAYERS, new_layers: Any = None) -> cc.Comparison:
    return cc.compare(resolved(old, layers), resolved(new, new_layers or layers))


def gets(changes: Sequence[cc.Change]) -> dict[tuple[str | None, str | None], list[str]]:
    """Return the folded names by what they get before and after."""
    return {change.gets: [group.written for group in change.written()] for change in changes}


class TestWhatChanges:
    def test_layers_change_from_what_to_what_and_because_of_which_sub_configs(self) -> None:
        comparison = compared([HALF], [{**HALF, "sparsity_per_layer": 0.75}, NO_HEAD])
        assert gets(comparison.changes) == {
            ("sparsity 0.5", "sparsity 0.75"): ["block.{0..3}.{q,k}"],
            ("sparsity 0.5", "excluded"): ["head"],
        }
        first, second = comparison.changes
        assert first.before is not None
        assert first.after is not None
        assert second.after is not None
        assert (first.before.label, first.after.label, second.after.label) == ("[0]", "[0]", "[1]")
        assert (first.numel, second.numel) == (800, 200)
        assert first.before.settings == cc.PruningSettings(0.5)

    def test_files_and_lines_are_known(self) -> None:
        old = cc.loads("- {op_types: [Linear], sparsity_per_layer: 0.5}", name="old.yaml")
        new = cc.loads("\n- {op_types: [Linear], sparsity_per_layer: 0.6}", name="new.yaml")
        (change,) = compared(old, new).changes
        assert change.before is not None
        assert change.after is not None
        assert (change.before.source, change.before.line) == ("old.yaml", 1)
        assert (change.after.source, change.after.line) == ("new.yaml", 2)

    def test_indices_places_and_the_legacy_spelling_are_not_a_change(self) -> None:
        """D18."""
        new = [NO_HEAD, {"op_types": ["Linear"], "sparsity": 0.5}, {**HALF, "op_names": ["head"]}]
        comparison = compared([HALF], new)
        assert comparison.equal
        assert comparison.changes == comparison.added == comparison.removed == ()

    def test_a_group_changes_with_its_members(self) -> None:
        comparison = compared([GROUP], [GROUP, {"op_names": ["block.0.q"], "exclude": True}])
        assert gets(comparison.changes) == {
            ("total_sparsity 0.5", "excluded"): ["block.0.q"],
            ("total_sparsity 0.5, 8 layers together", "total_sparsity 0.5, 7 layers together"): [
                "block.{0..3}.k",
                "block.{1..3}.q",
            ],
        }

    def test_groups_of_equal_size_and_other_members_differ(self) -> None:
        halves = [{"op_partial_names": names, "total_sparsity": 0.5} for names in (["0.", "1."], ["2.", "3."])]
        others = [{"op_partial_names": names, "total_sparsity": 0.5} for names in (["0.", "2."], ["1.", "3."])]
        comparison = compared(halves, others)
        assert not comparison.equal
        assert {change.gets[1] for change in comparison.changes} == {"total_sparsity 0.5, together with other layers"}

    def test_layers_of_one_model_only(self) -> None:
        grown = [*LAYERS[:-1], cc.Layer(name="block.4.q", type="Linear", weight_shape=(10, 10))]
        comparison = compared([HALF], [HALF], new_layers=grown)
        assert gets(comparison.added) == {(None, "sparsity 0.5"): ["block.4.q"]}
        assert gets(comparison.removed) == {("sparsity 0.5", None): ["head"]}
        assert comparison.changes == ()
        assert not comparison.equal
        assert "1 layer only in the new model and 1 layer only in the old model" in str(comparison)

    def test_the_budget_before_and_after(self) -> None:
        (part,) = compared([HALF], [{**HALF, "sparsity_per_layer": 0.75}]).parts
        old, new = part.budgets
        assert (old["masked"], new["masked"]) == (500, 750)
        text = str(cc.Comparison((part,)))
        assert "masked elements                 500     750  +250 (+50.0 %)\n" in text
        assert text.endswith("share of all parameters      50.0 %  75.0 %    +25.0 points")

    def test_quantization_compares_bits_and_bytes(self) -> None:
        layers = [cc.Layer(name="fc", type="Linear", weight_shape=(10, 10), dtype="float32")]
        bits = [[{"op_types": ["Linear"], "quant_types": ["weight"], "quant_bits": bits}] for bits in (8, 4)]
        text = str(compared(bits[0], bits[1], layers))
        assert "weight 8 bits -> weight 4 bits\n" in text
        assert "bits per parameter           8.00      4.00  -50.0 %\n" in text
        assert "size of all parameters  100 bytes  50 bytes  -50.0 %" in text

    def test_two_part_documents_are_compared_part_by_part(self) -> None:
        bits = {"op_types": ["Linear"], "quant_types": ["weight", "input"], "quant_bits": 8}
        old, new = (
            cc.resolve({"pruning": [HALF], "quantization": [{**bits, "quant_bits": width}]}, LAYERS) for width in (8, 4)
        )
        comparison = cc.compare(old, new)
        assert [(part.kind, part.equal) for part in comparison.parts] == [("pruning", True), ("quantization", False)]
        (change,) = comparison.changes
        assert change.kind == "quantization"
        assert change.before is not None
        assert change.before.label == "quantization[0]"

    def test_lists_of_different_kinds_are_refused(self) -> None:
        quantized = resolved([{"op_types": ["Linear"], "quant_types": ["weight"], "quant_bits": 8}], LAYERS)
        both = cc.resolve({"pruning": [HALF], "quantization": []}, LAYERS)
        with pytest.raises(cc.UsageError) as caught:
            cc.compare(resolved([HALF], LAYERS), quantized)
        assert str(caught.value) == (
            "the old answer is about pruning and the new one about quantization: compare lists of one kind, "
            "or two documents with both parts"
        )
        with pytest.raises(cc.UsageError, match="about pruning and quantization and the new one about quantization"):
            cc.compare(both, quantized)

    @pytest.mark.parametrize("wrong", [None, 7, [HALF], {"pruning": [HALF]}, "missing.json"])
    def test_what_is_not_a_resolution_is_refused(self, wrong: Any) -> None:
        with pytest.raises(
            cc.UsageError, match=r"^a resolution, or the JSON file of one, is compared, not .*'resolve' first$"
        ):
            cc.compare(wrong, resolved([HALF], LAYERS))

    def test_a_comparison_is_frozen_and_compares(self) -> None:
        comparison = compared([HALF], [NO_HEAD])
        assert copy.deepcopy(comparison) == comparison == compared([HALF], [NO_HEAD])
        assert comparison != compared([HALF], [HALF])
        assert repr(comparison) == "<Comparison of pruning: 9 layers change>"
        with pytest.raises(AttributeError):
            comparison.parts = ()  # type: ignore[misc]


@pytest.mark.parametrize("seed", range(150))
def test_answers_are_equal_exactly_when_their_fingerprints_are(seed: int) -> None:
    """D18: also against the same list in another order, and against its canonical list."""
    case = random_case(seed, partial_names=3)
    model = [(layer.name, layer.type) for layer in case.layers]
    old = resolved(case.configs, model, kind=case.kind)
    for other in (case.configs[::-1], old.to_list(), case.configs[:-1]):
        new = resolved(other, model, kind=case.kind)
        assert cc.compare(old, new).equal == (old.fingerprint == new.fingerprint)
        assert cc.compare(json.loads(json.dumps(old.to_dict())), new).equal == (old == new)
        changed = {name for change in cc.compare(old, new).changes for name in change.layers}
        assert {name for name in old if old[name].status != new[name].status} <= changed


class TestLockFiles:
    @pytest.fixture
    def lock(self, tmp_path: Path) -> Path:
        path = tmp_path / "lock.json"
        path.write_text(json.dumps(resolved([HALF, NO_HEAD], LAYERS).to_dict()))
        return path

    def edited(self, lock: Path, **changes: Any) -> Path:
        lock.write_text(json.dumps(json.loads(lock.read_text()) | changes))
        return lock

    def test_a_saved_resolution_takes_the_place_of_one(self, lock: Path) -> None:
        same = resolved([NO_HEAD, {**HALF, "op_partial_names": ["block."]}], LAYERS)
        assert cc.compare(lock, same).equal
        assert cc.compare(same, str(lock)).equal
        assert cc.compare(lock, json.loads(lock.read_text())).equal
        comparison = cc.compare(lock, resolved([HALF], LAYERS))
        assert gets(comparison.changes) == {("excluded", "sparsity 0.5"): ["head"]}
        assert "    1 layer, 200 weight elements (20.0 % of all parameters)\n" in str(comparison)
        assert [change.numel for change in cc.compare(lock, json.loads(lock.read_text()) | {}).changes] == []

    def test_weights_are_counted_whichever_side_was_saved(self, lock: Path) -> None:
        other = resolved([HALF], LAYERS)
        for comparison in (cc.compare(lock, other), cc.compare(other, lock)):
            assert [change.numel for change in comparison.changes] == [200]

    @pytest.mark.parametrize(
        "config",
        [
            [{**GROUP, "max_sparsity_per_layer": 0.75}, NO_HEAD],
            [{**GROUP, "total_sparsity": 0}, {"op_names": ["head"], "total_sparsity": 0.1}],
            [{"op_types": ["Linear"], "quant_types": ["input", "weight"], "quant_bits": {"weight": 4, "input": 8}}],
            [
                {
                    "op_types": ["Linear"],
                    "quant_types": ["weight"],
                    "quant_bits": 4,
                    "quant_start_step": 9,
                    "quant_dtype": "uint",
                    "quant_scheme": {"weight": "per_tensor_affine"},
                }
            ],
            {
                "pruning": [GROUP],
                "quantization": [{"op_types": ["Linear"], "quant_types": ["weight"], "quant_bits": 3}],
            },
            [],
        ],
    )
    def test_every_setting_is_read_back(self, config: Any) -> None:
        answer = cc.resolve(config, LAYERS, unmatched="ignore")
        assert cc.compare(json.loads(json.dumps(answer.to_dict())), answer).equal

    def test_version_1_is_refused(self, lock: Path) -> None:
        with pytest.raises(cc.UsageError) as caught:
            cc.compare(self.edited(lock, version=1), lock)
        assert str(caught.value) == (
            f"'{lock}' has version 1 of the format, and this release reads version 2: "
            "write it again with 'resolve --format json'"
        )

    def test_a_file_that_was_edited_is_refused(self, lock: Path) -> None:
        layers = json.loads(lock.read_text())["layers"]
        for edit in ({"name": "block.0.x"}, {"settings": {"sparsity": 0.9}}, {"index": None, "status": "untouched"}):
            self.edited(lock, layers=[layers[0] | edit, *layers[1:]])
            with pytest.raises(cc.UsageError, match="was changed after it was written: its fingerprint is not that"):
                cc.compare(lock, resolved([HALF], LAYERS))

    def test_a_file_that_is_damaged_says_where(self, lock: Path) -> None:
        for edit, place in (
            ({"layers": 7}, "layers"),
            ({"kind": "other"}, "kind"),
            ({"layers": [{"name": 7}]}, "layers[0].name"),
        ):
            with pytest.raises(cc.UsageError) as caught:
                cc.compare(self.edited(lock, **edit), lock)
            assert str(caught.value) == f"'{lock}' is not a saved resolution: {place} is wrong"
            lock.write_text(json.dumps(resolved([HALF], LAYERS).to_dict()))


class TestMarkdown:
    def test_it_fits_into_a_comment_whatever_changes(self) -> None:
        layers = [(f"l{number}_{'x' * (number % 90)}", "Linear") for number in range(3_000)]
        new = [{"op_names": [name], "sparsity_per_layer": n / 3_000} for n, (name, _) in enumerate(layers)]
        text = compared([HALF], new, layers=layers).to_markdown()
        assert 60_000 < len(text) < 65_536
        rows = sum(line.startswith("| `") for line in text.splitlines())
        assert rows > 300
        # One of the 3,000 gets what it got before.
        assert text.endswith(
            f"\n\n{2_999 - rows:,} more rows with {2_999 - rows:,} layers do not fit into a comment: "
            "the formats text, json and html show them.\n"
        )

    def test_one_long_name_does_not_take_all_the_room(self) -> None:
        layers = [("x" * 100_000, "Linear"), ("fc", "Linear")]
        text = compared([HALF], [], layers=layers).to_markdown()
        assert len(text) < 2_000
        assert "xxx...xxx" in text
        assert "| `fc` | 1 | sparsity 0.5 | **untouched** |" in text

    def test_both_parts_of_two_have_room(self) -> None:
        layers = [(f"layer_{number}", "Linear") for number in range(4_000)]
        named = [{"op_names": [name]} for name, _ in layers]
        pruned = [{**one, "sparsity_per_layer": number / 9_000} for number, one in enumerate(named)]
        quantized = [{**one, "quant_types": ["weight"], "quant_bits": 2 + n % 9} for n, one in enumerate(named)]
        old = cc.resolve({"pruning": pruned, "quantization": quantized}, layers)
        text = cc.compare(old, cc.resolve({"pruning": [], "quantization": []}, layers)).to_markdown()
        assert 50_000 < len(text) < 65_536
        pruning, quantization = text.split("### quantization")
        assert min(part.count("| `") for part in (pruning, quantization)) > 100
