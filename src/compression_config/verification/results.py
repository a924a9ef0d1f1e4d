"""What verification finds: one row for each layer and one for each group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from compression_config.errors import raise_findings
from compression_config.findings import Code, Finding
from compression_config.html import element, escaped, fragment, items, table
from compression_config.resolving.resolved import Status
from compression_config.text import aligned, counted, layers_words
from compression_config.verification.measuring import Evidence

__all__ = ["GroupVerification", "LayerVerification", "Verification"]


@dataclass(frozen=True, slots=True)
class LayerVerification:
    """What one layer was to get and what it got.

    A weight that several layers share is that of the first (D17); another has a row where it has a mask of its own.
    """

    layer: str
    status: Status
    """`compressed`, `excluded` or `untouched`, in the list that was verified; of two lists, in the pruning list."""
    index: int | None
    """The index of the deciding sub-config in that list; None when the layer is untouched."""
    numel: int | None
    """Weight elements; None when neither the inventory nor the tensor says."""
    demanded: int | None
    """Elements to be masked: 0 for a layer that is not compressed; None in a group, and without a pruning list."""
    cap: int | None
    """The most that its group may mask in it; None outside a group or where nothing limits it."""
    masked: int | None
    """Elements that are zero; None when they were not counted."""
    evidence: Evidence | None
    """Where they were counted; None when they were not."""
    bits: int | None
    """For how many bits the weight is quantized; None when it is not."""
    levels: int | None
    """How many distinct values a quantized weight has: in all where its scheme is one scale for the tensor, else in the
    channel that has the most. They are counted as far as `bits` can tell values apart, and None where they are not."""
    codes: tuple[Code, ...]
    """What is wrong with it, or that it was not verified; empty when it is what the list asks for."""

    @property
    def verified(self) -> bool:
        """Whether it could be looked at."""
        return Code.NOT_VERIFIED not in self.codes


@dataclass(frozen=True, slots=True)
class GroupVerification:
    """What the layers of one group were to mask together and what they did."""

    index: int
    """Of the sub-config, from 0."""
    layers: tuple[str, ...]
    numel: int | None
    demanded: int | None
    """As written; None when the number of elements is not known."""
    granted: int | None
    """What the caps leave of that."""
    masked: int | None
    """Elements that are zero in all of its layers; None when one of them was not verified."""
    codes: tuple[Code, ...]
    """What is wrong with it; empty when it is what the list asks for."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What a compressed model is, compared to what its config list asks for."""

    layers: tuple[LayerVerification, ...]
    """All layers with a weight, those that were not to be compressed too, in the model's order."""
    groups: tuple[GroupVerification, ...]
    """The groups, in list order."""
    findings: tuple[Finding, ...]
    """What differs and what could not be verified: one for each sub-config and cause, in list order."""

    def raise_for_findings(self, at: Literal["error", "warning"] = "error") -> None:
        """Raise `FindingsError` when there is a finding as bad as `at`; it holds these findings."""
        raise_findings(self.findings, at)

    def to_dict(self) -> dict[str, Any]:
        """Return the rows as plain data, ready for JSON; the findings as lines of text."""
        return {
            "layers": [_plain(row) for row in self.layers],
            "groups": [_plain(row) for row in self.groups],
            "findings": [str(finding) for finding in self.findings],
        }

    def __str__(self) -> str:
        """Return a table of the compressed layers and of those that are not as they should be, and the findings."""
        lines = ("  ".join(cells).rstrip() for cells in aligned([_HEADER, *self._rows()], right=_NUMBERS))
        return "\n".join((*lines, *map(str, self.findings)))

    def _repr_html_(self) -> str:
        shown = [row for row in self._rows() if row[-1] != _OK] or self._rows()
        heading = f"{layers_words(len(self.layers))} verified, {counted(len(self.findings), 'finding')}"
        rows = table(_HEADER, shown, numbers=_NUMBERS, most=_MOST)
        found = items([str(finding) for finding in self.findings[:_MOST]])
        return fragment(element("h1", escaped(heading)) + found + rows)

    def _rows(self) -> list[tuple[str, ...]]:
        """Return the rows of the table: the compressed layers, those that are not as they should be, the groups."""
        shown = [row for row in self.layers if row.codes or row.status is Status.COMPRESSED or row.bits is not None]
        return [
            *((row.layer, row.status.value, *_cells(row)) for row in shown),
            *((f"group of [{row.index}]", "", *_cells(row)) for row in self.groups),
        ]


_HEADER = ("layer", "status", "elements", "demanded", "masked", "cap", "bits", "values", "verdict")
_NUMBERS = range(2, len(_HEADER) - 1)
_OK = "ok"
_MOST = 50
"""How many rows and findings a notebook shows."""


def _cells(row: LayerVerification | GroupVerification) -> Iterator[str]:
    """Yield the numbers of a row as text, "-" for what is not known or does not apply, and the verdict."""
    cap, bits, levels = (row.cap, row.bits, row.levels) if isinstance(row, LayerVerification) else (None, None, None)
    for number in (row.numel, row.demanded, row.masked, cap, bits, levels):
        yield "-" if number is None else f"{number:,}"
    yield ", ".join(row.codes) or _OK


def _plain(row: LayerVerification | GroupVerification) -> dict[str, Any]:
    """Return a row as plain data."""
    plain = asdict(row)
    plain["codes"] = [code.value for code in row.codes]
    if isinstance(row, LayerVerification):
        plain["status"] = row.status.value
    else:
        plain["layers"] = list(row.layers)
    return plain
