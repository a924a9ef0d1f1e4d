"""Config lists: sub-configs in order, each with the place it came from; and two-part documents of two lists."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Generic, Self, TypeVar, overload

from compression_config.configs.plain_data import plain
from compression_config.configs.pruning import PruningConfig
from compression_config.configs.quantization import QuantizationConfig
from compression_config.configs.sub_config import TWO_LISTS, Kind, SubConfig
from compression_config.configs.validation import reported, validated
from compression_config.errors import InvalidConfig
from compression_config.findings import Code, Finding, LocalFinding, SeverityPolicy, has_errors, limited
from compression_config.locations import ConfigPath, Provenance, SourceMap

__all__ = ["CompressionConfig", "ConfigList", "PruningConfigList", "QuantizationConfigList"]

C = TypeVar("C", bound=SubConfig)
L = TypeVar("L", bound="ConfigList[Any]")


class ConfigList(Sequence[C], Generic[C]):
    """A validated config list: read-only, in list order; equal to another of its kind with equal sub-configs.

    It is made of sub-configs or of plain data, and raises `InvalidConfig` when they break a rule. `a + b` is the
    longer list, in which those of `b` overwrite; one of the two may be plain data. Each sub-config keeps the file
    and the place it came from.
    """

    kind: ClassVar[Kind]
    policy: SeverityPolicy
    provenance: Provenance
    _configs: tuple[C, ...]
    _kind_stated: bool
    """Whether the kind was passed, or shown by a key; else it is assumed (D12)."""

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
        """Return the list that plain data is, at `prefix` in `source`.

        Raises `InvalidConfig` for everything that is wrong, and for what these severities make an error.
        """
        made = object.__new__(cls)
        made.policy = policy
        made._configs = validated(data, cls.kind, Provenance.of(0, source, prefix), policy)
        made.provenance = Provenance.of(len(made._configs), source, prefix)
        made._kind_stated = kind_stated
        return made.sound()

    def _with(self, **changes: object) -> Self:
        """Return a list with these attributes, and the others of this one; nothing is validated again."""
        made = object.__new__(type(self))
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

    def __add__(self, other: Sequence[C] | Sequence[Mapping[str, Any]]) -> Self:
        """Return this list continued by `other`, under the severities of this one.

        Raises `InvalidConfig` for plain data that breaks a rule, and for what these severities make an error.
        """
        if not isinstance(other, ConfigList):
            configs = validated(plain(other), self.kind, Provenance.of(0), self.policy, start=len(self))
            other = self._with(_configs=configs, provenance=Provenance.of(len(configs)))
        if other.kind != self.kind:
            message = f"a {other.kind} list cannot be joined to a {self.kind} list"
            raise InvalidConfig([Finding(Code.MIXED_KINDS, Code.MIXED_KINDS.severity, message, TWO_LISTS)])
        return self._with(
            _configs=self._configs + other._configs,
            provenance=self.provenance + other.provenance,
            _kind_stated=self._kind_stated or other._kind_stated,
        ).sound()

    def __radd__(self, other: Sequence[C] | Sequence[Mapping[str, Any]]) -> Self:
        """Return the plain data `other` continued by this list, under the severities of this one.

        Raises `InvalidConfig` likewise.
        """
        configs = validated(plain(other), self.kind, Provenance.of(0), self.policy)
        return self._with(_configs=configs, provenance=Provenance.of(len(configs))) + self

    @functools.cached_property
    def findings(self) -> tuple[Finding, ...]:
        """The warnings and notes, in list order; errors only where a severity was raised."""
        return reported(self._remarks(), self.provenance, self.policy)

    def sound(self) -> Self:
        """Return the list. Raises `InvalidConfig` when its severities make an error of one of its findings."""
        if self.policy.raises and has_errors(self.findings):
            raise InvalidConfig(self.findings)
        return self

    def to_list(self) -> list[dict[str, Any]]:
        """Return the sub-configs as plain dicts of the keys that are written, ready for YAML and JSON."""
        return [config.model_dump(mode="json") for config in self._configs]

    def with_policy(self, policy: SeverityPolicy) -> Self:
        """Return the same list under other severities. Raises `InvalidConfig` when they make a finding an error."""
        return self._with(policy=policy).sound()

    def _remarks(self) -> Iterator[LocalFinding]:
        if not self._configs:
            message = "the config list is empty: nothing is compressed"
            yield LocalFinding(Code.NOTHING_CONFIGURED, message, "add a sub-config")
        if not self._kind_stated and all(config.exclude for config in self._configs):
            message = f"nothing in the list shows its kind, so it is read as a {self.kind} list"
            hint = "write it under 'pruning' or 'quantization', or pass its kind in the call"
            yield LocalFinding(Code.KIND_NOT_STATED, message, hint)
        for index, config in enumerate(self._configs):
            for remark in config.remarks():
                yield remark._replace(path=(index, *remark.path))


class PruningConfigList(ConfigList[PruningConfig]):
    """A config list that says which layers are pruned, and how much."""

    kind = "pruning"


class QuantizationConfigList(ConfigList[QuantizationConfig]):
    """A config list that says which layers are quantized, and to how many bits."""

    kind = "quantization"


class CompressionConfig:
    """A two-part document: one list for pruning, one for quantization, resolved apart (D12).

    A part that the document leaves out is an empty list. A part may be plain data too; raises one `InvalidConfig`
    for everything that is wrong with either.
    """

    def __init__(
        self,
        pruning: Iterable[PruningConfig | Mapping[str, Any]] | None = None,
        quantization: Iterable[QuantizationConfig | Mapping[str, Any]] | None = None,
    ) -> None:
        findings: list[Finding] = []
        pruned = _part(PruningConfigList, pruning, findings)
        quantized = _part(QuantizationConfigList, quantization, findings)
        if findings:
            raise InvalidConfig(limited(findings))
        self.parts: tuple[ConfigList[Any], ...] = tuple(part for part in (pruned, quantized) if part is not None)
        """The lists that are written, pruning first."""
        # A part that is left out is not worth a warning, as an empty one is.
        absent = SeverityPolicy(levels={Code.NOTHING_CONFIGURED: "ignore"})
        self.pruning = pruned if pruned is not None else PruningConfigList(policy=absent)
        self.quantization = quantized if quantized is not None else QuantizationConfigList(policy=absent)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The warnings and notes of both lists, those of pruning first."""
        return tuple(finding for part in self.parts for finding in part.findings)

    def to_dict(self) -> dict[str, list[dict[str, Any]]]:
        """Return the two-part document as plain data, with the parts that are written."""
        return {part.kind: part.to_list() for part in self.parts}

    def with_policy(self, policy: SeverityPolicy) -> CompressionConfig:
        """Return the same document under other severities. Raises `InvalidConfig` when they make a finding an error."""
        parts: dict[str, Any] = {part.kind: part.with_policy(policy) for part in self.parts}
        return CompressionConfig(**parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CompressionConfig) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.pruning, self.quantization))

    def __repr__(self) -> str:
        return f"CompressionConfig(pruning={self.pruning!r}, quantization={self.quantization!r})"


def _part(list_type: type[L], given: Iterable[Any] | None, findings: list[Finding]) -> L | None:
    """Return one part of a two-part document as a list; None when it is absent, or wrong, as `findings` then says."""
    if given is None or isinstance(given, list_type):
        return given
    try:
        made = list_type.read(plain(given), prefix=(list_type.kind,), policy=SeverityPolicy())
    except InvalidConfig as error:
        findings += error.findings
        return None
    return made
