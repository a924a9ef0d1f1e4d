"""A comparison of two answers as users see it: the data of `differences`, shown by what reports write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from compression_config.configs.sub_config import Kind
from compression_config.differences import AnswerTable, Change, Difference, difference
from compression_config.errors import UsageError
from compression_config.reports.comparison import comparison_as_markdown, comparison_lines, comparison_to_dict
from compression_config.reports.html import comparison_as_html
from compression_config.reports.layout import plain_text

__all__ = ["Comparison", "compared"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two answers side by side: the layers that get something else, why, and what that does to the budget.

    Those of two-part documents are compared part by part.
    """

    parts: tuple[Difference, ...]
    """One for each list: pruning first."""

    @property
    def equal(self) -> bool:
        """Whether both answers are the same (D18): their fingerprints are equal exactly then."""
        return all(part.equal for part in self.parts)

    @property
    def changes(self) -> tuple[Change, ...]:
        """Layers of both models that get something else, by the sub-configs that decide before and after."""
        return tuple(change for part in self.parts for change in part.changes)

    @property
    def added(self) -> tuple[Change, ...]:
        """Layers that only the new model has."""
        return tuple(change for part in self.parts for change in part.added)

    @property
    def removed(self) -> tuple[Change, ...]:
        """Layers that only the old model has."""
        return tuple(change for part in self.parts for change in part.removed)

    def __repr__(self) -> str:
        changed = sum(part.changed for part in self.parts)
        return f"<Comparison of {' and '.join(part.kind for part in self.parts)}: {changed} layers change>"

    def __str__(self) -> str:
        """Return the report of the command `diff`."""
        return plain_text(comparison_lines(self.parts)).rstrip("\n")

    def to_dict(self) -> dict[str, Any]:
        """Return it as versioned plain data, ready for JSON; see docs/cli.md for its shape."""
        return comparison_to_dict(self.parts)

    def to_markdown(self) -> str:
        """Return it for a comment on a pull request: less than 65,536 characters, with what was left out."""
        return comparison_as_markdown(self.parts)

    def to_html(self) -> str:
        """Return it as a whole page that needs nothing else."""
        return comparison_as_html(self.parts)

    def _repr_html_(self) -> str:
        return comparison_as_html(self.parts, in_notebook=True)


def compared(old: Mapping[Kind, AnswerTable], new: Mapping[Kind, AnswerTable]) -> Comparison:
    """Return the comparison of two answers, each with a table for every kind that it has.

    Raises `UsageError` when they do not have the same kinds.
    """
    if old.keys() != new.keys():
        before, after = (" and ".join(answers) for answers in (old, new))
        raise UsageError(
            f"the old answer is about {before} and the new one about {after}: compare lists of one kind, "
            "or two documents with both parts"
        )
    return Comparison(tuple(difference(old[kind], new[kind]) for kind in old))
