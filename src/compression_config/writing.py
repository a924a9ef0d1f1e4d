"""Writing: files whole or not at all. The only module that writes to files."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

from compression_config.errors import UsageError
from compression_config.text import printable

__all__ = ["write_whole"]


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Write `data` to the file `path`, which keeps its permissions; a file that was there is replaced at once.

    What goes wrong on the way, a full disk or an interrupt, leaves it as it was. A symbolic link stays one, and
    what is not a regular file, such as /dev/stdout or a pipe, is written to directly.
    Raises `UsageError` when the file cannot be written.
    """
    try:
        # The temporary file is beside the target, not beside a link to it: only within one file system is the
        # replacement a single step.
        target = Path(path).resolve()
        # What is still a link is a circle of them, of which the state cannot be read.
        mode = target.stat().st_mode if os.path.lexists(target) else None
        if mode is not None and not stat.S_ISREG(mode):
            target.write_bytes(data)
        else:
            _replace(target, data, mode)
    except (OSError, ValueError, RuntimeError) as error:  # a NUL in the path; a circle of links
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise UsageError(f"'{printable(os.fspath(path))}' cannot be written: {reason}") from error


def _replace(target: Path, data: bytes, mode: int | None) -> None:
    temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
    # Unlike those of tempfile, which only their owner may read, it has the permissions of any new file.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        if mode is not None:
            temporary.chmod(stat.S_IMODE(mode))
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
