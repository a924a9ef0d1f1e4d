"""`validate --fix` and `--diff`: the edits of findings, applied to the texts of their files."""

from __future__ import annotations

import argparse
import difflib
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from compression_config.cli.console import Console
from compression_config.documents.editing import Editable, Edited, Fix, edited
from compression_config.documents.files import TextFile, format_of, read_text, read_text_file
from compression_config.documents.python_reader import keys_in_use
from compression_config.errors import UsageError
from compression_config.findings import Edit, Finding, has_errors
from compression_config.scripts import is_script, read_lists, split_name
from compression_config.text import counted, printable
from compression_config.writing import write_whole

__all__ = ["add_fix_options", "fixed_findings"]

Check = Callable[[str, str | None], Sequence[Finding]]
"""Gives the findings of a file; a text is checked in place of what the file holds."""

_PASSES = 10
"""How often a text is checked and fixed: a key that is put right may have a value to be put right."""


def add_fix_options(command: argparse.ArgumentParser) -> None:
    """Add the options that fix what a command finds."""
    command.add_argument("--fix", action="store_true", help="apply the safe fixes of findings to the files")
    command.add_argument("--unsafe-fixes", action="store_true", help="apply, or show, fixes that are guesses as well")
    command.add_argument("--diff", action="store_true", help="show the fixes as a unified diff, and write nothing")


def fixed_findings(
    paths: Sequence[str], check: Check, arguments: argparse.Namespace, console: Console
) -> list[Finding] | None:
    """Fix files, or with `--diff` show what would be fixed; return the findings that are left.

    With `--diff` those are all of them. None where no fixing is asked for. Raises `UsageError` for options that do not
    go together, and for a file that cannot be written.
    """
    _check_options(arguments)
    if not (arguments.fix or arguments.diff):
        return None
    findings: list[Finding] = []
    unsafe = 0
    for path in paths:
        fixed = _fixed(path, functools.partial(check, path), unsafe=arguments.unsafe_fixes)
        unsafe += fixed.unsafe
        findings += fixed.before if arguments.diff else fixed.after
        if not fixed.changed:
            continue
        if arguments.diff:
            console.answer(fixed.diff())
        else:
            fixed.write()
        console.talk(f"{'would fix' if arguments.diff else 'fixed'} {counted(fixed.count, 'finding')} in {path}")
    if unsafe:
        has_a_fix = "has a fix that is a guess" if unsafe == 1 else "have fixes that are guesses"
        console.talk(f"{counted(unsafe, 'finding')} {has_a_fix}: add '--unsafe-fixes'")
    return findings


def _check_options(arguments: argparse.Namespace) -> None:
    if arguments.unsafe_fixes and not (arguments.fix or arguments.diff):
        raise UsageError("'--unsafe-fixes' goes with '--fix' or '--diff'")
    if arguments.diff and arguments.format != "text":
        raise UsageError("'--diff' shows a diff in place of the findings: leave out '--format'")
    if arguments.standard_input is not None and (arguments.fix or arguments.diff):
        raise UsageError("standard input cannot be fixed: name the file")
    if arguments.join and (arguments.fix or arguments.diff):
        raise UsageError("files that are joined cannot be fixed: leave out '--join'")


_NO_FILE = TextFile("")


