"""Load and validate: plain data, YAML or JSON text, or a file, to a validated config list.

The only module that knows documents and config lists.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal, NamedTuple, TypeAlias, TypedDict, Unpack, get_args, overload

from compression_config.configs.config_list import (
    LIST_TYPES,
    AnyConfig,
    CompressionConfig,
    PruningConfigList,
    QuantizationConfigList,
    read_config,
)
from compression_config.configs.plain_data import plain
from compression_config.configs.pruning import PruningConfig
from compression_config.configs.quantization import QuantizationConfig
from compression_config.configs.recognition import is_config_list, is_foreign, may_hold_sub_configs
from compression_config.configs.sub_config import Kind, SubConfig
from compression_config.configs.validation import KINDS, inferred_kind
from compression_config.documents import Document, Format, paused_collector, read_file, read_text
from compression_config.documents.files import NO_SUCH_FILE, format_of
from compression_config.documents.python_reader import Script, ScriptList
from compression_config.errors import InvalidConfig, MissingFile, UsageError, chosen
from compression_config.findings import (
    Code,
    Finding,
    SeverityLevel,
    SeverityLevels,
    SeverityPolicy,
    comment_findings,
    has_errors,
    limited,
)
from compression_config.scripts import (
    is_script,
    known_selectors,
    named_list,
    plain_list,
    read_lists,
    script_findings,
    split_name,
)
from compression_config.text import meant_words, represented, shortened

__all__ = [
    "AnyConfig",
    "ConfigData",
    "Options",
    "Sound",
    "TextOptions",
    "checked",
    "holds_config_list",
    "is_known_in_part",
    "load",
    "loaded",
    "loads",
    "policy_of",
    "validate",
    "validated",
]

ConfigData: TypeAlias = Sequence[Mapping[str, Any] | SubConfig] | Mapping[str, Any] | AnyConfig
"""What validation takes: a list of dicts or sub-configs, a two-part mapping, or what it returned before."""


class Sound(NamedTuple):
    """The config lists without errors in a file."""

    whole: tuple[AnyConfig, ...] = ()
    """Those that the file shows completely."""
    partial: tuple[tuple[ScriptList, tuple[AnyConfig, ...]], ...] = ()
    """Lists of a script with values that are not known, each as `known_selectors` fills it."""


class Options(TypedDict, total=False):
    """The options of `validate` and `load` besides `kind`."""

    strict: bool
    severity: SeverityLevels | None


class TextOptions(Options, total=False):
    """The options of `loads` besides `kind`."""

    format: Format
    name: str


def policy_of(*, strict: bool, severity: SeverityLevels | None) -> SeverityPolicy:
    """Return the severities that a caller asks for. Raises `UsageError` for an unknown code or level."""
    if type(strict) is not bool:
        raise UsageError(f"'strict' is True or False, not {represented(strict)}")
    given = plain({} if severity is None else severity)
    if not isinstance(given, dict):
        raise UsageError(f"'severity' maps codes to levels, and is not of type {type(severity).__name__!r}")
    levels: dict[str, SeverityLevel] = {}
    for code, level in given.items():
        if code not in set(Code):
            meant = meant_words(shortened(code), [known.value for known in Code])
            raise UsageError(f"there is no finding {represented(code)}{meant}")
        levels[code] = chosen(level, get_args(SeverityLevel), "a severity")
        if Code(code).fatal and level != "error":
            raise UsageError(f"{code!r} is always an error: it leaves no usable config list")
    return SeverityPolicy(strict=strict, levels=levels)


@overload
def validate(data: ConfigData, *, kind: Literal["pruning"], **options: Unpack[Options]) -> PruningConfigList: ...
@overload
def validate(
    data: ConfigData, *, kind: Literal["quantization"], **options: Unpack[Options]
) -> QuantizationConfigList: ...
@overload
def validate(
    data: PruningConfigList | Sequence[PruningConfig], *, kind: None = None, **options: Unpack[Options]
) -> PruningConfigList: ...
@overload
def validate(
    data: QuantizationConfigList | Sequence[QuantizationConfig], *, kind: None = None, **options: Unpack[Options]
) -> QuantizationConfigList: ...
@overload
def validate(
    data: CompressionConfig | Mapping[str, Any], *, kind: None = None, **options: Unpack[Options]
) -> CompressionConfig: ...
@overload
def validate(
    data: Sequence[Mapping[str, Any] | SubConfig], *, kind: None = None, **options: Unpack[Options]
) -> PruningConfigList | QuantizationConfigList: ...
@overload
def validate(data: ConfigData, *, kind: None = None, **options: Unpack[Options]) -> AnyConfig: ...
def validate(
    data: object,
    *,
    kind: Kind | None = None,
    strict: bool = False,
    severity: SeverityLevels | None = None,
) -> AnyConfig:
    """Return `data` as a validated config list, or as two of them for a two-part document.

    Args:
        data: A list of dicts or of sub-configs, a mapping with `pruning` and `quantization`, or what this function
            returned before.
        kind: "pruning" or "quantization"; without it the keys of the list tell (D12).
        strict: Whether every warning is an error; notes stay notes (D10).
        severity: The level of each of some codes: "error", "warning", "note", or "ignore", which silences it. It comes
            before `strict`.

    Returns:
        A `PruningConfigList`, a `QuantizationConfigList`, or for a two-part document a `CompressionConfig`. With
        `kind`, the list of that kind.

    Raises:
        InvalidConfig: The list breaks a rule; it holds one finding for each, in document order (D16).
        UsageError: An option is wrong.

    Examples:
        >>> validate([{"op_types": ["Linear"], "sparsity_per_layer": 0.8}])[0].sparsity_per_layer
        0.8
    """
    return validated(data, kind=kind, policy=policy_of(strict=strict, severity=severity))


def validated(data: object, *, kind: Kind | None, policy: SeverityPolicy) -> AnyConfig:
    """Return the same as `validate` under severities that are checked already."""
    known = issubclass(type(data), AnyConfig)
    with paused_collector():
        return read_config(data if known else plain(data), kind=_checked_kind(kind), policy=policy)


@overload
def load(
    path: str | os.PathLike[str], *, kind: Literal["pruning"], **options: Unpack[Options]
) -> PruningConfigList: ...
@overload
def load(
    path: str | os.PathLike[str], *, kind: Literal["quantization"], **options: Unpack[Options]
) -> QuantizationConfigList: ...
@overload
def load(path: str | os.PathLike[str], *, kind: None = None, **options: Unpack[Options]) -> AnyConfig: ...
def load(
    path: str | os.PathLike[str],
    *,
    kind: Kind | None = None,
    strict: bool = False,
    severity: SeverityLevels | None = None,
) -> AnyConfig:
    """Return the config list in a file. Findings carry file, line and column.

    Args:
        path: A JSON file where it ends in `.json`, a Python script where it ends in `.py`, a YAML file otherwise. A
            script is read, not run: `train.py::main.config_list` is the list that is bound to `config_list` in the
            function `main`; `train.py` alone will do where it has one config list.
        kind: "pruning" or "quantization"; without it the keys of the list tell (D12).
        strict: Whether every warning is an error; notes stay notes (D10).
        severity: The level of each of some codes: "error", "warning", "note", or "ignore", which silences it. It comes
            before `strict`.

    Returns:
        A `PruningConfigList`, a `QuantizationConfigList`, or for a two-part document a `CompressionConfig`. With
        `kind`, the list of that kind.

    Raises:
        InvalidConfig: The list breaks a rule or the file cannot be read; it is a `FileNotFoundError` as well where
            there is no file.
        UsageError: An option is wrong, or the script does not show the whole list.
    """
    return loaded(path, kind=kind, policy=policy_of(strict=strict, severity=severity))


def loaded(
    path: str | os.PathLike[str],
    *,
    kind: Kind | None,
    policy: SeverityPolicy,
    text: str | None = None,
    notation: Format | None = None,
) -> AnyConfig:
    """Return the same as `load` under severities that are checked already.

    `text` is read in place of the file, as the format `notation` where the name does not tell it.
    """
    if not issubclass(type(path), str | os.PathLike):
        raise UsageError(f"a path is a string or a path object, not of type {type(path).__name__!r}")
    file, name = split_name(os.fsdecode(path))
    if is_script(file):
        return _from_script(read_lists(file, discovered=False, text=text), name, _checked_kind(kind), policy)
    with paused_collector():
        document = read_file(file) if text is None else read_text(text, notation or format_of(file), file)
        return _from_document(document, _checked_kind(kind), policy)


def checked(
    path: str | os.PathLike[str],
    *,
    kind: Kind | None,
    policy: SeverityPolicy,
    discovered: bool = False,
    text: str | None = None,
    to_resolve: bool = False,
) -> tuple[Sound, tuple[Finding, ...]]:
    """Return the config lists that are sound in the file `path`, and the findings of all of them.

    A script can have any number of lists. For `discovered` see `script_findings`; `text` is read in place of the file.
    What is returned is going to be resolved or not, which the policy tells apart. Raises `UsageError` for a wrong kind.
    """
    file, name = split_name(os.fsdecode(path))
    of_resolved = policy.beside_model() if to_resolve else policy
    if name is None and is_script(file):
        script = read_lists(file, discovered=discovered, text=text)
        return _checked_script(script, _checked_kind(kind), policy, of_resolved, discovered)
    try:
        config = loaded(path, kind=kind, policy=of_resolved, text=text)
    except InvalidConfig as error:
        return Sound(), error.findings
    return Sound((config,)), config.findings


@overload
def loads(text: str, *, kind: Literal["pruning"], **options: Unpack[TextOptions]) -> PruningConfigList: ...
@overload
def loads(text: str, *, kind: Literal["quantization"], **options: Unpack[TextOptions]) -> QuantizationConfigList: ...
@overload
def loads(text: str, *, kind: None = None, **options: Unpack[TextOptions]) -> AnyConfig: ...
def loads(
    text: str,
    *,
    format: Format = "yaml",  # noqa: A002 - the word that users look for
    name: str = "<string>",
    kind: Kind | None = None,
    strict: bool = False,
    severity: SeverityLevels | None = None,
) -> AnyConfig:
    """Return the config list written in a text.

    Args:
        text: YAML or JSON.
        format: "yaml" or "json".
        name: Stands for the name of the file in findings.
        kind: "pruning" or "quantization"; without it the keys of the list tell (D12).
        strict: Whether every warning is an error; notes stay notes (D10).
        severity: The level of each of some codes: "error", "warning", "note", or "ignore", which silences it. It comes
            before `strict`.

    Returns:
        A `PruningConfigList`, a `QuantizationConfigList`, or for a two-part document a `CompressionConfig`. With
        `kind`, the list of that kind.

    Raises:
        InvalidConfig: The text is not valid YAML or JSON, or the list breaks a rule.
        UsageError: An option is wrong.

    Examples:
        >>> loads("[{op_types: [Linear], sparsity_per_layer: 0.8}]").to_list()
        [{'op_types': ['Linear'], 'sparsity_per_layer': 0.8}]
    """
    policy = policy_of(strict=strict, severity=severity)
    notation = chosen(format, get_args(Format), "a format")
    for what, given in (("text", text), ("name", name)):
        if not issubclass(type(given), str):
            raise UsageError(f"a {what} is a string, not of type {type(given).__name__!r}")
    with paused_collector():
        document = read_text(str.__str__(text), notation, str.__str__(name))
        return _from_document(document, _checked_kind(kind), policy)


def holds_config_list(path: str) -> bool:
    """Return whether a file that was found in a directory holds a config list, other than one of another dialect.

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


