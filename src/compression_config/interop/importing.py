"""What all importers share: foreign documents, what they give each layer, and the config list that says the same."""

from __future__ import annotations

import itertools
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compression_config.configs.sub_config import Kind
from compression_config.configs.value_rules import QuantType
from compression_config.documents import read_file
from compression_config.errors import HasFindings, InvalidConfig, UsageError
from compression_config.findings import Code, Finding, has_errors
from compression_config.inventory import Inventory
from compression_config.loading import AnyConfig, validate
from compression_config.locations import ConfigPath, Place, format_path
from compression_config.text import counted, listed, represented
from compression_config.wildcards import regex

__all__ = [
    "TRANSFORMERS",
    "Import",
    "Reading",
    "config_list_for",
    "not_recognized",
    "option_hint",
    "quantization_keys",
    "quantization_of",
    "read_foreign",
]

TRANSFORMERS = "hf:"
"""What comes before a directory that holds a checkpoint of transformers."""

_MOST_STEPS = 3 * 10**10
"""So many steps of `re`, in the worst case, take about half a minute."""


@dataclass(frozen=True)
class Import(HasFindings):
    """A document of another dialect as a config list."""

    dialect: str
    """Whose document it was."""
    config_list: AnyConfig
    """Resolves to what the document gives each layer; two-part when the document both prunes and quantizes."""
    findings: tuple[Finding, ...]
    """What a config list cannot say, by the path in the document."""

    def to_data(self) -> Any:  # noqa: ANN401
        """Return the config list as plain data: a list, or a mapping of two."""
        if hasattr(self.config_list, "to_list"):
            return self.config_list.to_list()
        return {part.kind: part.to_list() for part in self.config_list.parts}


def read_foreign(document: object) -> object:
    """Return a document as plain data: data as it is, the file at a path, or what `hf:DIRECTORY` has.

    Raises `InvalidConfig` for a file that cannot be read.
    """
    if not isinstance(document, str | os.PathLike):
        return document
    path = os.fspath(document)
    if not path.startswith(TRANSFORMERS):
        return _value_of(path)
    directory = Path(path.removeprefix(TRANSFORMERS))
    config, other = _value_of(str(directory / "config.json")), directory / "hf_quant_config.json"
    if quantization_of(config) is config and other.is_file():
        # ModelOpt has written its own file from the start, and only later the config.json too.
        return _value_of(str(other))
    return config


def _value_of(path: str) -> object:
    read = read_file(path)
    if has_errors(read.findings):
        raise InvalidConfig(read.findings)
    return read.value


def quantization_of(document: object) -> object:
    """Return the quantization config in a config.json; another document as it is.

    `compression_config` is the older name that compressed-tensors gave it.
    """
    if isinstance(document, Mapping):
        for key in ("quantization_config", "compression_config"):
            if key in document:
                return document[key]
    return document


def option_hint(name: str, value: object) -> str:
    """Return the hint of a loss that an option of the next export makes good."""
    return f"export with {name}={value!r}"


def not_recognized(document: object, dialects: Iterable[str]) -> UsageError:
    """Return the error for a document that is of none of the dialects, with what it may be."""
    message = f"the document is of none of the dialects {listed(dialects, last='or')}"
    config = quantization_of(document)
    if isinstance(config, Mapping):
        if isinstance(config.get("quant_method"), str):
            message += f", but of {represented(config['quant_method'])}"
        elif config is document and "architectures" in config:
            message += ": this config.json has no 'quantization_config'"
    elif isinstance(document, list) and document and all(isinstance(config, Mapping) for config in document):
        message += "; a list of NNI 1.x or 2.x without their own keys is read with dialect='nni-1' (--from nni-1)"
    return UsageError(message)


