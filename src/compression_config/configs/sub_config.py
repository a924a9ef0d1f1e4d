"""Sub-configs: the selector and `exclude`, which both kinds have, and how a sub-config is checked.

`SubConfig.checked` applies every rule: the value of each key (`value_rules`), which keys go together (the tables
`rivals` and `needs`), and how values go together (`value_faults`). Everything that is wrong is reported at once,
in the order in which the keys are written (D16). Pydantic only makes the frozen model of what was found sound.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterable, Iterator, KeysView, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Final, Literal, NamedTuple, Self, TypeAlias

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    model_serializer,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from compression_config.configs.dialects import FOREIGN_KEYS
from compression_config.configs.plain_data import plain, shown
from compression_config.configs.value_rules import ExcludeRule, NamesRule, ValueRule, maps_bits
from compression_config.findings import Code, Hint, Line, LocalFinding
from compression_config.locations import ConfigPath
from compression_config.text import listed, nearest, printable, shortened
from compression_config.wildcards import has_wildcards

__all__ = [
    "DEFAULT_TYPES",
    "SELECTOR_KEYS",
    "TWO_LISTS",
    "Kind",
    "Needs",
    "Rivals",
    "SubConfig",
    "validation_error",
]

Kind: TypeAlias = Literal["pruning", "quantization"]
"""What the sub-configs of a list do."""

SELECTOR_KEYS: Final = ("op_types", "op_names", "op_partial_names")

DEFAULT_TYPES: Final = (
    "Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d",
    "Linear", "Bilinear", "PReLU", "Embedding", "EmbeddingBag",
)  # fmt: skip
"""The types that `default` in `op_types` stands for (D1)."""

TWO_LISTS: Final = "write two lists, under 'pruning' and 'quantization'"
"""What to write where keys or sub-configs of both kinds are in one list."""

_CHECKED: Final = object()
"""The validation context of values that `SubConfig.checked` has passed: pydantic only makes the model of them."""

_SELECTOR_OR_EXCLUDE: Final = frozenset({*SELECTOR_KEYS, "exclude"})
_EXACT: Final = {
    "op_types": "a type is the exact name of a class",
    "op_names": "a name is written in full",
    "op_partial_names": "a partial name is a plain substring",
}
_LINEAR: Final = Line("op_types", ["Linear"])
_WITHOUT_SPACE = re.compile(r"([a-z_]+):[^\s/]")
"""A key without a space after its colon, which YAML reads as one string with its value."""


class Rivals(NamedTuple):
    """Keys of which a sub-config may have at most one."""

    keys: frozenset[str]
    hint: str


class Needs(NamedTuple):
    """A key that needs at least one of some others beside it."""

    key: str
    others: tuple[str, ...]
    hint: Hint


class SubConfig(BaseModel):
    """One entry of a config list: which layers, and what happens to them. Frozen and hashable.

    Leaving a key out and passing None mean the same; `model_dump()` and `dict()` leave absent keys out.
    Direct construction raises pydantic's `ValidationError`, with one entry for each broken rule.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    kind: ClassVar[Kind]
    """`pruning` or `quantization`."""
    rivals: ClassVar[tuple[Rivals, ...]] = ()
    """The keys that exclude each other; for modules of this package."""
    needs: ClassVar[tuple[Needs, ...]] = ()
    """The keys that need others beside them; likewise."""
    no_setting_hint: ClassVar[Hint]
    """What to write where a sub-config says nothing about its layers; likewise."""

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
        description="`true` leaves the selected layers uncompressed. A later sub-config may compress them again.",
        examples=[True],
    )

    @property
    def types(self) -> frozenset[str] | None:
        """The types that the selector admits, with `default` expanded; None when it has no `op_types` (D1)."""
        return None if self.op_types is None else _expanded(tuple(self.op_types))

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

    def keys(self) -> KeysView[str]:
        """Return the keys that are written: `dict(sub_config)` equals `model_dump()`."""
        return self.model_dump().keys()

    def __getitem__(self, key: str) -> object:
        return self.model_dump()[key]

    def __contains__(self, key: object) -> bool:
        return key in self.keys()

    def remarks(self) -> Iterator[LocalFinding]:
        """Yield warnings and notes: what is allowed, and worth reporting."""
        for key in SELECTOR_KEYS:
            elements: Sequence[str] | None = getattr(self, key)
            if elements is None:
                continue
            if not elements:
                message = f"'{key}' is an empty list, so that it names nothing"
                yield LocalFinding(Code.NOTHING_CONFIGURED, message, "name what to exclude, or delete the key", (key,))
            for position, element in enumerate(elements):
                if has_wildcards(element):
                    message = f"{_EXACT[key]}, without wildcards, and {shown(element)} has some"
                    hint = "validate the list against the model to see what to write"
                    yield LocalFinding(Code.WILDCARD, message, hint, (key, position))
            if len(set(elements)) == len(elements):
                continue
            seen: set[str] = set()
            for position, element in enumerate(elements):
                if element in seen:
                    message = f"'{key}' names {shown(element)} more than once"
                    repetition = LocalFinding(Code.REPEATED_ELEMENT, message, "delete the repetition", (key, position))
                    yield repetition._replace(fix=("delete", None), safe=True)
                seen.add(element)

    @classmethod
    @functools.cache
    def value_rules(cls) -> Mapping[str, ValueRule]:
        """Return the rule for the value of each key, in the order of the reference."""
        return MappingProxyType(
            {
                name: next(part for part in _metadata(field.annotation, field.metadata) if isinstance(part, ValueRule))
                for name, field in cls.model_fields.items()
            }
        )

    @classmethod
    def value_faults(cls, values: Mapping[str, Any]) -> Sequence[LocalFinding]:
        """Return what is wrong with values that go together, each of which is fine; for modules of this package.

        Args:
            values: The values by key, as they are kept.

        Returns:
            One finding for each broken rule.
        """
        del values
        return ()

    @classmethod
    def all_made(cls, items: Iterable[object]) -> tuple[Self, ...] | Iterator[tuple[int, LocalFinding]]:
        """Return the sub-configs that plain data is; for modules of this package.

        What is wrong comes with the warnings and notes of the sound ones in between. It is found while it is asked
        for: a hostile list has millions of faults, which are not all kept.

        Args:
            items: What is in a list, in its order.

        Returns:
            The sub-configs, or what is wrong with each of them, by its index.
        """
        checked = ((cls._sound(item, null_is_absent=False)) for item in items)
        sound: list[object] = []
        for values, faults in checked:
            if faults:
                return cls._faults(itertools.chain(((values, []) for values in sound), [(values, faults)], checked))
            sound.append(values)
        # One call of pydantic for all of them: half of the time that one for each takes.
        made: tuple[Self, ...] = _adapter(cls).validate_python(sound, context=_CHECKED)
        return made

    @classmethod
    def _faults(cls, checked: Iterable[tuple[object, list[LocalFinding]]]) -> Iterator[tuple[int, LocalFinding]]:
        for index, (values, faults) in enumerate(checked):
            remarks = faults or cls.model_validate(values, context=_CHECKED).remarks()
            yield from ((index, finding) for finding in remarks)

    @model_validator(mode="before")
    @classmethod
    def _built_directly(cls, data: object, info: ValidationInfo) -> object:
        if info.context is _CHECKED:
            return data
        given = plain(data)
        values, faults = cls._sound(given, null_is_absent=True)
        if faults:
            raise validation_error(cls.__name__, given, (_for_python(fault) for fault in faults))
        return values

    @classmethod
    def _sound(cls, data: object, *, null_is_absent: bool) -> tuple[object, list[LocalFinding]]:
        """Return what pydantic makes the sub-config of, and everything that is wrong.

        A sub-config is checked too, and kept when it is sound: `model_construct` and `model_copy` check nothing.
        """
        if isinstance(data, dict) or not isinstance(data, cls):
            return cls._checked(data, null_is_absent=null_is_absent)
        given = {key: value for key, value in vars(data).items() if value is not None}
        values, faults = cls._checked(plain(given), null_is_absent=True)
        if not faults and data.model_fields_set == values.keys() and _identical(values, given):
            return data, []
        return values, faults

    @classmethod
    def _checked(cls, data: object, *, null_is_absent: bool) -> tuple[dict[str, object], list[LocalFinding]]:
        """Return the values that are fine, as a sub-config keeps them, and everything that is wrong.

        `null_is_absent` is for values that were passed in Python; in data a key without a value is refused (D6).
        """
        if not isinstance(data, dict):
            return {}, [cls._not_a_mapping(data)]
        rules = cls.value_rules()
        values: dict[str, object] = {}
        faults: list[LocalFinding] = []
        for key, value in data.items():
            rule = rules.get(key)
            if rule is None:
                fault = cls._unknown_key(key)
                taken = fault.fix is not None and any(
                    key != other and fault.fix[1] in cls._meant_by(other) for other in data
                )
                faults.append(fault._replace(fix=None, safe=False) if taken else fault)
            elif value == [] and key in SELECTOR_KEYS and data.get("exclude") is True:
                values[key] = ()  # what scripts write for models without exceptions (D1)
            elif value is not None:
                found = rule.faults(key, value)
                if found and value is False and _SELECTOR_OR_EXCLUDE.issuperset(data):
                    # Without 'exclude' there would be no setting.
                    faults += (fault._replace(fix=None) for fault in found)
                elif found:
                    faults += found
                else:
                    values[key] = rule.kept(value)
            elif not null_is_absent:
                hint = "write a value, or delete the key"
                faults.append(LocalFinding(Code.EMPTY_VALUE, f"'{key}' has no value", hint, (key,), at_key=True))
        if faults or not _presence_is_fine(cls, frozenset(values)):
            faults += cls._presence_faults(data, null_is_absent=null_is_absent)
        faults += cls.value_faults(values)
        if len(faults) > 1:
            order = {key: place for place, key in enumerate(data)}
            faults.sort(key=lambda fault: order[str(fault.path[0])] if fault.path else -1)
        return values, faults

    @classmethod
    def _presence_faults(cls, data: Mapping[str, object], *, null_is_absent: bool) -> Iterator[LocalFinding]:
        """Yield which rules about the presence of keys are broken; a misspelt key is not missing as well."""
        there = [key for key, value in data.items() if value is not None or not null_is_absent]
        legal = [key for key in there if key in cls.model_fields]
        meant = {key for name in there if name not in legal for key in cls._meant_by(name)}
        if data.get("exclude") is False:  # to be deleted: then it conflicts with nothing, and sets nothing
            legal.remove("exclude")
            meant.add("exclude")
        if maps_bits(data.get("quant_types")):  # its hint writes the bits of it where they belong
            meant.add("quant_bits")
        return _broken_presence(cls, legal, frozenset(meant))

    @classmethod
    def _not_a_mapping(cls, data: object) -> LocalFinding:
        if isinstance(data, SubConfig):
            message = f"a {data.kind} sub-config cannot be in a {cls.kind} list"
            return LocalFinding(Code.MIXED_KINDS, message, TWO_LISTS)
        hint: Hint | str = Hint("write {} with a setting beneath it", _LINEAR)
        if isinstance(data, list):
            hint = "take the sub-configs out of the inner list"
        elif isinstance(data, str) and (run_together := _WITHOUT_SPACE.match(data)) is not None:
            hint = f"write a space after the colon, '{run_together[1]}: ...', here and in each line like it"
        what = "a list" if isinstance(data, list) else shown(data)
        return LocalFinding(Code.NOT_A_MAPPING, f"a sub-config is a mapping of keys, not {what}", hint)

    # Cached, as a list repeats its slips in many sub-configs.
    @classmethod
    @functools.lru_cache(maxsize=1024)
    def _unknown_key(cls, key: str) -> LocalFinding:
        if key in cls.foreign_keys():
            other = "quantization" if cls.kind == "pruning" else "pruning"
            message = f"'{key}' is a key of {other}, not of {cls.kind}"
            return LocalFinding(Code.MIXED_KINDS, message, TWO_LISTS, (key,), at_key=True)
        if key in FOREIGN_KEYS:
            foreign = FOREIGN_KEYS[key]
            message = f"'{key}' is a key of {foreign.dialect}"
            return LocalFinding(Code.OTHER_DIALECT, message, foreign.hint, (key,), at_key=True)
        close = _nearest_key(cls, key)
        hint: Hint | str = f"write '{close}'" if close else f"the keys are {listed(cls.model_fields)}"
        if key.startswith("min"):
            hint = "the specification has no lower bound: delete the key"
        elif (excluded := _EXCLUDED.fullmatch(key)) is not None:
            hint = FOREIGN_KEYS["exclude_op_types" if excluded[1] else "exclude_op_names"].hint
        message = f"there is no key '{printable(shortened(key))}'"
        finding = LocalFinding(Code.UNKNOWN_KEY, message, hint, (key,), at_key=True)
        return finding if close is None else finding._replace(fix=("rename", close), safe=True)

    @classmethod
    def _meant_by(cls, key: str) -> tuple[str, ...]:
        """Return the keys that an unknown one stands for, by its dialect or its likeness; else itself."""
        if key in FOREIGN_KEYS:
            return FOREIGN_KEYS[key].stands_for
        return ((key if key in cls.foreign_keys() else _nearest_key(cls, key)) or key,)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        return ((key, value) for key, value in super().__repr_args__() if value is not None)

    @model_serializer(mode="wrap")
    def _leave_absent_keys_out(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in handler(self).items() if value is not None}


