"""Pruning sub-configs. Spec: The Keys in Pruning Config."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field

from compression_config.configs.plain_data import shown
from compression_config.configs.sub_config import Kind, Needs, Rivals, SubConfig
from compression_config.configs.value_rules import RatioRule
from compression_config.findings import Code, Hint, Line, LocalFinding

__all__ = ["RATIO_KEYS", "PruningConfig"]

RATIO_KEYS = ("sparsity_per_layer", "total_sparsity", "sparsity")
"""The three keys that give a ratio; a sub-config has one of them, or `exclude` (D5)."""

_EXCLUDE_HINT = "keep 'exclude' to leave the layers alone, or delete it to prune them"


class PruningConfig(SubConfig):
    """Which layers to prune, and how much of their weight to mask."""

    kind: ClassVar[Kind] = "pruning"
    no_setting_hint: ClassVar = Hint(
        "write {}, {}, or {}", Line("sparsity_per_layer", 0.5), Line("total_sparsity", 0.5), Line("exclude", value=True)
    )
    rivals: ClassVar = (
        Rivals(frozenset({"exclude", "sparsity"}), _EXCLUDE_HINT),  # Spec: exclude
        Rivals(frozenset({"exclude", "sparsity_per_layer"}), _EXCLUDE_HINT),  # D4
        Rivals(frozenset({"exclude", "total_sparsity"}), _EXCLUDE_HINT),  # D4
        Rivals(frozenset({"exclude", "max_sparsity_per_layer"}), _EXCLUDE_HINT),  # D4
        Rivals(
            frozenset(RATIO_KEYS),  # D5
            "keep one: sparsity_per_layer is the ratio of each layer, total_sparsity that of all layers together",
        ),
    )
    needs: ClassVar = (
        Needs(
            "max_sparsity_per_layer",
            (*RATIO_KEYS, "exclude"),
            Hint("write {} beside it", Line("total_sparsity", 0.5)),  # D6
        ),
    )

    sparsity_per_layer: Annotated[float, RatioRule()] | None = Field(
        default=None,
        description="The share of the weight elements to mask in each selected layer, from 0 to below 1.",
        examples=[0.8],
    )
    total_sparsity: Annotated[float, RatioRule()] | None = Field(
        default=None,
        description="The share of the weight elements to mask in all layers that this sub-config decides together, "
        "from 0 to below 1; the pruning algorithm distributes it.",
        examples=[0.8],
    )
    sparsity: Annotated[float, RatioRule()] | None = Field(
        default=None,
        description="The old name of `sparsity_per_layer`; the two mean the same.",
        examples=[0.8],
        json_schema_extra={"deprecated": True},
    )
    max_sparsity_per_layer: Annotated[float, RatioRule(cap=True)] | None = Field(
        default=None,
        description="The largest share of any one layer that `total_sparsity` may mask, above 0 and up to 1.",
        examples=[0.9],
    )

    @property
    def ratio_per_layer(self) -> float | None:
        """The share masked in each layer, under either of its two names; None in a group and for `exclude`."""
        return self.sparsity if self.sparsity_per_layer is None else self.sparsity_per_layer

    @classmethod
    def value_faults(cls, values: Mapping[str, Any]) -> Sequence[LocalFinding]:
        """Return that the cap is below the ratio, which then cannot be met (D6)."""
        cap = values.get("max_sparsity_per_layer")
        if cap is None:
            return ()
        faults = []
        for key in RATIO_KEYS:
            ratio = values.get(key)
            if ratio is not None and cap < ratio:
                message = (
                    f"'max_sparsity_per_layer' {shown(cap)} is below '{key}' {shown(ratio)}, so the ratio cannot be met"
                )
                hint = f"write a cap of at least {shown(ratio)}, or a ratio of at most {shown(cap)}"
                faults.append(LocalFinding(Code.CAP_TOO_LOW, message, hint, ("max_sparsity_per_layer",)))
        return faults

    def remarks(self) -> Iterator[LocalFinding]:
        """Yield the old key (D5), a cap beside a ratio per layer (D6), and the remarks of all sub-configs."""
        yield from super().remarks()
        if self.sparsity is not None:
            message = "'sparsity' is the old name of 'sparsity_per_layer'"
            finding = LocalFinding(Code.LEGACY_KEY, message, "write 'sparsity_per_layer'", ("sparsity",), at_key=True)
            yield finding._replace(fix=("rename", "sparsity_per_layer"), safe=True)
        if self.max_sparsity_per_layer is not None and self.total_sparsity is None:
            message = "'max_sparsity_per_layer' has no effect beside a ratio per layer"
            hint = "delete it, or write 'total_sparsity'"
            yield LocalFinding(Code.CAP_WITHOUT_EFFECT, message, hint, ("max_sparsity_per_layer",), at_key=True)
