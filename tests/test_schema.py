"""The JSON Schema says what a config list may hold, for editors; `test_schema_agrees` holds it against the models."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from recording import ROOT, assert_recorded

import compression_config as cc
from compression_config.configs.json_schema import json_schema
from compression_config.configs.validation import CONFIG_TYPES, KINDS

EVERY_KIND = [None, *KINDS]
KEYS = [pytest.param(kind, key, id=f"{kind}-{key}") for kind in KINDS for key in CONFIG_TYPES[kind].model_fields]


def sub_config_schema(kind: Any) -> dict[str, Any]:
    schema: dict[str, Any] = json_schema(kind)["$defs"][f"{kind}-sub-config"]
    return schema


def refusals(kind: Any, data: object) -> set[tuple[str, str]]:
    """Return where and by which keyword a schema refuses `data`."""
    errors = jsonschema.Draft202012Validator(json_schema(kind)).iter_errors(data)
    return {(error.json_path, str(error.validator)) for error in errors}


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_it_is_valid_draft_2020_12(kind: Any) -> None:
    schema = json_schema(kind)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_its_name_is_its_own_and_leads_to_no_host(kind: Any) -> None:
    names = {json_schema(each)["$id"] for each in EVERY_KIND}
    assert len(names) == len(EVERY_KIND)
    assert json_schema(kind)["$id"].startswith("urn:compression-config")


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_the_published_file_is_current(kind: Any) -> None:
    name = "compression-config.schema.json" if kind is None else f"compression-config.{kind}.schema.json"
    assert_recorded(json.dumps(json_schema(kind), indent=2) + "\n", ROOT / "docs" / name)


def test_an_unknown_kind_is_a_usage_error() -> None:
    with pytest.raises(cc.UsageError, match="a kind is 'pruning' or 'quantization', not 'distillation'"):
        json_schema("distillation")  # type: ignore[arg-type]


def test_each_call_gives_a_dict_of_its_own() -> None:
    json_schema().clear()
    assert json_schema()["title"] == "Compression config"


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_each_definition_is_used_and_each_reference_is_defined(kind: Any) -> None:
    schema = json_schema(kind)
    used = set(_references(schema))
    assert used == {f"#/$defs/{name}" for name in schema["$defs"]}


def _references(schema: object) -> list[str]:
    if isinstance(schema, dict):
        return (
            [schema["$ref"]] if "$ref" in schema else [name for part in schema.values() for name in _references(part)]
        )
    return [name for part in schema for name in _references(part)] if isinstance(schema, list) else []


@pytest.mark.parametrize(("kind", "key"), KEYS)
def test_each_key_has_its_name_its_description_and_examples(kind: Any, key: str) -> None:
    said = sub_config_schema(kind)["properties"][key]
    field = CONFIG_TYPES[kind].model_fields[key]
    assert (said["title"], said["description"], said["examples"]) == (key, field.description, field.examples)
    assert said["description"].endswith(".")


@pytest.mark.parametrize(("kind", "key"), KEYS)
def test_each_example_is_accepted_by_schema_and_models(kind: Any, key: str) -> None:
    for example in sub_config_schema(kind)["properties"][key]["examples"]:
        config = _around(key, example)
        assert refusals(kind, [config]) == set()
        assert cc.validate([config], kind=kind).to_list() == [config]


def _around(key: str, value: object) -> dict[str, Any]:
    """Return a sub-config with `key` in it, and with what `key` cannot do without."""
    config: dict[str, Any] = {key: value}
    if not key.startswith("op_"):
        config["op_types"] = ["Linear"]
    if key.startswith("op_"):
        config["exclude"] = True
    elif key == "max_sparsity_per_layer":
        config["total_sparsity"] = 0.5
    elif key.startswith("quant_"):
        config.setdefault("quant_types", ["weight", "input"])
        config.setdefault("quant_bits", 8)
    return config


def test_the_old_key_is_deprecated_and_no_other() -> None:
    """Spec, sparsity: 'it will be deprecated in the future'."""
    for kind in KINDS:
        properties = sub_config_schema(kind)["properties"]
        assert [key for key, said in properties.items() if said.get("deprecated")] == ["sparsity"] * (kind == "pruning")


def test_a_conflict_is_refused_at_both_of_its_keys() -> None:
    """Spec, exclude: 'The exclude and sparsity keyword are mutually exclusive'."""
    validator = jsonschema.Draft202012Validator(sub_config_schema("pruning"))
    errors = validator.iter_errors({"op_types": ["a"], "exclude": True, "sparsity": 0.5})
    # jsonschema gives no path with these; the value shows which key is meant.
    assert {error.message for error in errors} == {
        "False schema does not allow True",
        "False schema does not allow 0.5",
    }


def test_a_missing_partner_is_named() -> None:
    config = {"op_types": ["Linear"], "quant_types": ["weight"]}
    [error] = jsonschema.Draft202012Validator(sub_config_schema("quantization")).iter_errors(config)
    assert error.message == "'quant_bits' is a dependency of 'quant_types'"


def test_each_listed_quant_type_needs_bits() -> None:
    """Spec, quant_bits: 'key is the quantization type set in quant_types'."""
    config = {"op_types": ["Linear"], "quant_types": ["weight", "input"], "quant_bits": {"weight": 8}}
    [error] = jsonschema.Draft202012Validator(sub_config_schema("quantization")).iter_errors(config)
    assert (error.json_path, error.message) == ("$.quant_bits", "'input' is a required property")


@pytest.mark.parametrize(
    ("data", "refused"),
    [
        pytest.param([{"op_types": ["a"], "sparsity": 2}], "$[0].sparsity", id="pruning"),
        pytest.param([{"op_types": ["a"], "quant_types": "x", "quant_bits": 8}], "$[0].quant_types", id="quantization"),
        pytest.param({"pruning": [{"op_types": [], "sparsity": 0}]}, "$.pruning[0].op_types", id="two-part-document"),
        pytest.param({"op_types": ["a"], "sparsity": 0.5}, "$", id="neither"),
    ],
)
def test_without_a_kind_the_place_is_as_exact_as_with_one(data: object, refused: str) -> None:
    """D12: the kind is inferred from the keys; a plain `anyOf` would refuse the whole document."""
    assert {path for path, _ in refusals(None, data)} == {refused}