@functools.cache
def _adapter(cls: type[SubConfig]) -> TypeAdapter[Any]:
    return TypeAdapter(tuple[cls, ...])  # type: ignore[valid-type]


def _for_python(fault: LocalFinding) -> tuple[Code, str, str | None, ConfigPath]:
    return fault.code, fault.message, fault.hint_in("python"), fault.path


def validation_error(
    title: str, given: object, faults: Iterable[tuple[Code, str, str | None, ConfigPath]]
) -> ValidationError:
    """Return the pydantic error with one entry for each fault of `given`: code, message, hint and path of its key."""
    return ValidationError.from_exception_data(
        title,
        [
            InitErrorDetails(
                type=PydanticCustomError(
                    code.value,
                    "{message} ({hint})" if hint else "{message}",
                    {"message": printable(message), "hint": hint and printable(hint)},
                ),
                loc=path,
                input=_value_at(given, path),
            )
            for code, message, hint, path in faults
        ],
    )


def _value_at(given: object, path: ConfigPath) -> object:
    """Return the value at a path, or what it would be in where it is missing."""
    value: Any = given
    for step in path:
        if isinstance(value, dict):
            known = step in value
        else:
            known = isinstance(value, list) and isinstance(step, int) and step < len(value)
        if not known:
            break
        value = value[step]
    return value


