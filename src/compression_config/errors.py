"""The errors of this package: one family, each carrying the findings that led to it."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Sequence
from typing import Literal, TypeGuard, TypeVar

from compression_config.findings import Finding, Severity
from compression_config.text import listed, represented

__all__ = [
    "CompressionConfigError",
    "FindingsError",
    "HasFindings",
    "InvalidConfig",
    "InvalidInventory",
    "LossyExport",
    "LossyExportWarning",
    "MissingFile",
    "UnknownLayer",
    "UnknownNumel",
    "UnmatchedSelector",
    "UnmatchedSelectorWarning",
    "UsageError",
    "chosen",
    "is_a",
]

T = TypeVar("T")
W = TypeVar("W", bound=str)

_SHOWN = 3
"""How many layers a message names before it says "..."."""


class CompressionConfigError(Exception):
    """The base of every error that this package raises."""


class FindingsError(CompressionConfigError, ValueError):
    """Findings that the caller asked to be raised; `findings` has them, in document order.

    Two errors of one class are equal when their findings are.
    """

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings: tuple[Finding, ...] = tuple(findings)
        """Why it was raised, in document order."""
        super().__init__(self.findings)

    def __str__(self) -> str:
        """Return all findings, one a line, under a line that counts them."""
        if len(self.findings) == 1:
            return str(self.findings[0])
        return "\n  ".join((f"{len(self.findings)} findings", *map(str, self.findings)))

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.findings == self.findings

    def __hash__(self) -> int:
        return hash((type(self), self.findings))


class HasFindings:
    """An answer with findings, which can be made to raise."""

    __slots__ = ()
    findings: tuple[Finding, ...]
    """Everything worth knowing, as data."""

    def raise_for_findings(self, at: Literal["error", "warning"] = "error") -> None:
        """Raise `FindingsError` when there is a finding as bad as `at`.

        Args:
            at: "error", or "warning" to raise for warnings too; notes never raise.

        Raises:
            FindingsError: Holds the findings that are at least as bad as `at`.
            UsageError: `at` is something else.
        """
        at = chosen(at, ("error", "warning"), "'at'")
        bad = {Severity.ERROR} if at == "error" else {Severity.ERROR, Severity.WARNING}
        raised = [finding for finding in self.findings if finding.severity in bad]
        if raised:
            raise FindingsError(raised)


class InvalidConfig(FindingsError):
    """The config list breaks a rule of the format, whatever the model."""


class MissingFile(InvalidConfig, FileNotFoundError):
    """There is no file at the path that a config list is to be read from."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        super().__init__(findings)
        self.errno = errno.ENOENT
        self.filename = next((finding.source for finding in self.findings), None)


class UnmatchedSelector(FindingsError):
    """A selector names what the model does not have, or a compressing sub-config selects no layer (D14).

    `findings` has everything that there is to say about the list and the model, warnings and notes included.
    """


class UnmatchedSelectorWarning(UserWarning):
    """Issued once in place of `UnmatchedSelector`, when `resolve` is told to warn (D14)."""


class LossyExport(FindingsError):
    """An engine's document cannot say what the resolution does; see `export`."""


class LossyExportWarning(UserWarning):
    """Says once what `LossyExport` would, when `export` was told to only warn."""


class InvalidInventory(CompressionConfigError, ValueError):
    """Not a model: no modules, no pairs, not an inventory file, or two layers of one name."""


class UsageError(CompressionConfigError, ValueError):
    """An argument of the call is wrong: an unknown kind, format or code."""


def chosen(value: object, words: Sequence[W], name: str) -> W:
    """Return the one of `words` that an argument is. Raises `UsageError` for anything else.

    >>> chosen("yaml", ("yaml", "json"), "a format")
    'yaml'
    """
    # The type, not `isinstance`: an object can claim any class, and an array compares to an array.
    text = str.__str__(value) if issubclass(type(value), str) else None
    for word in words:
        if word == text:
            return word
    raise UsageError(f"{name} is {listed(words, last='or')}, not {represented(value)}")


def is_a(value: object, types: type[T] | tuple[type[T], ...]) -> TypeGuard[T]:
    """Return whether an argument is of one of `types`: unlike `isinstance`, this runs no code of the argument."""
    return issubclass(type(value), types)


class UnknownLayer(CompressionConfigError, KeyError):
    """No layer and no alias has the name that was asked for."""

    def __init__(self, name: object, nearest: Iterable[str] = ()) -> None:
        self.name = name
        """The name that was asked for."""
        self.nearest: tuple[str, ...] = tuple(nearest)
        """Names of the model that resemble it, the likeliest first; may be empty."""
        super().__init__(name, self.nearest)

    def __str__(self) -> str:
        meant = f"; did you mean {' or '.join(map(repr, self.nearest))}?" if self.nearest else ""
        name = repr(self.name) if is_a(self.name, str) else represented(self.name)
        return f"the model has no layer {name}{meant}"


class UnknownNumel(CompressionConfigError, ValueError):
    """A count depends on layers whose weight has no known shape; `layers` names them."""

    def __init__(self, layers: Iterable[str]) -> None:
        self.layers: tuple[str, ...] = tuple(layers)
        """The names of the layers whose number of elements is not known."""
        super().__init__(self.layers)

    def __str__(self) -> str:
        shown = ", ".join(map(repr, self.layers[:_SHOWN])) + (", ..." if len(self.layers) > _SHOWN else "")
        return f"the number of weight elements is not known for {len(self.layers)} layers: {shown}"
