"""What all exporters share: what each layer gets, names as patterns, options, and what is lost on the way.

An engine is one module of this package with an `Engine` named ENGINE. Its `export` is given a `Request`, returns the
engine's document as plain data, and says through the request what the document cannot. It never imports the engine.
"""

from __future__ import annotations

import functools
import itertools
import json
import os
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Generic, Literal, TypeAlias, TypeVar, cast, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from compression_config.budget import budget_of
from compression_config.budget.counting import ratio_for
from compression_config.configs.sub_config import Kind
from compression_config.configs.value_rules import QuantType
from compression_config.errors import HasFindings, UsageError
from compression_config.findings import Code, Finding, Severity
from compression_config.inventory import Inventory
from compression_config.locations import ConfigPath
from compression_config.patterns import NameGroups
from compression_config.resolving.resolved import Resolved
from compression_config.resolving.settings import AnySettings, PruningSettings, QuantizationSettings
from compression_config.text import layers_words, listed, meant_words
from compression_config.writing import write_whole

__all__ = [
    "NARROW",
    "Decision",
    "Engine",
    "Export",
    "GroupOptions",
    "Names",
    "Options",
    "Pruned",
    "QuantizationOptions",
    "Quantized",
    "Request",
    "Tensor",
    "is_a",
    "numbered",
    "parsed_options",
]

Names: TypeAlias = Literal["auto", "exact", "patterns"]
"""How an export names layers: one by one, as patterns, or one by one as long as there are few."""

_FEW_NAMES = 64
"""So many layers "auto" names one by one."""

NARROW = "exclude these layers, or narrow 'op_types'"
"""The hint where an engine leaves layers of some types alone."""

S = TypeVar("S", bound=AnySettings)
Outcome = TypeVar("Outcome", bound=Hashable)
T = TypeVar("T")


# What an engine is.


class Options(BaseModel):
    """The options of an engine: what a config list leaves open. Each field has its rule as title."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, strict=True)


class GroupOptions(Options):
    """What a quantization list leaves open, for engines that quantize weights in groups."""

    group_size: int | None = Field(
        default=None,
        ge=1,
        title="a whole number from 1",
        description="Give weights one scale for so many neighbouring inputs in place of one for each channel.",
    )


class QuantizationOptions(GroupOptions):
    """What a quantization list leaves open, for all engines that can say it."""

    inputs: Literal["static", "dynamic"] = Field(
        default="static",
        title="'static' or 'dynamic'",
        description="Whether the scales of inputs are calibrated before the run or found for each token in it.",
    )
    tensor_parallel: int = Field(
        default=1,
        ge=1,
        title="a whole number from 1",
        description="Over how many devices the served model is split; for the check of group sizes only.",
    )


@dataclass(frozen=True, kw_only=True)
class Engine:
    """An engine, or a dialect that can only be imported, as `compression_config.engines()` lists it."""

    name: str
    """As `export` and `import_list` take it."""
    reads: str
    """What it reads, in a few words."""
    version: str
    """The release that the document was checked with, as in "compressed-tensors 0.20.0"."""
    kinds: tuple[Kind, ...]
    """What of a two-part document it can say."""
    serves: tuple[str, ...] = ()
    """The runtimes for which an export can be checked."""
    options: type[Options] = Options
    """Its options: a pydantic model, of which each field has a description."""
    export: Callable[[Request, Any], Any] | None = field(default=None, repr=False)
    """Returns the document as plain data; None for a dialect that can only be imported."""
    read: Callable[[Any, Inventory | None], Any] | None = field(default=None, repr=False)
    """Returns an `Import` of the document; None for an engine that can only be exported to."""
    recognizes: Callable[[Any], bool] = field(default=lambda _: False, repr=False)
    """Whether a document is one of its dialect, by its keys."""


def parsed_options(engine: Engine, given: Mapping[str, Any]) -> Options:
    """Return the options of `engine` that `given` sets. Raises `UsageError` that lists them, or says the rule."""
    known = engine.options.model_fields
    for name in given:
        if name not in known:
            there_are = f"its options are {listed(known)}" if known else "it has no options"
            raise UsageError(f"'{engine.name}' has no option {name!r}; {there_are}{meant_words(name, known)}")
    try:
        return engine.options(**given)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        raise UsageError(f"the option '{name}' is {known[name].title}, not {given[name]!r}") from None


# What each layer gets.


@dataclass(frozen=True, slots=True)
class Decision(Generic[S]):
    """What one sub-config gives to the layers that it decides."""

    resolved: Resolved
    index: int
    settings: S
    positions: Sequence[int]
    """The layers, by position in the inventory, in the model's order."""

    @property
    def config(self) -> Any:  # noqa: ANN401 - a sub-config of either kind
        """The sub-config as it was written."""
        return self.resolved.config_list[self.index]


