"""The events of a YAML text: from libyaml where PyYAML has it, otherwise from PyYAML's own parser.

Both give the same events with the same marks, and fail at the same places. PyYAML's scanner differs from
libyaml in what it takes for white space, and in some corners of tags, directives and plain scalars; the
subclass here follows libyaml in these. The judge is the comparison of both over generated texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol
from urllib.parse import unquote

from yaml.error import Mark
from yaml.events import Event, ScalarEvent
from yaml.parser import Parser, ParserError
from yaml.reader import Reader
from yaml.scanner import Scanner, ScannerError
from yaml.tokens import DirectiveToken, ScalarToken, TagToken

try:
    from yaml._yaml import CParser
except ImportError:  # PyYAML was built without libyaml
    CParser = None  # type: ignore[assignment,misc]

__all__ = ["HAS_LIBYAML", "Seen", "yaml_events"]

HAS_LIBYAML: bool = CParser is not None
"""Whether libyaml is there to be used."""


class Seen(Protocol):
    """What is read of an event; each kind of event has a part of it."""

    start_mark: Mark
    end_mark: Mark
    anchor: str | None
    tag: str | None
    value: str
    style: str | None
    """Empty or None for a plain scalar, else the character it begins with."""


def yaml_events(text: str, *, pure: bool | None = None) -> Iterator[Event]:
    """Yield the events of `text`; with `pure` from PyYAML's own parser even where libyaml is there.

    `text` holds printable characters only. Raises `yaml.YAMLError` where it is no YAML.
    """
    parser = _PureParser(text) if pure or CParser is None else CParser(text)
    try:
        yield from iter(parser.get_event, None)
    finally:
        parser.dispose()


_BREAKS = "\r\n\x85\u2028\u2029"
_ENDS = " \t" + _BREAKS + "\0"
"""White space, and the NUL that PyYAML's reader puts behind the text."""

