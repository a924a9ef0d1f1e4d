"""The JSON Schema of config lists, made from the same tables by which the models judge.

The structures are chosen for the messages that editors make of them: a key that is not allowed is refused at
the key itself, a missing one is named. What a schema cannot say is listed in docs/how-to/editor.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from compression_config.configs.sub_config import SELECTOR_KEYS, Kind, SubConfig
from compression_config.configs.validation import CONFIG_TYPES, KINDS
from compression_config.configs.value_rules import QUANT_TYPES
from compression_config.errors import chosen

__all__ = ["inline_schema", "json_schema"]


_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_NAME: Final = "urn:compression-config"

_Schema = dict[str, Any]


def json_schema(kind: Kind | None = None) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of config lists.

    The schema and `validate` give the same verdict on plain data, save for what docs/how-to/editor.md lists.

    Args:
        kind: "pruning" or "quantization", for a list of this kind; without it the schema is of whatever `load` reads, a
            pruning list, a quantization list, or a two-part document.

    Returns:
        A new dict on each call, ready for JSON.

    Raises:
        UsageError: There is no such kind.

    Examples:
        >>> json_schema("pruning")["items"]
        {'$ref': '#/$defs/pruning-sub-config'}
    """
    kind = None if kind is None else chosen(kind, KINDS, "a kind")
    lists = {f"{each}-list": _list(each) for each in KINDS}
    sub_configs = {f"{each}-sub-config": _sub_config(CONFIG_TYPES[each]) for each in KINDS if kind in (each, None)}
    if kind is not None:
        return {"$schema": _DIALECT, "$id": f"{_NAME}:{kind}", **lists[f"{kind}-list"], "$defs": sub_configs}
    return {
        "$schema": _DIALECT,
        "$id": _NAME,
        "title": "Compression config",
        "description": "A pruning list, a quantization list, or both under the keys `pruning` and `quantization`.",
        **_whichever(),
        "$defs": {**lists, "two-part-document": _two_part_document(), **sub_configs},
    }


def inline_schema(kind: Kind | None) -> dict[str, Any]:
    """Return the schema of a list of `kind`, or of a two-part document, without references: for fields of models."""
    if kind is not None:
        return {**_list(kind), "items": _sub_config(CONFIG_TYPES[kind])}
    return {**_two_part_document(), "properties": {each: inline_schema(each) for each in KINDS}}


def _whichever() -> _Schema:
    """Return that a document is one of three things, told apart the way the models do it (D12).

    A plain `anyOf` would say the same, but where nothing fits, editors report why the first one does not.
    """
    parts = {kind: {"$ref": f"#/$defs/{kind}-list"} for kind in KINDS}
    two_parts = {"$ref": "#/$defs/two-part-document"}
    by_keys = {"if": _mentions("quantization"), "then": parts["quantization"]}
    or_else = {"if": _mentions("pruning"), "then": parts["pruning"], "else": {"anyOf": [*parts.values(), two_parts]}}
    return {
        "if": {"type": "object", "anyOf": [{"required": [kind]} for kind in KINDS]},
        "then": two_parts,
        "else": {**by_keys, "else": or_else},
    }


def _mentions(kind: Kind) -> _Schema:
    """Return the schema of lists that have a setting of `kind` in one of their sub-configs."""
    keys = [key for key in CONFIG_TYPES[kind].model_fields if key not in SubConfig.model_fields]
    mentioning = {"type": "object", "anyOf": [{"required": [key]} for key in keys]}
    return {"type": "array", "contains": mentioning}


def _list(kind: Kind) -> _Schema:
    return {
        "title": f"{kind.capitalize()} list",
        "description": "Sub-configs in order: the last one that selects a layer decides about it.",
        "type": "array",
        "items": {"$ref": f"#/$defs/{kind}-sub-config"},
    }


def _two_part_document() -> _Schema:
    return {
        "title": "Two-part document",
        "description": "A list for pruning, a list for quantization, or both; they are resolved apart.",
        "type": "object",
        "properties": {kind: {"$ref": f"#/$defs/{kind}-list"} for kind in KINDS},
        "additionalProperties": False,
        "minProperties": 1,
    }


def _sub_config(config_type: type[SubConfig]) -> _Schema:
    needs = {need.key: [other for other in need.others if other != "exclude"] for need in config_type.needs}
    schema: _Schema = {
        "title": f"{config_type.kind.capitalize()} sub-config",
        "description": (config_type.__doc__ or "").strip(),
        "type": "object",
        "properties": {key: _key(config_type, key) for key in config_type.model_fields},
        "additionalProperties": False,
        "dependentRequired": {key: others for key, others in needs.items() if len(others) == 1},
        "dependentSchemas": _rivals(config_type),
        "allOf": [*_presence(config_type, needs), *_bits_for_each(config_type)],
    }
    return {keyword: value for keyword, value in schema.items() if value != {}}


def _key(config_type: type[SubConfig], key: str) -> _Schema:
    """Return what the value of a key may be, with its description and examples."""
    field = config_type.model_fields[key]
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    return {
        "title": key,
        "description": field.description,
        **config_type.value_rules()[key].schema(),
        "examples": field.examples,
        **extra,
    }


def _rivals(config_type: type[SubConfig]) -> _Schema:
    """Return for each key which others it forbids: both sides of a conflict are refused, each at its own key."""
    forbidden: defaultdict[str, set[str]] = defaultdict(set)
    for rivals in config_type.rivals:
        for key in rivals.keys:
            forbidden[key] |= rivals.keys - {key}
    order = [key for key in config_type.model_fields if key in forbidden]
    return {key: {"properties": {other: False for other in order if other in forbidden[key]}} for key in order}


def _presence(config_type: type[SubConfig], needs: Mapping[str, list[str]]) -> list[_Schema]:
    """Return that a sub-config selects, that it sets, and that each key has one of those it goes with.

    Only an exclude may list nothing (D1).
    """
    settings = [key for key in config_type.model_fields if key not in (*SELECTOR_KEYS, "exclude")]
    return [
        {"anyOf": [{"required": [key]} for key in SELECTOR_KEYS]},
        {"anyOf": [{"required": [key]} for key in (*settings, "exclude")]},
        {
            "if": {"not": {"required": ["exclude"]}},
            "then": {"properties": {key: {"minItems": 1} for key in SELECTOR_KEYS}},
        },
        *(
            {"if": {"required": [key]}, "then": {"anyOf": [{"required": [other]} for other in others]}}
            for key, others in needs.items()
            if len(others) > 1
        ),
    ]


def _bits_for_each(config_type: type[SubConfig]) -> list[_Schema]:
    """Return that a mapping of bits has each quant type that is listed (D9)."""
    if "quant_bits" not in config_type.model_fields:
        return []
    return [
        {
            "if": {
                "properties": {
                    "quant_types": {"anyOf": [{"const": one}, {"type": "array", "contains": {"const": one}}]},
                    "quant_bits": {"type": "object"},
                },
                "required": ["quant_types", "quant_bits"],
            },
            "then": {"properties": {"quant_bits": {"required": [one]}}},
        }
        for one in QUANT_TYPES
    ]
