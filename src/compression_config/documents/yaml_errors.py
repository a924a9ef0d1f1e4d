"""What is wrong where a YAML parser gave up, explained from the text there (D22).

A parser says what it expected; a user wants to know what to write. So common slips are recognized from the text
around the parser's mark, never from its wording, which differs from release to release; for anything else its own
sentence is shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from yaml.error import MarkedYAMLError
from yaml.events import CollectionStartEvent, MappingStartEvent, SequenceStartEvent

from compression_config.documents.document import Explained, quoted
from compression_config.documents.nodes import start_of
from compression_config.findings import Code

__all__ = ["Failure", "explained"]

_SHOWN = 60
"""How long a text a hint repeats."""
_LAST_CHARACTER = 0x10FFFF
_CLOSING = {"[": "]", "{": "}"}

_LINE_REST = re.compile(r"[^\r\n]*")
_WORD = re.compile(r"[^\s,\[\]{}]*")
_INDENT = re.compile(r"(?:[ ]|- )*")
_TIGHT_COLON = re.compile(r"(?:[ ]|- )*([A-Za-z_][\w.-]*):([^\s:/].*)", re.ASCII)
_NO_COLON = re.compile(r"(?:[ ]|- )*([A-Za-z_][\w.-]*)(?:\s*=\s*|\s+)([^\s=:].*)", re.ASCII)
_PYTHON = re.compile(
    r"^(?:import [\w.]+|from [\w.]+ import |[A-Za-z_]\w*(?: *:[^=\n]*+)? *\+?= *(?:\[ *(?:\{|dict\(|$|\#)|\{))",
    re.MULTILINE | re.ASCII,
)
"""An import, or a list or dict of more than words that is bound to a name."""
_TIGHT_DASH = re.compile(r" *(-)(?=[A-Za-z_'\"])")
_COLON_AND_SPACE = re.compile(r":(?=\s|$)")
_CONTENT = re.compile(r"^[^\s#%]", re.MULTILINE)
_OPENING = re.compile(r"(?:[&!]\S*\s+)*[\[{]")
_ALIAS = re.compile(r"\*[\w-]+", re.ASCII)
_ESCAPED = re.compile(r"!!?[^\s!]*%|(?<=\\)U(?!000|0010)[0-9a-fA-F]{8}")
_ESCAPE = re.compile(
    r'\\(?:[0abt\tnvfre "\\/N_LP\r\n\x85\u2028\u2029]'
    r"|(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})|)"
)
_BRACKETS = re.compile(
    r"""(?:(?<=[\s,\[\]{}:])|^)(?:"(?:[^"\\]|\\.)*+"|'(?:[^']|'')*+'|\#[^\r\n]*+)|([\[{])|([\]}])""", re.DOTALL
)
"""Brackets, and what hides them: strings in quotes and comments."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Where a parser gave up, and what is around that place."""

    text: str
    index: int
    """The parser's mark."""
    start: int
    """Where the part starts in which that happened; `index` where the parser does not say."""
    opened: Sequence[CollectionStartEvent]
    """The lists and mappings that are open there, outermost first."""
    sentence: str
    """The parser's own words."""

    @classmethod
    def of(cls, error: Exception, text: str, opened: Sequence[CollectionStartEvent]) -> Failure:
        """Return the failure that `error` of the parser reports."""
        if isinstance(error, MarkedYAMLError):
            mark = error.problem_mark or error.context_mark
            index = min(mark.index, len(text)) if mark else 0
            start = min(error.context_mark.index, index) if error.context_mark else index
            return cls(text, index, start, opened, " ".join(filter(None, (error.problem, error.context))))
        # Some escapes are only refused when Python makes a character of them: those of a tag, and \U00110000.
        found = _ESCAPED.search(text)
        start = found.start() if found else 0
        return cls(text, start, start, opened, str(error))

    @property
    def character(self) -> str:
        """The character at the mark; empty at the end of the text."""
        return self.text[self.index : self.index + 1]

    @property
    def starting(self) -> str:
        """The character at `start`."""
        return self.text[self.start : self.start + 1]

    @property
    def here(self) -> tuple[int, int]:
        """The place of the character at the mark."""
        return self.index, min(self.index + 1, len(self.text))

    @property
    def line_start(self) -> int:
        """Where the line of the mark starts."""
        return max(self.text.rfind("\n", 0, self.index), self.text.rfind("\r", 0, self.index)) + 1

    @property
    def before(self) -> str:
        """The line of the mark up to it."""
        return self.text[self.line_start : self.index]

    @property
    def to_line_end(self) -> tuple[int, int]:
        """The place from the mark to the end of its line."""
        return self.index, self.index + len(self.rest(self.index))

    @property
    def bracket(self) -> int | None:
        """Where the innermost open bracket is; None outside of brackets."""
        for event in reversed(self.opened if self.opened and self.opened[-1].flow_style else ()):
            found = _OPENING.match(self.text, start_of(event))
            if found:  # a single pair in brackets, `[a: b]`, is a mapping without any of its own
                return found.end() - 1
        return None

    def columns(self, kind: type[CollectionStartEvent]) -> set[int]:
        """Return the columns, from 0, at which the open collections of one `kind` are indented."""
        marks = (event.start_mark for event in self.opened if isinstance(event, kind))
        return {mark.column for mark in marks if mark}

    def rest(self, index: int) -> str:
        """Return the text from `index` to the end of that line, without white space around it."""
        found = _LINE_REST.match(self.text, index)
        return found[0].strip() if found else ""

    def word(self, index: int) -> str:
        """Return the text from `index` up to white space, a comma or a bracket."""
        found = _WORD.match(self.text, index)
        return found[0] if found else ""

    def line_above(self) -> tuple[int, str]:
        """Return the start of the last line above the mark that is not blank, and that line."""
        above = self.text[: self.line_start].rstrip()
        start = max(above.rfind("\n"), above.rfind("\r")) + 1
        return start, above[start:]