def is_known_in_part(path: str) -> bool:
    """Return whether a script has config lists with values that its text does not show."""
    file, name = split_name(path)
    if name is not None or not is_script(file):
        return False
    made = (made for made in read_lists(file, discovered=True).lists if made.reported and not is_foreign(made.value))
    return any(not each.complete for each in made)


def _checked_kind(kind: object) -> Kind | None:
    return None if kind is None else chosen(kind, KINDS, "a kind")


def _from_script(script: Script, name: str | None, kind: Kind | None, policy: SeverityPolicy) -> AnyConfig:
    if script.problem is not None:
        raise _unreadable([script.problem])
    made = named_list(script, name)
    return _script_list(plain_list(made.value), kind, policy, made)


def _script_list(value: list[object], kind: Kind | None, policy: SeverityPolicy, made: ScriptList) -> AnyConfig:
    stated = kind or inferred_kind(value)
    read_as = LIST_TYPES[stated or "pruning"]
    return read_as.read(value, source=made.source, prefix=made.name, policy=policy, kind_stated=stated is not None)


def _checked_script(
    script: Script, kind: Kind | None, policy: SeverityPolicy, of_resolved: SeverityPolicy, discovered: bool
) -> tuple[Sound, tuple[Finding, ...]]:
    whole: list[AnyConfig] = []

    def check(value: list[object], of_kind: Kind | None, made: ScriptList) -> Iterable[Finding]:
        # Where a search space is, the list is complete, and what it is checked with is not what is used.
        complete = made.complete and value == plain_list(made.value)
        try:
            config = _script_list(value, of_kind, of_resolved if complete else policy, made)
        except InvalidConfig as error:
            return (*policy.apply(comment_findings(made.source)), *error.findings)
        if complete:
            whole.append(config)
        return config.findings

    findings = script_findings(script, kind, check, discovered=discovered)
    partial: list[tuple[ScriptList, tuple[AnyConfig, ...]]] = []
    for made in script.lists if script.problem is None else ():
        if made.reported and not made.complete and not is_foreign(made.value):
            with suppress(InvalidConfig):
                fillings = known_selectors(made)
                partial.append((made, tuple(_script_list(value, kind, of_resolved, made) for value in fillings)))
    return Sound(tuple(whole), tuple(partial)), tuple(findings)


def _from_document(document: Document, kind: Kind | None, policy: SeverityPolicy) -> AnyConfig:
    found = policy.apply((*document.findings, *comment_findings(document.source)))
    if not document.complete:
        raise _unreadable(found)
    try:
        config = read_config(document.value, source=document.source, kind=kind, policy=policy)
    except InvalidConfig as error:
        raise InvalidConfig(_in_text_order((*found, *_of_what_was_read(document, error.findings)))) from None
    if has_errors(found):
        raise InvalidConfig(_in_text_order((*found, *_of_what_was_read(document, config.findings))))
    return config


def _unreadable(findings: Sequence[Finding]) -> InvalidConfig:
    missing = any(finding.message == NO_SUCH_FILE for finding in findings)
    return MissingFile(findings) if missing else InvalidConfig(findings)


def _of_what_was_read(document: Document, findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield the findings, without those about a value that could not be read: it is not missing as well."""
    return (finding for finding in findings if document.positions.span(finding.path) not in document.unread)


def _in_text_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return limited(sorted(findings, key=lambda finding: finding.span or ((0, 0), (0, 0))))
