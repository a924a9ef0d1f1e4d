"""Findings of a verification: one for each sub-config and cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from compression_config.findings import Code, Finding, Severity
from compression_config.locations import ConfigPath
from compression_config.resolving.resolved import Resolved
from compression_config.resolving.selection import UNDECIDED
from compression_config.verification.judging import Assessment, Requirements
from compression_config.verification.results import GroupVerification

__all__ = ["verification_findings"]

_SHOWN = 3
"""How many layers a message names."""

_CHANNEL_HINT = "where whole channels are pruned, verify with tolerance 'channel'"


def verification_findings(
    required: Requirements,
    assessed: Sequence[Assessment],
    groups: Sequence[GroupVerification],
    unexpected: Sequence[str],
) -> Iterator[Finding]:
    """Yield the findings, those about the pruning list before those about the quantization list, in list order."""
    if unexpected:
        yield from required.first.config_list.policy.apply([_unexpected(required.first, unexpected)])
    for part in (required.pruning, required.quantization):
        if part is not None:
            found = [*_of_layers(required, part, assessed)]
            if part is required.pruning:
                found += _of_groups(part, groups)
            yield from part.config_list.policy.apply(sorted(found, key=_index))


def _index(finding: Finding) -> int:
    return next((step for step in finding.path if isinstance(step, int)), UNDECIDED)


def _unexpected(resolved: Resolved, names: Sequence[str]) -> Finding:
    shown = ", ".join(f"'{name}'" for name in names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    # In a state dict the names of weights are the ones to go by, and others may come before them.
    telling = next((name for name in names if name.endswith(".weight")), names[0])
    close = resolved.inventory.nearest(telling.removesuffix(".weight"))
    hint = f"the layer may be '{close[0]}'" if close else None
    message = f"{len(names):,} of the given names are not layers: {shown}"
    return Finding.at(resolved.config_list.provenance.place(()), Code.NOT_VERIFIED, message, hint)


def _of_layers(required: Requirements, part: Resolved, assessed: Sequence[Assessment]) -> Iterator[Finding]:
    """Yield what is wrong with layers, those of one sub-config and one cause together."""
    layers_of: Counter[int] = Counter()
    alike: dict[tuple[int, Code], list[Assessment]] = {}
    for one in assessed:
        index = part.decided_by[one.position]
        layers_of[index] += 1
        for code in one.row.codes:
            if _list_about(required, one, code) is part:
                alike.setdefault((index, code), []).append(one)
    for (index, code), ones in alike.items():
        words = _WORDS[code](_Case(part, index, ones, masked=part is required.pruning))
        path: ConfigPath = () if index == UNDECIDED else (index,) if words.key is None else (index, words.key)
        some = f"{len(ones):,} of {layers_of[index]:,} layers"
        more = ", ..." if len(ones) > _SHOWN else ""
        message = f"{words.rule.format(some=some)}: {', '.join(map(words.example, ones[:_SHOWN]))}{more}"
        place = part.config_list.provenance.place(path)
        yield Finding.at(place, code, message, words.hint, severity=_severity(required, assessed, ones, code))


def _list_about(required: Requirements, one: Assessment, code: Code) -> Resolved | None:
    """Return which of the two lists `code` is about, for one layer."""
    masked = required.pruning is not None and one.row.masked is not None
    if code is Code.BITS_EXCEEDED or (code is Code.NOT_VERIFIED and masked):
        return required.quantization
    if code is Code.TOUCHED_LAYER:
        return (
            required.pruning if one.certain and not required.pruned(one.position) and masked else required.quantization
        )
    about_pruning = required.pruning is not None and (required.pruned(one.position) or one.row.bits is None)
    return required.pruning if about_pruning else required.quantization


def _severity(
    required: Requirements, assessed: Sequence[Assessment], ones: Sequence[Assessment], code: Code
) -> Severity:
    """Return the severity of a finding about `ones`.

    It is not a warning but an error where a compressed layer has a mask or weight that cannot be its own, and where
    nothing could be verified at all.
    """
    if code is not Code.NOT_VERIFIED:
        return code.severity
    mismatches = any(one.mismatch and required.compresses(one.position) for one in ones)
    verified = any(one.row.verified for one in assessed if required.compresses(one.position))
    return code.severity if verified and not mismatches else Severity.ERROR


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


def _not_verified(_: _Case) -> _Words:
    return _Words("{some} could not be verified", None, None, lambda one: f"'{one.row.layer}' {one.reason}")


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
