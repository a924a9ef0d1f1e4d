"""Applying the edits of findings to a config list, as a program that offers fixes would."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any

from compression_config import Edit, Finding


def fixed(config_list: Sequence[dict[str, Any]], findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Return plain data after the edits of some findings: from the last place to the first, and inserts in order."""
    data = copy.deepcopy(list(config_list))
    edits = [edit for finding in findings for edit in finding.fix or ()]
    edits.sort(key=_place)
    for edit in reversed(edits):
        _apply(data, edit)
    for config in data:
        for key in [key for key, value in config.items() if value == [] and key.startswith("op_")]:
            del config[key]
    return data


def _place(edit: Edit) -> tuple[Any, ...]:
    """Sort by place; at one place what is inserted in front comes first, and a key after its elements."""
    keys = [(0, step, "") if isinstance(step, int) else (1, 0, step) for step in edit.path]
    return (*keys[:2], 0 if len(keys) < 3 else 1, *keys[2:], edit.action != "insert")


def _apply(data: Any, edit: Edit) -> None:
    way, last = edit.path[:-1], edit.path[-1]
    for step in way:
        data = data[step]
    value = list(edit.value) if isinstance(edit.value, tuple) else edit.value
    if edit.action == "delete":
        del data[last]
    elif edit.action == "rename":
        items = [(value if key == last else key, old) for key, old in data.items()]
        data.clear()
        data.update(items)
    elif edit.action == "replace":
        data[last] = value
    elif isinstance(last, int):
        data.insert(last, value)
    elif last in data:
        data[last] += [element for element in value if element not in data[last]]
    else:
        data[last] = value