def explained(failure: Failure) -> Explained:
    """Return what is wrong at `failure`: the first slip that is recognized, else the parser's own sentence."""
    for explain in _SLIPS:
        found = explain(failure)
        if found is not None:
            return found
    message = f"invalid YAML: {failure.sentence}"
    return Explained(message, "put strings with special characters in quotes", failure.here)


def _quote(text: str) -> str:
    if not 0 < len(text) <= _SHOWN or '"' in text or "\\" in text:
        return "put it in quotes"
    return f'put it in quotes: "{text}"'


# Each of these returns None where it does not recognize its slip.


def _python_code(failure: Failure) -> Explained | None:
    found = _PYTHON.search(failure.text, 0, failure.text.find("\n", failure.index) + 1 or len(failure.text))
    if found is None:
        return None
    return Explained("this is Python code, not YAML", "give the list alone, from [ to ]", found.span())


def _tab(failure: Failure) -> Explained | None:
    indentation = failure.text[failure.line_start : failure.index + 1]
    if "\t" not in indentation or indentation.strip():
        return None
    tab = failure.line_start + indentation.index("\t")
    return Explained("indentation uses spaces, not tabs", "replace the tab with spaces", (tab, tab + 1))


def _unclosed_quote(failure: Failure) -> Explained | None:
    quote = failure.starting
    # Only a string may start with a quote, and only its end is looked for at the end of a document.
    at_end = not failure.text[failure.index :].strip() or failure.text.startswith(("---", "..."), failure.index)
    if quote not in ("'", '"') or failure.start == failure.index or not at_end:
        return None
    hint = f"write {quote} at the end of the string"
    return Explained("the quote is never closed", hint, (failure.start, failure.start + 1))


def _bad_escape(failure: Failure) -> Explained | None:
    if failure.starting != '"':
        return None
    hint = "write \\\\ for a backslash, or use single quotes"
    for found in _ESCAPE.finditer(failure.text, failure.start + 1):
        code = int(found[1][1:], 16) if found[1] else 0
        if code > _LAST_CHARACTER or 0xD800 <= code < 0xE000:  # noqa: PLR2004 -- the range of surrogates
            return Explained(f"the escape {quoted(found[0])} is not a character", hint, found.span())
        if found[0] == "\\":
            end = min(found.end() + 1, len(failure.text))
            escape = failure.text[found.start() : end]
            return Explained(f"{quoted(escape)} is not an escape in double quotes", hint, (found.start(), end))
        if found.start() > failure.index:
            return None
    return None


