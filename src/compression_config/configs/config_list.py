"""Config lists: an ordered sequence of sub-configs that knows where each came from."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Generic, Self, TypeVar, cast, overload

from compression_config.configs.plain_data import Remark
from compression_config.configs.pruning import PruningConfig
from compression_config.configs.quantization import QuantizationConfig
from compression_config.configs.sub_config import Kind, SubConfig
from compression_config.configs.validation import placed, total, validated
from compression_config.errors import InvalidConfig
from compression_config.findings import Code, Finding, SeverityPolicy, has_errors
from compression_config.locations import Provenance

__all__ = ["CompressionConfig", "ConfigList", "PruningConfigList", "QuantizationConfigList"]

C = TypeVar("C", bound=SubConfig)
L = TypeVar("L", bound="ConfigList[Any]")


class ConfigList(Sequence[C], Generic[C]):
    """A validated config list: read-only, in list order; equal to another of its kind with equal sub-configs.

    It is made of sub-configs or of plain data; raises `InvalidConfig` for what breaks a rule. `a + b` is the longer
    list, in which those of `b` overwrite; one of the two may be plain data. Each sub-config keeps the file and the
    place it came from.
    """

    kind: ClassVar[Kind]
    config_type: ClassVar[type[SubConfig]]

    def __init__(
        self,
        configs: Iterable[C | Mapping[str, Any]] = (),
        *,
        provenance: Provenance | None = None,
        policy: SeverityPolicy | None = None,
        kind_stated: bool = True,
    ) -> None:
        self.policy = policy or SeverityPolicy()
        self._configs: tuple[C, ...] = self._of_this_kind(configs, provenance or Provenance.of(0))
        self.provenance = provenance or Provenance.of(len(self._configs))
        self._kind_stated = kind_stated

    @overload
    def __getitem__(self, index: int) -> C: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> C | Self:
        if not isinstance(index, slice):
            return self._configs[index]
        return type(self)(
            self._configs[index],
            provenance=self.provenance.picked(range(len(self))[index]),
            policy=self.policy,
            kind_stated=self._kind_stated,
        )

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
        """Return the list that `other` continues, under the severities of this one.

        Raises `InvalidConfig` for plain data that breaks a rule, and for what these severities make an error.
        """
        if not isinstance(other, ConfigList):
            configs, remarks = total(lambda data: validated(data, self.kind), other)
            if configs is None:
                shift = [r._replace(path=_moved(r, len(self))) for r in remarks]
                raise InvalidConfig(self.policy.apply(placed(shift, Provenance.of(0))))
            other = type(self)(configs, kind_stated=self._kind_stated)
        elif other.kind != self.kind:
            message = f"a {other.kind} list cannot continue a {self.kind} list"
            hint = "write two lists, under 'pruning:' and 'quantization:'"
            raise InvalidConfig([Finding(Code.MIXED_KINDS, Code.MIXED_KINDS.severity, message, hint)])
        joined = type(self)(
            (*self._configs, *other),
            provenance=self.provenance + other.provenance,
            policy=self.policy,
            kind_stated=self._kind_stated or other._kind_stated,
        )
        return _sound(joined)

    def __radd__(self, other: Sequence[C] | Sequence[Mapping[str, Any]]) -> Self:
        """Return the list that continues the plain data `other`, under the severities of this one.

        Raises `InvalidConfig` likewise.
        """
        return type(self)(other, policy=self.policy) + self

    @functools.cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What is worth a warning or a note, in list order; errors only where a severity was raised."""
        return self.policy.apply(placed(self._remarks(), self.provenance))

    def to_list(self) -> list[dict[str, Any]]:
        """Return the sub-configs as plain dicts of the keys that are written, ready for YAML and JSON."""
        return [config.model_dump(mode="json") for config in self._configs]

    def with_policy(self, policy: SeverityPolicy) -> Self:
        """Return the same list under other severities. Raises `InvalidConfig` when they make a finding an error."""
        same = type(self)(self._configs, provenance=self.provenance, policy=policy, kind_stated=self._kind_stated)
        return _sound(same)

    def _of_this_kind(self, given: Iterable[C | Mapping[str, Any]], provenance: Provenance) -> tuple[C, ...]:
        """Return sub-configs as they are, and plain data validated. Raises `InvalidConfig` for anything else."""
        data = tuple(given) if isinstance(given, list | tuple | Iterator) else given
        if isinstance(data, tuple) and all(isinstance(config, self.config_type) for config in data):
            return cast("tuple[C, ...]", data)
        configs, remarks = total(lambda items: validated(items, self.kind), data)
        if configs is None:
            raise InvalidConfig(self.policy.apply(placed(remarks, provenance)))
        return configs

    def _remarks(self) -> Iterator[Remark]:
        if not self._configs:
            yield Remark(Code.NOTHING_CONFIGURED, "the config list is empty: nothing is compressed", "add a sub-config")
        if not self._kind_stated and all(config.exclude for config in self._configs):
            message = f"nothing in the list says its kind, so it is read as a {self.kind} list"
            hint = "write it under 'pruning:' or 'quantization:', or state its kind in the call"
            yield Remark(Code.KIND_NOT_STATED, message, hint)
        for index, config in enumerate(self._configs):
            for remark in config.remarks():
                yield remark._replace(path=(index, *remark.path))


def _sound(config_list: L) -> L:
    """Return the list. Raises `InvalidConfig` when its severities make an error of something in it."""
    if config_list.policy.raises and has_errors(config_list.findings):
        raise InvalidConfig(config_list.findings)
    return config_list


def _moved(remark: Remark, by: int) -> tuple[str | int, ...]:
    first, *rest = remark.path or ("",)
    return (first + by, *rest) if isinstance(first, int) else remark.path


class PruningConfigList(ConfigList[PruningConfig]):
    """A config list that says which layers are pruned, and how much."""

    kind = "pruning"
    config_type = PruningConfig


class QuantizationConfigList(ConfigList[QuantizationConfig]):
    """A config list that says which layers are quantized, and to how many bits."""

    kind = "quantization"
    config_type = QuantizationConfig


def _part(list_type: type[L], given: Iterable[Any] | None, findings: list[Finding]) -> L | None:
    """Return one part of a two-part document as a list; None when it is absent, or wrong, which `findings` then say."""
    if given is None or isinstance(given, list_type):
        return given
    length = len(given) if isinstance(given, Sequence) else 0
    try:
        return list_type(given, provenance=Provenance.of(length, prefix=(list_type.kind,)))
    except InvalidConfig as error:
        findings += error.findings
        return None


class CompressionConfig:
    """A two-part document: one list for pruning, one for quantization, resolved apart (D12).

    A part that the document leaves out is an empty list. A part may be plain data too; raises one `InvalidConfig`
    for all that is wrong with either.
    """

    def __init__(
        self,
        pruning: Iterable[PruningConfig | Mapping[str, Any]] | None = None,
        quantization: Iterable[QuantizationConfig | Mapping[str, Any]] | None = None,
    ) -> None:
        absent = SeverityPolicy(levels={Code.NOTHING_CONFIGURED: "ignore"})
        findings: list[Finding] = []
        pruned = _part(PruningConfigList, pruning, findings)
        quantized = _part(QuantizationConfigList, quantization, findings)
        if findings:
            raise InvalidConfig(findings)
        self.parts: tuple[ConfigList[Any], ...] = tuple(part for part in (pruned, quantized) if part is not None)
        """The lists that are written, pruning first."""
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
