"""Config lists as fields of pydantic models that users write, and as OmegaConf hands them out."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import jsonschema
import pydantic
import pytest

import compression_config as cc

PRUNED = {"op_types": ["Linear"], "sparsity_per_layer": 0.5}
QUANTIZED = {"op_types": ["Linear"], "quant_types": ["weight", "input"], "quant_bits": {"weight": 4, "input": 8}}
EXCLUDED = {"op_names": ["head"], "exclude": True}


class TrainConfig(pydantic.BaseModel):
    """The settings of a training run, as people write them."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    lr: float = 0.1
    pruning: cc.PruningConfigList = pydantic.Field(
        default_factory=cc.PruningConfigList, description="What is pruned before training."
    )
    quantization: cc.QuantizationConfigList | None = None
    both: cc.CompressionConfig | None = None
    either: cc.PruningConfigList | cc.QuantizationConfigList | None = None
    one: cc.PruningConfig | None = None
    named: dict[str, cc.QuantizationConfigList] = {}


DATA: dict[str, Any] = {
    "lr": 0.2,
    "pruning": [PRUNED, EXCLUDED],
    "quantization": [QUANTIZED],
    "both": {"pruning": [PRUNED], "quantization": [QUANTIZED]},
    "either": [QUANTIZED],
    "one": PRUNED,
    "named": {"first": [QUANTIZED]},
}


@pytest.fixture
def config() -> TrainConfig:
    return TrainConfig.model_validate(DATA)


def test_fields_are_validated_from_plain_data(config: TrainConfig) -> None:
    assert config.pruning == cc.validate([PRUNED, EXCLUDED])
    assert config.quantization == cc.validate([QUANTIZED])
    assert config.both == cc.validate(DATA["both"])
    assert type(config.either) is cc.QuantizationConfigList
    assert config.named["first"][0].quant_types == ("weight", "input")
    assert TrainConfig().pruning == cc.PruningConfigList()
    assert cc.resolve(config.pruning, [("head", "Linear"), ("fc", "Linear")]).excluded == ("head",)


def test_fields_take_what_was_validated_before() -> None:
    config_list = cc.loads("- op_types: [Linear]\n  sparsity_per_layer: 0.5\n", name="a.yaml", kind="pruning")
    config = TrainConfig(pruning=config_list)
    assert config.pruning is config_list
    assert TrainConfig.model_validate({"pruning": [cc.PruningConfig.model_validate(PRUNED)]}) == config


def test_fields_are_dumped_as_plain_data_and_read_back(config: TrainConfig) -> None:
    assert json.loads(config.model_dump_json()) == DATA
    assert config.model_dump()["pruning"] == DATA["pruning"]
    assert config.model_dump()["both"] == DATA["both"]
    assert TrainConfig(**config.model_dump()) == config
    assert TrainConfig.model_validate_json(config.model_dump_json()) == config


def test_a_model_with_such_fields_can_be_copied_and_pickled(config: TrainConfig) -> None:
    assert pickle.loads(pickle.dumps(config)) == config  # noqa: S301 - made here
    assert copy.deepcopy(config) == config
    assert config.model_copy(deep=True, update={"lr": 0.3}).pruning == config.pruning


def test_what_is_wrong_is_reported_at_the_key_and_all_at_once() -> None:
    wrong = {
        "lr": "fast",
        "pruning": [PRUNED, {"op_types": "Linear", "sparsity_per_layer": 80}],
        "both": {"pruning": [{"op_names": ["a"]}], "quantizatoin": []},
    }
    with pytest.raises(pydantic.ValidationError) as caught:
        TrainConfig.model_validate(wrong)
    assert [(error["loc"], error["type"]) for error in caught.value.errors()] == [
        (("lr",), "float_parsing"),
        (("pruning", 1, "op_types"), "wrong-type"),
        (("pruning", 1, "sparsity_per_layer"), "out-of-range"),
        (("both", "pruning", 0), "no-setting"),
        (("both", "quantizatoin"), "unknown-key"),
    ]
    assert caught.value.errors()[1]["msg"] == (
        '\'op_types\' must be a list, not the string "Linear" (write "op_types": ["Linear"])'
    )


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("pruning", "abc", "not-a-list"),
        ("pruning", None, "not-a-list"),
        ("pruning", [QUANTIZED], "mixed-kinds"),
        ("quantization", [PRUNED], "mixed-kinds"),
        ("both", [PRUNED], "mixed-kinds"),
        ("both", 1, "not-a-list"),
        ("pruning", {"quant_cfg": {}}, "other-dialect"),
    ],
)
def test_another_value_is_refused_at_the_field(field: str, value: object, code: str) -> None:
    with pytest.raises(pydantic.ValidationError) as caught:
        TrainConfig.model_validate({field: value})
    assert {error["loc"][0] for error in caught.value.errors()} == {field}
    assert {error["type"] for error in caught.value.errors()} == {code}


