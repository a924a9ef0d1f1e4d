"""What is made to do harm, or a generated list gone wrong: bounded time and memory, our own errors, whole files."""

from __future__ import annotations

import copy
import gzip
import itertools
import json
import pickle
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml
from checkpoint_files import saved
from command_line import command
from targets import time_limit

import compression_config as cc
from compression_config.documents import read_yaml
from compression_config.reports.findings import as_text

LINEAR: list[dict[str, Any]] = [{"op_types": ["Linear"], "sparsity_per_layer": 0.5}]
LAYERS = [("fc1", "Linear"), ("fc2", "Linear")]


def answer() -> cc.Resolution[cc.PruningSettings]:
    return cc.resolve(cc.validate(LINEAR, kind="pruning"), LAYERS)


def findings_of(text: str, **options: Any) -> tuple[cc.Finding, ...]:
    with pytest.raises(cc.InvalidConfig) as caught:
        cc.loads(text, **options)
    return caught.value.findings


def peak(ask: Callable[[], object]) -> int:
    """Return how many bytes are allocated at most while `ask` runs."""
    tracemalloc.start()
    try:
        ask()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


class TestTimeAndMemory:
    @pytest.mark.parametrize("unit", ["{a,", "(a|", "[a", "(a", "{a", "*a?", "a{1,", "(?:a", "\\[", ".*", "re:("])
    @pytest.mark.parametrize("key", ["op_names", "op_partial_names", "op_types"])
    def test_a_long_name_with_wildcards_that_do_not_end_is_reported_at_once(self, unit: str, key: str) -> None:
        config = [{key: [unit[0] + unit[1:] * 50_000], "sparsity_per_layer": 0.5}]
        with time_limit():
            assert cc.Severity.ERROR in {finding.severity for finding in cc.check(config, LAYERS)}

    def test_a_gzipped_inventory_unpacks_to_at_most_a_hundred_times_its_size(self, tmp_path: Path) -> None:
        path = tmp_path / "a.json.gz"
        path.write_bytes(gzip.compress(b"[" + b"[]," * (8 * 2**20) + b"[]]"))
        with pytest.raises(cc.InvalidInventory, match="a gzipped inventory unpacks to at most 100 times its size"):
            cc.Inventory.load(path)

    def test_an_inventory_in_json_has_a_limit_of_values(self, tmp_path: Path) -> None:
        path = tmp_path / "a.json"
        path.write_bytes(b"[" + b"1," * 20_000_001 + b"1]")
        with pytest.raises(cc.InvalidInventory, match="an inventory has at most 20,000,000 values"):
            cc.Inventory.load(path)

    @pytest.mark.parametrize("separator", [",\n", ", "])
    def test_the_first_thousand_faults_of_a_list_are_reported_and_the_rest_counted(self, separator: str) -> None:
        sub_config = "{" + ", ".join(f'"{key}": 1' for key in "abcdefghij") + "}"
        text = "[" + separator.join([sub_config] * 2_000) + "]"
        for found in (findings_of(text), findings_of(text, format="json"), cc.check(json.loads(text))):
            assert (len(found), found[-1].omitted) == (1_001, 21_000)
            assert found[-1].message == "only 1,000 findings are shown; there are 21,000 more errors"
            assert as_text(found).splitlines()[-1] == "22,000 errors"
            assert [finding.path for finding in found[:3]] == [(0,), (0, "a"), (0, "b")]

    def test_notes_of_a_sound_list_are_limited_too(self) -> None:
        names = ["a"] * 3_000
        config = cc.validate([{"op_names": names, "sparsity_per_layer": 0.5}])
        assert [finding.severity for finding in config.findings] == [cc.Severity.NOTE] * 1_001
        assert config.findings[-1].omitted == 1_999
        assert config.findings[-1].message == "only 1,000 findings are shown; there are 1,999 more notes"

    def test_errors_come_before_the_notes_that_are_only_counted(self) -> None:
        config: list[dict[str, Any]] = [{"op_names": ["a"] * 3_000, "exclude": True}, {"sparsity_per_layer": 0.5}]
        found = cc.check(config)
        assert [finding.code.value for finding in found if finding.severity is cc.Severity.ERROR] == ["no-selector"]
        assert (len(found), found[-1].omitted) == (1_001, 2_000)
        with pytest.raises(cc.InvalidConfig):
            cc.validate([{"op_names": ["a"] * 3_000, "exclude": True}], severity={"repeated-element": "error"})

    def test_a_two_part_document_has_one_limit(self) -> None:
        wrong = [{"a": 1, "op_types": ["Linear"]}] * 900
        found = cc.check({"pruning": wrong, "quantization": wrong})
        assert (len(found), found[-1].omitted) == (1_001, 800)

    def test_what_an_alias_repeats_is_not_counted_as_more(self) -> None:
        text = "- &a {op_types: [Linear], sparsity: 80}\n" + "- *a\n" * 5_000
        assert [finding.code.value for finding in findings_of(text)] == ["out-of-range"]

    def test_a_script_has_the_same_limit(self, tmp_path: Path) -> None:
        path = tmp_path / "train.py"
        path.write_text("config_list = [\n" + "    {'op_types': ['Linear'], 'sparsity': 80},\n" * 1_500 + "]\n")
        found = cc.check(path)
        assert (len(found), found[-1].omitted) == (1_001, 500)

    def test_faults_that_are_counted_take_no_memory(self) -> None:
        data = [{f"{key}{number % 100}": 1 for key in "abcdefghij"} for number in range(10_000)]
        assert peak(lambda: cc.check(data)) < 30 * 2**20

    @pytest.mark.parametrize("shape", [[2**62, 2], [10**4000, 10**4000], [2] * 65])
    def test_a_shape_that_no_tensor_has_is_refused(self, shape: list[int], tmp_path: Path) -> None:
        with pytest.raises(cc.InvalidInventory, match="'weight_shape' has"):
            cc.Layer(name="a", type="Linear", weight_shape=shape)
        header = b'{"fc1.weight":{"dtype":"F32","shape":[' + b",".join([b"9" * 4000] * 3_000) + b"]}}"
        (tmp_path / "net.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
        with time_limit(), pytest.raises(cc.UsageError, match="its header does not give dtype, shape and data_offsets"):
            cc.verify(answer(), tmp_path / "net.safetensors")

    def test_numbers_of_thousands_of_digits_number_no_blocks(self) -> None:
        layers = [(f"l.{digit * 5_000}.{end}", "Linear") for digit in "0123456789" for end in range(10)]
        config = [{"op_partial_names": [f"l.{digit * 2_500}" for digit in "02345678"], "sparsity_per_layer": 0.5}]
        assert cc.resolve(config, layers).findings == ()

    def test_a_number_of_thousands_of_digits_in_a_name_is_a_name(self) -> None:
        config = [{"op_partial_names": ["l.1", "1" * 1_000], "sparsity_per_layer": 0.5}]
        layers = [("l.1", "Linear"), ("1" * 1_000, "Linear")]
        layers += [(f"l.{number}.{'1' * 5_000}.x", "Linear") for number in range(100)]
        layers += [(f"l.{digits * 5_000}.fc", "Linear") for digits in ("0", "1", "9")]
        with time_limit():
            assert not any(finding.severity is cc.Severity.ERROR for finding in cc.check(config, layers))
            assert cc.check([{"op_names": ["l." + "7" * 5_000 + ".fc"], "sparsity_per_layer": 0.5}], layers)

    def test_digit_boundary_sorts_numbers_by_their_value(self) -> None:
        layers = [(f"l.{number}", "Linear") for number in ("1", "100", "10", "0001", "19")]
        config = [{"op_partial_names": ["l.1"], "sparsity_per_layer": 0.5}]
        found = [finding.message for finding in cc.check(config, layers) if finding.code is cc.Code.DIGIT_BOUNDARY]
        assert found == ["'l.1' also takes 'l.10' to 'l.100', 3 layers more"]

    @pytest.mark.parametrize("named", [False, True])
    def test_counting_what_sub_configs_select_keeps_no_table_of_pairs(self, *, named: bool) -> None:
        layers = [("x" * 50 + str(number), "Linear") for number in range(5_000)]
        config = [
            {"op_partial_names": ["x" * (1 + number % 50)], "sparsity_per_layer": 0.5}
            | ({"op_names": [layers[number][0]]} if named else {})
            for number in range(500)
        ]
        resolution = cc.resolve(config, layers)
        assert peak(resolution.resolved.selection.selected_counts) < 10 * 2**20
        assert set(resolution.resolved.selection.selected_counts()) == {5_000}

    def test_a_layer_with_many_aliases_is_explained_soon(self) -> None:
        aliases = tuple(f"alias.{number}" for number in range(20_000))
        inventory = cc.Inventory.from_layers([cc.Layer(name="a", type="Linear", aliases=aliases)])
        config = [{"op_names": [alias], "sparsity_per_layer": 0.5} for alias in aliases]
        with time_limit():
            text = cc.resolve(config, inventory).explain("a")
        assert len(text) < 10_000

    def test_many_unknown_types_are_reported_soon(self) -> None:
        layers = [(f"l{number}", f"Type{number}") for number in range(10_000)]
        unknown = [f"Xtype{number}q" for number in range(10_000)]
        with time_limit():
            assert cc.check([{"op_types": unknown, "sparsity_per_layer": 0.5}], layers)
            assert cc.check([{"op_types": [word], "sparsity_per_layer": 0.5} for word in unknown], layers)

    def test_what_a_message_repeats_is_cut(self, tmp_path: Path) -> None:
        long = "x" * 1_000_000
        path = tmp_path / "a.json"
        path.write_text(json.dumps({"format": "compression-config-inventory", "version": 1, "layers": [long]}))
        with pytest.raises(cc.InvalidInventory) as caught:
            cc.Inventory.load(path)
        texts = [str(caught.value)]
        wrong: list[Any] = [[{long: 1}], [{"op_types": long}], {long: []}, [{"op_names": [long], "sparsity": long}]]
        for config in wrong:
            texts += map(str, cc.check(config))
        for key in ("op_names", "op_partial_names", "op_types"):
            texts += map(str, cc.check([{key: [long], "sparsity_per_layer": 0.5}], LAYERS))
        assert len(texts) == 10
        assert max(map(len, texts)) < 1_000

    def test_deep_nesting_is_reported_at_the_limit(self) -> None:
        (found,) = findings_of("[" * 2_000)
        assert (found.code, found.span and found.span.start) == (cc.Code.TOO_LARGE, (1, 65))


class TestWholeFiles:
    @pytest.mark.parametrize("name", ["a.json", "a.yaml.gz"])
    def test_an_inventory_that_cannot_be_written_whole_leaves_the_old_file(self, name: str, tmp_path: Path) -> None:
        path = tmp_path / name
        cc.Inventory.from_layers(LAYERS).save(path)
        before = path.read_bytes()
        with mock.patch("os.fdopen", side_effect=OSError(28, "No space left on device")):
            with pytest.raises(cc.UsageError, match="cannot be written: No space left on device"):
                cc.Inventory.from_layers([("other", "Linear")]).save(path)
            code = command("inventory", path, "-o", tmp_path / "b.json").code
        assert (path.read_bytes(), code, list(tmp_path.iterdir())) == (before, 2, [path])

    @pytest.mark.parametrize("tail", [["--format", "json"], ["--format", "html"], ["--format", "csv"], ["--grid"]])
    def test_an_answer_that_cannot_be_written_whole_leaves_the_old_file(self, tail: list[str], tmp_path: Path) -> None:
        model, config, out = tmp_path / "m.json", tmp_path / "l.json", tmp_path / "out"
        cc.Inventory.from_layers(LAYERS).save(model)
        config.write_text(json.dumps(LINEAR))
        out.write_text("old")
        with mock.patch("os.fdopen", side_effect=OSError(28, "No space left on device")):
            assert command("resolve", config, "-m", model, *tail, "-o", out).code == 2
        assert out.read_text() == "old"
        assert command("resolve", config, "-m", model, *tail, "-o", out).code == 0
        assert out.read_text() != "old"

    def test_only_one_module_writes_files(self) -> None:
        source = Path(cc.__file__).parent
        writers = {
            str(path.relative_to(source))
            for path in source.rglob("*.py")
            if any(word in path.read_text() for word in ("write_bytes(", "write_text(", '"wb")', '"w")', "os.open("))
        }
        assert writers == {"writing.py", "cli/console.py"}  # the latter opens /dev/null

    def test_an_input_is_never_written_over(self, tmp_path: Path) -> None:
        model, config = tmp_path / "m.json", tmp_path / "l.json"
        cc.Inventory.from_layers(LAYERS).save(model)
        config.write_text(json.dumps(LINEAR))
        for out in (model, config):
            before = out.read_bytes()
            assert command("resolve", config, "-m", model, "-o", out).code == 2
            assert out.read_bytes() == before


class Endless(Mapping[str, int]):
    """Has more keys than there are."""

    def __len__(self) -> int:
        return 10**18

    def __iter__(self) -> Iterator[str]:
        return map(str, itertools.count())

    def __getitem__(self, key: str) -> int:
        return 1


class Raises:
    """Raises whatever is asked of it, even its class."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __repr__(self) -> str:
        raise RuntimeError("repr")


class Poses:
    """Pretends to be a string."""

    def __getattribute__(self, name: str) -> Any:
        return str if name == "__class__" else object.__getattribute__(self, name)


class Text(str):
    """A string that cannot be compared."""

    __slots__ = ()

    def __hash__(self) -> int:
        raise RuntimeError("hash")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("equal")


class Model:
    """Gives no modules."""

    def __init__(self, modules: Any) -> None:
        self.modules = modules

    def named_modules(self) -> Any:
        if self.modules is None:
            return None
        raise RuntimeError(self.modules)


FOREIGN: list[Any] = [Endless(), Raises(), Poses(), Model(None), Model("failed"), 10**5000, object]
WAYS_IN: list[Callable[[Any], Any]] = [
    cc.validate,
    lambda foreign: cc.validate([foreign]),
    lambda foreign: cc.validate([{"op_types": foreign, "sparsity_per_layer": foreign}]),
    lambda foreign: cc.validate(LINEAR, kind=foreign),
    lambda foreign: cc.validate(LINEAR, severity={"legacy-key": foreign}),
    cc.load,
    cc.loads,
    lambda foreign: cc.loads("[]", name=foreign),
    lambda foreign: cc.loads("[]", format=foreign),
    lambda foreign: cc.check(LINEAR, foreign),
    lambda foreign: cc.resolve(LINEAR, foreign),
    lambda foreign: cc.resolve(LINEAR, [foreign]),
    lambda foreign: cc.resolve(LINEAR, [(foreign, "Linear")]),
    lambda foreign: cc.resolve(LINEAR, [("a", foreign)], unmatched="ignore"),
    lambda foreign: cc.Layer(name=foreign, type=foreign),
    lambda foreign: cc.Layer(name="a", type="b", weight_shape=foreign),
    lambda foreign: cc.verify(answer(), foreign),
    lambda foreign: cc.verify(answer(), {"fc1": foreign}).findings,
    lambda foreign: cc.verify(answer(), {"fc1": foreign}, tolerance=foreign),
    lambda foreign: cc.verify(foreign, {}),
    lambda foreign: cc.compare(foreign, answer()),
]


class TestOnlyOurErrors:
    # By their numbers: pytest asks for the class of what it is given.
    @pytest.mark.parametrize("way_in", range(len(WAYS_IN)))
    @pytest.mark.parametrize("foreign", range(len(FOREIGN)))
    def test_a_strange_object_gives_an_answer_or_an_error_of_ours(self, way_in: int, foreign: int) -> None:
        text = "an answer"
        with time_limit():
            try:
                WAYS_IN[way_in](FOREIGN[foreign])
            except cc.CompressionConfigError as error:
                text = str(error)
        assert "".join(text.split("\n")).isprintable()

    def test_strings_that_cannot_be_compared_are_names_and_types(self) -> None:
        resolution = cc.resolve(LINEAR, [(Text("fc1"), Text("Linear"))])
        assert (list(resolution), resolution["fc1"].status) == (["fc1"], "compressed")

    def test_a_sub_config_that_was_not_checked_is_checked(self) -> None:
        unchecked: Any = cc.PruningConfig.model_construct(op_types=5)
        with pytest.raises(cc.InvalidConfig):
            cc.validate([unchecked])

    def test_what_cannot_be_a_name_is_an_unknown_layer(self) -> None:
        strange: list[Any] = [[], {}, None, Raises(), Poses()]
        for name in strange:
            for ask in (answer().__getitem__, answer().explain, answer().inventory.layer):
                with pytest.raises(cc.UnknownLayer) as caught:
                    ask(name)
                assert str(caught.value).isprintable()

    def test_views_are_pickled_and_copied(self) -> None:
        resolution = answer()
        for view in (resolution.compressed, resolution.prunable):
            for other in (pickle.loads(pickle.dumps(view)), copy.copy(view), copy.deepcopy(view)):  # noqa: S301
                assert (list(other), other) == (["fc1", "fc2"], view)

    @pytest.mark.parametrize("text", ["---\n [?  ]\n", "r.%s:\n\n\n%YAML 0.2\n", "[\n%YAML 1.2\n]", "{a: [\n%YAML}"])
    def test_both_parsers_report_the_same(self, text: str) -> None:
        fast, pure = (read_yaml(text, "a", pure=pure) for pure in (False, True))
        if yaml.__version__ == "6.0" and not pure.findings:
            # The libyaml of this release refuses what every other parser takes.
            assert [finding.code for finding in fast.findings] == ["syntax"]
        else:
            assert (fast.value, fast.findings) == (pure.value, pure.findings)

    @pytest.mark.parametrize("name", ["a\0b", "\ud800", "x" * 5_000])
    def test_names_that_no_file_can_have(self, name: str, tmp_path: Path) -> None:
        checkpoint = tmp_path / "ck"
        checkpoint.mkdir()
        index = {"weight_map": {"fc1.weight": name}}
        (checkpoint / "m.safetensors.index.json").write_text(json.dumps(index))
        for ask in (
            lambda: cc.verify(answer(), checkpoint),
            lambda: cc.verify(answer(), name),
            lambda: cc.Inventory.load(f"{name}.json"),
            lambda: cc.Inventory.from_layers(LAYERS).save(f"{name}.json"),
            lambda: cc.load(name),
        ):
            with pytest.raises(cc.CompressionConfigError) as caught:
                ask()
            assert str(caught.value).isprintable()

    @pytest.mark.parametrize("argument", ["x" * 5_000, "*" * 5_000, "[" * 5_000, "hf:" + "x" * 5_000, "a\x1b[31m.json"])
    def test_a_command_takes_any_name(self, argument: str) -> None:
        for argv in (["validate", argument], ["validate", "-", "--model", argument], ["inventory", argument]):
            with mock.patch("sys.stdin.read", return_value="[]"):
                shown = command(*argv)
            assert shown.code in (1, 2)
            assert all(line.isprintable() for line in shown.talk.split("\n"))

    def test_a_checkpoint_whose_tensors_overlap_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "net.safetensors"
        saved(path, {"fc1.weight": [[1.0]], "fc2.weight": [[2.0]]})
        path.write_bytes(path.read_bytes().replace(b"[4, 8]", b"[0, 4]"))
        with pytest.raises(cc.UsageError, match="do not start where those of the tensor before it end"):
            cc.verify(answer(), path)

    def test_help_that_cannot_be_written_is_an_error(self) -> None:
        full = Path("/dev/full")
        if not full.exists():
            pytest.skip("no /dev/full on this system")
        with full.open("w") as out:
            for option in ("--help", "--version"):
                argv = [sys.executable, "-m", "compression_config", option]
                assert subprocess.run(argv, stdout=out, stderr=subprocess.PIPE, check=False).returncode == 2