def _alias_or_anchor(failure: Failure) -> Explained | None:
    start = failure.index if failure.character in ("*", "&") else failure.start
    sign, word = failure.text[start : start + 1], failure.word(start)
    place = (start, start + len(word))
    if sign == "*" and _ALIAS.fullmatch(word):
        message = f"{quoted(word)} refers to an anchor that is not set before it"
        hint = f"put the string in quotes, or write {quoted(f'&{word[1:]}')} before the value that it refers to"
        return Explained(message, hint, place)
    if sign == "&" and re.search(rf"{re.escape(word)}(?![\w-])", failure.text[:start], re.ASCII) and word != "&":
        return Explained(f"the anchor {quoted(word)} is set twice", "rename one of the two", place)
    if sign not in ("*", "&") or not sign:
        return None
    kind = "an alias" if sign == "*" else "an anchor"
    message = f"a string without quotes cannot start with '{sign}', which starts {kind}"
    return Explained(message, _quote(word), place)


def _tag(failure: Failure) -> Explained | None:
    start = failure.index if failure.character == "!" else failure.start
    if failure.text[start : start + 1] != "!":
        return None
    word = failure.word(start)
    message = f"the tag {quoted(word)} is not supported: a config list is plain data"
    hint = "delete the tag, or put the string in quotes"
    return Explained(message, hint, (start, start + len(word)), Code.UNSUPPORTED_TAG)


def _reserved(failure: Failure) -> Explained | None:
    if failure.character not in ("%", "@", "`"):
        return None
    message = f"a string without quotes cannot start with {quoted(failure.character)}"
    return Explained(message, _quote(failure.word(failure.index)), failure.here)


def _closing_bracket(failure: Failure) -> Explained | None:
    if failure.character not in ("]", "}"):
        return None
    if failure.bracket is None:
        return Explained(f"'{failure.character}' has no opening bracket", "delete it", failure.here)
    opening = failure.text[failure.bracket]
    if failure.character == _CLOSING[opening]:
        return None
    message = f"'{opening}' is closed by '{_CLOSING[opening]}', not by '{failure.character}'"
    return Explained(message, f"write '{_CLOSING[opening]}'", failure.here)


def _unclosed_bracket(failure: Failure) -> Explained | None:
    start = failure.start if failure.starting in _CLOSING else failure.bracket
    if start is None:
        return None
    depth = 0
    for found in _BRACKETS.finditer(failure.text, start):
        depth += bool(found[1]) - bool(found[2])
        if depth == 0 and found[2]:
            return None
    opening = failure.text[start]
    hint = f"close it with '{_CLOSING[opening]}' after the last element"
    return Explained(f"'{opening}' is never closed", hint, (start, start + 1))


def _comma(failure: Failure) -> Explained | None:
    if failure.character != ",":
        return None
    hint = "delete it, or write the missing element" if failure.bracket else "delete it"
    return Explained("unexpected ','", hint, failure.here)


def _dash_in_line(failure: Failure) -> Explained | None:
    if failure.character != "-" or failure.text[failure.index + 1 : failure.index + 2].strip():
        return None
    if failure.bracket is not None:
        return Explained("a list item with '- ' cannot be in brackets", "write a comma before it", failure.here)
    if not failure.before.strip(" -"):
        return None
    return Explained(
        "a list item with '- ' starts on a line of its own", "write the list in brackets: [a, b]", failure.here
    )


def _in_brackets(failure: Failure) -> Explained | None:
    if failure.bracket is None or failure.character in ("", "?"):
        return None
    # After the colon of a key on a line further up, a comma is missing rather than quotes.
    if failure.character == ":" and failure.bracket >= failure.line_start:
        if failure.text[failure.index + 1 : failure.index + 2].strip():
            hint = "write a space after the colon, or put the string in quotes"
            return Explained("a key is followed by a colon and a space", hint, failure.here)
        if failure.before[-1:].strip("[{, "):
            return Explained("a string without quotes cannot contain ': '", "put it in quotes", failure.here)
        return None
    hint = "write a comma before it, or put all of it in quotes"
    return Explained("elements in brackets are separated by commas", hint, failure.here)


def _missing_colon(failure: Failure) -> Explained | None:
    """Explain a line that should be a key and its value; the parser marks the place where it misses the colon."""
    line = failure.rest(failure.start)
    if (
        failure.start == failure.index
        or _COLON_AND_SPACE.search(line)
        or failure.start in {start_of(event) for event in failure.opened}
    ):
        return None
    if tight := _tight_colon(failure.start, line):
        return tight
    hint = "write a key before it, or indent the line if it belongs to the key above"
    if found := _NO_COLON.fullmatch(line):
        hint = f"write {quoted(f'{found[1]}: {found[2]}')}, or indent the line if it belongs to the value above"
    message = "a key is followed by a colon, a space and its value"
    return Explained(message, hint, (failure.start, failure.start + len(line)))


