"""The place where a YAML parser gave up, with what stands around it, and what there is to say about it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from compression_config.documents.positions import Spot, make_spot
from compression_config.findings import Code

__all__ = ["Explained", "Failure"]

_WORD = re.compile(r"[^\s,\[\]{}]*")
_LINE_REST = re.compile(r"[^\r\n]*")


@dataclass(frozen=True, slots=True)
class Explained:
    """A complaint of the parser, ready to become a finding."""

    message: str
    hint: str | None
    place: Spot
    code: Code = Code.SYNTAX


@dataclass(frozen=True, slots=True)
class Failure:
    """Where a parser gave up: at `index`, within something that began at `start`."""

    text: str
    index: int
    start: int
    opened: int | None
    """Where the innermost list or mapping that is open starts."""

    @property
    def character(self) -> str:
        """The character at which it gave up; empty at the end of the text."""
        return self.text[self.index : self.index + 1]

    @property
    def here(self) -> Spot:
        """The place of that character."""
        return make_spot(self.index, min(self.index + 1, len(self.text)))

    @property
    def line_start(self) -> int:
        """Where its line starts."""
        return max(self.text.rfind("\n", 0, self.index), self.text.rfind("\r", 0, self.index)) + 1

    @property
    def before(self) -> str:
        """What stands before it on its line."""
        return self.text[self.line_start : self.index]

    def rest(self, index: int) -> str:
        """Return what stands from `index` to the end of that line, without white space around it."""
        found = _LINE_REST.match(self.text, index)
        return found[0].strip() if found else ""

    def word(self, index: int) -> str:
        """Return what stands from `index` up to white space, a comma or a bracket."""
        found = _WORD.match(self.text, index)
        return found[0] if found else ""

    def line_above(self) -> tuple[int, str]:
        """Return where the last line above that is not blank starts, and the line."""
        above = self.text[: self.line_start].rstrip()
        start = max(above.rfind("\n"), above.rfind("\r")) + 1
        return start, above[start:]
