"""Findings of a verification: one for each sub-config and cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from compression_config.findings import Code, Finding, Severity
from compression_config.locations import ConfigPath
from compression_config.resolving.resolved import Resolved
from compression_config.resolving.selection import UNDECIDED
from compression_config.text import layers_words, quoted
from compression_config.verification.judging import Assessment, Requirements
from compression_config.verification.measuring import Cause
from compression_config.verification.results import GroupVerification
from compression_config.verification.sources import Source

__all__ = ["verification_findings"]

_SHOWN = 3
"""How many layers a message names."""

_CHANNEL_HINT = "where whole channels are pruned, verify with tolerance 'channel'"


def verification_findings(
    required: Requirements, assessed: Sequence[Assessment], groups: Sequence[GroupVerification], source: Source
) -> Iterator[Finding]:
    """Yield the findings, those about the pruning list before those about the quantization list, in list order."""
    if source.unexpected:
        yield from _of_all(required, *_unexpected(required, source), () if source.known else assessed)
        if not source.known:
            return  # that every layer is missing follows
    smaller = [one for one in assessed if one.cause == "smaller"]
    if smaller:
        shown = ", ".join(f"'{one.row.layer}' ({one.reason})" for one in smaller[:_SHOWN]) + _dots(smaller)
        message = f"{len(smaller):,} of {layers_words(len(assessed))} have fewer channels than in the model: {shown}"
        yield from _of_all(required, message, "verify the masks, or the model before its channels are removed", smaller)
    for part in (required.pruning, required.quantization):
        if part is not None:
            found = [*_of_layers(required, part, assessed)]
            if part is required.pruning:
                found += _of_groups(part, groups)
            yield from part.config_list.policy.apply(sorted(found, key=_index))


def _index(finding: Finding) -> int:
    return next((step for step in finding.path if isinstance(step, int)), UNDECIDED)


def _of_all(required: Requirements, message: str, hint: str | None, unseen: Iterable[Assessment]) -> Iterator[Finding]:
    """Yield the finding that layers cannot be verified, one for all sub-configs."""
    config_list = required.first.config_list
    severity = Severity.ERROR if any(required.compresses(one.position) for one in unseen) else None
    place = config_list.provenance.place(())
    yield from config_list.policy.apply([Finding.at(place, Code.NOT_VERIFIED, message, hint, severity=severity)])


def _unexpected(required: Requirements, source: Source) -> tuple[str, str | None]:
    """Return the message and the hint about names that are not layers."""
    names, layers = source.unexpected, required.first.inventory
    # In a state dict the names of weights are the ones to go by, and others may come before them.
    telling = next((name for name in names if name.endswith(".weight")), names[0]).removesuffix(".weight")
    within = max((name for name in layers.names if telling.endswith(f".{name}")), key=len, default=None)
    close = within or next(iter(layers.nearest(telling)), None)
    what = f"{len(names):,} of the given names are not layers" if source.known else "no given name is that of a layer"
    message = f"{what}: {', '.join(quoted(names[:_SHOWN]))}{_dots(names)}"
    if source.inner is not None:
        return message, f"the weights are under '{source.inner}': verify what is there"
    return message, None if close is None else f"the layer may be '{close}'"


def _dots(things: Sequence[object]) -> str:
    return ", ..." if len(things) > _SHOWN else ""


def _of_layers(required: Requirements, part: Resolved, assessed: Sequence[Assessment]) -> Iterator[Finding]:
    """Yield what is wrong with layers, those of one sub-config and one cause together."""
    layers_of: Counter[int] = Counter()
    alike: dict[tuple[int, Code, Cause], list[Assessment]] = {}
    for one in assessed:
        index = part.decided_by[one.position]
        layers_of[index] += 1
        for code in one.row.codes if one.cause != "smaller" else ():
            if _list_about(required, one, code) is part:
                alike.setdefault((index, code, one.cause), []).append(one)
    compressed = [one for one in assessed if required.compresses(one.position)]
    looked_at = not compressed or any(one.looked_at for one in compressed)
    for (index, code, cause), ones in alike.items():
        words = _WORDS[code](_Case(part, index, ones, masked=part is required.pruning))
        path: ConfigPath = () if index == UNDECIDED else (index,) if words.key is None else (index, words.key)
        some = f"{len(ones):,} of {layers_of[index]:,} layers"
        message = f"{words.rule.format(some=some)}: {', '.join(map(words.example, ones[:_SHOWN]))}{_dots(ones)}"
        place = part.config_list.provenance.place(path)
        severity = code.severity
        if code is Code.NOT_VERIFIED:
            missing = cause == "missing" and any(required.compresses(one.position) for one in ones)
            severity = Severity.ERROR if missing or not looked_at else severity
        yield Finding.at(place, code, message, words.hint, severity=severity)


def _list_about(required: Requirements, one: Assessment, code: Code) -> Resolved | None:
    """Return which of the two lists `code` is about, for one layer."""
    masked = required.pruning is not None and one.row.masked is not None
    if code is Code.BITS_EXCEEDED or (code is Code.NOT_VERIFIED and masked and one.row.bits is not None):
        return required.quantization
    if code is Code.TOUCHED_LAYER:
        return (
            required.pruning if one.certain and not required.pruned(one.position) and masked else required.quantization
        )
    about_pruning = required.pruning is not None and (required.pruned(one.position) or one.row.bits is None)
    return required.pruning if about_pruning else required.quantization


class _Case(NamedTuple):
    """Layers of one sub-config that have the same finding."""

    part: Resolved
    sub_config: int
    """Its index."""
    ones: Sequence[Assessment]
    masked: bool
    """Whether it is about masking, not about quantization."""


class _Words(NamedTuple):
    """How a finding is worded."""

    rule: str
    """The beginning of the message, with `{some}` for how many of how many layers."""
    key: str | None
    """The key of the sub-config that it is about; None for the whole of it."""
    hint: str | None
    example: Callable[[Assessment], str]
    """What the message says about one layer."""


def _missed(case: _Case) -> _Words:
    config = case.part.config_list[case.sub_config]
    key = "sparsity" if getattr(config, "sparsity", None) is not None else "sparsity_per_layer"
    channels = all(_within_a_channel(one, one.row.demanded) for one in case.ones)
    return _Words(
        f"'{key}' {getattr(config, key)} is missed in {{some}}",
        key,
        _CHANNEL_HINT if channels else None,
        lambda one: f"'{one.row.layer}' ({one.row.masked:,} of {one.row.numel:,} masked, not {one.row.demanded:,})",
    )


def _within_a_channel(one: Assessment, count: int | None) -> bool:
    """Return whether as many elements are masked as some whole channels have, less than one channel off `count`."""
    masked = one.row.masked or 0
    return (
        masked != one.row.numel
        and one.channel > 1
        and masked % one.channel == 0
        and abs(masked - (count or 0)) < one.channel
    )


def _exceeded(case: _Case) -> _Words:
    key = "max_sparsity_per_layer"
    channels = all(_within_a_channel(one, one.row.cap) for one in case.ones)
    return _Words(
        f"'{key}' {getattr(case.part.config_list[case.sub_config], key)} is exceeded in {{some}}",
        key,
        _CHANNEL_HINT if channels else None,
        lambda one: f"'{one.row.layer}' ({one.row.masked:,} of {one.row.numel:,} masked, at most {one.row.cap:,})",
    )


def _touched(case: _Case) -> _Words:
    whose = "that no sub-config selects" if case.sub_config == UNDECIDED else "that are excluded"
    if case.masked:
        return _Words(
            f"elements are masked in {{some}} {whose}",
            "exclude",
            None,
            lambda one: f"'{one.row.layer}' ({one.row.masked:,} of {one.row.numel:,} masked)",
        )
    return _Words(f"the weight is quantized in {{some}} {whose}", "exclude", None, lambda one: f"'{one.row.layer}'")


def _too_many_values(case: _Case) -> _Words:
    bits = case.ones[0].row.bits or 0
    return _Words(
        f"the {2**bits:,} values that {bits} bits tell apart are exceeded in {{some}}",
        "quant_bits",
        "verify the quantized weights, not the original ones that the quantizer keeps",
        lambda one: f"'{one.row.layer}'",
    )


def _not_verified(case: _Case) -> _Words:
    undecided = all(one.row.bits is not None and one.row.levels is not None for one in case.ones)
    hint = "verify the integers that the engine exports, or weights of more precise floats" if undecided else None
    return _Words("{some} could not be verified", None, hint, lambda one: f"'{one.row.layer}' {one.reason}")


_WORDS: Mapping[Code, Callable[[_Case], _Words]] = {
    Code.SPARSITY_MISSED: _missed,
    Code.CAP_EXCEEDED: _exceeded,
    Code.TOUCHED_LAYER: _touched,
    Code.BITS_EXCEEDED: _too_many_values,
    Code.NOT_VERIFIED: _not_verified,
}


def _of_groups(pruning: Resolved, groups: Sequence[GroupVerification]) -> Iterator[Finding]:
    """Yield the groups that mask more or fewer elements than was demanded of them."""
    for group in groups:
        if Code.SPARSITY_MISSED in group.codes and group.granted is not None and group.demanded is not None:
            ratio = getattr(pruning.config_list[group.index], "total_sparsity", None)
            caps = "" if group.granted == group.demanded else f" ({group.granted:,} under the caps)"
            message = (
                f"'total_sparsity' {ratio} demands {group.demanded:,} of {group.numel:,} elements{caps}, "
                f"and {group.masked:,} are masked"
            )
            place = pruning.config_list.provenance.place((group.index, "total_sparsity"))
            yield Finding.at(place, Code.SPARSITY_MISSED, message)