_GAP = re.compile(rf"[ ]*(?:#[^{_BREAKS}\0]*)?")
_GAP_WITH_TABS = re.compile(rf"[ \t]*(?:#[^{_BREAKS}\0]*)?")
_BREAK = re.compile(rf"\r\n|[{_BREAKS}]")
_LINE_END = re.compile(rf"[ \t]*(?:#[^{_BREAKS}\0]*)?(?=[{_BREAKS}\0])")
_BLANKS = re.compile(rf"[ \t{_BREAKS}]+")
_DOCUMENT_MARK = re.compile(rf"(?:---|\.\.\.)[{_ENDS}]")
_PLAIN_IN_BLOCK = re.compile(rf"(?:[^{_ENDS}:]++|:(?![{_ENDS}]))++")
_PLAIN_IN_FLOW = re.compile(rf"(?:[^{_ENDS}:,\[\]{{}}]++|:(?![{_ENDS},?\[\]{{}}]))++")
_COLON_BEFORE_INDICATOR = re.compile(r":[,?\[\]{}]")
_TAB_IN_INDENTATION = re.compile(rf"[{_BREAKS}]([ ]*)\t")
_BLOCK_HEADER = re.compile(r"([-+]?)([1-9]?)([-+]?)")
_URI = r"(?:[\w;/?:@&=+$.!~*'()-]|%[0-9a-fA-F]{2})"
_VERBATIM_TAG = re.compile(rf"!<((?:{_URI}|[,\[\]])++)>", re.ASCII)
_HANDLED_TAG = re.compile(rf"(![\w-]*!)({_URI}++)", re.ASCII)
_LOCAL_TAG = re.compile(rf"!(?![\w-]*!)({_URI}*+)", re.ASCII)
_YAML_DIRECTIVE = re.compile(r"%YAML[ \t]+0{0,8}(1)\.0{0,8}([12])(?![0-9])", re.ASCII)
_TAG_DIRECTIVE = re.compile(rf"%TAG[ \t]+(!(?:[\w-]*!)?)[ \t]+((?:{_URI}|[,\[\]])++)(?=[{_ENDS}])", re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")


class _PureParser(Reader, Scanner, Parser):
    """PyYAML's parser on a scanner that takes the same texts as libyaml's."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)

    def forward(self, length: int = 1) -> None:
        """Go on by `length` characters. Not one by one as in the base class: most hold no line break."""
        passed = self.buffer[self.pointer : self.pointer + length]
        self.pointer += length
        self.index += length
        rest = passed
        for found in _BREAK.finditer(passed):
            if found[0] != "\r" or self.buffer[self.pointer - length + found.end()] != "\n":
                self.line += 1
                self.column = 0
                rest = passed[found.end() :]
        self.column += len(rest)

    def fetch_stream_end(self) -> None:
        """End the stream, and with it the line: what had to become a key on it has not."""
        if self.column:
            self.line += 1
            self.column = 0
        self.stale_possible_simple_keys()
        super().fetch_stream_end()

    def scan_to_next_token(self) -> None:
        """Skip white space and comments: tabs too, except where an indentation may stand."""
        while True:
            gap = _GAP if self.allow_simple_key and not self.flow_level else _GAP_WITH_TABS
            self._skip(gap)
            if not self._skip(_BREAK):
                return
            if not self.flow_level:
                self.allow_simple_key = True

    def scan_plain(self) -> ScalarToken:
        """Scan a plain scalar; tabs are white space within it, but no indentation."""
        start = end = self.get_mark()
        pattern = _PLAIN_IN_FLOW if self.flow_level else _PLAIN_IN_BLOCK
        chunks: list[str] = []
        blanks = ""
        while self.peek() != "#" and not (self.column == 0 and _DOCUMENT_MARK.match(self.buffer, self.pointer)):
            found = pattern.match(self.buffer, self.pointer)
            if found:
                chunks += (_folded(blanks), found[0])
                self.forward(len(found[0]))
                end, blanks = self.get_mark(), ""
            if self.flow_level and _COLON_BEFORE_INDICATOR.match(self.buffer, self.pointer):
                raise ScannerError("while scanning a plain scalar", start, "found unexpected ':'", self.get_mark())
            gap = _BLANKS.match(self.buffer, self.pointer)
            if not gap:
                break
            blanks = gap[0]
            self._check_tabs(blanks, start)
            self.forward(len(blanks))
            if not self.flow_level and self.column <= self.indent:
                break
        if _BREAK.search(blanks):
            self.allow_simple_key = True
        return ScalarToken("".join(chunks), True, start, end)

    def scan_flow_scalar_non_spaces(self, double: bool, start_mark: Mark) -> list[str]:
        """Scan on in a quoted scalar; escapes that name no character are refused."""
        try:
            chunks: list[str] = super().scan_flow_scalar_non_spaces(double, start_mark)
        except (ValueError, OverflowError):
            chunks = ["\ud800"]
        if double and _SURROGATE.search("".join(chunks)):
            problem = "found invalid Unicode character escape code"
            raise ScannerError("while parsing a quoted scalar", start_mark, problem, self.get_mark())
        return chunks

    def scan_block_scalar_indicators(
        self,
        start_mark: Mark,  # noqa: ARG002 -- the signature is PyYAML's
    ) -> tuple[bool | None, int | None]:
        """Scan what follows `|` or `>`: how to chomp, and the indentation."""
        found = _BLOCK_HEADER.match(self.buffer, self.pointer)
        before, digit, after = found.groups() if found else ("", "", "")
        if before and after:
            after = ""
        self.forward(len(before + digit + after))
        chomping = {"+": True, "-": False}.get(before or after)
        return chomping, int(digit) if digit else None

    def scan_block_scalar_ignored_line(self, start_mark: Mark) -> None:
        """Skip the rest of the line that starts a block scalar."""
        self._skip_line("while scanning a block scalar", start_mark)

    def scan_block_scalar_indentation(self) -> tuple[list[str], int, object]:
        """Skip empty lines in front of a block scalar; its first line tells the indentation."""
        found: tuple[list[str], int, object] = super().scan_block_scalar_indentation()
        self._refuse_tab(self.column + 1)
        return found

    def scan_block_scalar_breaks(self, indent: int) -> tuple[list[str], object]:
        """Skip empty lines in a block scalar, and the indentation of the next."""
        found: tuple[list[str], object] = super().scan_block_scalar_breaks(indent)
        self._refuse_tab(indent)
        return found

    def scan_tag(self) -> TagToken:
        """Scan a tag: `!<verbatim>`, `!handle!suffix`, `!local` or `!`."""
        start = self.get_mark()
        handle: str | None = None
        if found := _VERBATIM_TAG.match(self.buffer, self.pointer):
            suffix = found[1]
        elif found := _HANDLED_TAG.match(self.buffer, self.pointer):
            handle, suffix = found.groups()
        elif found := _LOCAL_TAG.match(self.buffer, self.pointer):
            handle, suffix = ("!", found[1]) if found[1] else (None, "!")
        if found:
            self.forward(len(found[0]))
        if not found or self.peek() not in _ENDS + ("," if self.flow_level else ""):
            raise ScannerError("while scanning a tag", start, "did not find expected whitespace", self.get_mark())
        try:
            suffix = unquote(suffix, errors="strict")
        except UnicodeDecodeError:
            raise ScannerError("while scanning a tag", start, "found no UTF-8", self.get_mark()) from None
        return TagToken((handle, suffix), start, self.get_mark())

    def scan_directive(self) -> DirectiveToken:
        """Scan `%YAML 1.2` or `%TAG`; there are no others."""
        start = self.get_mark()
        value: tuple[object, object]
        if found := _YAML_DIRECTIVE.match(self.buffer, self.pointer):
            name, value = "YAML", (int(found[1]), int(found[2]))
        elif found := _TAG_DIRECTIVE.match(self.buffer, self.pointer):
            name, value = "TAG", (found[1], found[2])
        else:
            raise ScannerError("while scanning a directive", start, "found unknown directive name", start)
        self.forward(len(found[0]))
        end = self.get_mark()
        self._skip_line("while scanning a directive", start)
        return DirectiveToken(name, value, start, end)

    def parse_node(self, block: bool = False, indentless_sequence: bool = False) -> Event:
        """Parse a node; libyaml scans what stands behind a tag before it looks up the handle of the tag."""
        try:
            return super().parse_node(block, indentless_sequence)  # type: ignore[no-any-return]
        except ParserError:
            self.peek_token()  # type: ignore[no-untyped-call]
            raise

    def parse_flow_sequence_entry_mapping_key(self) -> Event:
        """Parse the key behind a `?` in a flow sequence; behind an empty one libyaml loses a token."""
        event: Event = super().parse_flow_sequence_entry_mapping_key()  # type: ignore[no-untyped-call]
        if isinstance(event, ScalarEvent) and event.start_mark is event.end_mark:
            self.get_token()  # type: ignore[no-untyped-call]
        return event

    def _skip(self, pattern: re.Pattern[str]) -> bool:
        """Skip what `pattern` matches here; say whether that was anything."""
        found = pattern.match(self.buffer, self.pointer)
        if found:
            self.forward(len(found[0]))
        return bool(found)

    def _skip_line(self, context: str, start: Mark) -> None:
        if not self._skip(_LINE_END):
            self._skip(_GAP_WITH_TABS)
            raise ScannerError(context, start, "did not find expected comment or line break", self.get_mark())
        self._skip(_BREAK)

    def _check_tabs(self, blanks: str, start: Mark) -> None:
        for found in _TAB_IN_INDENTATION.finditer(blanks):
            if len(found[1]) <= self.indent:
                self.forward(found.end() - 1)
                problem = "found a tab character that violates indentation"
                raise ScannerError("while scanning a plain scalar", start, problem, self.get_mark())

    def _refuse_tab(self, indent: int) -> None:
        if self.column < indent and self.peek() == "\t":
            problem = "found a tab character where an indentation space is expected"
            raise ScannerError("while scanning a block scalar", None, problem, self.get_mark())


def _folded(blanks: str) -> str:
    """Return what is left of white space within a plain scalar: one line break becomes a space."""
    breaks = _BREAK.findall(blanks)
    if not breaks:
        return blanks
    first, *others = ["\n" if found in ("\r\n", "\r", "\x85") else found for found in breaks]
    if first != "\n":
        return first + "".join(others)
    return "".join(others) or " "