def _tight_colon(start: int, line: str) -> Explained | None:
    """Explain `key:value`, if that is what the line is that starts at `start`."""
    found = _TIGHT_COLON.match(line)
    if not found:
        return None
    hint = f"write {quoted(f'{found[1]}: {found[2].strip()}')}"
    return Explained("a key is followed by a colon and a space", hint, (start + found.start(1), start + found.end(2)))


def _tight_dash(start: int, line: str) -> Explained | None:
    """Explain a line that starts with a dash without a space after it; None for any other."""
    found = _TIGHT_DASH.match(line)
    if not found:
        return None
    place = (start + found.start(1), start + found.end(1))
    return Explained("a list item begins with '- ', a dash and a space", "write a space after the dash", place)


def _unexpected_colon(failure: Failure) -> Explained | None:
    if failure.character != ":":
        return None
    key, colon, _ = failure.before.partition(": ")
    if colon:
        text = failure.rest(failure.line_start + len(key) + 2)
        return Explained("a string without quotes cannot contain ': '", _quote(text), failure.here)
    if not failure.before.strip(" -"):
        return Explained("unexpected ':'", "write the key before it", failure.here)
    above_start, above = failure.line_above()
    if tight := _tight_colon(above_start, above) or _tight_dash(above_start, above):
        return tight
    indent, indent_above = (len(_indent(line)) for line in (failure.before, above))
    place = (min(failure.line_start + indent, failure.index), failure.index + 1)
    if indent > indent_above:
        message = "this key is indented deeper than the keys above it, as if it belonged to the value of the last"
        return Explained(message, "indent it like the key above", place)
    found = _NO_COLON.fullmatch(above)
    if found and indent == indent_above:
        hint = f"write {quoted(f'{found[1]}: {found[2]}')}"
        place = (above_start + indent_above, above_start + len(above))
        return Explained("a key is followed by a colon, a space and its value", hint, place)
    hint = "check the quotes and the indentation above it"
    return Explained("a key cannot be here", hint, place)


def _indent(line: str) -> str:
    found = _INDENT.match(line)
    return found[0] if found else ""


def _indentation(failure: Failure) -> Explained | None:
    """Explain the indentation of a line whose first character is where the parser gave up."""
    if failure.before.strip(" -") or not failure.character.strip():
        return None
    tight = _tight_dash(failure.index, failure.rest(failure.index)) or _tight_dash(*failure.line_above())
    if tight:
        return tight
    if not failure.opened:
        if not _CONTENT.search(failure.text, 0, failure.index):
            return None
        message = "a document is one list or one mapping, and this line is after it"
        return Explained(message, "make it part of the list above, or delete it", failure.to_line_end)
    lists, mappings = (failure.columns(kind) for kind in (SequenceStartEvent, MappingStartEvent))
    column = len(failure.before)
    if failure.text.startswith("- ", failure.index):
        if column in mappings and column not in lists:
            message = "a list item cannot be among the keys of a mapping"
            hint = "indent it like the other '- ' of its list, or deeper than the key it belongs to"
            return Explained(message, hint, failure.here)
        return Explained("this '- ' is indented unlike those above it", "indent it like them", failure.here)
    if column in lists and column not in mappings:
        message = "a line at the level of list items starts with '- '"
        hint = "start it with '- ', or indent it like the keys of the item it belongs to"
        return Explained(message, hint, failure.to_line_end)
    if column in mappings:
        return None
    message = "the indentation of this line does not match the lines above it"
    return Explained(message, "indent it like the other keys of its mapping", failure.to_line_end)


def _after_value(failure: Failure) -> Explained | None:
    ended = failure.before.rstrip()[-1:]
    if ended not in ("'", '"', "]", "}") or not failure.character:
        return None
    hint = "put all of it in one pair of quotes, or delete what is too much"
    if failure.before.endswith("'"):
        hint = "write '' for an apostrophe inside single quotes, or look for a quote that is not closed"
    return Explained("unexpected text after the value", hint, failure.to_line_end)


_SLIPS: tuple[Callable[[Failure], Explained | None], ...] = (
    _python_code,
    _tab,
    _unclosed_quote,
    _bad_escape,
    _alias_or_anchor,
    _tag,
    _reserved,
    _closing_bracket,
    _comma,
    _unclosed_bracket,
    _dash_in_line,
    _in_brackets,
    _missing_colon,
    _unexpected_colon,
    _after_value,
    _indentation,
)
"""The slips in the order in which they are looked for: the more certain ones first."""