@dataclass(frozen=True, slots=True)
class _Fixed:
    """A file before and after the fixes of its findings."""

    path: str
    before: Sequence[Finding]
    after: Sequence[Finding]
    file: TextFile = _NO_FILE
    """An empty one where the file cannot be read."""
    text: str = ""
    """The text after the fixes."""
    count: int = 0
    """How many findings were fixed."""
    unsafe: int = 0
    """How many of those that are left have a fix that is applied only when guesses are."""

    @property
    def changed(self) -> bool:
        """Whether the text after the fixes is another one."""
        return self.text != self.file.text

    def write(self) -> None:
        """Write the file, in the encoding that it has. Raises `UsageError`."""
        try:
            data = self.file.encoded(self.text)
        except UnicodeEncodeError as error:
            reason = f"its encoding {self.file.codec} has no {error.object[error.start : error.end]!r}"
            raise UsageError(f"'{printable(self.path)}' cannot be written: {reason}") from error
        write_whole(split_name(self.path)[0], data)

    def diff(self) -> str:
        """Return what the fixes change, as a unified diff."""
        name = printable(split_name(self.path)[0])
        lines = difflib.unified_diff(_lines(self.file.text), _lines(self.text), name, name)
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _lines(text: str) -> list[str]:
    # The answer has the line breaks of the system; the file keeps its own.
    *lines, last = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [*(f"{line}\n" for line in lines), *([last] if last else [])]


def _fixed(path: str, check: Callable[[str | None], Sequence[Finding]], *, unsafe: bool) -> _Fixed:
    """Return what the safe fixes of its findings make of a file, or with `unsafe` all fixes. Nothing is written."""
    name = split_name(path)[0]
    file = read_text_file(name, is_script=is_script(name))
    if isinstance(file, Finding):
        unread = check(None)
        return _Fixed(path, unread, unread)
    text, count = file.text, 0
    before = findings = check(text)
    seen = {text}
    for _ in range(_PASSES):
        result = _edited(name, text, findings, unsafe=unsafe)
        if result.text in seen:
            break
        after = check(result.text)
        # Each fix is right by itself; where several together break a sound list it is left to the user.
        if has_errors(after) and not has_errors(findings):
            break
        text, findings = result.text, after
        seen.add(text)
        count += sum(result.applied)
    safe = _without_used_keys(_with_fix(findings, unsafe=False), name, text)
    left = 0 if unsafe else len(_with_fix(findings)) - len(safe)
    return _Fixed(path, before, findings, file, text, count, left)


Fixable = tuple[Finding, tuple[Edit, ...]]
"""A finding, and its fix."""


def _with_fix(findings: Iterable[Finding], *, unsafe: bool = True) -> list[Fixable]:
    return [(finding, finding.fix) for finding in findings if finding.fix and (finding.safe or unsafe)]


def _edited(name: str, text: str, findings: Sequence[Finding], *, unsafe: bool) -> Edited:
    wanted = _with_fix(findings, unsafe=unsafe)
    result = edited(text, list(_fixes(name, text, wanted)))
    if unsafe or (fewer := _without_used_keys(wanted, name, result.text)) == wanted:
        return result
    return edited(text, list(_fixes(name, text, fewer)))


def _without_used_keys(wanted: list[Fixable], name: str, text: str) -> list[Fixable]:
    """Return fixes without those that rename a key by which a script that has become `text` still asks for a value."""
    if not wanted or not is_script(name):
        return wanted
    used = keys_in_use(text)
    return [
        (finding, fix)
        for finding, fix in wanted
        if not any(edit.action == "rename" and edit.path[-1] in used for edit in fix)
    ]


def _fixes(name: str, text: str, wanted: Sequence[Fixable]) -> Iterator[Fix]:
    if wanted and is_script(name):
        yield from _script_fixes(name, text, wanted)
    elif wanted:
        document = read_text(text, format_of(name), name)
        for _, edits in wanted:
            yield Editable(document.source, document.value), edits


def _script_fixes(name: str, text: str, wanted: Sequence[Fixable]) -> Iterator[Fix]:
    """Yield fixes with the list of the script that each is about: two lists can have the same name."""
    lists = read_lists(name, discovered=False, text=text).lists
    for finding, edits in wanted:
        for made in lists:
            tree, path = made.source.tree, finding.path
            here = path[: len(made.name)] == made.name
            if here and finding.span in (tree.span(path), tree.span(path, key=True)):
                yield Editable(made.source, made.value, made.name), edits
                break