class Reading:
    """One import: the layers of the model, what each of them gets, and the place to say what is lost."""

    def __init__(self, dialect: str, inventory: Inventory | None) -> None:
        self.dialect = dialect
        self.has_model = inventory is not None
        self._inventory = inventory
        self._entered: dict[Kind, dict[int, Mapping[str, Any]]] = {}
        self._groups: list[tuple[Sequence[int], Mapping[str, Any]]] = []
        self._written: dict[Kind, list[dict[str, Any]]] = {}
        self._kinds: dict[Kind, None] = {}
        self._findings: dict[Finding, None] = {}
        self._longest = 0 if inventory is None else max(map(len, inventory.names), default=0)
        self._steps = 0
        """A bound for the steps of matching the regexes met so far with all names."""

    @property
    def inventory(self) -> Inventory:
        """The layers of the model. Raises `UsageError` when the import was given none."""
        if self._inventory is None:
            raise self.without_model(f"a document of {self.dialect} may have patterns")
        return self._inventory

    def without_model(self, what: str) -> UsageError:
        """Return the error for an import without a model, in which there is `what`."""
        return UsageError(f"{what}, which only a model resolves: pass 'model' (--model)")

    def has_list(self, kind: Kind) -> None:
        """Note that the document has a list of this kind, even where it gives no layer anything."""
        self._kinds[kind] = None

    def write(self, kind: Kind, sub_config: dict[str, Any]) -> None:
        """Add a sub-config as it is, where the selectors of the dialect are ours and no layer has to be known."""
        self._written.setdefault(kind, []).append(sub_config)

    def enter(self, kind: Kind, position: int, keys: Mapping[str, Any]) -> None:
        """Note what the layer at `position` gets, as the keys of a sub-config without selector; the last one counts."""
        self._entered.setdefault(kind, {})[position] = keys

    def enter_group(self, positions: Sequence[int], keys: Mapping[str, Any]) -> None:
        """Note that these layers share one budget: they are one sub-config, with `keys`."""
        self._groups.append((positions, keys))

    def lose(self, code: Code, message: str, path: ConfigPath, hint: str | None = None) -> None:
        """Say what a config list cannot, at `path` of the document."""
        self._findings[Finding.at(Place(path), code, message, hint)] = None

    def lose_floats(self, path: ConfigPath) -> None:
        """Say that numbers are floats in the document."""
        self.lose(Code.LOSSY_SETTING, "a config list has integers only, not floats", path)

    def lose_groups(self, size: object, path: ConfigPath, kind: QuantType = "weight") -> None:
        """Say that weights, or another tensor, have a scale for each group of so many."""
        hint = option_hint("group_size", size) if kind == "weight" else None
        self.lose(Code.LOSSY_APPROXIMATION, f"a config list cannot express groups of {size}", path, hint)

    def lose_dynamic(self, path: ConfigPath, kind: QuantType = "input") -> None:
        """Say that the scales of inputs, or of another tensor, are found at run time."""
        hint = option_hint("inputs", "dynamic") if kind == "input" else None
        self.lose(Code.LOSSY_APPROXIMATION, "a config list cannot express dynamic scales", path, hint)

    def lose_cache(self, path: ConfigPath) -> None:
        """Say that the key-value cache is quantized."""
        self.lose(Code.LOSSY_SETTING, "a config list cannot express the quantization of the key-value cache", path)

    def done(self) -> Import:
        """Return what was read: a quantization list where nothing was entered and no list noted."""
        lists = {**{kind: [] for kind in self._kinds}, **(self._written or self._lists())}
        if len(lists) > 1:
            config: AnyConfig = validate({kind: lists[kind] for kind in sorted(lists)})
        else:
            ((only, data),) = lists.items() if lists else (("quantization", []),)
            config = validate(data, kind=only)
        return Import(self.dialect, config, tuple(self._findings))

    def _lists(self) -> dict[Kind, list[dict[str, Any]]]:
        """Return the config lists for what was entered."""
        grouped = frozenset(itertools.chain.from_iterable(positions for positions, _ in self._groups))
        if grouped:
            self._entered.setdefault("pruning", {})
        lists: dict[Kind, list[dict[str, Any]]] = {}
        for kind, entered in self._entered.items():
            free = grouped if kind == "pruning" else frozenset()
            lists[kind] = config_list_for(self.inventory, entered, free)
        for positions, keys in self._groups:
            lists["pruning"].append({**self._group_selector(positions), **keys})
        return lists

    def _group_selector(self, positions: Sequence[int]) -> dict[str, Any]:
        """Return a selector of these layers and no others: their types, where these have no others."""
        types = dict.fromkeys(self.inventory.types[position] for position in positions)
        if sum(kind in types for kind in self.inventory.types) == len(positions):
            return {"op_types": list(types)}
        return _selector(self.inventory, positions, set())

    # Foreign values. What is not of the shape that the dialect has is refused.

    def mapping(self, value: object, path: ConfigPath) -> Mapping[str, Any]:
        """Return `value` as a mapping with names as keys."""
        if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
            return value
        raise self.refused("a mapping", path)

    def names(self, value: object, path: ConfigPath) -> Sequence[str]:
        """Return `value` as a list of strings; one string is a list of itself."""
        given = [value] if isinstance(value, str) else value
        if isinstance(given, Sequence) and all(isinstance(name, str) for name in given):
            return given
        raise self.refused("a list of names", path)

    def regex(self, pattern: str, *, in_full: bool = False) -> Callable[[str], object]:
        """Return what tells whether a name, or its start, matches a regex.

        Raises `UsageError` for what is not a regex, and where matching all of them could take longer than a minute.
        """
        found = regex(pattern, in_full=in_full)
        if found is None:
            bounds = "at most six quantifiers, none inside another, and no back-reference"
            raise UsageError(f"{represented(pattern)} in the document of {self.dialect} is not a regex with {bounds}")
        layers = 0 if self._inventory is None else len(self._inventory)
        self._steps += found.cost(layers, self._longest)
        if self._steps > _MOST_STEPS:
            what = f"{represented(pattern)} in the document with {counted(layers, 'layer')}"
            raise UsageError(f"matching {what} could take minutes")
        return found.matches

    def refused(self, what: str, path: ConfigPath) -> UsageError:
        """Return the error for a value at `path` that is not `what` it is in the dialect."""
        where = f"'{format_path(path)}'" if path else "it"
        return UsageError(f"this is not a document of {self.dialect}: {where} is not {what}")