@dataclass(frozen=True, slots=True)
class Pruned:
    """Layers that get one ratio."""

    decision: Decision[PruningSettings]
    sparsity: float
    """The share masked in each of them, from 0 to 1; in a group, in all of them together."""
    positions: Sequence[int]
    group: bool = False
    """Whether they share one budget; only for an engine that asks for groups."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """How one tensor of a layer is quantized, with nothing left open."""

    bits: int
    signed: bool
    symmetric: bool
    per: Literal["tensor", "channel", "group", "token"]
    """What shares one scale."""
    dynamic: bool = False
    group_size: int | None = None


@dataclass(frozen=True, slots=True)
class Quantized:
    """Layers whose tensors are quantized alike."""

    decision: Decision[QuantizationSettings]
    tensors: Mapping[QuantType, Tensor]
    positions: Sequence[int]

    @property
    def key(self) -> Hashable:
        """What is equal for layers that get the same."""
        return frozenset(self.tensors.items())


def is_a(inventory: Inventory, position: int, *types: str) -> bool:
    """Return whether a layer is of one of `types` or of a subclass, as far as its class name shows it.

    `NonDynamicallyQuantizableLinear` is a Linear, `Bilinear` is not.
    """
    return inventory.types[position].endswith(types)


def numbered(settings: Iterable[tuple[T, Sequence[int]]]) -> tuple[list[T], dict[int, int]]:
    """Return the settings that differ, and for each layer, by position, which of them it gets: the last counts."""
    known: list[T] = []
    numbers: dict[int, int] = {}
    for given, positions in settings:
        if given not in known:
            known.append(given)
        numbers.update(dict.fromkeys(positions, known.index(given)))
    return known, numbers


@dataclass(frozen=True, slots=True)
class _Loss:
    """What a document cannot say of the layers of one sub-config; a finding but for the layers."""

    resolved: Resolved
    path: ConfigPath
    code: Code
    message: str
    hint: str | None
    severity: Severity | None
    counted: bool


class Request:
    """One export: what each layer gets, how to name layers, and the place to report what is lost."""

    def __init__(
        self,
        engine: Engine,
        parts: Sequence[Resolved],
        *,
        allocate: bool = False,
        names: Names = "auto",
        serve: str | None = None,
    ) -> None:
        if names not in get_args(Names):
            raise UsageError(f"'names' is {listed(get_args(Names), last='or')}, not {names!r}")
        if serve is not None and serve not in engine.serves:
            which = f"is {listed(engine.serves, last='or')}" if engine.serves else "cannot be set"
            raise UsageError(f"'serve' {which} for '{engine.name}', not {serve!r}")
        self.engine = engine
        self.parts = parts
        self.inventory = parts[0].inventory
        self.serve = serve
        self._allocate = allocate
        self._names = names
        self._losses: dict[_Loss, dict[int, None]] = {}

    def decisions(self, kind: Kind) -> Iterator[Decision[Any]]:
        """Yield what each compressing sub-config of a kind gives to the layers it decides, in list order."""
        for resolved in self.parts:
            if resolved.config_list.kind == kind:
                for index, positions in enumerate(resolved.decided):
                    settings = resolved.settings_of(index)
                    if positions and settings is not None:
                        yield Decision(resolved, index, settings, positions)

    def pruned(
        self, types: Sequence[str] | None = None, *, groups: bool = False, subclasses: bool = True
    ) -> Iterator[Pruned]:
        """Yield the layers that have a weight with the ratio of each, in list order.

        The layers of a group get ratios of their own where the caller allocates budgets. Else an engine with `groups`
        gets it as a whole; for one without it is a loss, and they are left out. Layers that are not of `types`, where
        these are given, are left out and reported; so are those of `subclasses` where it looks at the very class.
        """
        for part in self._with_ratios(groups=groups):
            positions = part.positions
            if types is not None:
                what = f"'{self.engine.name}' prunes"
                positions = self.applied(part.decision, positions, types, what, subclasses=subclasses)
            yield replace(part, positions=positions)

    def _with_ratios(self, *, groups: bool) -> Iterator[Pruned]:
        """Yield the same whatever the types of the layers are."""
        for decision in self.decisions("pruning"):
            has_weight = self.inventory.has_weight
            positions = [position for position in decision.positions if has_weight(position) is not False]
            if decision.settings.sparsity is not None:
                yield Pruned(decision, decision.settings.sparsity, positions)
            elif self._allocate:
                yield from self._allocated(decision)
            elif groups:
                yield Pruned(decision, decision.settings.total_sparsity, positions, group=True)
            else:
                self.lose(
                    decision,
                    Code.LOSSY_SETTING,
                    f"'{self.engine.name}' has no budget shared by several layers",
                    hint="allocate the budget: allocate=True, or --allocate",
                    key="total_sparsity",
                    positions=positions,
                )

    def _allocated(self, decision: Decision[PruningSettings]) -> Iterator[Pruned]:
        """Yield the layers of a group with ratios that mask exactly what the budget allocates to each."""
        by_ratio: dict[float, list[int]] = {}
        # Large models have few sizes of layers, and so few counts.
        ratio_of = functools.cache(ratio_for)
        counts, numels = self._counts(decision.resolved), decision.resolved.inventory.numel
        for position in decision.positions:
            masked, numel = counts.get(self.inventory.names[position]), numels(position)
            # A layer that shares the weight of an earlier one has no count: it is pruned with that one.
            if masked is not None and numel is not None:
                by_ratio.setdefault(ratio_of(masked, numel), []).append(position)
        for ratio, positions in by_ratio.items():
            yield Pruned(decision, ratio, positions)
        message = "the budget of the group is divided among its layers in proportion to their sizes"
        self.lose(decision, Code.LOSSY_APPROXIMATION, message, key="total_sparsity")

    def _counts(self, resolved: Resolved) -> Mapping[str, int]:
        if resolved not in self._allocations:
            self._allocations[resolved] = budget_of(resolved).allocate()
        return self._allocations[resolved]

    @functools.cached_property
    def _allocations(self) -> dict[Resolved, Mapping[str, int]]:
        return {}

    def quantized(
        self,
        options: QuantizationOptions,
        types: Sequence[str],
        *,
        subclasses: bool = True,
        own_scheme: bool = False,
    ) -> Iterator[Quantized]:
        """Yield the quantized layers with what each of their tensors gets, in list order.

        What the list leaves open is filled in, which is one note, except for an engine that has an `own_scheme` in any
        case. Layers that are not of `types`, which are those that the engine quantizes, are left out and reported; so
        are those of `subclasses` where it looks at the very class.
        """
        assumed: list[Decision[QuantizationSettings]] = []
        for decision in self.decisions("quantization"):
            settings: QuantizationSettings = decision.settings
            tensors = {kind: _tensor(settings, kind, options) for kind in settings.bits}
            if not own_scheme and any(kind not in (settings.scheme or {}) for kind in tensors):
                assumed.append(decision)
            what = f"'{self.engine.name}' quantizes"
            positions = self.applied(decision, decision.positions, types, what, subclasses=subclasses)
            if positions:
                yield Quantized(decision, tensors, positions)
        if assumed:
            message = f"without a 'quant_scheme' the export uses {_assumption(options)}"
            positions = [position for decision in assumed for position in decision.positions]
            self.lose(assumed[0], Code.ASSUMED_SCHEME, message, hint="write 'quant_scheme'", positions=positions)

    def applied(
        self,
        decision: Decision[Any],
        positions: Sequence[int],
        types: Sequence[str],
        what: str,
        hint: str = NARROW,
        *,
        subclasses: bool = True,
    ) -> list[int]:
        """Return those of `positions` whose layers are of `types`, which `what` compresses; report the others.

        A layer of a subclass counts, as far as its class name shows it, unless `subclasses` is false.
        """
        names = self.inventory.types
        fine = {name for name in set(names) if (name.endswith(tuple(types)) if subclasses else name in types)}
        left: dict[str, list[int]] = {}
        for position in positions:
            if names[position] not in fine:
                left.setdefault(names[position], []).append(position)
        for name, others in left.items():
            message = f"{what} {listed(types)} layers; a '{name}' layer is left unchanged"
            self.lose(decision, Code.TYPE_NOT_APPLIED, message, hint=hint, key="op_types", positions=others)
        return [position for position in positions if names[position] in fine] if left else list(positions)

    def weight_of(self, part: Quantized, by: str = "") -> Tensor | None:
        """Return how the weights are quantized; None, which is reported, where only inputs and outputs are.

        `by` is what quantizes, where that is not the engine itself.
        """
        weight = part.tensors.get("weight")
        if weight is None:
            message = f"'{by or self.engine.name}' quantizes inputs only beside weights"
            hint = "add weight to 'quant_types'"
            self.lose(part, Code.LOSSY_SETTING, message, hint=hint, key="quant_types")
        return weight

    def lose_dynamic(self, part: Quantized) -> None:
        """Report inputs whose scales are to be static, where the export makes them dynamic."""
        if part.tensors["input"].dynamic and "input" in (part.decision.settings.scheme or {}):
            message = "inputs are quantized per token at run time, not statically per tensor"
            self.lose(part, Code.LOSSY_APPROXIMATION, message, key="quant_scheme")

    def lose_sign(self, part: Quantized, kind: QuantType) -> None:
        """Report unsigned integers for an engine with signed ones; affine ones differ in the zero point only."""
        tensor = part.tensors[kind]
        code, message = Code.LOSSY_SETTING, f"'{self.engine.name}' has no unsigned symmetric integers ({kind})"
        if not tensor.symmetric:
            code = Code.LOSSY_DETAIL
            message = (
                f"unsigned integers are written as signed ones with another zero point, which is equivalent ({kind})"
            )
        if not tensor.signed:
            self.lose(part, code, message, key="quant_dtype")

    def lose_start_steps(self) -> None:
        """Report each start step: it has no meaning for the engine."""
        for decision in self.decisions("quantization"):
            if decision.settings.start_step:
                message = f"'{self.engine.name}' has no start step, so quantization begins at once"
                self.lose(decision, Code.LOSSY_DETAIL, message, key="quant_start_step")

    # What is lost.

    def lose(
        self,
        of: Decision[Any] | Pruned | Quantized,
        code: Code,
        message: str,
        *,
        hint: str | None = None,
        key: str | None = None,
        positions: Iterable[int] | None = None,
        severity: Severity | None = None,
        counted: bool = True,
    ) -> None:
        """Report that the layers at `positions`, or all that are given, lose something; no finding without layers.

        Repeated for the same sub-config, it adds layers to one finding. The finding is at `key` of the sub-config, or
        at the whole of it where the key is not written. The number of layers is added to the message if `counted`.
        """
        decision = of if isinstance(of, Decision) else of.decision
        written = key is not None and getattr(decision.config, key, None) is not None
        path = (decision.index, cast("str", key)) if written else (decision.index,)
        loss = _Loss(decision.resolved, path, code, message, hint, severity, counted)
        added = dict.fromkeys(of.positions if positions is None else positions)
        if added:
            self._losses.setdefault(loss, {}).update(added)

    @property
    def losses(self) -> tuple[Finding, ...]:
        """What is lost, in list order, with the severities that the lists were given."""
        by_part: dict[Resolved, list[Finding]] = {resolved: [] for resolved in self.parts}
        for loss, positions in self._losses.items():
            message = loss.message
            if loss.counted:
                one = f"'{self.inventory.names[min(positions)]}'"
                message += f" ({one if len(positions) == 1 else layers_words(len(positions))})"
            place = loss.resolved.config_list.provenance.place(loss.path)
            found = Finding.at(place, loss.code, message, loss.hint, severity=loss.severity)
            by_part[loss.resolved].append(found)
        return tuple(
            finding
            for resolved, findings in by_part.items()
            for finding in resolved.config_list.policy.apply(sorted(findings, key=_list_order))
        )

    # How layers are named.

    def named(
        self,
        outcomes: Mapping[int, Outcome],
        *,
        exact: Callable[[str], str] = str,
        regex: Callable[[str], str] | None = None,
        glob: Callable[[str], str] | None = None,
        further: Mapping[str, Outcome] | None = None,
    ) -> dict[Outcome, list[str]]:
        """Return for each outcome what the engine is to write for its layers, in the model's order.

        `outcomes` has the layers that are to be named, by position. `exact` says how a name is written; `regex` or
        `glob` how a pattern is that matches it in full. An engine that has neither gets exact names. `further` has
        names that are not layers of the inventory, as a runtime has them; they go with exact names and regexes.
        """
        names, further = self.inventory.names, further or {}
        written: dict[Outcome, list[str]] = {}
        few = len(outcomes) <= _FEW_NAMES if self._names == "auto" else self._names == "exact"
        if few or (regex is None and glob is None):
            for position in sorted(outcomes):
                written.setdefault(outcomes[position], []).append(exact(names[position]))
            for name, outcome in further.items():
                written.setdefault(outcome, []).append(exact(name))
            return written
        if regex is not None:
            positions = sorted(outcomes)
            targeted = zip(
                positions, map(names.__getitem__, positions), map(outcomes.__getitem__, positions), strict=True
            )
            others = ((len(names) + i, name, further[name]) for i, name in enumerate(further))
            for pattern, outcome in NameGroups(itertools.chain(targeted, others)).regexes():
                written.setdefault(outcome, []).append(regex(pattern))
        elif glob is not None:
            every = ((position, name, outcomes.get(position)) for position, name in enumerate(names))
            for pattern, reached in NameGroups(every).globs():
                if reached is not None:
                    written.setdefault(reached, []).append(glob(pattern))
        return written

    def others(self, targeted: Collection[int], *types: str) -> list[int]:
        """Return the layers of `types` that are not `targeted`: the exceptions of an engine that has a default."""
        left_out = set(targeted)
        return [p for p in range(len(self.inventory)) if p not in left_out and is_a(self.inventory, p, *types)]


def _list_order(finding: Finding) -> tuple[int, tuple[int, int]]:
    """Sort by sub-config, then by place in its file."""
    index = next((step for step in finding.path if isinstance(step, int)), -1)
    return index, finding.span.start if finding.span else (0, 0)


def _tensor(settings: QuantizationSettings, kind: QuantType, options: QuantizationOptions) -> Tensor:
    """Return how a tensor is quantized: as the list says, and where it says nothing as `_assumption` does."""
    dtype, scheme = (settings.dtype or {}).get(kind), (settings.scheme or {}).get(kind)
    signed = dtype != "uint"
    symmetric = signed if scheme is None else scheme.endswith("symmetric")
    per: Literal["tensor", "channel"] = "channel" if kind == "weight" else "tensor"
    if scheme is not None:
        per = "channel" if scheme.startswith("per_channel") else "tensor"
    bits = settings.bits[kind]
    if kind == "weight" and per == "channel" and options.group_size is not None:
        return Tensor(bits, signed, symmetric, "group", group_size=options.group_size)
    if kind == "input" and options.inputs == "dynamic":
        return Tensor(bits, signed, symmetric, "token", dynamic=True)
    return Tensor(bits, signed, symmetric, per)


def _assumption(options: QuantizationOptions) -> str:
    weights = "per channel" if options.group_size is None else f"in groups of {options.group_size}"
    inputs = "static per tensor" if options.inputs == "static" else "dynamic per token"
    return f"symmetric integers (affine where unsigned), weights {weights}, inputs {inputs}"


# What comes out.


@dataclass(frozen=True)
class Export(HasFindings):
    """A resolution as an engine's document."""

    engine: str
    """The name of the engine."""
    document: Any
    """Plain dicts and lists."""
    findings: tuple[Finding, ...]
    """What is lost or approximated, at the deciding sub-configs."""

    def to_yaml(self) -> str:
        """Return the document as YAML."""
        return yaml.dump(self.document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)

    def to_json(self) -> str:
        """Return the document as JSON.

        Returns:
            Several lines.

        Raises:
            UsageError: There are keys that are numbers, which JSON does not have.
        """
        text = json.dumps(self.document, indent=2, ensure_ascii=False)
        if json.loads(text) != self.document:
            raise UsageError(f"this document of '{self.engine}' has numbers as keys, which JSON cannot: write YAML")
        return text + "\n"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the document to a file.

        Args:
            path: JSON where its name ends in `.json`, YAML for `.yaml` and `.yml`.

        Raises:
            UsageError: The ending is another one, or the file cannot be written.
        """
        name = os.fspath(path)
        if not name.endswith((".json", ".yaml", ".yml")):
            raise UsageError(f"a document is saved as .json, .yaml or .yml, not as '{name}'")
        text = self.to_json() if name.endswith(".json") else self.to_yaml()
        write_whole(name, text.encode())


class _Dumper(yaml.SafeDumper):
    """Writes out equal parts each time: no engine's reader needs to know of aliases."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True