def _identical(kept: object, given: object) -> bool:
    """Return whether two values are equal and of the same types, inside of them as well."""
    if type(kept) is not type(given):
        return False
    if isinstance(kept, Mapping) and isinstance(given, Mapping):
        return _identical(tuple(kept.items()), tuple(given.items()))
    if isinstance(kept, tuple) and isinstance(given, tuple):
        return len(kept) == len(given) and all(map(_identical, kept, given))
    return kept == given


def _metadata(annotation: object, found: Iterable[object]) -> Iterator[object]:
    """Yield the metadata of a field, also that inside `Annotated[...] | None`."""
    yield from found
    for part in getattr(annotation, "__args__", ()):
        yield from getattr(part, "__metadata__", ())


@functools.lru_cache(maxsize=1024)
def _expanded(types: tuple[str, ...]) -> frozenset[str]:
    if "default" not in types:
        return frozenset(types)
    # `default` stands for these types, and not for a class of that name.
    return frozenset(types).union(DEFAULT_TYPES) - {"default"}


@functools.lru_cache(maxsize=1024)
def _nearest_key(cls: type[SubConfig], key: str) -> str | None:
    """Return the key that an unknown one resembles; cached, as a list repeats its slips in many sub-configs."""
    word = shortened(key.strip())
    # A lower bound, and the contrary of excluding, are near to other keys in spelling alone.
    if word.lower().startswith(("min", "include")) or _EXCLUDED.fullmatch(word):
        return None
    parts = [legal for legal in cls.model_fields if legal.endswith(f"_{word}") or legal == word.removesuffix("s")]
    if len(parts) == 1:
        return parts[0]
    meant = [legal for beginning, ending, legal in _BY_WORDS if word.startswith(beginning) and word.endswith(ending)]
    close = (legal for legal in meant if legal in cls.model_fields)
    return next(close, None) or nearest(word, cls.model_fields)


