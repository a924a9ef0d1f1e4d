"""Plain data to sub-configs: the one entrance of validation, used by `load`, by `validate` and by joined lists."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any

from compression_config.configs.dialects import FOREIGN_KEYS, foreign_document
from compression_config.configs.plain_data import Opaque, shown
from compression_config.configs.pruning import PruningConfig
from compression_config.configs.quantization import QuantizationConfig
from compression_config.configs.sub_config import Kind, SubConfig
from compression_config.errors import InvalidConfig
from compression_config.findings import Code, Finding, LocalFinding, Severity, SeverityPolicy, Shortlist
from compression_config.locations import Place, Provenance
from compression_config.text import nearest, printable, shortened

__all__ = ["CONFIG_TYPES", "KINDS", "inferred_kind", "reported", "validated"]

CONFIG_TYPES: Mapping[Kind, type[SubConfig]] = {"pruning": PruningConfig, "quantization": QuantizationConfig}
KINDS: tuple[Kind, ...] = ("pruning", "quantization")


def validated(
    data: object, kind: Kind, provenance: Provenance, policy: SeverityPolicy, *, start: int = 0
) -> tuple[Any, ...]:
    """Return the sub-configs of a list of plain data.

    `start` is the index that its first sub-config has in messages.

    Raises `InvalidConfig` holding everything that is wrong, in list order, and in between the warnings and notes
    of the sound sub-configs.
    """
    if not isinstance(data, list):
        raise InvalidConfig(reported([_not_a_list(data, provenance)], provenance, policy))
    made = CONFIG_TYPES[kind].all_made(data)
    if isinstance(made, tuple):
        return made
    local = (finding._replace(path=(start + index, *finding.path)) for index, finding in made)
    if provenance.place(()).path == (kind,):
        local = (_of_part(finding, kind) for finding in local)
    raise InvalidConfig(reported(local, provenance, policy))


def _of_part(finding: LocalFinding, part: Kind) -> LocalFinding:
    """Return a finding about one part of a two-part document: what belongs to the other has to be moved there."""
    if finding.code is not Code.MIXED_KINDS:
        return finding
    other = next(kind for kind in KINDS if kind != part)
    return finding._replace(hint=f"write it in a sub-config under '{other}'")


def _not_a_list(data: object, provenance: Provenance) -> LocalFinding:
    """Return what was written in place of a config list."""
    in_python, in_yaml = (provenance.notation(()) == notation for notation in ("python", "yaml"))
    if isinstance(data, dict):
        return _mapping_for_list(data, in_yaml=in_yaml)
    if data is None:
        hint = "write [] if nothing is to be compressed"
        return LocalFinding(Code.NOT_A_LIST, "a config list is a list, not an empty value", hint)
    hint = "write a list of sub-configs"
    if in_python and not provenance.place(()).path and (isinstance(data, str) or _is_path(data)):
        hint = "write load(...) to read a file, loads(...) to read a text"
    return LocalFinding(Code.NOT_A_LIST, f"a config list is a list, not {shown(data)}", hint)


def _is_path(data: object) -> bool:
    return isinstance(data, Opaque) and data.is_path


def _mapping_for_list(data: Mapping[str, object], *, in_yaml: bool) -> LocalFinding:
    if data.get("format") == "compression-config-inventory":
        hint = "pass the inventory as the model, and a config list in its place"
        return LocalFinding(Code.NOT_A_LIST, "a config list is a list, not an inventory", hint)
    if (found := foreign_document(data)) is not None:
        key, foreign = found
        message = f"'{key}' belongs to a document of {foreign.dialect}; a config list is a list"
        return LocalFinding(Code.OTHER_DIALECT, message, foreign.hint, (key,), at_key=True)
    if any(key in config.model_fields or key in FOREIGN_KEYS for key in data for config in CONFIG_TYPES.values()):
        dash = ", or write '- ' before its first key and indent the others" if in_yaml else ""
        return LocalFinding(Code.NOT_A_LIST, "a config list is a list, not a single sub-config", f"put it in [ ]{dash}")
    hint = "write a list of sub-configs, or two of them under 'pruning' and 'quantization'"
    name = printable(shortened(next(iter(data), "")))
    if len(data) == 1 and isinstance(next(iter(data.values())), list):
        hint = f"write the list without the key '{name}', or name the key 'pruning' or 'quantization'"
    if data and all(isinstance(part, dict) for part in data.values()):
        hint = f"write one sub-config for each of its keys, with '{name}' in its 'op_names'"
    return LocalFinding(Code.NOT_A_LIST, "a config list is a list, not a mapping", hint)


def inferred_kind(items: object) -> Kind | None:
    """Return the kind that the keys of a list of plain data show, or None when nothing in it compresses (D12).

    The first key that is a setting decides; keys of the other kind are reported where they are. Without one, a
    misspelt or foreign key counts for the kind it resembles; then the class of a sub-config that only excludes.
    """
    guess: Kind | None = None
    excluding: Kind | None = None
    for item in items if isinstance(items, list) else ():
        if isinstance(item, SubConfig):
            if not item.exclude:
                return item.kind
            excluding = excluding or item.kind
        elif isinstance(item, dict):
            for key in item:
                if key in _KIND_OF:
                    return _KIND_OF[key]
            unknown = (key for key in item if key not in SubConfig.model_fields)
            guess = guess or next(filter(None, map(_resembled, unknown)), None)
    return guess or excluding


_KIND_OF: Mapping[str, Kind] = {
    key: kind for kind, config_type in CONFIG_TYPES.items() for key in config_type.setting_keys()
}
"""The kind of each key that is a setting of one kind only."""


@functools.lru_cache(maxsize=1024)
def _resembled(key: str) -> Kind | None:
    """Return the kind of the settings that an unknown key stands for or looks like, or None."""
    meant = FOREIGN_KEYS[key].stands_for if key in FOREIGN_KEYS else ()
    for kind, config_type in CONFIG_TYPES.items():
        settings = config_type.setting_keys()
        if not settings.isdisjoint(meant) or nearest(shortened(key), settings):
            return kind
    return None


def reported(findings: Iterable[LocalFinding], provenance: Provenance, policy: SeverityPolicy) -> tuple[Finding, ...]:
    """Return the first 1,000 findings with the severities of `policy`, and those that count the rest (D22).

    The others get no place, which takes most of the time.
    """
    shortlist = Shortlist()
    for local in findings:
        level = policy.level(local)
        if level != "ignore" and shortlist.has_room(Severity(level)):
            shortlist.add(_placed(local, provenance, Severity(level)))
    return shortlist.findings()


def _placed(local: LocalFinding, provenance: Provenance, severity: Severity) -> Finding:
    """Return a finding at its place, with its hint in the notation of the file."""
    place = provenance.place(local.path, key=local.at_key)
    notation = provenance.notation(local.path)
    message, hint = local.message, local.hint_in(notation)
    if local.code is Code.UNQUOTED_NAME and notation != "python":
        message, hint = _as_written(local, place) or (message, hint)
    return Finding.at(place, local.code, message, hint, severity=severity)


def _as_written(finding: LocalFinding, place: Place) -> tuple[str, str] | None:
    """Return message and hint with the text of the file in them: `1.10`, not the 1.1 that it became (D15)."""
    if place.span is None or place.excerpt is None or place.span.start.line != place.span.end.line:
        return None
    raw = shortened(place.excerpt[place.span.start.column - 1 : place.span.end.column - 1])
    one = {"op_types": "type", "op_names": "name", "op_partial_names": "partial name"}[str(finding.path[-2])]
    read_as = "a boolean" if raw.lower() in ("true", "false") else "a number"
    return f"{raw} is read as {read_as}, not as a {one}", f'write "{raw}"'
