"""JSON text to plain data with places, in one pass and without recursion, and all that is wrong with it.

Slower than the standard library, and asked only where that cannot answer: where something stands, or what
is wrong. It goes on behind a fault wherever what was meant is plain, so that all are reported at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from compression_config.documents.builder import Builder, ListFrame, MappingFrame
from compression_config.documents.document import Document, Limits
from compression_config.documents.positions import Positions, make_spot
from compression_config.documents.problems import Problems, Stop, quoted
from compression_config.findings import Code

__all__ = ["JsonComposer"]

_SPACE = re.compile(r"[ \t\n\r]*")
_ODD_SPACE = re.compile(r"[^\S \t\n\r]+|\ufeff+")
_COMMENT = re.compile(r"//[^\n\r]*|#[^\n\r]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"')
_STRING_WITH_FAULTS = re.compile(r'"((?:[^"\\\n\r]++|\\[^\n\r])*+)"')
_FAULT_IN_STRING = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})|(\\.|[\x00-\x1f])')
_SINGLE_QUOTED = re.compile(r"'((?:[^'\\\n\r]++|\\[^\n\r])*+)'")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_NUMBER_OF_YAML = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_WORD = re.compile(r"""[^\s,:\[\]{}"'/#]+""")
_BEHIND_TEXT = re.compile(r"[,:\]}]")
_SURROGATE = re.compile("[\ud800-\udfff]")

_LITERALS: Mapping[str, object] = MappingProxyType({"true": True, "false": False, "null": None})
_OF_OTHER_LANGUAGES: Mapping[str, str] = MappingProxyType(
    {"True": "true", "TRUE": "true", "False": "false", "FALSE": "false", "None": "null", "NULL": "null", "~": "null"}
)
_NO_NUMBERS = frozenset({"NaN", "nan", "Infinity", "-Infinity", "+Infinity", "inf", "-inf"})
_CLOSING: Mapping[str, str] = MappingProxyType({"[": "]", "{": "}"})
_UNUSUAL = frozenset("/#\x0b\x0c\x1c\x1d\x1e\x1f")
"""Where a comment or some other white space may begin; so may it at any character beyond ASCII."""
_SHOWN = 60
"""How long a text a hint repeats."""

_Phase: TypeAlias = Callable[[int], int]
"""Takes what begins at an index, sets the next phase, and returns the index behind it."""


