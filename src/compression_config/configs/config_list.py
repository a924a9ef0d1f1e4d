"""Config lists: sub-configs in order, each with the place it came from; and two-part documents of two lists.

Both are made of plain data by `read_config`, joined by `+`, and fields of other pydantic models.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Generic, Self, TypeAlias, TypeVar, cast, overload

from pydantic_core import CoreSchema, core_schema

from compression_config.configs.json_schema import inline_schema
from compression_config.configs.plain_data import plain
from compression_config.configs.pruning import PruningConfig
from compression_config.configs.quantization import QuantizationConfig
from compression_config.configs.sub_config import TWO_LISTS, Kind, SubConfig, validation_error
from compression_config.configs.validation import (
    CONFIG_TYPES,
    KINDS,
    another_document,
    inferred_kind,
    not_ignored,
    once,
    reported,
    unknown_part,
    validated,
)
from compression_config.errors import InvalidConfig
from compression_config.findings import (
    Code,
    Finding,
    LocalFinding,
    Severity,
    SeverityPolicy,
    comment_findings,
    has_errors,
    limited,
)
from compression_config.locations import ConfigPath, Provenance, SourceMap

__all__ = [
    "LIST_TYPES",
    "AnyConfig",
    "CompressionConfig",
    "ConfigList",
    "PruningConfigList",
    "QuantizationConfigList",
    "read_config",
]

C = TypeVar("C", bound=SubConfig)
F = TypeVar("F")


def _field(cls: type[F], read: Callable[[object], F], dumped: Callable[[F], object]) -> CoreSchema:
    """Return how pydantic models of other programs have a `cls` as a field: read from plain data, dumped as such."""

    def made(value: object) -> F:
        if isinstance(value, cls):
            return value
        data = plain(value)
        try:
            return read(data)
        except InvalidConfig as error:
            faults = (fault for fault in error.findings if fault.severity is Severity.ERROR)
            entries = ((fault.code, fault.message, fault.hint, fault.path) for fault in faults)
            raise validation_error(cls.__name__, data, entries) from None

    serialization = core_schema.plain_serializer_function_ser_schema(dumped)
    return core_schema.no_info_plain_validator_function(made, serialization=serialization)


class ConfigList(Sequence[C], Generic[C]):
    """A validated config list: read-only, in list order; equal to another of its kind with equal sub-configs.

    `a + b` is the longer list, in which those of `b` overwrite; one of the two may be plain data. Each sub-config keeps
    the file and the place it came from. It can be a field of a pydantic model.

    Args:
        configs: Sub-configs, or plain data.
        policy: The severities of its findings; those of the codes without it.

    Raises:
        InvalidConfig: They break a rule.
    """

    kind: ClassVar[Kind]
    """`pruning` or `quantization`."""
    policy: SeverityPolicy
    """The severities of its findings, as the caller set them."""
    provenance: Provenance
    """The file and the place of each sub-config; for modules of this package."""
    _configs: tuple[C, ...]
    kind_stated: bool
    """Whether the kind was passed, or shown by a key; else it is assumed, and gives way (D12)."""
    _absent: bool = False
    """Whether it takes the place of a part that a two-part document does not have."""

    def __init__(self, configs: Iterable[C | Mapping[str, Any]] = (), *, policy: SeverityPolicy | None = None) -> None:
        data = tuple(configs) if issubclass(type(configs), Iterator) else configs
        vars(self).update(vars(self.read(plain(data), policy=policy or SeverityPolicy())))

    @classmethod
    def read(
        cls,
        data: object,
        *,
        source: SourceMap | None = None,
        prefix: ConfigPath = (),
        policy: SeverityPolicy,
        kind_stated: bool = True,
    ) -> Self:
        """Return the list that plain data is, read from a document: what `load` and `validate` call.

        Args:
            data: A list of dicts or of sub-configs, plain as `plain` returns it.
            source: The text that it was read from; None for plain data.
            prefix: The path of the list in `source`.
            policy: The severities of its findings.
            kind_stated: Whether the caller or a key of the list says its kind; else it is assumed (D12).

        Returns:
            The list, of the kind of this class.

        Raises:
            InvalidConfig: The list breaks a rule, or these severities make an error of a finding.
        """
        return cls._read(data, policy, kind_stated=kind_stated, source=source, prefix=prefix).sound()

    @classmethod
    def _read(
        cls,
        data: object,
        policy: SeverityPolicy,
        *,
        kind_stated: bool,
        source: SourceMap | None = None,
        prefix: ConfigPath = (),
        start: int = 0,
    ) -> Self:
        """Return the same; `start` is the index that its first sub-config has in messages."""
        made = object.__new__(cls)
        made.policy = policy
        made._configs = validated(data, cls.kind, Provenance.of(0, source, prefix), policy, start=start)
        made.provenance = Provenance.of(len(made._configs), source, prefix)
        made.kind_stated = kind_stated
        return made

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> CoreSchema:
        return _field(cls, functools.partial(cls.read, policy=SeverityPolicy()), cls.to_list)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: object, handler: object) -> dict[str, Any]:
        return inline_schema(cls.kind)

    def _with(self, **changes: object) -> Self:
        """Return a list with these attributes, and the others of this one; nothing is validated again."""
        return self._like(type(self), **changes)

    def _like(self, list_type: type[L], **changes: object) -> L:
        made = object.__new__(list_type)
        kept = {name: value for name, value in vars(self).items() if name != "findings"}
        vars(made).update(kept | changes)
        return made

    @overload
    def __getitem__(self, index: int) -> C: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> C | Self:
        if not isinstance(index, slice):
            return self._configs[index]
        return self._with(_configs=self._configs[index], provenance=self.provenance.picked(range(len(self))[index]))

    def __len__(self) -> int:
        return len(self._configs)

    def __iter__(self) -> Iterator[C]:
        return iter(self._configs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ConfigList) and (self.kind, self._configs) == (other.kind, other._configs)

    def __hash__(self) -> int:
        return hash((self.kind, self._configs))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self._configs)!r})"

    @overload
    def __add__(self, other: CompressionConfig) -> CompressionConfig: ...
    @overload
    def __add__(self, other: Sequence[C] | Sequence[Mapping[str, Any]]) -> Self: ...
    @overload
    def __add__(self, other: ConfigList[Any]) -> PruningConfigList | QuantizationConfigList: ...
    def __add__(self, other: object) -> ConfigList[Any] | CompressionConfig:
        """Return this list continued by `other`, under the stricter severities of the two.

        Raises `InvalidConfig` for plain data that breaks a rule, and for what these severities make an error.
        """
        return _joined(self, self._beside(other, start=len(self)))

    def __radd__(self, other: Sequence[C] | Sequence[Mapping[str, Any]]) -> Self:
        """Return the plain data `other` continued by this list. Raises `InvalidConfig` likewise."""
        return cast("Self", _joined(self._beside(other, start=0), self))

    def _beside(self, other: object, start: int) -> _Config:
        """Return what this list is joined to: plain data has its kind, unless that is only assumed."""
        if issubclass(type(other), AnyConfig):
            return cast("AnyConfig", other)
        data = plain(other)
        if not isinstance(data, list):
            return read_config(data, policy=self.policy)
        shown = self.kind if self.kind_stated else inferred_kind(data)
        return LIST_TYPES[shown or self.kind]._read(data, self.policy, kind_stated=shown is not None, start=start)

    @functools.cached_property
    def findings(self) -> tuple[Finding, ...]:
        """The warnings and notes, in list order; errors only where a severity was raised."""
        of_comments = [finding for source in self.provenance.sources for finding in comment_findings(source)]
        remarks = once(not_ignored(self._remarks(), self.provenance))
        return (*self.policy.apply(of_comments), *reported(remarks, self.provenance, self.policy))

    def sound(self) -> Self:
        """Return the list, if its severities make an error of none of its findings.

        Returns:
            The list itself.

        Raises:
            InvalidConfig: One of them is an error; it holds all findings.
        """
        if self.policy.raises and has_errors(self.findings):
            raise InvalidConfig(self.findings)
        return self

    def of_kind(self, kind: Kind) -> PruningConfigList | QuantizationConfigList:
        """Return this list as one of a kind: a kind that was only assumed gives way (D12).

        Args:
            kind: "pruning" or "quantization".

        Returns:
            A list of that kind with the same sub-configs.

        Raises:
            InvalidConfig: The list is of the other kind.
        """
        if self.kind == kind:
            return cast("PruningConfigList | QuantizationConfigList", self._with(kind_stated=True))
        if self.kind_stated:
            message, hint = f"this is a {self.kind} list, not a {kind} list", f"set the kind to {self.kind}"
            place = self.provenance.place(())
            raise InvalidConfig([Finding.at(place, Code.MIXED_KINDS, message, hint)])
        configs = tuple(CONFIG_TYPES[kind](**config.model_dump()) for config in self._configs)
        return self._like(LIST_TYPES[kind], _configs=configs, kind_stated=True)

    def to_list(self) -> list[dict[str, Any]]:
        """Return the sub-configs as plain dicts of the keys that are written, ready for YAML and JSON."""
        return [config.model_dump(mode="json") for config in self._configs]

    def with_policy(self, policy: SeverityPolicy) -> Self:
        """Return the same list under other severities.

        Args:
            policy: The severities: `strict`, and the levels of some codes.

        Returns:
            A new list; nothing else is validated again.

        Raises:
            InvalidConfig: These severities make an error of one of its findings.
        """
        return self._with(policy=policy).sound()

    def _remarks(self) -> Iterator[LocalFinding]:
        if self._absent:
            message = f"the document has no '{self.kind}' part: nothing is compressed"
            hint = f"write the list under '{self.kind}', or pass the other kind"
            yield LocalFinding(Code.NOTHING_CONFIGURED, message, hint, severity=Severity.NOTE)
        elif not self._configs:
            message = "the config list is empty: nothing is compressed"
            yield LocalFinding(Code.NOTHING_CONFIGURED, message, "add a sub-config")
        if not self.kind_stated and all(config.exclude for config in self._configs):
            message = f"nothing in the list shows its kind, so it is read as a {self.kind} list"
            hint = "write it under 'pruning' or 'quantization', or pass its kind in the call"
            yield LocalFinding(Code.KIND_NOT_STATED, message, hint)
        for index, config in enumerate(self._configs):
            yield from (remark._replace(path=(index, *remark.path)) for remark in config.remarks())


L = TypeVar("L", bound=ConfigList[Any])


class PruningConfigList(ConfigList[PruningConfig]):
    """A config list that says which layers are pruned, and how much."""

    kind = "pruning"


class QuantizationConfigList(ConfigList[QuantizationConfig]):
    """A config list that says which layers are quantized, and to how many bits."""

    kind = "quantization"


LIST_TYPES: Mapping[Kind, type[PruningConfigList | QuantizationConfigList]] = {
    "pruning": PruningConfigList,
    "quantization": QuantizationConfigList,
}


class CompressionConfig:
    """A two-part document: one list for pruning, one for quantization, resolved apart (D12).

    `a + b` joins the parts of both; a list joins the part of its kind, and one of excludes alone each part that is
    written. It can be a field of a pydantic model.

    Args:
        pruning: A pruning list, or plain data; None where the document has none.
        quantization: A quantization list, likewise.

    Raises:
        InvalidConfig: Something is wrong with either part; it holds all findings.
    """

    def __init__(
        self,
        pruning: Iterable[PruningConfig | Mapping[str, Any]] | None = None,
        quantization: Iterable[QuantizationConfig | Mapping[str, Any]] | None = None,
    ) -> None:
        given = {"pruning": pruning, "quantization": quantization}
        data = {kind: part if isinstance(part, ConfigList) else plain(part) for kind, part in given.items()}
        self._take({kind: part for kind, part in data.items() if part is not None}, None, SeverityPolicy())

    @classmethod
    def read(cls, data: Mapping[str, object], source: SourceMap | None, policy: SeverityPolicy) -> CompressionConfig:
        """Return the two-part document that a mapping is: what `load` and `validate` call.

        Args:
            data: The parts by kind: config lists, or plain data.
            source: The text that it was read from; None for plain data.
            policy: The severities of its findings.

        Returns:
            The document.

        Raises:
            InvalidConfig: Something is wrong with either part; it holds all findings.
        """
        made = object.__new__(cls)
        made._take(data, source, policy)
        return made

    def _take(self, data: Mapping[str, object], source: SourceMap | None, policy: SeverityPolicy) -> None:
        findings: list[Finding] = []
        parts: dict[str, ConfigList[Any]] = {}
        for key, part in data.items():
            kind = next((known for known in KINDS if known == key), None)
            if kind is None:
                findings += reported([unknown_part(key, data)], Provenance.of(0, source), policy)
                continue
            try:
                if isinstance(part, ConfigList):
                    parts[kind] = part.of_kind(kind)
                else:
                    parts[kind] = LIST_TYPES[kind].read(part, source=source, prefix=(key,), policy=policy)
                findings += parts[kind].findings
            except InvalidConfig as error:
                findings += error.findings
        if has_errors(findings):
            raise InvalidConfig(limited(findings))
        self.parts: tuple[PruningConfigList | QuantizationConfigList, ...] = tuple(
            cast("PruningConfigList | QuantizationConfigList", parts[kind]) for kind in KINDS if kind in parts
        )
        """The lists that are written, pruning first."""
        self.pruning = cast("PruningConfigList", parts.get("pruning", PruningConfigList(policy=_SILENT)))
        """The pruning list; empty where the document has none."""
        absent_too = QuantizationConfigList(policy=_SILENT)
        self.quantization = cast("QuantizationConfigList", parts.get("quantization", absent_too))
        """The quantization list, likewise."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> CoreSchema:
        return _field(cls, _two_parts, cls.to_dict)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: object, handler: object) -> dict[str, Any]:
        return inline_schema(None)

    @property
    def policy(self) -> SeverityPolicy:
        """The severities of its parts."""
        return functools.reduce(operator.or_, (part.policy for part in self.parts), SeverityPolicy())

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The warnings and notes of both lists, those of pruning first."""
        # Those about the text are found by both.
        return tuple(dict.fromkeys(finding for part in self.parts for finding in part.findings))

    def of_kind(self, kind: Kind) -> PruningConfigList | QuantizationConfigList:
        """Return the part of one kind.

        Args:
            kind: "pruning" or "quantization".

        Returns:
            The list; an empty one with a note where the document has none.
        """
        found = next((part for part in self.parts if part.kind == kind), None)
        if found is not None:
            return found
        return LIST_TYPES[kind]()._with(policy=self.policy, _absent=True)

    def to_dict(self) -> dict[str, list[dict[str, Any]]]:
        """Return the two-part document as plain data, with the parts that are written."""
        return {part.kind: part.to_list() for part in self.parts}

    def with_policy(self, policy: SeverityPolicy) -> CompressionConfig:
        """Return the same document under other severities.

        Args:
            policy: The severities: `strict`, and the levels of some codes.

        Returns:
            A new document; nothing else is validated again.

        Raises:
            InvalidConfig: These severities make an error of one of its findings.
        """
        return CompressionConfig.read({part.kind: part._with(policy=policy) for part in self.parts}, None, policy)

    def __add__(
        self, other: AnyConfig | Mapping[str, Any] | Sequence[Mapping[str, Any] | SubConfig]
    ) -> CompressionConfig:
        """Return both parts continued by those of `other`. Raises `InvalidConfig` when that breaks a rule."""
        return _joined_parts(self, self._beside(other))

    def __radd__(self, other: Mapping[str, Any] | Sequence[Mapping[str, Any] | SubConfig]) -> CompressionConfig:
        """Return the plain data `other` continued by this document. Raises `InvalidConfig` likewise."""
        return _joined_parts(self._beside(other), self)

    def _beside(self, other: object) -> AnyConfig:
        if issubclass(type(other), AnyConfig):
            return cast("AnyConfig", other)
        return read_config(plain(other), policy=self.policy)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CompressionConfig) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.pruning, self.quantization))

    def __repr__(self) -> str:
        return f"CompressionConfig(pruning={self.pruning!r}, quantization={self.quantization!r})"


_Config: TypeAlias = ConfigList[Any] | CompressionConfig
AnyConfig: TypeAlias = PruningConfigList | QuantizationConfigList | CompressionConfig
"""What validation returns: a list of one kind, or the two lists of a two-part document."""

_SILENT = SeverityPolicy(levels={Code.NOTHING_CONFIGURED: "ignore"})
"""For a part that a document leaves out, which is not worth a warning, as an empty one is."""


def read_config(
    data: object, *, source: SourceMap | None = None, kind: Kind | None = None, policy: SeverityPolicy
) -> AnyConfig:
    """Return the config list, or the two-part document, that plain data is, or that was validated before.

    The kind is inferred unless it is stated (D12). Raises `InvalidConfig` for everything that is wrong, in the order
    of the document.
    """
    config: AnyConfig
    if isinstance(data, AnyConfig):
        config = data if policy == SeverityPolicy() else data.with_policy(policy)
    elif isinstance(data, dict) and not data.keys().isdisjoint(KINDS):
        if (found := another_document(data)) is not None:
            raise InvalidConfig(reported([found], Provenance.of(0, source), policy))
        config = CompressionConfig.read(data, source, policy)
    else:
        shown = kind or inferred_kind(data)
        return LIST_TYPES[shown or "pruning"].read(data, source=source, policy=policy, kind_stated=shown is not None)
    return config if kind is None else config.of_kind(kind)


def _two_parts(data: object) -> CompressionConfig:
    """Return the two-part document that plain data is. Raises `InvalidConfig` for a list of one kind too."""
    config = read_config(data, policy=SeverityPolicy())
    if isinstance(config, CompressionConfig):
        return config
    message, hint = f"this is a {config.kind} list, not a two-part document", f"write it under '{config.kind}'"
    raise InvalidConfig([Finding.at(config.provenance.place(()), Code.MIXED_KINDS, message, hint)])


def _joined(first: _Config, second: _Config) -> _Config:
    """Return one config for two, in which the second overwrites (D12). Raises `InvalidConfig` where that is not one."""
    if isinstance(first, CompressionConfig) or isinstance(second, CompressionConfig):
        return _joined_parts(first, second)
    if first.kind != second.kind and first.kind_stated and second.kind_stated:
        raise InvalidConfig([_of_two_kinds(first, second)])
    # A kind that is only assumed gives way.
    kind = second.kind if second.kind_stated else first.kind
    start, end = (each if each.kind == kind else each.of_kind(kind) for each in (first, second))
    return start._with(
        _configs=(*start, *end),
        provenance=start.provenance + end.provenance,
        policy=start.policy | end.policy,
        kind_stated=start.kind_stated or end.kind_stated,
        _absent=start._absent and end._absent,
    ).sound()


def _of_two_kinds(first: ConfigList[Any], second: ConfigList[Any]) -> Finding:
    """Return that two lists cannot be one, with the files that they come from."""
    places = [each.provenance.place((0,)) for each in (first, second)]
    files = [f" of '{place.source}'" if place.source else "" for place in places]
    message = f"the {second.kind} list{files[1]} cannot be joined to the {first.kind} list{files[0]}"
    return Finding.at(places[1]._replace(path=(len(first),)), Code.MIXED_KINDS, message, TWO_LISTS)


def _joined_parts(first: _Config, second: _Config) -> CompressionConfig:
    """Return the two-part document of two configs of which one is such a document."""
    parts: dict[str, Any] = {}
    for config, other in ((first, second), (second, first)):
        for part in _parts_beside(config, other):
            parts[part.kind] = _joined(parts[part.kind], part) if part.kind in parts else part
    return CompressionConfig(**parts)


def _parts_beside(config: _Config, other: _Config) -> Sequence[ConfigList[Any]]:
    """Return the lists of a config; excludes alone are for each part of the document that they are joined to."""
    if isinstance(config, CompressionConfig):
        return config.parts
    if config.kind_stated or not isinstance(other, CompressionConfig) or not other.parts:
        return (config,)
    return [config.of_kind(part.kind) for part in other.parts]
