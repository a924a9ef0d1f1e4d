"""Measures and writes docs/performance.md; the page is never edited by hand. All of it takes half an hour.

    NNI_WHEEL=nni-3.0-py3-none-manylinux1_x86_64.whl python tests/benchmarks/write_performance.py
    python tests/benchmarks/write_performance.py bert reading     these sections, the rest of the page stays as it is

Needs what `compare_peers.py` needs; without the section "peers", torch alone.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gc
import importlib
import os
import platform
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

import figures
import growth
from tables import Table

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"

INTRODUCTION = """\
# Performance

This page is written by `python tests/benchmarks/write_performance.py`, which measures everything on it. Times are
ratios to something that is measured beside them, so that they mean the same on another machine: most of them to
`list(model.named_modules())`, which compressing a model takes anyway. The figure in brackets is the most that a
figure may be.

Measured with {versions}; {machine}.

Selecting takes time in proportion to the layers and to the selector elements, not to their product: types and exact
names are looked up, partial names are searched together in one pass over the tree of modules (`selection.py` and
`substrings.py` explain how). Everything else is computed on demand: budgets, findings about the list as a whole
and reports are made when they are read.

The workloads: *small*, 3 sub-configs (types, one name, one exclude); *medium*, 64, one partial name for each block
among them; *large*, 1,000, types, names and partial names mixed; *extreme-names*, one sub-config for each Linear, by
its exact name; *extreme-partial*, 10,000 sub-configs with one partial name each, all of which hit, or all miss.
"""


def introduction() -> str:
    """Return the beginning of the page: what was measured with what."""
    packages = ("torch", "pydantic", "PyYAML")
    versions = [f"Python {platform.python_version()}", *(f"{package} {version(package)}" for package in packages)]
    gibibytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    machine = f"{os.cpu_count()} cores, {gibibytes:.0f} GiB of memory"
    return INTRODUCTION.format(versions=", ".join(versions), machine=machine)


def _one_table(measure: Callable[[], Table]) -> Iterable[Table]:
    return [measure()]


def sections() -> Mapping[str, Callable[[], Iterable[Table]]]:
    """Return all that is measured, by name, in the order of the page."""
    return {
        **{name: partial(_one_table, measure) for name, measure in figures.sections().items()},
        "growth": lambda: [growth.growth_table()],
        "peers": lambda: importlib.import_module("compare_peers").tables(),
    }


def renewed(page: str, table: Table) -> str:
    """Return a page with a table in the place of the one that has its title, or behind all others."""
    _, *parts = page.split("\n## ")
    titles = [part.partition("\n")[0] for part in parts]
    section = table.markdown().removeprefix("## ")
    if table.title in titles:
        parts[titles.index(table.title)] = section
    else:
        parts.append(section)
    return "\n## ".join([introduction(), *(part.strip("\n") + "\n" for part in parts)])


def main() -> int:
    """Write the page, each table as soon as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"of {', '.join(sections())}; all without")
    wanted = parser.parse_args().sections
    page = PAGE.read_text(encoding="utf-8") if wanted and PAGE.exists() else ""
    for name, measure in sections().items():
        if wanted and name not in wanted:
            continue
        for table in measure():
            print(table.text(), flush=True)
            today = dt.datetime.now(tz=dt.UTC).date()
            page = renewed(page, replace(table, note=f"{table.note} Measured on {today}.".strip()))
            PAGE.write_text(page, encoding="utf-8")
            gc.collect()
    return 0


if __name__ == "__main__":
    sys.exit(main())