_BY_WORDS = (("max", "sparsity", "max_sparsity_per_layer"), ("", "bits", "quant_bits"))
"""How keys begin and end that stand for another, which is not the one that is spelled most alike."""
_EXCLUDED = re.compile(r"excluded?_(?:\w*_)?(?:(types)|names|layers|modules)")
"""A key that lists what is to be excluded; by type where the group is there."""


# A long list has few different sets of keys.
@functools.lru_cache(maxsize=4096)
def _presence_is_fine(cls: type[SubConfig], written: frozenset[str]) -> bool:
    return not any(_broken_presence(cls, tuple(written)))


def _broken_presence(
    cls: type[SubConfig], written: Sequence[str], meant: frozenset[str] = frozenset()
) -> Iterator[LocalFinding]:
    """Yield which rules about the presence of keys are broken.

    `written` are the keys in their order; `meant` are those that unknown keys stand for: what is only misspelt
    is not missing as well.
    """
    there = meant.union(written)
    if there.isdisjoint(SELECTOR_KEYS):
        message = "a sub-config needs a selector: 'op_types', 'op_names' or 'op_partial_names'"
        hint = Hint("write {}, or the names of the layers", _LINEAR)
        yield LocalFinding(Code.NO_SELECTOR, message, hint)
    if there.issubset(SELECTOR_KEYS):
        message = "a sub-config must say what to do with the layers that it selects"
        yield LocalFinding(Code.NO_SETTING, message, cls.no_setting_hint)
    yield from _conflicts(cls, written)
    for key, others, hint in cls.needs:
        if key in written and there.isdisjoint(others):
            wanted = listed((other for other in others if other != "exclude"), last="or")
            message = f"'{key}' goes with {wanted}, which is missing"
            yield LocalFinding(Code.MISSING_KEY, message, hint, (key,), at_key=True)


