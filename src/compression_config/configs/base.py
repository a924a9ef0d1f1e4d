"""What pruning and quantization sub-configs have in common: the selector, `exclude`, and how rules are kept.

A sub-config is checked in two steps. pydantic's core accepts or refuses the values, in one call and with no
Python in between; the rules about which keys go together are tables (`rivals`, `needs`), looked up by the set
of keys that are written. Only what fails is looked at again, to say everything that is wrong with it at once.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final, Literal, NamedTuple, Self, TypeAlias

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    SerializerFunctionWrapHandler,
    ValidationError,
    ValidationInfo,
    model_serializer,
    model_validator,
)

from compression_config.configs.dialects import FOREIGN_KEYS
from compression_config.configs.remarks import Remark, shown, validation_error
from compression_config.configs.values import ExcludeRule, NamesRule, ValueRule, plain
from compression_config.findings import Code
from compression_config.spelling import listed, nearest

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
    foreign: ClassVar[frozenset[str]] = frozenset()
    """The keys of the other kind of config list."""
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

    def remarks(self) -> Iterator[Remark]:
        """Yield what is worth a warning or a note although it is allowed."""
        for key in SELECTOR_KEYS:
            elements: Sequence[str] = getattr(self, key) or ()
            if len(set(elements)) == len(elements):
                continue
            for position, element in enumerate(elements):
                if element in elements[:position]:
                    message = f"'{key}' names {shown(element)} more than once"
                    yield Remark(Code.REPEATED_ELEMENT, message, "delete the repetition", (key, position))

    @classmethod
    def value_rules(cls) -> dict[str, ValueRule]:
        """Return for each key the rule that its value keeps, in the order of the reference."""
        return {
            name: next(part for part in _metadata(field.annotation, field.metadata) if isinstance(part, ValueRule))
            for name, field in cls.model_fields.items()
        }

    def value_remarks(self) -> Iterator[Remark]:
        """Yield the rules between values that are broken: errors, though each value alone is fine."""
        return iter(())

    @model_validator(mode="wrap")
    @classmethod
    def _report_together(cls, data: object, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        try:
            config = handler(data)
        except ValidationError:
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
            message = f"a sub-config is a mapping of keys, not {shown(data)}"
            hint = "write op_types: [Linear] with a setting beneath it"
            raise validation_error(cls.__name__, [Remark(Code.NOT_A_MAPPING, message, hint)])
        given: dict[str, object] = {str(key): value for key, value in data.items()}
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
        remarks += (
            remark
            for remark in _broken_presence(cls, tuple(str(key) for key in data if str(key) in written))
            if not _follows_from(remark, unknown)
        )
        remarks += config.value_remarks()
        if not remarks:
            return config
        order = {str(key): place for place, key in enumerate(data)}
        remarks.sort(key=lambda remark: order.get(str(remark.path[0]), -1) if remark.path else -1)
        raise validation_error(cls.__name__, remarks)

    @classmethod
    def _unknown_key(cls, key: str) -> Remark:
        if key in cls.foreign:
            other = "quantization" if cls.kind == "pruning" else "pruning"
            hint = "write two lists, under 'pruning:' and 'quantization:'"
            return Remark(
                Code.MIXED_KINDS, f"'{key}' is a key of {other}, not of {cls.kind}", hint, (key,), at_key=True
            )
        if key in FOREIGN_KEYS:
            dialect, remedy = FOREIGN_KEYS[key]
            return Remark(Code.OTHER_DIALECT, f"'{key}' is a key of {dialect}", remedy, (key,), at_key=True)
        close = nearest(key.strip(), cls.model_fields)
        hint = f"write '{close[0]}'" if close else f"the keys are {listed(cls.model_fields)}"
        return Remark(Code.UNKNOWN_KEY, f"there is no key '{key}'", hint, (key,), at_key=True)

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
    return frozenset(types).union(DEFAULT_TYPES if "default" in types else ())


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


def _follows_from(remark: Remark, unknown: Sequence[str]) -> bool:
    """Whether what is missing is only misspelt: then the unknown key says it, and nothing else need."""
    if remark.code is Code.NO_SELECTOR:
        return any(map(_stands_for_selector, unknown))
    return remark.code is Code.NO_SETTING and not all(map(_stands_for_selector, unknown))


def _stands_for_selector(key: str) -> bool:
    """Whether an unknown key was meant as one of the selector's, by its likeness or its dialect."""
    if key in FOREIGN_KEYS:
        return "'op_" in FOREIGN_KEYS[key].remedy
    return bool(nearest(key.strip(), SELECTOR_KEYS))


@functools.lru_cache(maxsize=4096)
def _presence_is_fine(cls: type[SubConfig], written: frozenset[str]) -> bool:
    return not any(_broken_presence(cls, tuple(written)))


def _broken_presence(cls: type[SubConfig], written: Sequence[str]) -> Iterator[Remark]:
    """Yield which rules about the presence of keys are broken; `written` are the keys in their order."""
    if not any(key in SELECTOR_KEYS for key in written):
        message = "a sub-config says which layers it means: one of 'op_types', 'op_names' or 'op_partial_names'"
        yield Remark(Code.NO_SELECTOR, message, "write op_types: [Linear], or the names of the layers")
    if not any(key not in SELECTOR_KEYS for key in written):
        yield Remark(Code.NO_SETTING, "a sub-config says what happens to the layers it selects", cls.no_setting_hint)
    for rivals in cls.rivals:
        clash = [key for key in written if key in rivals.keys]
        if len(clash) > 1:
            both = "both " if len(clash) == 2 else ""  # noqa: PLR2004 - two is what "both" means
            message = f"{listed(clash)} cannot {both}be set in one sub-config"
            yield Remark(Code.CONFLICTING_KEYS, message, rivals.hint, (clash[1],), at_key=True)
    for key, others, hint in cls.needs:
        if key in written and not any(other in written for other in others):
            message = f"'{key}' goes with {listed(others, last='or')}, which is missing"
            yield Remark(Code.MISSING_KEY, message, hint, (key,), at_key=True)
