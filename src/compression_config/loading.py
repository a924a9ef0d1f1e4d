"""Into the house: plain data, YAML or JSON text, or a file, to a validated config list."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args, overload

from compression_config.configs.config_list import (
    CompressionConfig,
    PruningConfigList,
    QuantizationConfigList,
)
from compression_config.configs.plain_data import Remark
from compression_config.configs.recognition import is_config_list, is_foreign, may_hold_sub_configs
from compression_config.configs.sub_config import Kind, SubConfig
from compression_config.configs.validation import KINDS, inferred_kind, placed, total, validated
from compression_config.documents import Document, read_file, read_text
from compression_config.documents.collecting import paused_collector
from compression_config.documents.python_reader import Script, ScriptList
from compression_config.errors import InvalidConfig, UsageError
from compression_config.findings import Code, Finding, SeverityLevel, SeverityPolicy, has_errors
from compression_config.locations import ConfigPath, Provenance, SourceMap
from compression_config.scripts import is_script, named_list, read_lists, script_findings, split_name
from compression_config.text import listed, nearest, printable

__all__ = ["AnyConfig", "ConfigData", "checked", "holds_config_list", "load", "loads", "policy_of", "validate"]

AnyConfig: TypeAlias = PruningConfigList | QuantizationConfigList | CompressionConfig
"""What validation returns: a list of one kind, or the two lists of a two-part document."""

ConfigData: TypeAlias = Sequence[Mapping[str, Any] | SubConfig] | Mapping[str, Any] | AnyConfig
"""What validation takes: a list of dicts or sub-configs, a two-part mapping, or what it returned before."""

_LISTS: Mapping[Kind, type[PruningConfigList | QuantizationConfigList]] = {
    "pruning": PruningConfigList,
    "quantization": QuantizationConfigList,
}


def policy_of(*, strict: bool, severity: Mapping[str, SeverityLevel] | None) -> SeverityPolicy:
    """Return the severities that a caller asks for. Raises `UsageError` for an unknown code or level."""
    if severity is not None and not isinstance(severity, Mapping):
        raise UsageError(f"'severity' maps codes to levels, and is not of type {type(severity).__name__!r}")
    levels = dict(severity or {})
    for code, level in levels.items():
        if code not in set(Code):
            close = nearest(str(code), [known.value for known in Code])
            raise UsageError(f"there is no finding {str(code)!r}" + (f"; did you mean {close[0]!r}?" if close else ""))
        if level not in get_args(SeverityLevel):
            raise UsageError(f"a severity is {listed(get_args(SeverityLevel), last='or')}, not {level!r}")
        if Code(code).fatal and level != "error":
            raise UsageError(f"{str(code)!r} stays an error: what it speaks of leaves no config list to go on with")
    return SeverityPolicy(strict=strict, levels={str(code): level for code, level in levels.items()})


@overload
def validate(
    data: ConfigData,
    *,
    kind: Literal["pruning"],
    strict: bool = False,
    severity: Mapping[str, SeverityLevel] | None = None,
) -> PruningConfigList: ...
@overload
def validate(
    data: ConfigData,
    *,
    kind: Literal["quantization"],
    strict: bool = False,
    severity: Mapping[str, SeverityLevel] | None = None,
) -> QuantizationConfigList: ...
@overload
def validate(
    data: ConfigData,
    *,
    kind: None = None,
    strict: bool = False,
    severity: Mapping[str, SeverityLevel] | None = None,
) -> AnyConfig: ...
def validate(
    data: object,
    *,
    kind: Kind | None = None,
    strict: bool = False,
    severity: Mapping[str, SeverityLevel] | None = None,
) -> AnyConfig:
    """Return `data` as a validated config list, or as two of them for a two-part document.

    The kind is inferred from the keys unless `kind` states it (D12). `strict` turns every warning into an
    error (D10); `severity` sets the severity of a code, or silences it with "ignore".

    Raises `InvalidConfig` holding one finding for each broken rule, in document order (D16), and
    `UsageError` for an unknown kind, code or level.

    >>> validate([{"op_types": ["Linear"], "sparsity_per_layer": 0.8}])[0].sparsity_per_layer
    0.8
    """
    policy = policy_of(strict=strict, severity=severity)
    checked_kind = _checked_kind(kind)
    return total(lambda given: _validated(given, None, checked_kind, policy), data)


@overload
def load(
    path: str | os.PathLike[str],
    *,
    kind: Literal["pruning"],
    strict: bool = False,
    severity: Mapping[str, SeverityLevel] | None = None,
) -> PruningConfigList: ...
@overload
def load(
    path: str | os.PathLike[str],
    *,
    kind: Literal["quantization"],
    strict: bool = False,
    severity: Mapping[str, SeverityLevel] | None = None,
) -> QuantizationConfigList: ...
@overload
def load(
    path: str | os.PathLike[str],
    *,
    kind: None = None,
    strict: bool = False,
    severity: Mapping[str, SeverityLevel] | None = None,
) -> AnyConfig: ...
def load(
    path: str | os.PathLike[str],
    *,
    kind: Kind | None = None,
    strict: bool = False,
    severity: Mapping[str, SeverityLevel] | None = None,
) -> AnyConfig:
    """Return the config list in the file `path`: JSON when it ends in `.json`, YAML otherwise.

    A Python script is read, not run: `train.py::main.config_list` is the list that is bound to `config_list` in the
    function `main`; `train.py` alone will do where it has one config list. Raises `UsageError` where the script does
    not show the whole list.

    Findings carry file, line and column. Options and errors are those of `validate`; a file that cannot
    be read raises `InvalidConfig` too.
    """
    policy = policy_of(strict=strict, severity=severity)
    if not isinstance(path, str | os.PathLike):
        raise UsageError(f"a path is a string or a path object, not of type {type(path).__name__!r}")
    file, name = split_name(os.fsdecode(path))
    if is_script(file):
        return _from_script(read_lists(file, discovered=False), name, _checked_kind(kind), policy)
    with paused_collector():
        return _from_document(read_file(file), _checked_kind(kind), policy)


def checked(
    path: str | os.PathLike[str],
    *,
    kind: Kind | None = None,
    strict: bool = False,
    severity: Mapping[str, SeverityLevel] | None = None,
    discovered: bool = False,
) -> tuple[tuple[AnyConfig, ...], tuple[Finding, ...]]:
    """Return the config lists that are sound in the file `path`, and what is to be said of all of them.

    A script can have any number of lists, of which only those that it shows completely are returned. For
    `discovered` see `script_findings`. Raises `UsageError` for a wrong option.
    """
    file, name = split_name(os.fsdecode(path))
    if name is None and is_script(file):
        return _checked_script(file, _checked_kind(kind), policy_of(strict=strict, severity=severity), discovered)
    try:
        config: AnyConfig = load(path, kind=kind, strict=strict, severity=severity)
    except InvalidConfig as error:
        return (), error.findings
    return (config,), config.findings


@overload
def loads(
    text: str,
    *,
    format: Literal["yaml", "json"] = "yaml",
    name: str = "<string>",
    kind: Literal["pruning"],
    strict: bool = False,
    severity: Mapping[str, SeverityLevel] | None = None,
) -> PruningConfigList: ...
@overload
def loads(
    text: str,
    *,
    format: Literal["yaml", "json"] = "yaml",
    name: str = "<string>",
    kind: Literal["quantization"],
    strict: bool = False,
    severity: Mapping[str, SeverityLevel] | None = None,
) -> QuantizationConfigList: ...
@overload
def loads(
    text: str,
    *,
    format: Literal["yaml", "json"] = "yaml",
    name: str = "<string>",
    kind: None = None,
    strict: bool = False,
    severity: Mapping[str, SeverityLevel] | None = None,
) -> AnyConfig: ...
def loads(
    text: str,
    *,
    format: Literal["yaml", "json"] = "yaml",  # noqa: A002 - the word that users look for
    name: str = "<string>",
    kind: Kind | None = None,
    strict: bool = False,
    severity: Mapping[str, SeverityLevel] | None = None,
) -> AnyConfig:
    """Return the config list written in `text`; `name` stands for the file in findings.

    Options and errors are those of `validate`.
    """
    policy = policy_of(strict=strict, severity=severity)
    if format not in ("yaml", "json"):
        raise UsageError(f"a format is 'yaml' or 'json', not {format!r}")
    if not isinstance(text, str):
        raise UsageError(f"a text is a string, not of type {type(text).__name__!r}")
    with paused_collector():
        return _from_document(read_text(text, format, name), _checked_kind(kind), policy)


def holds_config_list(path: str) -> bool:
    """Return whether there is a config list in a file that nobody named as one; those of other dialects do not count.

    A YAML or JSON file that cannot be read to its end has one if its text has the keys of one.
    """
    if is_script(path):
        script = read_lists(path, discovered=True)
        return any(made.reported and not is_foreign(made.value) for made in script.lists)
    document = read_file(path, worth_reading=may_hold_sub_configs)
    if not document.complete:
        return may_hold_sub_configs(document.source.text)
    value = document.value
    parts = [value.get(kind) for kind in KINDS] if isinstance(value, dict) else [value]
    return any(isinstance(part, list) and is_config_list(part) for part in parts)


def _checked_kind(kind: object) -> Kind | None:
    for known in (*KINDS, None):
        if kind == known:
            return known
    raise UsageError(f"a kind is {listed(KINDS, last='or')}, not {kind!r}")


def _from_script(script: Script, name: str | None, kind: Kind | None, policy: SeverityPolicy) -> AnyConfig:
    if script.problem is not None:
        raise InvalidConfig([script.problem])
    made = named_list(script, name)
    return _one_list(made.value, made.source, kind, policy, prefix=made.name)


def _checked_script(
    file: str, kind: Kind | None, policy: SeverityPolicy, discovered: bool
) -> tuple[tuple[AnyConfig, ...], tuple[Finding, ...]]:
    sound: list[AnyConfig] = []

    def check(value: list[object], of_kind: Kind | None, made: ScriptList) -> Iterable[Finding]:
        try:
            config = _one_list(value, made.source, of_kind, policy, prefix=made.name)
        except InvalidConfig as error:
            return error.findings
        if made.complete:
            sound.append(config)
        return config.findings

    findings = script_findings(read_lists(file, discovered=discovered), kind, check, discovered=discovered)
    return tuple(sound), tuple(findings)


def _from_document(document: Document, kind: Kind | None, policy: SeverityPolicy) -> AnyConfig:
    said = policy.apply(document.findings)
    if not document.complete:
        raise InvalidConfig(said)
    try:
        config = _validated(document.value, document.source, kind, policy)
    except InvalidConfig as error:
        raise InvalidConfig(_in_text_order((*said, *_of_what_was_read(document, error.findings)))) from None
    if has_errors(said):
        raise InvalidConfig(_in_text_order((*said, *_of_what_was_read(document, config.findings))))
    return config


def _of_what_was_read(document: Document, findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield the findings, without those about a value that could not be read: it is not missing as well."""
    return (finding for finding in findings if document.positions.span(finding.path) not in document.unread)


