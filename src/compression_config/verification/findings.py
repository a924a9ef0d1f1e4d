"""What is to be said of a verification: one finding for each sub-config and cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from compression_config.findings import Code, Finding, Severity
from compression_config.locations import ConfigPath
from compression_config.resolving.resolved import Resolved
from compression_config.resolving.selection import UNDECIDED
from compression_config.verification.judging import Judge, Judged
from compression_config.verification.results import GroupVerification

__all__ = ["verification_findings"]

_SHOWN = 3
"""How many layers a message names."""

_CHANNEL_HINT = "where whole channels are pruned, verify with tolerance 'channel'"


def verification_findings(
    judge: Judge, judged: Sequence[Judged], groups: Sequence[GroupVerification], strangers: Sequence[str]
) -> Iterator[Finding]:
    """Yield what is to be said, of the pruning list before the quantization list, each in list order."""
    if strangers:
        yield from judge.first.config_list.policy.apply([_strange(judge.first, strangers)])
    for part in (judge.pruning, judge.quantization):
        if part is not None:
            found = [*_of_layers(judge, part, judged)]
            if part is judge.pruning:
                found += _of_groups(part, groups)
            yield from part.config_list.policy.apply(sorted(found, key=_index))


def _index(finding: Finding) -> int:
    return next((step for step in finding.path if isinstance(step, int)), UNDECIDED)


def _strange(resolved: Resolved, names: Sequence[str]) -> Finding:
    shown = ", ".join(f"'{name}'" for name in names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    # Of a state dict the weights tell more than what stands before them in the alphabet.
    telling = next((name for name in names if name.endswith(".weight")), names[0])
    close = resolved.inventory.nearest(telling.removesuffix(".weight"))
    hint = f"the layer may be '{close[0]}'" if close else None
    message = f"{len(names):,} of the names there are those of no layer: {shown}"
    return Finding.at(resolved.config_list.provenance.place(()), Code.NOT_VERIFIED, message, hint)


def _of_layers(judge: Judge, part: Resolved, judged: Sequence[Judged]) -> Iterator[Finding]:
    """Yield what is wrong with layers, those of one sub-config and one cause together."""
    layers_of: Counter[int] = Counter()
    alike: dict[tuple[int, Code], list[Judged]] = {}
    for one in judged:
        index = part.decided_by[one.position]
        layers_of[index] += 1
        for code in one.row.codes:
            if _speaker(judge, one, code) is part:
                alike.setdefault((index, code), []).append(one)
    for (index, code), ones in alike.items():
        words = _WORDS[code](_Case(part, index, ones, masked=part is judge.pruning))
        path: ConfigPath = () if index == UNDECIDED else (index,) if words.key is None else (index, words.key)
        some = f"{len(ones):,} of {layers_of[index]:,} layers"
        more = ", ..." if len(ones) > _SHOWN else ""
        message = f"{words.rule.format(some=some)}: {', '.join(map(words.example, ones[:_SHOWN]))}{more}"
        place = part.config_list.provenance.place(path)
        yield Finding.at(place, code, message, words.hint, severity=_severity(judge, judged, ones, code))


def _speaker(judge: Judge, one: Judged, code: Code) -> Resolved | None:
    """Return the list that `code` is about, for a layer of two lists."""
    masked = judge.pruning is not None and one.row.masked is not None
    if code is Code.BITS_EXCEEDED or (code is Code.NOT_VERIFIED and masked):
        return judge.quantization
    if code is Code.TOUCHED_LAYER:
        return judge.pruning if one.certain and not judge.pruned(one.position) and masked else judge.quantization
    pruning_asks = judge.pruning is not None and (judge.pruned(one.position) or one.row.bits is None)
    return judge.pruning if pruning_asks else judge.quantization


def _severity(judge: Judge, judged: Sequence[Judged], ones: Sequence[Judged], code: Code) -> Severity:
    """Return the severity of a finding about `ones`.

    A compressed layer with a mask or weight that cannot be its own must not pass as a mere warning, and neither
    must what leaves nothing verified at all.
    """
    if code is not Code.NOT_VERIFIED:
        return code.severity
    misfits = any(one.misfit and judge.compresses(one.position) for one in ones)
    verified = any(one.row.verified for one in judged if judge.compresses(one.position))
    return code.severity if verified and not misfits else Severity.ERROR


class _Case(NamedTuple):
    """Layers of one sub-config with which the same is wrong."""

    part: Resolved
    winner: int
    """The index of the sub-config."""
    ones: Sequence[Judged]
    masked: bool
    """Whether it is about masking, not about quantization."""


class _Words(NamedTuple):
    """How a finding is worded."""

    rule: str
    """The beginning of the message, with `{some}` for how many of how many layers."""
    key: str | None
    """The key of the sub-config that it is about; None for the whole of it."""
    hint: str | None
    example: Callable[[Judged], str]
    """What is said of one layer."""


def _missed(case: _Case) -> _Words:
    config = case.part.config_list[case.winner]
    key = "sparsity" if getattr(config, "sparsity", None) is not None else "sparsity_per_layer"
    channels = all(_within_a_channel(one, one.row.demanded) for one in case.ones)
    return _Words(
        f"'{key}' {getattr(config, key)} is missed in {{some}}",
        key,
        _CHANNEL_HINT if channels else None,
        lambda one: f"'{one.row.layer}' ({one.row.masked:,} of {one.row.numel:,} masked, not {one.row.demanded:,})",
    )


def _within_a_channel(one: Judged, count: int | None) -> bool:
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
        f"'{key}' {getattr(case.part.config_list[case.winner], key)} is exceeded in {{some}}",
        key,
        _CHANNEL_HINT if channels else None,
        lambda one: f"'{one.row.layer}' ({one.row.masked:,} of {one.row.numel:,} masked, at most {one.row.cap:,})",
    )


def _touched(case: _Case) -> _Words:
    whose = "that no sub-config selects" if case.winner == UNDECIDED else "that are excluded"
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
        "verify the weights as they are quantized, not those that the quantizer keeps behind them",
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
