"""Plain data to sub-configs: the one entrance of validation, used by `load`, by `validate` and by joined lists."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from compression_config.configs.dialects import (
    FOREIGN_KEYS,
    ForeignDocument,
    foreign_document,
    foreign_list,
    is_importable,
    nni_dialect,
)
from compression_config.configs.plain_data import Opaque, shown
from compression_config.configs.pruning import PruningConfig
from compression_config.configs.quantization import QuantizationConfig
from compression_config.configs.sub_config import SELECTOR_KEYS, Kind, SubConfig
from compression_config.errors import InvalidConfig
from compression_config.findings import Code, Finding, LocalFinding, Severity, SeverityPolicy, Shortlist
from compression_config.locations import ConfigPath, Place, Provenance, format_path
from compression_config.text import counted, joined, nearest, printable, shortened

__all__ = [
    "CONFIG_TYPES",
    "KINDS",
    "another_document",
    "inferred_kind",
    "not_ignored",
    "once",
    "reported",
    "unknown_part",
    "validated",
]

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
    whole = _not_one_list(data)
    local = [finding._replace(path=(index, *finding.path)) for index, finding in made] if whole is None else [whole]
    if provenance.place(()).path == (kind,):
        local = [_of_part(finding, kind) for finding in local]
    if not start and not provenance.place(()).path and nni_dialect(data) is not None:
        local = _with_import(local)
    local = [_after(finding, start) for finding in once(not_ignored(local, provenance))]
    raise InvalidConfig(reported(local, provenance, policy))


def _after(finding: LocalFinding, start: int) -> LocalFinding:
    """Return a finding about a list that continues one of `start` sub-configs."""
    if not start:
        return finding
    path, *elsewhere = ((start + int(index), *inside) for index, *inside in (finding.path, *finding.elsewhere))
    return finding._replace(path=path, elsewhere=tuple(elsewhere))


def _not_one_list(data: list[object]) -> LocalFinding | None:
    """Return what is wrong with a list as a whole: it is another tool's, or holds lists; else None."""
    if (foreign := foreign_list(data, _LEGAL)) is not None:
        return _of_another_tool(foreign)
    if len(data) > 1 and all(isinstance(item, list) for item in data):
        message = f"a config list is one list of sub-configs, not {len(data)} lists in one"
        return LocalFinding(Code.NOT_A_MAPPING, message, "give one of them, or each in a file of its own", (0,))
    if all(isinstance(item, dict) and _LEGAL.isdisjoint(item) for item in data):
        hint = _where_the_list_is(data)
        return None if hint is None else LocalFinding(Code.NOT_A_MAPPING, "these are not sub-configs", hint, (0,))
    return None


def _of_another_tool(foreign: ForeignDocument, whole: Mapping[str, object] | None = None) -> LocalFinding:
    """Return whose document this is; `whole` is all that was given, where the document is a mapping and all of it."""
    message = f"this is a document of {foreign.tool}, not a config list"
    hint = foreign.hint
    if whole is not None and is_importable(whole):
        convert = "convert it with 'compression-config import'"
        hint = f"{hint}, or {convert}" if isinstance(hint, str) else convert
    return LocalFinding(Code.OTHER_DIALECT, message, hint, foreign.path, at_key=True)


def not_ignored(findings: Iterable[LocalFinding], provenance: Provenance) -> Iterable[LocalFinding]:
    """Return findings without those that a comment at their place silences."""
    if not any(source.comments for source in provenance.sources):
        return findings
    return (
        finding
        for finding in findings
        if finding.code.fatal or finding.code not in provenance.place(finding.path, key=finding.at_key).ignored
    )


_IMPORT = "; or convert the whole list with 'compression-config import'"


def _with_import(findings: Sequence[LocalFinding]) -> list[LocalFinding]:
    """Return findings about a list of another version of NNI, the first of which offers to import it as a whole."""
    found = list(findings)
    for code in (Code.OTHER_DIALECT, Code.UNKNOWN_VALUE):
        for place, finding in enumerate(found):
            if finding.code is code and finding.hint is not None:
                hint = finding.hint
                more = hint + _IMPORT if isinstance(hint, str) else hint.followed_by(_IMPORT)
                found[place] = finding._replace(hint=more)
                return found
    return found


def once(findings: Iterable[LocalFinding]) -> list[LocalFinding]:
    """Return the findings of a list, with one in place of many that a list draws in each of its sub-configs (D5, D10).

    It is at the first place, and counts the others.
    """
    found = list(findings)
    places: dict[tuple[Code, str], list[ConfigPath]] = {}
    for finding in found:
        if finding.code in _ONCE:
            places.setdefault((finding.code, finding.message), []).append(finding.path)
    reported: set[Code] = set()
    kept = []
    for finding in found:
        if finding.code not in _ONCE:
            kept.append(finding)
        elif finding.code not in reported:
            reported.add(finding.code)
            elsewhere = tuple(places[finding.code, finding.message][1:])
            others = f", here and in {counted(len(elsewhere), 'more sub-config')}" if elsewhere else ""
            kept.append(finding._replace(message=finding.message + others, elsewhere=elsewhere))
    return kept


_ONCE = frozenset({Code.LEGACY_KEY, Code.UNPAIRED_QUANT_TYPES, Code.MASKS_NOTHING})


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
        return _mapping_for_list(data, in_yaml=in_yaml, whole=not provenance.place(()).path)
    if data is None:
        hint = "write [] if nothing is to be compressed"
        return LocalFinding(Code.NOT_A_LIST, "a config list is a list, not an empty value", hint)
    hint = "write a list of sub-configs"
    if in_python and not provenance.place(()).path and (isinstance(data, str) or _is_path(data)):
        hint = "write load(...) to read a file, loads(...) to read a text"
    return LocalFinding(Code.NOT_A_LIST, f"a config list is a list, not {shown(data)}", hint)


