"""Measures everything and writes docs/performance.md; the page is never edited by hand. Takes about half an hour.

    NNI_WHEEL=nni-3.0-py3-none-manylinux1_x86_64.whl python tests/benchmarks/write_performance.py

Needs what `compare_peers.py` needs. With `--without-peers` their tables are left out; `--only SECTION` measures one
section of `figures.py` anew and leaves the rest of the page as it is.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gc
import importlib
import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import figures
import growth
from tables import Table

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"

INTRODUCTION = """\
# Performance

This page is written by `python tests/benchmarks/write_performance.py`, which measures all that stands here in one run.
Times are ratios to something that is measured beside them, so that they mean the same on another machine: most of them
to `list(model.named_modules())`, which whoever compresses a model pays anyway. What stands in brackets is the most that
a figure may be.

Measured on {date} with {versions}; {machine}.

Selecting takes time in proportion to the layers and to the selector elements, not to their product: types and exact
names are looked up, partial names are searched together in one pass over the tree of modules (`selection.py` and
`substrings.py` explain how). What nobody asks for is not computed: claims, budgets, findings about the list as a whole
and reports are made when they are read.

The workloads: *small*, 3 sub-configs (types, one name, one exclude); *medium*, 64, one partial name for each block
among them; *large*, 1,000, types, names and partial names mixed; *extreme-names*, one sub-config for each Linear, by
its exact name; *extreme-partial*, 10,000 sub-configs with one partial name each, all of which hit, or all miss.
"""


def page(*, with_peers: bool) -> Iterator[str]:
    """Yield the parts of the page."""
    packages = ("torch", "pydantic", "PyYAML")
    versions = [f"Python {platform.python_version()}", *(f"{package} {version(package)}" for package in packages)]
    yield INTRODUCTION.format(date=dt.datetime.now(tz=dt.UTC).date(), versions=", ".join(versions), machine=machine())
    for table in measured(with_peers=with_peers):
        print(table.text(), flush=True)
        gc.collect()
        yield table.markdown()


def measured(*, with_peers: bool) -> Iterator[Table]:
    """Yield all tables."""
    for measure in figures.sections().values():
        yield measure()
    yield growth.growth_table()
    if with_peers:
        yield from importlib.import_module("compare_peers").tables()


def renewed(page: str, table: Table) -> str:
    """Return a page with a table in the place of the one that has its title, or behind all others."""
    beginning, *parts = page.split("\n## ")
    titles = [part.partition("\n")[0] for part in parts]
    section = table.markdown().removeprefix("## ")
    if table.title in titles:
        parts[titles.index(table.title)] = section
    else:
        parts.append(section)
    return "\n## ".join([beginning, *parts])


def machine() -> str:
    """Return how large this machine is."""
    gibibytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {gibibytes:.0f} GiB of memory"


def main() -> int:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--without-peers", action="store_true", help="leave the peers out")
    parser.add_argument("--only", choices=list(figures.sections()), help="measure one section anew")
    arguments = parser.parse_args()
    if arguments.only:
        text = renewed(PAGE.read_text(encoding="utf-8"), figures.sections()[arguments.only]())
    else:
        text = "\n".join(page(with_peers=not arguments.without_peers))
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