def test_the_json_schema_of_the_model_describes_the_lists(config: TrainConfig) -> None:
    for mode in ("validation", "serialization"):
        schema = TrainConfig.model_json_schema(mode=mode)
        validator = jsonschema.Draft202012Validator(schema)
        validator.check_schema(schema)
        assert validator.is_valid(json.loads(config.model_dump_json()))
        assert schema["properties"]["pruning"]["description"] == "What is pruned before training."
        wrongs: list[Any] = [{"pruning": [{"op_type": ["a"]}]}, {"both": {"prunning": []}}, {"quantization": [PRUNED]}]
        for wrong in wrongs:
            assert not validator.is_valid(wrong)


def test_they_are_fields_of_dataclasses_and_of_strict_models_too() -> None:
    class Strict(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(strict=True)
        pruning: cc.PruningConfigList

    assert Strict.model_validate({"pruning": [PRUNED]}).pruning[0].sparsity_per_layer == 0.5
    adapter = pydantic.TypeAdapter(cc.CompressionConfig)
    assert adapter.dump_python(adapter.validate_python(DATA["both"])) == DATA["both"]


class TestOmegaConf:
    def test_a_config_of_omegaconf_is_plain_data(self) -> None:
        omegaconf = pytest.importorskip("omegaconf").OmegaConf
        loaded = omegaconf.create({**DATA, "ratio": 0.5, "pruning": [{**PRUNED, "sparsity_per_layer": "${ratio}"}]})
        assert cc.validate(loaded.pruning) == cc.validate([PRUNED])
        assert cc.resolve(loaded.both, [("fc", "Linear")]).quantization["fc"].settings is not None
        assert TrainConfig(pruning=loaded.pruning, both=loaded.both).both == cc.validate(DATA["both"])
        del loaded.ratio, loaded.pruning
        assert TrainConfig(**loaded) == TrainConfig.model_validate({**DATA, "pruning": []})

    def test_dumped_lists_are_written_and_merged_by_omegaconf(self, config: TrainConfig) -> None:
        omegaconf = pytest.importorskip("omegaconf").OmegaConf
        written = omegaconf.create(config.model_dump(mode="json"))
        assert TrainConfig(**omegaconf.merge(written, {"lr": 0.2})) == config
        assert cc.loads(omegaconf.to_yaml(written.pruning)) == config.pruning

    def test_a_value_that_is_missing_is_reported_at_its_key(self) -> None:
        omegaconf = pytest.importorskip("omegaconf").OmegaConf
        loaded = omegaconf.create([{**PRUNED, "sparsity_per_layer": "???"}])
        (finding,) = cc.check(loaded)
        assert finding.path == (0, "sparsity_per_layer")
        assert finding.message == (
            "'sparsity_per_layer' must be a number, not a value that cannot be read (MissingMandatoryValue)"
        )


def test_an_error_has_the_value_that_is_wrong_as_its_input() -> None:
    data = {"pruning": [{"op_types": ["Linear"], "sparsity": 1.5}, {"op_typs": ["Conv2d"], "sparsity": 0.5}, {"x": 1}]}
    with pytest.raises(pydantic.ValidationError) as caught:
        TrainConfig.model_validate(data)
    inputs = {error["loc"]: error["input"] for error in caught.value.errors()}
    assert inputs[("pruning", 0, "sparsity")] == 1.5
    assert inputs[("pruning", 1, "op_typs")] == ["Conv2d"]
    assert inputs[("pruning", 2)] == {"x": 1}
    with pytest.raises(pydantic.ValidationError) as caught:
        cc.PruningConfig(op_types="Linear", sparsity_per_layer=0.5)
    assert [error["input"] for error in caught.value.errors()] == ["Linear"]
