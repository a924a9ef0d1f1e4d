"""`validate --fix` and `--diff`: the edits of findings, applied to the texts of their files."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from compression_config.documents.editing import Editable, Fix, edited
from compression_config.documents.files import TextFile, format_of, read_text, read_text_file
from compression_config.errors import UsageError
from compression_config.findings import Edit, Finding
from compression_config.scripts import is_script, read_lists, split_name
from compression_config.text import printable
from compression_config.writing import write_whole

__all__ = ["Fixed", "fixed_file"]

Check = Callable[[str | None], Sequence[Finding]]
"""Gives the findings of a file; a text is checked in place of what the file holds."""

_PASSES = 10
"""How often a text is checked and fixed: a key that is put right may have a value to be put right."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """A file before and after the fixes of its findings."""

    path: str
    findings: Sequence[Finding]
    """Those of the text after the fixes."""
    file: TextFile | None = None
    """None for a file that cannot be read."""
    text: str = ""
    """The text after the fixes."""
    count: int = 0
    """How many findings were fixed."""
    unsafe: int = 0
    """How many of those that are left have a fix that is not safe."""

    @property
    def changed(self) -> bool:
        """Whether the text after the fixes is another one."""
        return self.file is not None and self.text != self.file.text

    def write(self) -> None:
        """Write the file, in the encoding that it has. Raises `UsageError`."""
        if self.file is None:
            return
        try:
            data = self.file.encoded(self.text)
        except UnicodeEncodeError as error:
            reason = f"its encoding {self.file.codec} has no {error.object[error.start : error.end]!r}"
            raise UsageError(f"'{printable(self.path)}' cannot be written: {reason}") from error
        write_whole(split_name(self.path)[0], data)

    def diff(self) -> str:
        """Return what the fixes change, as a unified diff."""
        if self.file is None:
            return ""
        name = printable(split_name(self.path)[0])
        lines = difflib.unified_diff(_lines(self.file.text), _lines(self.text), name, name)
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _lines(text: str) -> list[str]:
    # The answer has the line breaks of the system; the file keeps its own.
    return text.replace("\r\n", "\n").replace("\r", "\n").splitlines(keepends=True)


def fixed_file(path: str, check: Check, *, unsafe: bool) -> Fixed:
    """Return what the safe fixes of its findings make of a file, or with `unsafe` all fixes. Nothing is written."""
    name = split_name(path)[0]
    file = read_text_file(name, is_script=is_script(name))
    if isinstance(file, Finding):
        return Fixed(path, check(None))
    text, count = file.text, 0
    findings = check(text)
    for _ in range(_PASSES):
        fixes = list(_fixes(name, text, findings, unsafe=unsafe))
        result = edited(text, fixes)
        if result.text == text:
            break
        text = result.text
        count += sum(result.applied)
        findings = check(text)
    left = 0 if unsafe else sum(bool(finding.fix) and not finding.safe for finding in findings)
    return Fixed(path, findings, file, text, count, left)


def _fixes(name: str, text: str, findings: Sequence[Finding], *, unsafe: bool) -> Iterator[Fix]:
    wanted = [(finding, finding.fix) for finding in findings if finding.fix and (finding.safe or unsafe)]
    if wanted and is_script(name):
        yield from _script_fixes(name, text, wanted)
    elif wanted:
        document = read_text(text, format_of(name), name)
        for _, edits in wanted:
            yield Editable(document.source, document.value), edits


def _script_fixes(name: str, text: str, wanted: Sequence[tuple[Finding, tuple[Edit, ...]]]) -> Iterator[Fix]:
    """Yield fixes with the list of the script that each is about: two lists can have the same name."""
    lists = read_lists(name, discovered=False, text=text).lists
    for finding, edits in wanted:
        for made in lists:
            tree, path = made.source.tree, finding.path
            here = path[: len(made.name)] == made.name
            if here and finding.span in (tree.span(path), tree.span(path, key=True)):
                yield Editable(made.source, made.value, made.name), edits
                break
