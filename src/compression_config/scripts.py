"""Config lists in Python scripts: which lists of a script are config lists, and what is reported about them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from compression_config.configs.plain_data import Opaque
from compression_config.configs.recognition import SETTINGS, is_foreign, likeness, may_hold_sub_configs
from compression_config.configs.sub_config import SELECTOR_KEYS, Kind
from compression_config.configs.validation import CONFIG_TYPES, inferred_kind
from compression_config.documents.files import read_script_file
from compression_config.documents.python_reader import Script, ScriptList, Unknown, has_unknown, read_script
from compression_config.errors import UsageError
from compression_config.findings import Code, Finding, limited
from compression_config.locations import ConfigPath
from compression_config.text import SHOWN, joined, listed

__all__ = [
    "ABOUT_A_WHOLE_LIST",
    "Check",
    "is_about_whole_list",
    "is_known_beside_model",
    "is_script",
    "known_selectors",
    "named_list",
    "plain_list",
    "read_lists",
    "script_findings",
    "split_name",
]

Check = Callable[[list[object], Kind | None, ScriptList], Iterable[Finding]]
"""Gives the findings of a list of plain data that comes from a script."""

ABOUT_A_WHOLE_LIST = frozenset({Code.KIND_NOT_STATED, Code.NOTHING_CONFIGURED})
"""What a part of a list is not asked for. That a selector is empty has the second of these codes too."""

_STAND_INS: Final[Mapping[str, tuple[object, object]]] = {
    "sparsity": (0.0, 0.999),
    "sparsity_per_layer": (0.0, 0.999),
    "total_sparsity": (0.0, 0.999),
    "max_sparsity_per_layer": (1.0, 0.0001),
    "quant_types": (["weight", "input", "output"], ["weight"]),
    "quant_bits": (8, 2),
    "quant_start_step": (0, 1),
    "quant_dtype": ("int", "uint"),
    "quant_scheme": ("per_tensor_affine", "per_tensor_symmetric"),
}
"""Two legal values for each setting: what is wrong with both does not depend on the value."""


_LITERAL = re.compile(r"(?=\D*\d)[\w.+-]+|True|False")
"""A number or boolean as a script writes it."""


ABOUT_ONE_NAME = frozenset({Code.UNMATCHED_NAME, Code.UNMATCHED_PARTIAL_NAME})
"""What a model shows about one element of a selector, whatever else is in its sub-config."""

ABOUT_ONE_SELECTOR = ABOUT_ONE_NAME | {Code.UNMATCHED_TYPE, Code.TYPE_MISMATCH, Code.SELECTS_NOTHING}
"""What a model shows about one selector, whatever the other sub-configs are."""


def is_about_whole_list(finding: Finding) -> bool:
    """Whether a finding is left out in scripts: which compressor takes a list is in the script; lists are filled later.

    That a selector is empty is about one sub-config, and is reported where all of that is known.
    """
    return finding.code in ABOUT_A_WHOLE_LIST and not _is_empty_selector(finding)


def _is_empty_selector(finding: Finding) -> bool:
    return finding.code is Code.NOTHING_CONFIGURED and finding.path[-1:] != () and finding.path[-1] in SELECTOR_KEYS


def split_name(path: str) -> tuple[str, str | None]:
    """Return the file and the name of a list that `script.py::function.NAME` gives; None for a file alone.

    >>> split_name("train.py::main.config_list"), split_name("pruning.yaml")
    (('train.py', 'main.config_list'), ('pruning.yaml', None))
    """
    file, separator, name = path.rpartition("::")
    return (file, name) if separator and is_script(file) else (path, None)


def is_script(path: str) -> bool:
    """Whether a path is that of a Python script, by its ending."""
    return path.lower().endswith((".py", ".pyw"))


def read_lists(path: str, *, discovered: bool, text: str | None = None) -> Script:
    """Return the config lists in the script at `path`: the lists in which one dict is a sub-config by its keys.

    A script that was `discovered`, not named, is parsed only if its text has the words of a sub-config. `text` is
    read in place of the file.
    """
    if text is not None:
        script = read_script(text, path, _is_sub_config)
    else:
        worth_parsing = may_hold_sub_configs if discovered else bool
        script = read_script_file(path, _is_sub_config, worth_parsing=worth_parsing)
    if not script.assigned_keys.isdisjoint({*SETTINGS, *SELECTOR_KEYS, "exclude"}):
        # The script sets such keys in dicts that are not known: they may be any of those in the lists.
        for made in script.lists:
            made.open_all()
    return script


def _is_sub_config(keys: Collection[object]) -> bool:
    return likeness(keys) is not None


def script_findings(script: Script, kind: Kind | None, check: Check, *, discovered: bool) -> list[Finding]:
    """Return what is wrong with the config lists of a script, or why it cannot be read, in the order of the text.

    A `discovered` script was found in a directory: lists of other dialects, and scripts that are not Python 3, are
    passed over.
    """
    if script.problem is not None:
        return [] if discovered else [script.problem]
    unique: dict[object, Finding] = {}
    owners: dict[object, object] = {}
    for made in script.lists:
        if not made.reported or (discovered and is_foreign(made.value)):
            continue
        for finding in _list_findings(made, kind, check):
            # Of the sub-configs and elements that a loop makes of one place in the text, the first is reported.
            owner = (id(made), finding.path[: len(made.name) + 1])
            if owners.setdefault((finding.span, finding.code), owner) == owner:
                element = isinstance(finding.path[-1], int) if finding.path else False
                unique.setdefault((finding.span, finding.code, None if element else finding.message), finding)
    return list(limited(sorted(map(_worded, unique.values()), key=lambda found: found.span or ((0, 0), (0, 0)))))


def _worded(finding: Finding) -> Finding:
    """Return a finding with a hint for scripts where that for documents does not fit."""
    if finding.code is Code.MIXED_KINDS:
        return replace(finding, hint="write two lists, one for each kind")
    if finding.code is Code.UNQUOTED_NAME and finding.span is not None and finding.excerpt is not None:
        start, end = finding.span
        written = finding.excerpt[start.column - 1 : end.column - 1] if start.line == end.line else ""
        if not _LITERAL.fullmatch(written):
            return replace(finding, hint="convert it with str(...)")
    return finding


def _list_findings(made: ScriptList, kind: Kind | None, check: Check) -> Iterator[Finding]:
    """Yield what is wrong with a list, whatever its unknown values are: what is wrong with each of two fillings."""
    first, second = (_filled(made.value, made.open_dicts, filling) for filling in (0, 1))
    kind = kind or inferred_kind(first)
    findings = [finding for finding in check(first, kind, made) if not is_about_whole_list(finding)]
    if first != second or made.open_dicts:
        others = set(check(second, kind, made))
        # Of two different fillings different findings may be counted only.
        findings = [
            finding
            for finding in findings
            if finding.omitted
            or (finding in others and not (_is_empty_selector(finding) and finding.path[-2] in made.open_dicts))
        ]
    yield from findings


def known_selectors(made: ScriptList) -> tuple[list[object], list[object]]:
    """Return two lists of plain data with the selectors that are known of a list, each in its place.

    What is unknown is something else in either. A dict that may have other keys, or is in the list only under a
    condition, is an exclude like what is unknown.
    """
    unsure = made.open_dicts | made.conditional
    value = [Unknown() if index in unsure else _sure(part) for index, part in enumerate(made.value)]
    return _filled(value, (), 0), _filled(value, (), 1)


def _sure(part: object) -> object:
    return {**part, "exclude": True} if isinstance(part, dict) and isinstance(part.get("exclude"), Unknown) else part


def is_known_beside_model(finding: Finding, made: ScriptList) -> bool:
    """Whether a finding about a model that both of `known_selectors` have is true whatever the script does.

    That is so of names that the model does not have, and of selectors that are known completely.
    """
    step = finding.path[len(made.name)] if len(finding.path) > len(made.name) else None
    part = made.value[step] if isinstance(step, int) else None
    if not isinstance(part, dict) or step in made.open_dicts | made.conditional:
        return False
    unsure = has_unknown([part.get(key) for key in (*SELECTOR_KEYS, "exclude")])
    return finding.code in (ABOUT_ONE_NAME if unsure else ABOUT_ONE_SELECTOR)


def plain_list(value: Sequence[object]) -> list[object]:
    """Return a list of plain data with lists for tuples, and `Opaque` for what is unknown."""
    return [_plain(part) for part in value]


def _plain(value: object) -> object:
    if isinstance(value, Unknown):
        return Opaque("type", class_name=value.class_name)
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return {key: _plain(part) for key, part in value.items()} if isinstance(value, dict) else value


def _filled(value: Sequence[object], open_dicts: Iterable[int], filling: int) -> list[object]:
    """Return the list with something legal for each unknown value: with either `filling` something else."""
    filled: list[object] = []
    for index, part in enumerate(value):
        if not isinstance(part, dict):
            # What is not known may be a sub-config as well as anything else.
            filled.append({"op_types": ["Linear"], "exclude": True} if isinstance(part, Unknown) else part)
            continue
        pairs = {key: _stand_in(key, inner, filling) for key, inner in part.items()}
        if filling == 0 and isinstance(part.get("exclude"), Unknown):
            del pairs["exclude"]
        if filling == 1 and index in open_dicts:
            pairs = _every_key(pairs) | pairs
        filled.append(pairs)
    return plain_list(filled)


def _every_key(pairs: Mapping[str, object]) -> dict[str, object]:
    """Return all keys of a kind: what an open dict may have."""
    kind = inferred_kind([dict(pairs)]) or "pruning"
    values = {**{key: both[0] for key, both in _STAND_INS.items()}, "op_types": ["Linear"], "exclude": True}
    return {key: value for key, value in values.items() if key in CONFIG_TYPES[kind].model_fields}


def _stand_in(key: str, value: object, filling: int) -> object:
    """Return `value` with something legal for what is unknown in it."""
    if isinstance(value, dict) and "_type" in value and "_value" in value:
        value = Unknown()  # a search space of NNI, from which a number is drawn before the list is used
    if key in SELECTOR_KEYS:
        if isinstance(value, Unknown):
            return [f"unknown {filling}"]
        if isinstance(value, list | tuple):
            return [
                f"unknown {filling}.{position}" if has_unknown(element) and not _is_class(element) else element
                for position, element in enumerate(value)
            ]
        return value
    if key == "exclude":
        return True if isinstance(value, Unknown) else value
    if key not in _STAND_INS:
        return None if isinstance(value, Unknown) else value
    stand_in = _STAND_INS[key][filling]
    if isinstance(value, dict):
        return {part: stand_in if has_unknown(inner) else inner for part, inner in value.items()}
    return stand_in if has_unknown(value) else value


def _is_class(value: object) -> bool:
    return isinstance(value, Unknown) and value.class_name is not None


def named_list(script: Script, name: str | None) -> ScriptList:
    """Return the list of a script that `name` names, as in `main.config_list`; without a name the only one.

    Raises `UsageError` where there is no such list, more than one, or one that the script does not show completely.
    """
    bound = {id(made): _shown(made.name) for made in script.lists if made.bound}
    found = [made for made in script.lists if name is None or bound.get(id(made)) == name]
    # A list that another one continues is meant only where that has another name.
    found = [made for made in found if made.reported] or found
    what = f"config list {name!r}" if name else "config list"
    if not found:
        known = f"; it has {listed(dict.fromkeys(bound.values()), most=SHOWN)}" if bound else ""
        raise UsageError(f"'{script.name}' has no {what}{known}")
    if len(found) > 1:
        lines = (
            f"line {made.span.start.line}" + (f" ({bound[id(made)]})" if made.bound and name is None else "")
            for made in found
        )
        places = joined(lines, most=SHOWN)
        raise UsageError(f"'{script.name}' has more than one {what}: {places}")
    (made,) = found
    if not made.complete:
        start = made.span.start
        place = f"{script.name}:{start.line}:{start.column}"
        raise UsageError(f"the {what} at {place} has values that are known only when the script runs")
    return made


def _shown(name: ConfigPath) -> str:
    return ".".join(map(str, name))