class JsonComposer(Builder):
    """Reads one text; ask for the document afterwards."""

    __slots__ = ("phase", "text")

    def __init__(self, text: str, problems: Problems, limits: Limits) -> None:
        super().__init__(problems, limits)
        self.text = text
        self.phase: _Phase | None = self._value

    def compose(self) -> None:
        """Read the text. Raises `Stop` where there is no going on."""
        index = 0
        while self.phase is not None:
            index = self.phase(self._skip_space(index))

    def document(self) -> Document:
        """Return the document that was read."""
        value, place = self.top.container[0], self.top.node.children[0]
        return self.problems.document(value, Positions(value, self.problems.lines, place), complete=True)

    # The phases.

    def _value(self, index: int) -> int:
        """Take a value, or the opening bracket of one."""
        self.phase = self._behind_value
        character = self.text[index : index + 1]
        if character in _CLOSING:
            self.phase = self._first
            self.open((ListFrame if character == "[" else MappingFrame)(index, self.nodes))
            return index + 1
        if character in ('"', "'"):
            text, end = self._string(index)
            return self._put(text, index, end)
        word = _WORD.match(self.text, index)
        return self._word(word[0], index, word.end()) if word else self._no_value(character, index)

    def _first(self, index: int) -> int:
        """Take what follows an opening bracket."""
        return self._closed(index) or self._element(index)

    def _behind_value(self, index: int) -> int:
        """Take the comma or the bracket that follows an element; at the top the text ends here."""
        if not self.frames:
            self._end(index)
            self.phase = None
            return index
        character = self.text[index : index + 1]
        if character == ",":
            self.phase = self._behind_comma
            return index + 1
        closed = self._closed(index)
        if closed is not None:
            return closed
        if character == ":":
            raise self._stop("a colon stands behind a key, and this is none", "write a comma", index)
        self._report("elements are separated by commas", "write a comma before it", index, index + 1)
        return self._element(index)

    def _behind_comma(self, index: int) -> int:
        """Take the element that follows a comma."""
        if self.text[index : index + 1] in ("]", "}"):
            comma = self.text.rindex(",", 0, index)
            self._report("no comma stands behind the last element", "delete it", comma, comma + 1)
        return self._closed(index) or self._element(index)

    # Their parts.

    def _element(self, index: int) -> int:
        """Take an element of a list, or the key of one of a mapping."""
        if self.text[index : index + 1] == ",":
            self._report("one comma stands between two elements", "delete it", index, index + 1)
            self.phase = self._first
            return index + 1
        return self._key(index) if isinstance(self.frame, MappingFrame) else self._value(index)

    def _key(self, index: int) -> int:
        """Take a key and its colon."""
        self.phase = self._value
        text, end = self._key_text(index)
        place = make_spot(index, end)
        self.count(place)
        self.key(text, place)
        colon = self._skip_space(end)
        character = self.text[colon : colon + 1]
        if character == ":":
            return colon + 1
        if not character:
            raise self._unclosed()
        self._report("a key is followed by a colon and its value", "write a colon behind it", index, end)
        if character in (",", "]", "}"):
            self.phase = self._behind_value
            return self._put_nothing(end, colon)
        return colon + (character == "=")

    def _key_text(self, index: int) -> tuple[str, int]:
        if self.text[index : index + 1] in ('"', "'"):
            return self._string(index)
        word = _WORD.match(self.text, index)
        if word:
            self._report("a key stands in double quotes in JSON", _in_quotes(word[0]), *word.span())
            return word[0], word.end()
        raise self._stop("a key in double quotes belongs here", "write the key", index)

    def _string(self, index: int) -> tuple[str, int]:
        """Return the text in quotes at `index`, and the index behind it; what is wrong inside is reported."""
        found = _STRING.match(self.text, index)
        if not found:
            return self._faulty_string(index)
        raw = found[0]
        if self.text[found.end() : found.end() + 1].isalnum() and (behind := _BEHIND_TEXT.search(raw)):
            # What closes it is the quote that opens the next text: it should have ended before the comma or bracket.
            self._report("the quote is never closed", 'write " at the end of the text', index, index + 1)
            ended = raw[1 : behind.start()].rstrip()
            return ended, index + 1 + len(ended)
        text: str = json.loads(raw) if "\\" in raw else raw[1:-1]
        if _SURROGATE.search(text):
            message = "a surrogate that stands alone is no character"
            self._report(message, "write both halves of the pair, or delete it", *found.span())
            text = _SURROGATE.sub("\ufffd", text)
        return text, found.end()

    def _faulty_string(self, index: int) -> tuple[str, int]:
        quote = self.text[index]
        found = (_STRING_WITH_FAULTS if quote == '"' else _SINGLE_QUOTED).match(self.text, index)
        if not found:
            raise self._stop("the quote is never closed", f"write {quote} at the end of the text", index)
        if quote == "'":
            self._report("a text stands in double quotes in JSON", _in_quotes(found[1]), *found.span())
        for fault in _FAULT_IN_STRING.finditer(self.text, index + 1, found.end() - 1) if quote == '"' else ():
            if fault[1]:
                self._report(*_fault_words(fault[1]), *fault.span())
                break
        return found[1], found.end()

    def _word(self, word: str, index: int, end: int) -> int:
        """Take a number, a literal, or something that was meant to be one."""
        if word in _LITERALS:
            return self._put(_LITERALS[word], index, end)
        number = _NUMBER.fullmatch(word)
        if (number or _NUMBER_OF_YAML.fullmatch(word)) and len(word) > self.limits.number:
            self.too_long_number(word, make_spot(index, end))
            return self._put(None, index, end)
        if number:
            return self._put(float(word) if number[1] or number[2] else int(word), index, end)
        if word in _NO_NUMBERS:
            self.unread_scalar(f"'{word}' is no number of JSON", "write a number", make_spot(index, end))
            return self._put(None, index, end)
        value: object
        if word in _OF_OTHER_LANGUAGES:
            meant = _OF_OTHER_LANGUAGES[word]
            value, message, hint = _LITERALS[meant], f"'{word}' is no word of JSON", f"write {meant}"
        elif _NUMBER_OF_YAML.fullmatch(word):
            value = int(word) if word.lstrip("+-").isdecimal() else float(word)
            message, hint = f"{quoted(word)} is no number of JSON", f"write {value}"
        elif not self.frames:
            hint = "put it in brackets, or name the file .yaml if it is YAML"
            raise self._stop("a JSON text starts with a bracket, and this one does not", hint, index)
        else:
            value, message, hint = word, "a text stands in double quotes in JSON", _in_quotes(word)
        self._report(message, hint, index, end)
        return self._put(value, index, end)

    def _no_value(self, character: str, index: int) -> int:
        """Go on, if possible, where a value should stand and none does."""
        if not character and not self.frames:
            raise self._stop("a JSON text holds a value, and this one is empty", "write []", index)
        if not character:
            raise self._unclosed()
        if character in (",", "]", "}") and isinstance(self.frame, MappingFrame):
            self._report("a key is followed by a colon and its value", "write the value", index, index + 1)
            return self._put_nothing(index, index)
        if character in ("]", "}"):
            raise self._stop(f"'{character}' closes no bracket", "delete it", index)
        raise self._stop("a value belongs here", "write the value", index)

    def _closed(self, index: int) -> int | None:
        """Leave the innermost list or mapping if its bracket closes at `index`; None if it does not."""
        character = self.text[index : index + 1]
        if not character:
            raise self._unclosed()
        if character not in ("]", "}"):
            return None
        frame = self.frame
        opening = self.text[frame.start]
        if character != _CLOSING[opening]:
            message = f"'{opening}' is closed by '{_CLOSING[opening]}', not by '{character}'"
            raise self._stop(message, f"write '{_CLOSING[opening]}'", index)
        value = self.close(index + 1)
        self.frame.put(value, frame.node)
        self.phase = self._behind_value
        return index + 1

    def _end(self, index: int) -> None:
        """Refuse what follows the value of the document."""
        character = self.text[index : index + 1]
        place = make_spot(index, index + 1)
        if character in ("]", "}"):
            self.problems.add(Code.SYNTAX, f"'{character}' closes no bracket", "delete it", (), place)
        elif character in (",", ":"):
            self.problems.add(Code.SYNTAX, "nothing stands behind the value of a document", "delete it", (), place)
        elif character:
            message = "a file holds one document, and here a second one starts"
            self.problems.add(Code.SEVERAL_DOCUMENTS, message, "put all of it into one list: [ ]", (), place)

    def _put(self, value: object, start: int, end: int) -> int:
        place = make_spot(start, end)
        self.count(place)
        self.frame.put(value, place)
        return end

    def _put_nothing(self, place: int, index: int) -> int:
        """Put None where the value of a key is missing, at `place`; go on at `index`."""
        self.problems.unread.add(make_spot(place, place))
        self._put(None, place, place)
        return index

    def _skip_space(self, index: int) -> int:
        """Return where the next token begins; comments and odd white space on the way are reported."""
        while True:
            found = _SPACE.match(self.text, index)
            index = found.end() if found else index
            character = self.text[index : index + 1]
            if character < "\x7f" and character not in _UNUSUAL:
                return index
            if comment := _COMMENT.match(self.text, index):
                self._report("JSON has no comments", "delete it, or write YAML", *comment.span())
                index = comment.end()
            elif space := _ODD_SPACE.match(self.text, index):
                message = f"the character U+{ord(space[0][0]):04X} is no white space of JSON"
                self._report(message, "write a space", *space.span())
                index = space.end()
            else:
                return index

    def _unclosed(self) -> Stop:
        opening = self.text[self.frame.start]
        hint = f"write '{_CLOSING[opening]}' behind its last element"
        return self._stop(f"'{opening}' is never closed", hint, self.frame.start)

    def _stop(self, message: str, hint: str | None, index: int) -> Stop:
        place = make_spot(index, min(index + 1, len(self.text)))
        return self.problems.stop(Code.SYNTAX, message, hint, self.path(), place)

    def _report(self, message: str, hint: str | None, start: int, end: int) -> None:
        self.problems.add(Code.SYNTAX, message, hint, self.path(), make_spot(start, end))


def _in_quotes(word: str) -> str:
    return f"write {json.dumps(word)}" if len(word) <= _SHOWN else "write it in double quotes"


def _fault_words(fault: str) -> tuple[str, str]:
    """Return message and hint for something that may not stand in a string."""
    if fault.startswith("\\"):
        return f"{quoted(fault)} is no escape of JSON", "write \\\\ for a backslash"
    message = f"the character U+{ord(fault):04X} stands in a text as an escape only"
    return message, f"write {json.dumps(fault)[1:-1]}"
