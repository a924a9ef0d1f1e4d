"""Findings: what is worth reporting about a config list, as data. How it looks on paper is decided in `reports`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Literal, NamedTuple, Self, TypeAlias

from compression_config.locations import ConfigPath, Place, SourceMap, Span, format_path
from compression_config.text import Notation, counted, nearest, printable, shortened, written, written_value

__all__ = [
    "MOST_FINDINGS",
    "Code",
    "Edit",
    "Finding",
    "Hint",
    "Line",
    "LocalFinding",
    "Severity",
    "SeverityLevel",
    "SeverityLevels",
    "SeverityPolicy",
    "Shortlist",
    "comment_findings",
    "count_by_severity",
    "has_errors",
    "limited",
]

MOST_FINDINGS = 1_000
"""How many findings of one document are reported; the others are counted (D22)."""


class Severity(StrEnum):
    """How much a finding matters: an error stops, a warning is likely a mistake, a note is good to know."""

    ERROR = "error"
    """Stops: it raises, or the command exits with 1."""
    WARNING = "warning"
    """Is likely a mistake, and an error under `strict`."""
    NOTE = "note"
    """Is good to know; `strict` leaves it a note."""


SeverityLevel: TypeAlias = Literal["error", "warning", "note", "ignore"]
"""What a code can be set to; `ignore` silences it."""

SeverityLevels: TypeAlias = Mapping[str, str] | Mapping["Code", str]
"""What callers pass: a level for each of some codes. Levels are checked at run time, so that they may be computed."""

# Short names for the table below, which is read by column.
_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE
_FATAL = True


class Code(StrEnum):
    """The name of a kind of finding; each has a section in docs/codes.md."""

    severity: Severity
    """The severity that findings of this code have unless the caller sets another."""

    fatal: bool
    """Whether it leaves no usable config list: then no caller can lower its severity."""

    def __new__(cls, name: str, severity: Severity = Severity.ERROR, fatal: bool = False) -> Self:
        """Make the member; its value is the name that users write."""
        code = str.__new__(cls, name)
        code._value_ = name
        code.severity = severity
        code.fatal = fatal
        return code

    # The text of a document.
    UNREADABLE_FILE = "unreadable-file", _E, _FATAL
    SYNTAX = "syntax", _E, _FATAL
    DUPLICATE_KEY = "duplicate-key", _E, _FATAL
    ALIAS_CYCLE = "alias-cycle", _E, _FATAL
    UNSUPPORTED_TAG = "unsupported-tag", _E, _FATAL
    SEVERAL_DOCUMENTS = "several-documents", _E, _FATAL
    TOO_LARGE = "too-large", _E, _FATAL
    IGNORE_COMMENT = "ignore-comment", _W
    # The keys and values of one sub-config.
    NOT_A_LIST = "not-a-list", _E, _FATAL
    NOT_A_MAPPING = "not-a-mapping", _E, _FATAL
    UNKNOWN_KEY = "unknown-key", _E, _FATAL
    OTHER_DIALECT = "other-dialect", _E, _FATAL
    MIXED_KINDS = "mixed-kinds", _E, _FATAL
    WRONG_TYPE = "wrong-type", _E, _FATAL
    UNQUOTED_NAME = "unquoted-name", _E, _FATAL
    UNKNOWN_VALUE = "unknown-value", _E, _FATAL
    OUT_OF_RANGE = "out-of-range", _E, _FATAL
    EMPTY_VALUE = "empty-value", _E, _FATAL
    EMPTY_SELECTOR = "empty-selector", _E, _FATAL
    NO_SELECTOR = "no-selector", _E, _FATAL
    NO_SETTING = "no-setting", _E, _FATAL
    MISSING_KEY = "missing-key", _E, _FATAL
    CONFLICTING_KEYS = "conflicting-keys", _E, _FATAL
    EXCLUDE_FALSE = "exclude-false", _E, _FATAL
    CAP_TOO_LOW = "cap-too-low", _E, _FATAL
    MISSING_BITS = "missing-bits", _E, _FATAL
    REPEATED_QUANT_TYPE = "repeated-quant-type", _E, _FATAL
    UNUSED_QUANT_TYPE = "unused-quant-type", _W
    UNPAIRED_QUANT_TYPES = "unpaired-quant-types", _N
    NOTHING_CONFIGURED = "nothing-configured", _W
    LEGACY_KEY = "legacy-key", _N
    REPEATED_ELEMENT = "repeated-element", _N
    WILDCARD = "wildcard", _W
    CAP_WITHOUT_EFFECT = "cap-without-effect", _N
    KIND_NOT_STATED = "kind-not-stated", _N
    # The selectors, matched against a model.
    UNMATCHED_NAME = "unmatched-name", _E
    UNMATCHED_PARTIAL_NAME = "unmatched-partial-name", _E
    UNMATCHED_TYPE = "unmatched-type", _W
    SELECTS_NOTHING = "selects-nothing", _E
    ONLY_ROOT = "only-root", _E
    TYPE_MISMATCH = "type-mismatch", _W
    SELECTED_BY_ALIAS = "selected-by-alias", _N
    TIED_CONFLICT = "tied-conflict", _W
    # The effect of the whole list on a model.
    SHADOWED = "shadowed", _W
    EXCLUDE_WITHOUT_EFFECT = "exclude-without-effect", _W
    EXCLUDED_CONTAINER = "excluded-container", _W
    DUPLICATE_SUB_CONFIG = "duplicate-sub-config", _W
    DIGIT_BOUNDARY = "digit-boundary", _W
    WORD_BOUNDARY = "word-boundary", _W
    SEVERAL_PATHS = "several-paths", _N
    UNEVEN_COVERAGE = "uneven-coverage", _W
    SUBCLASS_NOT_SELECTED = "subclass-not-selected", _N
    LOW_COVERAGE = "low-coverage", _N
    NO_WEIGHT = "no-weight", _W
    PRUNED_NORMALIZATION = "pruned-normalization", _W
    INTEGER_INPUT = "integer-input", _N
    FUSED_SIBLINGS = "fused-siblings", _N
    SETTINGS_DROPPED = "settings-dropped", _W
    CONTAINERS_CLAIMED = "containers-claimed", _N
    # Budgets.
    INFEASIBLE_BUDGET = "infeasible-budget", _E
    ROUNDED_DEMAND = "rounded-demand", _N
    SHRUNK_GROUP = "shrunk-group", _N
    WHOLE_LAYER_MASKED = "whole-layer-masked", _N
    MASKS_NOTHING = "masks-nothing", _W
    # A compressed model, checked afterwards.
    SPARSITY_MISSED = "sparsity-missed", _E
    CAP_EXCEEDED = "cap-exceeded", _E
    TOUCHED_LAYER = "touched-layer", _E
    BITS_EXCEEDED = "bits-exceeded", _E
    NOT_VERIFIED = "not-verified", _W
    # What another format cannot say, or an engine cannot do.
    LOSSY_SETTING = "lossy-setting", _E
    LOSSY_APPROXIMATION = "lossy-approximation", _W
    LOSSY_DETAIL = "lossy-detail", _N
    ASSUMED_SCHEME = "assumed-scheme", _N
    TYPE_NOT_APPLIED = "type-not-applied", _E
    GROUP_SIZE = "group-size", _E
    FUSED_CONFLICT = "fused-conflict", _E
    UNSERVABLE = "unservable", _E


@dataclass(frozen=True, slots=True)
class Edit:
    """One step of putting a config list right.

    The edits of a finding, and those of several findings of one document, have the paths of the document before any
    of them: apply them from the last place in the document to the first, and inserts at one place in their order.
    """

    action: Literal["replace", "rename", "insert", "delete"]
    """What to do at `path`."""
    path: ConfigPath
    """The value that is replaced or deleted, the key that is renamed, or the place of the new value.

    An index says in front of which element a new one goes, or after the last. A new key that is there when its edit
    is applied has its list extended; a list of which every element is deleted goes with its key.
    """
    value: Any = None
    """The new value, as plain data, or the new key; None for `delete`."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One diagnostic: which rule, how severe, where, and what to write instead.

    Two findings are equal when they report the same at the same place.
    """

    code: Code
    """Which rule."""
    severity: Severity
    """How much it matters, with the severities that the caller set."""
    message: str
    """States the rule: one sentence without a full stop."""
    hint: str | None = None
    """What to write instead, or None where no single answer is known."""
    path: ConfigPath = ()
    """Where in the config: `(2, "op_types", 0)`; empty for the whole of it."""
    span: Span | None = None
    """Where in the text, or None for plain data."""
    source: str | None = None
    """The name of the file, or None for plain data."""
    excerpt: str | None = field(default=None, compare=False, repr=False)
    """The line of the text on which the span starts, or None."""
    fix: tuple[Edit, ...] | None = field(default=None, hash=False)
    """The edits that do what the hint says, or None where it does not come down to one."""
    safe: bool = False
    """Whether `fix` cannot change which layers are meant: a notation, not a guess."""
    omitted: int = field(default=0, repr=False)
    """How many findings it stands for that are only counted (D22); 0 for every other finding."""
    ignored: bool = field(default=False, compare=False, repr=False)
    """Whether a comment at its place silences it; it is then never reported."""

    @classmethod
    def at(
        cls,
        place: Place,
        code: Code,
        message: str,
        hint: str | None = None,
        *,
        severity: Severity | None = None,
        fix: tuple[Edit, ...] | None = None,
        safe: bool = False,
    ) -> Self:
        """Return a finding at a place of a document: what the modules of this package call.

        Args:
            place: The config path, with the file and the span where there is one.
            code: Which rule.
            message: States the rule: one sentence without a full stop.
            hint: What to write instead.
            severity: The severity where it is not that of the code.
            fix: The edits that do what the hint says.
            safe: Whether they cannot change which layers are meant.

        Returns:
            The finding.
        """
        return cls(
            code,
            severity or code.severity,
            message,
            hint,
            *place[:4],
            fix,
            safe,
            ignored=code in place.ignored and not code.fatal,
        )

    def __str__(self) -> str:
        """Return the finding on one line: where, what, and the hint in parentheses."""
        place = self.source or ""
        if self.span is not None:
            place += f":{self.span.start.line}:{self.span.start.column}"
        where = " at ".join(part for part in (place, format_path(self.path)) if part)
        separator = " " if place else " at "
        hint = f" ({self.hint})" if self.hint else ""
        return printable(f"{self.severity}[{self.code}]{separator + where if where else ''}: {self.message}{hint}")


class Line(NamedTuple):
    """A key with its value, to be shown in the notation of what the user wrote."""

    key: str
    value: object


class Hint:
    """What to write instead, before the notation is known: a template in which each `{}` is one of `parts`.

    A part is a `Line`, or a value alone. What the user wrote is always a part, never in the template: it may
    have braces of its own.
    """

    __slots__ = ("_parts", "_template")

    def __init__(self, template: str, *parts: object) -> None:
        self._template = template
        self._parts = parts

    def followed_by(self, text: str) -> Hint:
        """Return this hint with plain `text` after it."""
        return Hint(self._template + text.replace("{", "{{").replace("}", "}}"), *self._parts)

    def in_notation(self, notation: Notation) -> str:
        """Return the hint as a user of `notation` reads it.

        >>> Hint("write {}", Line("exclude", True)).in_notation("python")
        'write "exclude": True'
        """
        return self._template.format(
            *(
                written(part.key, part.value, notation) if isinstance(part, Line) else written_value(part, notation)
                for part in self._parts
            )
        )


class LocalFinding(NamedTuple):
    """A finding before it has a place in a document: its path starts at the sub-config, or at the list."""

    code: Code
    message: str
    hint: Hint | str | None = None
    path: ConfigPath = ()
    at_key: bool = False
    """Whether it is reported at the key rather than at its value."""
    severity: Severity | None = None
    """The severity where it is not that of the code."""
    fix: tuple[Literal["replace", "rename", "delete"], Any] | None = None
    """What to do with the value or key at its path, and the new value or key; None where that is not known."""
    safe: bool = False
    """As in `Finding`."""
    elsewhere: tuple[ConfigPath, ...] = ()
    """Other places that it counts, which `fix` is for too."""

    def replacing(self, value: object) -> LocalFinding:
        """Return this finding with the safe fix to write `value` in place of the wrong one; itself for None."""
        return self.guessing(value)._replace(safe=value is not None)

    def guessing(self, value: object) -> LocalFinding:
        """Return the same with a fix that is not safe."""
        return self if value is None else self._replace(fix=("replace", value))

    def edits(self, path: ConfigPath) -> tuple[Edit, ...] | None:
        """Return what `fix` does in the document, in which the finding is at `path`."""
        if self.fix is None:
            return None
        action, value = self.fix
        before = path[: len(path) - len(self.path)]
        return tuple(Edit(action, (*before, *place), value) for place in (self.path, *self.elsewhere))

    def hint_in(self, notation: Notation) -> str | None:
        """Return the hint in `notation`, or None without one."""
        return self.hint.in_notation(notation) if isinstance(self.hint, Hint) else self.hint


@dataclass(frozen=True, slots=True)
class SeverityPolicy:
    """The severities that a caller asks for: `strict` (D10) and the levels set code by code.

    A level set for a code is final; `strict` turns the other warnings into errors and leaves notes. `a | b` has the
    stricter of two levels for each code.
    """

    strict: bool = False
    """Whether warnings are errors, unless a level is set for their code."""
    levels: Mapping[str, SeverityLevel] = field(default_factory=dict)
    """The levels that are set, by the code."""

    @property
    def raises(self) -> bool:
        """Whether this policy can make an error of a warning or a note."""
        return self.strict or "error" in self.levels.values()

    def beside_model(self) -> SeverityPolicy:
        """Return the policy for a list that is going to be resolved: it makes no error of what the model tells better.

        That is `wildcard`: what may be a pattern is matched, and if it is one, it is unmatched.
        """
        return replace(self, levels={**self.levels, Code.WILDCARD: "ignore"}) if self.raises else self

    def __or__(self, other: SeverityPolicy) -> SeverityPolicy:
        levels: dict[str, SeverityLevel] = {}
        for code in {**self.levels, **other.levels}:
            given = [policy.levels[code] for policy in (self, other) if code in policy.levels]
            strictest = max(given, key=_LEVELS.index)
            # One that does not set the level of a code leaves each finding its own.
            if len(given) > 1 or _LEVELS.index(strictest) > _LEVELS.index(Code(code).severity.value):
                levels[code] = strictest
        return SeverityPolicy(self.strict or other.strict, levels)

    def apply(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """Return findings with the severities of this policy, without those that it or a comment silences.

        What YAML aliases and merges repeat is reported once, at the first path that leads to that place in the text.

        Args:
            findings: With the severities of their codes.

        Returns:
            The findings that are left, in the same order.
        """
        kept = []
        reported = set()
        for finding in findings:
            level = self.level(finding)
            if level == "ignore" or finding.ignored:
                continue
            if finding.span is not None:
                key = _same_place(finding)
                if key in reported:
                    continue
                reported.add(key)
            kept.append(finding if level == finding.severity else replace(finding, severity=Severity(level)))
        return tuple(kept)

    def level(self, finding: Finding | LocalFinding) -> SeverityLevel:
        """Return the level of a finding under this policy.

        Args:
            finding: With the severity of its code.

        Returns:
            The level that was set for its code, "ignore" among them, or else its severity, stricter under `strict`.
        """
        set_level = self.levels.get(finding.code)
        if set_level is not None:
            return set_level
        severity = finding.severity or finding.code.severity
        return "error" if self.strict and severity is Severity.WARNING else severity.value


_LEVELS: tuple[SeverityLevel, ...] = ("ignore", "note", "warning", "error")
"""From the mildest to the strictest."""


def _same_place(finding: Finding) -> tuple[object, ...]:
    """Return what is equal for two findings that report the same at the same place of a text."""
    return finding.source, finding.span, finding.code, finding.message, finding.hint


class Shortlist:
    """The findings of one document that are reported, the first 1,000; the others are counted (D22).

    Errors come before all else where not all are reported. What YAML aliases and merges repeat is taken once.
    """

    __slots__ = ("_found", "_given", "_most", "_omitted", "_reported")

    def __init__(self, most: int = MOST_FINDINGS) -> None:
        self._most = most
        self._found: dict[bool, list[tuple[int, Finding]]] = {True: [], False: []}
        """Errors and all else, each finding with its number."""
        self._given = 0
        self._omitted = dict.fromkeys(Severity, 0)
        self._reported: set[tuple[object, ...]] = set()

    def has_room(self, severity: Severity) -> bool:
        """Return whether there is room for another finding of this severity; one without is counted."""
        room = len(self._found[severity is Severity.ERROR]) < self._most
        self._omitted[severity] += not room
        return room

    def add(self, finding: Finding) -> None:
        """Add a finding for which there is room."""
        key = _same_place(finding)
        if finding.span is None or key not in self._reported:
            self._reported.add(key)
            self._given += 1
            self._found[finding.severity is Severity.ERROR].append((self._given, finding))

    def omit(self, severity: Severity, number: int) -> None:
        """Count findings that were not made."""
        self._omitted[severity] += number

    def findings(self) -> tuple[Finding, ...]:
        """Return those that are reported, as they were added, and one for each severity of those that are not."""
        errors, others = self._found[True], self._found[False]
        omitted = dict(self._omitted)
        for _, finding in others[self._most - len(errors) :]:
            omitted[finding.severity] += 1
        kept = [finding for _, finding in sorted(errors + others[: self._most - len(errors)], key=lambda each: each[0])]
        for severity, number in omitted.items():
            if number:
                last = kept[-1]
                more = counted(number, f"more {severity.value}")
                message = f"only {len(kept):,} findings are shown; there {'is' if number == 1 else 'are'} {more}"
                place = Place(last.path, last.span, last.source, last.excerpt)
                found = Finding.at(place, Code.TOO_LARGE, message, "fix these first", severity=severity)
                kept.append(replace(found, omitted=number))
        return tuple(kept)


def comment_findings(source: SourceMap) -> Iterator[Finding]:
    """Yield what is wrong with the comments of a text that silence findings."""
    for comment in source.comments:
        excerpt = source.line(comment.span.start.line)
        if not comment.codes:
            place = Place((), comment.span, source.name, excerpt)
            message = "a comment that ignores findings must name their codes"
            yield Finding.at(place, Code.IGNORE_COMMENT, message, "write ignore[...] with the codes in the brackets")
        for word, span in comment.codes:
            place = Place((), span, source.name, excerpt)
            if word not in _CODES:
                close = nearest(shortened(word), _CODES)
                hint = f"write '{close}'" if close else "write the code that the finding shows in its brackets"
                message = f"there is no finding '{printable(shortened(word))}' to ignore"
                yield Finding.at(place, Code.IGNORE_COMMENT, message, hint)
            elif Code(word).fatal:
                message = f"'{word}' cannot be ignored: it leaves no usable config list"
                yield Finding.at(place, Code.IGNORE_COMMENT, message, "fix what it reports, and delete it here")


_CODES = tuple(code.value for code in Code)


def limited(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the first 1,000 of `findings` and those that count the rest, of which some may be counted already."""
    shortlist = Shortlist()
    for finding in findings:
        if finding.omitted:
            shortlist.omit(finding.severity, finding.omitted)
        elif shortlist.has_room(finding.severity):
            shortlist.add(finding)
    return shortlist.findings()


def has_errors(findings: Iterable[Finding]) -> bool:
    """Return whether one of `findings` is an error."""
    return any(finding.severity is Severity.ERROR for finding in findings)


def count_by_severity(findings: Iterable[Finding]) -> dict[Severity, int]:
    """Return how many of `findings` are errors, warnings and notes, those that are only counted too.

    All three keys are there, worst first.
    """
    counts = dict.fromkeys(Severity, 0)
    for finding in findings:
        counts[finding.severity] += finding.omitted or 1
    return counts
