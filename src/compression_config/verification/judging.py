"""Judging: what each layer was to get, by how much a count may be off, and the verdict on what was measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, cast

from compression_config.budget.counting import masked_count, real_number
from compression_config.errors import UsageError, is_a
from compression_config.findings import Code
from compression_config.resolving.resolved import Resolved, Status
from compression_config.resolving.selection import UNDECIDED
from compression_config.resolving.settings import PruningSettings, QuantizationSettings
from compression_config.text import represented
from compression_config.verification.bits import Quantized
from compression_config.verification.measuring import Cause, Measured, Wanted
from compression_config.verification.results import LayerVerification
from compression_config.verification.tensors import code_bits

__all__ = ["Assessment", "Requirements", "Tolerance", "allowance_of_group", "allowance_of_layer", "checked_tolerance"]


Tolerance: TypeAlias = Literal["exact", "element", "channel"] | float
"""How far a count may be off.

"exact": not at all. "element": by one element in a layer and in a group, which is what engines differ by that round to
nearest. "channel": by less than one channel in a layer, and in a group by less than one in each of its layers; for
algorithms that prune whole channels. A number from 0 to below 1: by that share of the elements.
"""

_NAMES = ("exact", "element", "channel")


def checked_tolerance(tolerance: object) -> Tolerance:
    """Return `tolerance`, a number as a float. Raises `UsageError` for anything else."""
    if is_a(tolerance, str) and tolerance in _NAMES:
        return cast("Tolerance", tolerance)
    share = real_number(tolerance)
    if share is None or not 0 <= share < 1:
        raise UsageError(
            f"a tolerance is 'exact', 'element', 'channel' or a number from 0 to below 1, not {represented(tolerance)}"
        )
    return share


def allowance_of_layer(tolerance: Tolerance, numel: int, channel: int) -> int:
    """Return by how many elements a layer of `numel` may be off, `channel` of which are one channel."""
    if tolerance == "exact":
        return 0
    if tolerance == "element":
        return 1
    if tolerance == "channel":
        return max(1, channel - 1)
    return masked_count(numel, tolerance)


def allowance_of_group(tolerance: Tolerance, numel: int, of_layers: Iterable[int]) -> int:
    """Return by how many elements a group of `numel` may be off, given what each of its layers may."""
    return sum(of_layers) if tolerance == "channel" else allowance_of_layer(tolerance, numel, 0)


_ZERO_BY_CHANCE = 0.001
"""The share of the elements of a weight that may be zero without having been masked."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """The row of a layer, and what the verdict on its group needs."""

    position: int
    row: LayerVerification
    allowance: int
    """By how many elements it may be off."""
    channel: int
    """How many elements one of its channels has."""
    certain: int
    """How many of its zeros must have been masked: all of a mask; of a weight, fewer."""
    reason: str | None
    """Why it could not be verified, as the end of a sentence about it; None when it could."""
    cause: Cause
    """Which kind of reason that is."""
    looked_at: bool
    """Whether its numbers could be read, though they may not show what is asked for."""


@dataclass(frozen=True, slots=True)
class Requirements:
    """What the list that is verified, or the two of a two-part document, ask for, and whether a layer has it."""

    first: Resolved
    """The pruning list, or the quantization list where it is the only one."""
    pruning: Resolved | None
    quantization: Resolved | None
    tolerance: Tolerance

    def bits(self, position: int) -> int | None:
        """Return for how many bits the weight at `position` is quantized; None when it is not."""
        settings = None if self.quantization is None else self.quantization.settings(position)
        return settings.bits.get("weight") if isinstance(settings, QuantizationSettings) else None

    def pruned(self, position: int) -> bool:
        """Return whether the layer at `position` is compressed by the pruning list."""
        return self.pruning is not None and self.pruning.status(position) is Status.COMPRESSED

    def compresses(self, position: int) -> bool:
        """Return whether the weight at `position` is pruned or quantized by the lists."""
        return self.pruned(position) or self.bits(position) is not None

    def wanted(self, position: int) -> Wanted:
        """Return what is to be measured of the layer at `position`."""
        bits = self.bits(position)
        if self.quantization is None or bits is None:
            return Wanted(unquantized=self._left_alone(position))
        settings = cast("QuantizationSettings", self.quantization.settings(position))
        scheme = (settings.scheme or {}).get("weight", "")
        shares = cast('Literal["tensor", "channel"] | None', scheme[4:].partition("_")[0] or None)  # per_tensor_affine
        # These have their outputs along the second axis: torch's transposed convolutions, and the Conv1D of
        # transformers, a linear layer whose weight is transposed.
        transposed = self.quantization.inventory.types[position].startswith(("ConvTranspose", "Conv1D"))
        return Wanted(Quantized(bits, masked=self.pruned(position), axis=int(transposed), scheme=shares))

    def _left_alone(self, position: int) -> bool:
        """Return whether there is a quantization list and it does not compress the layer at `position`."""
        return self.quantization is not None and self.quantization.status(position) is not Status.COMPRESSED

    def assess(self, position: int, numel: int | None, measured: Measured) -> Assessment:
        """Return the verdict on the layer at `position`, of which the inventory knows `numel` elements."""
        numel = numel if measured.numel is None else measured.numel
        demanded, cap = self._asked(position, numel)
        index = self.first.decided_by[position]
        row = LayerVerification(
            layer=self.first.inventory.names[position],
            status=self.first.status(position),
            index=None if index == UNDECIDED else index,
            numel=numel,
            demanded=demanded,
            cap=cap,
            masked=None if self.pruning is None else measured.zeros,
            evidence=None if self.pruning is None else measured.evidence,
            bits=self.bits(position),
            levels=measured.levels,
            codes=(Code.NOT_VERIFIED,),
        )
        allowance = allowance_of_layer(self.tolerance, numel or 0, measured.channel)
        certain = self._certain(position, measured)
        # In packed integers that nothing asked for there is nothing else to see.
        packed = measured.reason is not None and measured.looks_quantized
        reason = self._undecided(position, measured) if measured.reason is None or packed else measured.reason
        looked_at = measured.zeros is not None and (measured.has_weight or self.pruning is not None)
        one = Assessment(position, row, allowance, measured.channel, certain, reason, measured.cause, looked_at)
        if measured.reason is not None and not packed:
            return one
        undecided = () if reason is None else (Code.NOT_VERIFIED,)
        codes = (*self._on_pruning(one), *self._on_quantization(position, measured), *undecided)
        return replace(one, row=replace(row, codes=codes))

    def _undecided(self, position: int, measured: Measured) -> str | None:
        """Return what a weight or mask that was read does not tell, as the end of a sentence; None when it does."""
        bits = self.bits(position)
        if bits is not None and not measured.has_weight:
            return "has only a mask there"
        if bits is not None and measured.fits is None:
            return f"does not show whether it is quantized to {bits} bits"
        if bits is None and self.pruning is not None and measured.axes > 1 and self._starts_at_zero(position, measured):
            return "is zero throughout, masked or as it was initialized"
        return None

    def _starts_at_zero(self, position: int, measured: Measured) -> bool:
        """Return whether a weight that is not to be pruned is zero throughout, which it may be without a mask."""
        whole = measured.zeros is not None and measured.zeros == measured.numel != 0
        return whole and measured.evidence == "weight" and not self.pruned(position)

    def _asked(self, position: int, numel: int | None) -> tuple[int | None, int | None]:
        """Return how many elements of a layer are to be masked, None in a group, and there at most how many."""
        if self.pruning is None or numel is None:
            return None, None
        settings = self.pruning.settings(position)
        if not isinstance(settings, PruningSettings):
            return 0, None
        if settings.sparsity is not None:
            return masked_count(numel, settings.sparsity), None
        return None, None if settings.max_sparsity is None else masked_count(numel, settings.max_sparsity)

    def _certain(self, position: int, measured: Measured) -> int:
        """Return how many zeros must have been masked.

        Some zeros of a weight may not have been: a few in any, the row of an embedding that stands for padding, those
        that quantization or a narrower type rounds to, and all of a weight that starts at zero, as scales may.
        """
        zeros, numel = measured.zeros or 0, measured.numel or 0
        if measured.evidence == "mask":
            return zeros
        dtype = measured.dtype or ""
        rounded = dtype.startswith("float8") and dtype != self.first.inventory.dtypes[position]
        if self.bits(position) is not None or rounded or self._starts_at_zero(position, measured):
            return 0
        padding = measured.zero_row if self.first.inventory.types[position].startswith("Embedding") else 0
        by_chance = 0 if self.tolerance == "exact" else masked_count(numel, _ZERO_BY_CHANCE)
        return max(0, zeros - padding - by_chance)

    def _on_pruning(self, one: Assessment) -> Iterator[Code]:
        row, zeros = one.row, one.row.masked
        if self.pruning is None or zeros is None:
            return
        if not self.pruned(one.position):
            if one.certain:
                yield Code.TOUCHED_LAYER
        elif row.demanded is not None:
            if one.certain - one.allowance > row.demanded or zeros + one.allowance < row.demanded:
                yield Code.SPARSITY_MISSED
        elif row.cap is not None:
            # A cap keeps layers from being masked whole, so no tolerance covers that.
            whole = zeros == row.numel and one.certain > row.cap
            if whole or one.certain - one.allowance > row.cap:
                yield Code.CAP_EXCEEDED

    def _on_quantization(self, position: int, measured: Measured) -> Iterator[Code]:
        if self._left_alone(position):
            in_codes = code_bits(measured.dtype) is not None
            if measured.looks_quantized or (in_codes and measured.dtype != self.first.inventory.dtypes[position]):
                yield Code.TOUCHED_LAYER
        elif self.bits(position) is not None and measured.fits is False:
            yield Code.BITS_EXCEEDED
