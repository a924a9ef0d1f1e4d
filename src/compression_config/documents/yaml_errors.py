"""What a YAML parser complains of, in words that say what to write instead.

The parsers say what they expected; a user wants to know what is wrong. So a complaint is first recognized,
the same whether libyaml or PyYAML words it, and then explained from the text around it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from yaml.error import MarkedYAMLError

from compression_config.documents.positions import Spot, make_spot
from compression_config.documents.problems import quoted
from compression_config.documents.yaml_failure import Explained, Failure
from compression_config.findings import Code

__all__ = ["explain_error"]


def explain_error(error: Exception, text: str, behind: int, opened: int | None) -> Explained:
    """Return what `error` of the YAML parser means.

    All before `behind` was read without a fault; `opened` is where the innermost open collection starts.
    """
    complaint, index, start = "", 0, 0
    if isinstance(error, MarkedYAMLError):
        complaint = f"{error.context or ''}: {error.problem or ''}"
        mark = error.problem_mark or error.context_mark
        index = mark.index if mark else 0
        start = error.context_mark.index if error.context_mark else index
    elif found := _ESCAPED_TAG.search(text, behind):
        # libyaml lets some tags pass whose escapes are no UTF-8; making a string of one then fails.
        complaint, index, start = "while scanning a tag", found.end(), found.start()
    failure = Failure(text, min(index, len(text)), min(start, len(text)), opened)
    for pattern, explain in _EXPLANATIONS:
        if pattern.search(complaint):
            return explain(failure)
    return _unknown(failure)


_KEY_WITHOUT_SPACE = re.compile(r"(?:[ ]|- )*([A-Za-z_][\w.-]*):([^\s:/].*)", re.ASCII)
_KEY_AND_VALUE = re.compile(r"([A-Za-z_][\w.-]*)\s*=?\s*(.*)", re.ASCII)
_DASH_WITHOUT_SPACE = re.compile(r" *(-)(?=[A-Za-z_'\"])")
_INDENT = re.compile(r"(?:[ ]|- )*")
_ESCAPE = re.compile(
    r'\\(?:[0abt\tnvfre "\\/N_LP\r\n\x85\u2028\u2029]'
    r"|(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})|)"
)
_LAST_CHARACTER = 0x10FFFF
_ESCAPED_TAG = re.compile(r"!\S*%")
_SHOWN = 60
"""How long a text a hint repeats."""


def _quote(text: str) -> str:
    if not 0 < len(text) <= _SHOWN or '"' in text or "\\" in text:
        return "put it in quotes"
    return f'put it in quotes: "{text}"'


def _bad_start(failure: Failure) -> Explained:
    if failure.character == "\t":
        return _tab(failure)
    message = f"a text without quotes cannot start with {quoted(failure.character)}"
    return Explained(message, _quote(failure.word(failure.index)), failure.here)


def _tab(failure: Failure) -> Explained:
    return Explained("YAML is indented with spaces, not with tabs", "write spaces instead of the tab", failure.here)


def _no_colon(failure: Failure) -> Explained:
    line = failure.rest(failure.start)
    for bracket, closing in ("[]", "{}"):
        if line.startswith(bracket) and line.count(bracket) > line.count(closing):
            return _unclosed(failure.start, bracket, closing)
    if tight := _tight_colon(failure.start, line):
        return tight
    hint = "write a key before it, or indent the line if it belongs to the key above"
    if found := _KEY_AND_VALUE.match(line):
        pair = f"{found[1]}: {found[2]}".rstrip()
        hint = f"write {quoted(pair)}, or indent the line if it belongs to the value above"
    message = "a key is followed by a colon, a space and its value"
    return Explained(message, hint, make_spot(failure.start, failure.start + len(line)))


def _tight_colon(start: int, line: str) -> Explained | None:
    """Explain `key:value`, if that is what the line is that starts at `start`."""
    found = _KEY_WITHOUT_SPACE.match(line)
    if not found:
        return None
    message = "a key is followed by a colon and a space"
    place = make_spot(start + found.start(1), start + found.end(2))
    return Explained(message, f"write {quoted(f'{found[1]}: {found[2].strip()}')}", place)


def _tight_dash(start: int, line: str) -> Explained | None:
    """Explain that no space stands behind the dash that begins a line; None when that is not so."""
    found = _DASH_WITHOUT_SPACE.match(line)
    if not found:
        return None
    place = make_spot(start + found.start(1), start + found.end(1))
    return Explained("a list item begins with '- ', a dash and a space", "write a space behind the dash", place)


def _second_colon(failure: Failure) -> Explained:
    key, colon, _ = failure.before.partition(": ")
    if colon:
        return _colon_in_text(failure, failure.rest(failure.line_start + len(key) + 2))
    above_start, above = failure.line_above()
    if tight := _tight_colon(above_start, above) or _tight_dash(above_start, above):
        return tight
    key_start = failure.line_start + len(_indent(failure.before))
    place = make_spot(min(key_start, failure.index), failure.index + 1)
    if len(_indent(failure.before)) > len(_indent(above)):
        message = "this key is indented deeper than the keys above it, as if it belonged to the value of the last"
        return Explained(message, "indent it like the key above", place)
    hint = "mend the quotes or the indentation above it, or write the colon behind the key above"
    return Explained("a key cannot stand here", hint, place)


def _colon_in_text(failure: Failure, text: str) -> Explained:
    return Explained("a text without quotes cannot hold a colon and a space", _quote(text), failure.here)


def _indent(line: str) -> str:
    found = _INDENT.match(line)
    return found[0] if found else ""


def _item_in_line(failure: Failure) -> Explained:
    message = "a list item with '- ' starts on a line of its own"
    return Explained(message, "write the list in brackets: [a, b]", failure.here)


def _question_mark(failure: Failure) -> Explained:
    return Explained("a text without quotes cannot start with '? '", "put it in quotes", failure.here)


def _in_mapping(failure: Failure) -> Explained:
    if failure.before.strip(" -"):
        return _behind_value(failure)
    if failure.character == "-":
        message = "a list item stands where the next key of a mapping should"
        hint = "indent it like the other '- ' of its list, or deeper than the key it belongs to"
        return Explained(message, hint, failure.here)
    if failure.character == ":":
        return Explained("a colon stands behind a key", "write the key", failure.here)
    return _indentation(failure)


def _in_list(failure: Failure) -> Explained:
    if failure.before.strip(" -"):
        return _behind_value(failure)
    if tight := _tight_dash(failure.index, failure.rest(failure.index)):
        return tight
    if failure.character == "-":
        message = "this '- ' is indented unlike those of the list above it"
        return Explained(message, "indent it like them", failure.here)
    message = "a line at the level of list items starts with '- '"
    hint = "start it with '- ', or indent it like the keys of the item it belongs to"
    return Explained(message, hint, _line_place(failure))


def _behind_value(failure: Failure) -> Explained:
    if failure.character in ("]", "}"):
        return Explained(f"'{failure.character}' closes no bracket", "delete it", failure.here)
    hint = "put all of it in one pair of quotes, or delete what is too much"
    if failure.character == ",":
        hint = "delete the comma"
    if failure.before.endswith("'"):
        hint = "write '' for an apostrophe inside of single quotes, or look for a quote that is not closed"
    return Explained("the value before this has ended", hint, _line_place(failure))


def _indentation(failure: Failure) -> Explained:
    if tight := _tight_dash(*failure.line_above()):
        return tight
    message = "the line is indented unlike the lines it could belong to"
    return Explained(message, "indent it like the other keys of its mapping", _line_place(failure))


def _line_place(failure: Failure) -> Spot:
    return make_spot(failure.index, failure.index + len(failure.rest(failure.index)))


def _in_brackets(failure: Failure) -> Explained:
    bracket = failure.text[failure.start : failure.start + 1]
    closing = {"[": "]", "{": "}"}.get(bracket, "]")
    if failure.character in ("]", "}"):
        message = f"'{bracket}' is closed by '{closing}', not by '{failure.character}'"
        return Explained(message, f"write '{closing}'", failure.here)
    if failure.character == ":" and failure.start >= failure.line_start:
        return _colon_in_text(failure, "")
    if failure.character in ("'", '"', "[", "{") or (failure.character and failure.start >= failure.line_start):
        message = "elements in brackets are separated by commas"
        return Explained(message, "write a comma before it, or put all of it in one pair of quotes", failure.here)
    return _unclosed(failure.start, bracket, closing)


def _unclosed(start: int, bracket: str, closing: str) -> Explained:
    message = f"'{bracket}' is never closed"
    return Explained(message, f"write '{closing}' behind its last element", make_spot(start, start + 1))


def _no_value(failure: Failure) -> Explained:
    bracket = failure.text[failure.opened : failure.opened + 1] if failure.opened is not None else ""
    if bracket in ("[", "{") and failure.opened is not None and failure.character in ("", "-"):
        return _unclosed(failure.opened, bracket, "]" if bracket == "[" else "}")
    if failure.character == ",":
        return Explained("a comma stands between two elements", "delete it, or write the missing element", failure.here)
    if failure.character in ("]", "}"):
        return Explained(f"'{failure.character}' closes no bracket", "delete it", failure.here)
    hint = _quote(failure.word(failure.index)) if failure.character else None
    return Explained("a value is missing here", hint, failure.here)


def _open_quote(failure: Failure) -> Explained:
    quote = failure.text[failure.start : failure.start + 1]
    place = make_spot(failure.start, failure.start + 1)
    return Explained("the quote is never closed", f"write {quote} at the end of the text", place)


def _bad_escape(failure: Failure) -> Explained:
    hint = "write \\\\ for a backslash, or use single quotes"
    for found in _ESCAPE.finditer(failure.text, failure.start + 1):
        code = int(found[1][1:], 16) if found[1] else 0
        if code > _LAST_CHARACTER or 0xD800 <= code < 0xE000:  # noqa: PLR2004 -- the range of surrogates
            return Explained(f"the escape {quoted(found[0])} names no character", hint, make_spot(*found.span()))
        if found[0] == "\\":
            end = min(found.end() + 1, len(failure.text))
            escape = failure.text[found.start() : end]
            return Explained(f"{quoted(escape)} is no escape in double quotes", hint, make_spot(found.start(), end))
    return _unknown(failure)


def _bad_name(failure: Failure) -> Explained:
    sign = failure.text[failure.start : failure.start + 1]
    kind = "an alias" if sign == "*" else "an anchor"
    message = f"a text without quotes cannot start with '{sign}', which starts {kind}"
    word = failure.word(failure.start)
    return Explained(message, _quote(word), make_spot(failure.start, failure.start + len(word)))


def _bad_tag(failure: Failure) -> Explained:
    word = failure.word(failure.start)
    message = "a text without quotes cannot start with '!', which starts a tag"
    return Explained(message, _quote(word), make_spot(failure.start, failure.start + len(word)))


def _unknown_tag(failure: Failure) -> Explained:
    word = failure.word(failure.index)
    message = f"the tag {quoted(word)} is not supported: a config list is plain data"
    place = make_spot(failure.index, failure.index + len(word))
    return Explained(message, "delete the tag", place, Code.UNSUPPORTED_TAG)


def _directive(failure: Failure) -> Explained:
    message = "a line that starts with '%' is a directive, and only '%YAML 1.2' and '%TAG' are known"
    place = make_spot(failure.start, failure.start + len(failure.rest(failure.start)))
    return Explained(message, "delete the line, or put the text in quotes", place)


def _block_text(failure: Failure) -> Explained:
    sign = failure.text[failure.start : failure.start + 1]
    message = f"'{sign}' starts a text that stands on the lines below it"
    rest = failure.rest(failure.start)
    return Explained(message, _quote(rest), make_spot(failure.start, failure.start + len(rest)))


def _flow_colon(failure: Failure) -> Explained:
    message = "a key is followed by a colon and a space"
    return Explained(message, "write a space behind the colon, or put the text in quotes", failure.here)


def _second_root(failure: Failure) -> Explained:
    if failure.before.strip():
        return _behind_value(failure)
    message = "a document is one list or one mapping, and this line stands behind it"
    return Explained(message, "make it part of the list above, or delete it", _line_place(failure))


def _unknown(failure: Failure) -> Explained:
    return Explained("the text is no YAML from here on", "put texts with special characters in quotes", failure.here)


_EXPLANATIONS: tuple[tuple[re.Pattern[str], Callable[[Failure], Explained]], ...] = tuple(
    (re.compile(pattern), explain)
    for pattern, explain in (
        (r"tab character", _tab),
        (r"cannot start any token", _bad_start),
        (r"find expected ':'", _no_colon),
        (r"mapping values are not allowed", _second_colon),
        (r"sequence entries are not allowed", _item_in_line),
        (r"mapping keys are not allowed", _question_mark),
        (r"while parsing a block mapping", _in_mapping),
        (r"while parsing a block collection", _in_list),
        (r"while parsing a flow (?:sequence|mapping)", _in_brackets),
        (r"while parsing a (?:flow|block) node", _no_value),
        (r"quoted scalar: found unexpected", _open_quote),
        (r"quoted scalar: ", _bad_escape),
        (r"while scanning an (?:alias|anchor)", _bad_name),
        (r"undefined tag handle", _unknown_tag),
        (r"directive|incompatible YAML document|duplicate tag handle", _directive),
        (r"while (?:scanning|parsing) a tag", _bad_tag),
        (r"while scanning a block scalar", _block_text),
        (r"found unexpected ':'", _flow_colon),
        (r"<document start>", _second_root),
    )
)
"""How each complaint is recognized: by the words that libyaml and PyYAML share."""
