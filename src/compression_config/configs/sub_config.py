"""What pruning and quantization sub-configs have in common: the selector, `exclude`, and how rules are kept.

A sub-config is checked in two steps. pydantic's core accepts or refuses the values, in one call and with no
Python in between; the rules about which keys go together are tables (`rivals`, `needs`), looked up by the set
of keys that are written. Only what fails is looked at again, to say everything that is wrong with it at once.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Final, Literal, NamedTuple, Self, TypeAlias

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    model_serializer,
    model_validator,
)
from pydantic.functional_validators import ModelWrapValidatorHandler

from compression_config.configs.dialects import FOREIGN_KEYS
from compression_config.configs.plain_data import Remark, plain, shown, validation_error
from compression_config.configs.value_rules import ExcludeRule, NamesRule, ValueRule
from compression_config.findings import Code
from compression_config.text import listed, nearest

__all__ = ["DEFAULT_TYPES", "PLAIN_DATA", "SELECTOR_KEYS", "Kind", "Needs", "Rivals", "SubConfig"]


Kind: TypeAlias = Literal["pruning", "quantization"]

PLAIN_DATA: Final = "plain data"
"""The validation context under which a key written as null is refused (D6); else None means absent."""

SELECTOR_KEYS: Final = ("op_types", "op_names", "op_partial_names")

DEFAULT_TYPES: Final = (
    "Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d",
    "Linear", "Bilinear", "PReLU", "Embedding", "EmbeddingBag",
)  # fmt: skip
"""The types that `default` in `op_types` stands for (D1)."""


_WITHOUT_SPACE = re.compile(r"([a-z_]+):[^\s/]")
"""Keys without a space behind their colons, which YAML reads as one text."""


class Rivals(NamedTuple):
    """Keys of which at most one may stand in a sub-config."""

    keys: frozenset[str]
    hint: str


class Needs(NamedTuple):
    """A key that wants at least one of some others beside it."""

    key: str
    others: tuple[str, ...]
    hint: str


class SubConfig(BaseModel):
    """One entry of a config list: which layers, and what happens to them. Frozen and hashable.

    Leaving a key out and passing None mean the same; `model_dump()` leaves absent keys out.
    Direct construction raises pydantic's `ValidationError`, with one entry for each broken rule.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    kind: ClassVar[Kind]
    rivals: ClassVar[tuple[Rivals, ...]] = ()
    needs: ClassVar[tuple[Needs, ...]] = ()
    no_setting_hint: ClassVar[str]

    op_types: Annotated[Sequence[str], NamesRule("type", "Linear")] | None = Field(
        default=None,
        description="Class names of the layers to select, compared exactly. `default` stands for the weighted types: "
        + ", ".join(DEFAULT_TYPES)
        + ". With names beside it, a layer must satisfy both.",
        examples=[["Linear", "Conv2d"]],
    )
    op_names: Annotated[Sequence[str], NamesRule("name", "fc1")] | None = Field(
        default=None,
        description="Full dotted names of the layers to select, as `named_modules()` gives them.",
        examples=[["encoder.layer.0.output.dense"]],
    )
    op_partial_names: Annotated[Sequence[str], NamesRule("partial name", "layer1.")] | None = Field(
        default=None,
        description="Substrings of names: every layer whose name contains one of them is selected, "
        "in addition to those in `op_names`.",
        examples=[["layer.1.", "attention"]],
    )
    exclude: Annotated[Literal[True], ExcludeRule()] | None = Field(
        default=None,
        description="`true` leaves the selected layers uncompressed. A later sub-config may take them back.",
        examples=[True],
    )

    @property
    def keys(self) -> frozenset[str]:
        """The keys that are written in this sub-config."""
        return frozenset(self.model_fields_set)

    @property
    def types(self) -> frozenset[str] | None:
        """The types that the selector admits, with `default` expanded; None when it names no types (D1)."""
        if self.op_types is None:
            return None
        return _expanded(tuple(self.op_types))

    @property
    def names_layers(self) -> bool:
        """Whether the selector has one of the two name keys."""
        return self.op_names is not None or self.op_partial_names is not None

    @classmethod
    @functools.cache
    def setting_keys(cls) -> frozenset[str]:
        """Return the keys that say how to compress; the selector and `exclude` are common to both kinds."""
        return frozenset(cls.model_fields).difference(SubConfig.model_fields)

    @classmethod
    @functools.cache
    def foreign_keys(cls) -> frozenset[str]:
        """Return the keys of the other kind of config list."""
        # Whoever imports a module of this package has run its __init__, which defines both kinds.
        others = (other for other in SubConfig.__subclasses__() if other.kind != cls.kind)
        return frozenset[str]().union(*(other.setting_keys() for other in others)).difference(cls.model_fields)

    def remarks(self) -> Iterator[Remark]:
        """Yield what is worth a warning or a note although it is allowed."""
        for key in SELECTOR_KEYS:
            elements: Sequence[str] = getattr(self, key) or ()
            if len(set(elements)) == len(elements):
                continue
            seen: set[str] = set()
            for position, element in enumerate(elements):
                if element in seen:
                    message = f"'{key}' names {shown(element)} more than once"
                    yield Remark(Code.REPEATED_ELEMENT, message, "delete the repetition", (key, position))
                seen.add(element)

    @classmethod
    @functools.cache
    def value_rules(cls) -> Mapping[str, ValueRule]:
        """Return for each key the rule that its value keeps, in the order of the reference."""
        return MappingProxyType(
            {
                name: next(part for part in _metadata(field.annotation, field.metadata) if isinstance(part, ValueRule))
                for name, field in cls.model_fields.items()
            }
        )

    def value_remarks(self) -> Iterator[Remark]:
        """Yield the rules between values that are broken: errors, though each value alone is fine."""
        return iter(())

    @model_validator(mode="wrap")
    @classmethod
    def _report_together(cls, data: object, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        try:
            config = handler(data)
        except Exception:  # noqa: BLE001 - a ValidationError, or whatever the own methods of a value raise
            return cls._second_look(data, handler, info)
        written = config.__pydantic_fields_set__
        if None in map(config.__dict__.__getitem__, written):
            return cls._second_look(data, handler, info)
        if _presence_is_fine(cls, frozenset(written)) and not any(config.value_remarks()):
            return config
        return cls._second_look(data, handler, info)

    @classmethod
    def _second_look(cls, data: object, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        """Accept what only wears foreign types; otherwise raise everything that is wrong, in the order written."""
        data = plain(data)
        if not isinstance(data, dict):
            raise validation_error(cls.__name__, [_not_a_mapping(data)])
        given: dict[str, object] = data
        remarks: list[Remark] = []
        if info.context == PLAIN_DATA:
            remarks += (_empty_value(key) for key, value in given.items() if value is None and key in cls.model_fields)
        given = {key: value for key, value in given.items() if value is not None or key not in cls.model_fields}
        legal = {key: value for key, value in given.items() if key in cls.model_fields}
        written = [*legal, *(remark.path[0] for remark in remarks)]
        unknown = [key for key in given if key not in legal]
        remarks += map(cls._unknown_key, unknown)
        good, refused = _sorted_out(cls, legal)
        remarks += refused
        config = handler(good)
        meant = {key for name in unknown for key in cls._meant_by(name)}
        if given.get("exclude") is False:  # to be deleted: then it is in conflict with nothing, and sets nothing
            written.remove("exclude")
            meant.add("exclude")
        remarks += _broken_presence(cls, tuple(key for key in data if key in written), frozenset(meant))
        remarks += config.value_remarks()
        if not remarks:
            return config
        order = {key: place for place, key in enumerate(data)}
        remarks.sort(key=lambda remark: order.get(str(remark.path[0]), -1) if remark.path else -1)
        raise validation_error(cls.__name__, remarks)

    @classmethod
    def _unknown_key(cls, key: str) -> Remark:
        if key in cls.foreign_keys():
            other = "quantization" if cls.kind == "pruning" else "pruning"
            hint = "write two lists, under 'pruning:' and 'quantization:'"
            return Remark(
                Code.MIXED_KINDS, f"'{key}' is a key of {other}, not of {cls.kind}", hint, (key,), at_key=True
            )
        if key in FOREIGN_KEYS:
            foreign = FOREIGN_KEYS[key]
            return Remark(
                Code.OTHER_DIALECT, f"'{key}' is a key of {foreign.dialect}", foreign.remedy, (key,), at_key=True
            )
        close = _nearest_key(cls, key)
        hint = f"write '{close}'" if close else f"the keys are {listed(cls.model_fields)}"
        return Remark(Code.UNKNOWN_KEY, f"there is no key '{key}'", hint, (key,), at_key=True)

    @classmethod
    def _meant_by(cls, key: str) -> tuple[str, ...]:
        """Return the keys that an unknown one stands for, by its dialect or its likeness; itself if there is none."""
        if key in cls.foreign_keys():
            return (key,)
        if key in FOREIGN_KEYS:
            return FOREIGN_KEYS[key].stands_for
        return (_nearest_key(cls, key) or key,)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Show the keys that are written, and no others."""
        return ((key, value) for key, value in super().__repr_args__() if value is not None)

    @model_serializer(mode="wrap")
    def _leave_absent_keys_out(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in handler(self).items() if value is not None}


def _metadata(annotation: object, found: Iterable[object]) -> Iterator[object]:
    """Yield the metadata of a field, also that inside `Annotated[...] | None`."""
    yield from found
    for part in getattr(annotation, "__args__", ()):
        yield from getattr(part, "__metadata__", ())


@functools.lru_cache(maxsize=1024)
def _expanded(types: tuple[str, ...]) -> frozenset[str]:
    if "default" not in types:
        return frozenset(types)
    return frozenset(types).union(DEFAULT_TYPES) - {"default"}  # it stands for them, and for no class of its name


@functools.lru_cache(maxsize=1024)
def _nearest_key(cls: type[SubConfig], key: str) -> str | None:
    """Return the key that an unknown one resembles; a list can hold the same slip in each of its sub-configs."""
    return next(iter(nearest(key.strip(), cls.model_fields)), None)


def _not_a_mapping(data: object) -> Remark:
    hint = "write op_types: [Linear] with a setting beneath it"
    if isinstance(data, list):
        hint = "take the sub-configs out of the inner list"
    elif isinstance(data, str) and (run_together := _WITHOUT_SPACE.match(data)) is not None:
        hint = f"write a space behind the colon, '{run_together[1]}: ...', here and in each line like it"
    what = "a list" if isinstance(data, list) else shown(data)
    return Remark(Code.NOT_A_MAPPING, f"a sub-config is a mapping of keys, not {what}", hint)


def _empty_value(key: str) -> Remark:
    message = f"'{key}' has no value"
    return Remark(Code.EMPTY_VALUE, message, "write a value, or delete the line", (key,), at_key=True)


def _sorted_out(cls: type[SubConfig], legal: Mapping[str, object]) -> tuple[dict[str, object], list[Remark]]:
    """Return the keys whose values the core accepts, and what is wrong with the others."""
    good: dict[str, object] = {}
    remarks: list[Remark] = []
    for key, rule in cls.value_rules().items():
        if key not in legal:
            continue
        if rule.accepts(legal[key]):
            good[key] = legal[key]
        else:
            said = list(rule.explain(key, legal[key]))
            remarks += said or [Remark(Code.WRONG_TYPE, f"'{key}' cannot be {shown(legal[key])}", None, (key,))]
    return good, remarks


@functools.lru_cache(maxsize=4096)
def _presence_is_fine(cls: type[SubConfig], written: frozenset[str]) -> bool:
    return not any(_broken_presence(cls, tuple(written)))


def _broken_presence(
    cls: type[SubConfig], written: Sequence[str], meant: frozenset[str] = frozenset()
) -> Iterator[Remark]:
    """Yield which rules about the presence of keys are broken.

    `written` are the keys in their order; `meant` are those that unknown keys stand for: what is only misspelt
    is not missing, for the unknown key says it all.
    """
    there = meant.union(written)
    if there.isdisjoint(SELECTOR_KEYS):
        message = "a sub-config says which layers it means: one of 'op_types', 'op_names' or 'op_partial_names'"
        yield Remark(Code.NO_SELECTOR, message, "write op_types: [Linear], or the names of the layers")
    if there.issubset(SELECTOR_KEYS):
        yield Remark(Code.NO_SETTING, "a sub-config says what happens to the layers it selects", cls.no_setting_hint)
    yield from _conflicts(cls, written)
    for key, others, hint in cls.needs:
        if key in written and there.isdisjoint(others):
            wanted = listed((other for other in others if other != "exclude"), last="or")
            yield Remark(Code.MISSING_KEY, f"'{key}' goes with {wanted}, which is missing", hint, (key,), at_key=True)


def _conflicts(cls: type[SubConfig], written: Sequence[str]) -> Iterator[Remark]:
    """Yield which keys cannot stand together; all that `exclude` clashes with is one finding."""
    clashes = [(rivals, [key for key in written if key in rivals.keys]) for rivals in cls.rivals]
    clashes = [(rivals, clash) for rivals, clash in clashes if len(clash) > 1]
    excluded = [clash for _, clash in clashes if "exclude" in clash]
    for rivals, clash in clashes:
        if clash not in excluded or len(excluded) == 1:
            both = "both " if len(clash) == 2 else ""  # noqa: PLR2004 - two is what "both" means
            message = f"{listed(clash)} cannot {both}be set in one sub-config"
            yield Remark(Code.CONFLICTING_KEYS, message, rivals.hint, (clash[1],), at_key=True)
        elif clash == excluded[0]:
            others = listed(key for key in written if key != "exclude" and any(key in pair for pair in excluded))
            message = f"'exclude' cannot be set beside {others} in one sub-config"
            yield Remark(Code.CONFLICTING_KEYS, message, rivals.hint, ("exclude",), at_key=True)