def _of_two_sub_configs(written: Sequence[str], clash: Sequence[str]) -> str:
    """Return what to write if the last keys are a sub-config that excludes: a selector comes before them again."""
    first, second = map(written.index, clash[:2])
    before, between = written[:first], written[first + 1 : second]
    begins = next((key for key in between if key in SELECTOR_KEYS), None)
    # The other way round the keys come from a merge of YAML as often, which puts its own last.
    if begins is None or clash[1] != "exclude" or set(before).isdisjoint(SELECTOR_KEYS):
        return ""
    return f"; if two sub-configs are meant, begin the second with '{begins}'"


def _conflicts(cls: type[SubConfig], written: Sequence[str]) -> Iterator[LocalFinding]:
    """Yield which keys cannot be set together; everything that conflicts with `exclude` is one finding."""
    clashes = [(rivals, [key for key in written if key in rivals.keys]) for rivals in cls.rivals]
    clashes = [(rivals, clash) for rivals, clash in clashes if len(clash) > 1]
    excluded = [clash for _, clash in clashes if "exclude" in clash]
    for rivals, clash in clashes:
        if clash not in excluded or len(excluded) == 1:
            both = "both " if len(clash) == 2 else ""  # noqa: PLR2004 - two is what "both" means
            message = f"{listed(clash)} cannot {both}be set in one sub-config"
            hint = rivals.hint + _of_two_sub_configs(written, clash)
            yield LocalFinding(Code.CONFLICTING_KEYS, message, hint, (clash[1],), at_key=True)
        elif clash == excluded[0]:
            others = listed(key for key in written if key != "exclude" and any(key in pair for pair in excluded))
            message = f"'exclude' cannot be set beside {others} in one sub-config"
            yield LocalFinding(Code.CONFLICTING_KEYS, message, rivals.hint, ("exclude",), at_key=True)
