"""What reading a text gives: the value, where everything stands, and what is wrong with the text itself."""

from __future__ import annotations

from dataclasses import dataclass, field

from compression_config.documents.positions import Positions
from compression_config.findings import Finding
from compression_config.locations import ConfigPath, SourceMap, Span

__all__ = ["DEFAULT_LIMITS", "Document", "Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a document may hold (D15); what goes beyond is the finding `too-large`.

    They are far above what a config list needs, and keep time and memory in bounds for any text.
    """

    bytes: int = 16 * 2**20
    """Size of the file; of a text that is no file, its size in UTF-8. Asked before anything is read."""
    elements: int = 100_000
    """Length of any one list or mapping, and so the number of sub-configs."""
    depth: int = 64
    """How deep lists and mappings nest, those behind aliases included; the outermost has depth 1."""
    nodes: int = 4_000_000
    """Number of keys, scalars, lists and mappings, each alias and each merge counted as if written out."""
    number: int = 500
    """Length of one number, in characters; below what Python refuses to convert or to print."""
    findings: int = 1_000
    """Number of findings after which reading stops."""


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A text that was read, or could not be.

    A scalar that could not be read is None in `value`, with a finding at its place.
    """

    value: object
    """Plain data: dict, list, str, int, float, bool, None. Lists and dicts that a YAML alias or merge
    names are the same objects at each place, so they must not be changed. None when the text is empty
    or nothing could be read of it."""
    source: SourceMap
    """The text (without a byte order mark), its name, and where everything stands in it."""
    findings: tuple[Finding, ...]
    """What is wrong with the text itself, in its order."""
    complete: bool
    """False when the document was not read to its end; then `value` is None: there is nothing to validate."""
    positions: Positions = field(repr=False)
    """The same as `source.tree`."""
    unread: frozenset[Span] = frozenset()
    """The spans of those values for which None stands in: whatever else is wrong there, it has been said."""

    def raw_scalar(self, path: ConfigPath) -> str | None:
        """Return the scalar at `path` as it stands in the text, quotes included: `1.10`, not 1.1.

        None when there is no scalar at `path`. Of an alias, the text that is anchored.
        """
        return self.positions.raw(path)