def quantization_keys(
    bits: Mapping[QuantType, int],
    schemes: Mapping[QuantType, str],
    dtypes: Mapping[QuantType, str] | None = None,
) -> dict[str, Any]:
    """Return the keys of a quantization sub-config for the tensors that have `bits`; empty where none has."""
    if not bits:
        return {}
    keys: dict[str, Any] = {"quant_types": list(bits), "quant_bits": dict(bits), "quant_scheme": dict(schemes)}
    return keys | ({"quant_dtype": dict(dtypes)} if dtypes and "uint" in dtypes.values() else {})


def config_list_for(
    inventory: Inventory, entered: Mapping[int, Mapping[str, Any]], free: Collection[int] = frozenset()
) -> list[dict[str, Any]]:
    """Return the sub-configs that give each layer the keys entered for it, and nothing to the others.

    A default for each type of which most layers get the same, then the exceptions by name. The layers in `free` may
    get anything, as sub-configs that are added decide about them.
    """
    texts = {position: json.dumps(keys, sort_keys=True) for position, keys in entered.items()}
    keys_of = {text: entered[position] for position, text in texts.items()}
    by_type: dict[str, Counter[str | None]] = {}
    for position, kind in enumerate(inventory.types):
        if position not in free:
            by_type.setdefault(kind, Counter())[texts.get(position)] += 1
    defaults = {kind: counts.most_common(1)[0][0] for kind, counts in by_type.items()}
    exceptions: dict[str | None, list[int]] = {}
    for position, kind in enumerate(inventory.types):
        text = texts.get(position)
        if position not in free and text != defaults[kind]:
            exceptions.setdefault(text, []).append(position)
    types: dict[str, list[str]] = {}
    for kind, default in defaults.items():
        if default is not None:
            types.setdefault(default, []).append(kind)
    configs: list[dict[str, Any]] = [{"op_types": types[text], **keys_of[text]} for text in types]
    later = set(itertools.chain.from_iterable(exceptions.values())).union(free)
    # The most common first: what a partial name takes too much, later ones may overwrite.
    for text, positions in sorted(exceptions.items(), key=lambda item: -len(item[1])):
        later.difference_update(positions)
        selector = _selector(inventory, positions, later)
        configs.append({**selector, **({"exclude": True} if text is None else keys_of[text])})
    return configs


_END = re.compile(r"(?:.*\.)?[^.]*[0-9](\.[^0-9]+)")
"""A name whose last number is followed by more components: these are what equal layers of all blocks share."""

_ENOUGH = 3
"""From how many layers on a partial name is clearer than their names."""


def _selector(inventory: Inventory, positions: Sequence[int], later: set[int]) -> dict[str, Any]:
    """Return a selector of these layers and no others, but for what is overwritten `later`.

    By the ends of names where that is possible, else by names.
    """
    names, kinds = inventory.names, inventory.types
    fine = later.union(positions)
    types = list(dict.fromkeys(kinds[position] for position in positions))
    ends: dict[str, list[int]] = {}
    for position in positions:
        found = _END.fullmatch(names[position])
        if found is not None:
            ends.setdefault(found[1], []).append(position)
    others = [names[position] for position, kind in enumerate(kinds) if kind in types and position not in fine]
    partial = [
        end for end, members in ends.items() if len(members) >= _ENOUGH and not any(end in other for other in others)
    ]
    covered = {position for end in partial for position in ends[end]}
    selector: dict[str, Any] = {"op_types": types} if partial else {}
    exact = [names[position] for position in positions if position not in covered]
    if exact:
        selector["op_names"] = exact
    return selector | ({"op_partial_names": partial} if partial else {})