def _in_text_order(findings: Sequence[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: finding.span or ((0, 0), (0, 0)))


def _validated(data: object, source: SourceMap | None, kind: Kind | None, policy: SeverityPolicy) -> AnyConfig:
    config: AnyConfig
    if isinstance(data, PruningConfigList | QuantizationConfigList | CompressionConfig):
        config = data if policy == SeverityPolicy() else data.with_policy(policy)
    elif isinstance(data, Mapping) and any(known in data for known in KINDS):
        config = _two_parts(data, source, policy)
    else:
        return _one_list(data, source, kind, policy)
    return config if kind is None else _part(config, kind)


def _part(config: AnyConfig, kind: Kind) -> AnyConfig:
    """Return the list of one kind. Raises `InvalidConfig` when `config` is a list of the other."""
    if isinstance(config, CompressionConfig):
        return config.pruning if kind == "pruning" else config.quantization
    if config.kind != kind:
        message = f"this is a {config.kind} list, not a {kind} list"
        raise InvalidConfig(
            [Finding(Code.MIXED_KINDS, Code.MIXED_KINDS.severity, message, f"state kind {config.kind}")]
        )
    return config


def _two_parts(data: Mapping[Any, object], source: SourceMap | None, policy: SeverityPolicy) -> CompressionConfig:
    """Return both lists of a two-part document. Raises one `InvalidConfig` for all that is wrong with either."""
    findings = list(placed(map(_unknown_part, (key for key in data if key not in KINDS)), Provenance.of(0, source)))
    parts: dict[str, Any] = {}
    for key, part in data.items():
        if key not in KINDS:
            continue
        try:
            parts[key] = _one_list(part, source, key, policy, prefix=(key,))
            findings += parts[key].findings
        except InvalidConfig as error:
            findings += error.findings
    if has_errors(findings):
        raise InvalidConfig(findings if source is None else _in_text_order(findings))
    return CompressionConfig(**parts)


def _unknown_part(key: object) -> Remark:
    name = printable(str(key))
    close = nearest(name, KINDS)
    hint = f"write '{close[0]}'" if close else "a two-part document has the keys 'pruning' and 'quantization'"
    return Remark(Code.UNKNOWN_KEY, f"there is no part '{name}' in a two-part document", hint, (name,), at_key=True)


def _of_part(remarks: Iterable[Remark], part: Kind) -> Iterator[Remark]:
    """Yield the remarks about one part of a two-part document: what belongs to the other is only to be moved."""
    other = next(kind for kind in KINDS if kind != part)
    for remark in remarks:
        moved = remark.code is Code.MIXED_KINDS
        yield remark._replace(hint=f"write it in a sub-config under '{other}:'") if moved else remark


def _one_list(
    data: object, source: SourceMap | None, kind: Kind | None, policy: SeverityPolicy, *, prefix: ConfigPath = ()
) -> PruningConfigList | QuantizationConfigList:
    stated = kind or inferred_kind(data)
    read_as = stated or "pruning"
    configs, remarks = validated(data, read_as)
    if source is None and not prefix and isinstance(data, str | os.PathLike):
        hint = "write load(...) to read a file, loads(...) to read a text"
        remarks = [remark._replace(hint=hint) for remark in remarks]
    if configs is None:
        provenance = Provenance.of(len(data) if isinstance(data, Sequence) else 0, source, prefix)
        raise InvalidConfig(policy.apply(placed(_of_part(remarks, read_as) if prefix else remarks, provenance)))
    provenance = Provenance.of(len(configs), source, prefix)
    result = _LISTS[read_as](configs, provenance=provenance, policy=policy, kind_stated=stated is not None)
    if policy.raises and has_errors(result.findings):
        raise InvalidConfig(result.findings)
    return result