def _is_path(data: object) -> bool:
    return isinstance(data, Opaque) and data.is_path


def another_document(data: Mapping[str, object]) -> LocalFinding | None:
    """Return that a mapping with a part of a two-part document is another tool's all the same; else None."""
    if all(isinstance(data[kind], list) for kind in KINDS if kind in data):
        return None
    foreign = foreign_document(data)
    return None if foreign is None else _of_another_tool(foreign, data)


def _mapping_for_list(data: Mapping[str, object], *, in_yaml: bool, whole: bool) -> LocalFinding:
    if data.get("format") == "compression-config-inventory":
        hint = "pass the inventory as the model, and a config list in its place"
        return LocalFinding(Code.NOT_A_LIST, "a config list is a list, not an inventory", hint)
    if data.keys().isdisjoint(SELECTOR_KEYS) and (foreign := foreign_document(data)) is not None:
        return _of_another_tool(foreign, data if whole else None)
    if not data.keys().isdisjoint(_OF_SUB_CONFIGS):
        dash = ", or write '- ' before its first key and indent the others" if in_yaml else ""
        return LocalFinding(Code.NOT_A_LIST, "a config list is a list, not a single sub-config", f"put it in [ ]{dash}")
    hint = "write a list of sub-configs, or two of them under 'pruning' and 'quantization'"
    name = printable(shortened(next(iter(data), "")))
    if len(data) == 1 and isinstance(next(iter(data.values())), list):
        hint = f"write the list without the key '{name}', or name the key 'pruning' or 'quantization'"
    elif (place := _where_the_list_is(data)) is not None:
        hint = place
    elif data and all(isinstance(part, dict) and not _LEGAL.isdisjoint(part) for part in data.values()):
        hint = f"write one sub-config for each of its keys, with '{name}' in its 'op_names'"
    return LocalFinding(Code.NOT_A_LIST, "a config list is a list, not a mapping", hint)


def _where_the_list_is(data: object) -> str | None:
    """Return which list to give, where config lists are deeper inside a document; None without one."""
    paths = list(itertools.islice(_config_lists(data, (), _DEEPEST), _MANY))
    if not paths:
        return None
    parents = {path[:-1] for path in paths}
    if len(paths) > 1 and len(parents) == 1 and all(path[-1] in KINDS for path in paths):
        return f"the two lists are in {format_path(*parents)}: give what is there"
    if len(paths) == 1:
        return f"the list is at {format_path(paths[0])}: give that"
    return f"there are several lists: give one of them, {joined(map(format_path, paths), 'or')}"


def _config_lists(data: object, path: ConfigPath, depth: int) -> Iterator[ConfigPath]:
    """Yield where config lists are inside a document."""
    if path and isinstance(data, list) and any(_selects(item) for item in data):
        yield path
    elif depth and isinstance(data, dict | list):
        for step, part in data.items() if isinstance(data, dict) else enumerate(data):
            yield from _config_lists(part, (*path, step), depth - 1)


def _selects(item: object) -> bool:
    return isinstance(item, dict) and not item.keys().isdisjoint(SELECTOR_KEYS)


_DEEPEST = 5
"""How deep config lists are looked for: deeper than any experiment's settings hold one."""
_MANY = 5
"""How many of them a hint names."""


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


_LEGAL = frozenset(key for config_type in CONFIG_TYPES.values() for key in config_type.model_fields)
_OF_SUB_CONFIGS = _LEGAL.union(key for key, foreign in FOREIGN_KEYS.items() if foreign.stands_for)
"""The keys that show a sub-config, also one of another dialect."""
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


def unknown_part(key: str, parts: Collection[str]) -> LocalFinding:
    """Return that a two-part document, of these `parts`, has a key that is not one of the two."""
    close = nearest(shortened(key), KINDS)
    hint = f"write '{close}'" if close else "a two-part document has the keys 'pruning' and 'quantization'"
    message = f"there is no part '{printable(shortened(key))}' in a two-part document"
    finding = LocalFinding(Code.UNKNOWN_KEY, message, hint, (key,), at_key=True)
    return finding._replace(fix=("rename", close), safe=True) if close and close not in parts else finding


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
    if local.code is Code.UNQUOTED_NAME and notation != "python" and (raw := _text_at(place)) is not None:
        # The text of the file: `1.10`, not the 1.1 that it became (D15).
        one = {"op_types": "type", "op_names": "name", "op_partial_names": "partial name"}[str(local.path[-2])]
        read_as = "a boolean" if raw.lower() in ("true", "false") else "a number"
        message, hint = f"{raw} is read as {read_as}, not as a {one}", f'write "{raw}"'
        local = local._replace(fix=("replace", raw), safe=shortened(raw) == raw)
    elif local.code is Code.OUT_OF_RANGE and notation != "python":
        message = _with_number_as_written(message, place)
    fix = local.edits(place.path)
    return Finding.at(place, local.code, message, hint, severity=severity, fix=fix, safe=local.safe)


def _with_number_as_written(message: str, place: Place) -> str:
    """Return a message with the number at its end as the text has it: `1e400`, not the `inf` that it became."""
    start, separator, shown_number = message.rpartition(", not ")
    raw = _text_at(place)
    try:
        same = bool(separator) and raw is not None and float(raw) == float(shown_number)
    except ValueError:
        same = False
    return f"{start}{separator}{raw}" if same else message


def _text_at(place: Place) -> str | None:
    """Return what the text has at a place, shortened; None for what is on several lines."""
    if place.span is None or place.excerpt is None or place.span.start.line != place.span.end.line:
        return None
    return shortened(place.excerpt[place.span.start.column - 1 : place.span.end.column - 1])
