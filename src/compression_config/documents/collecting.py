"""The cyclic garbage collector, held off while a reader makes many objects that it must all keep."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["paused_collector"]


@contextmanager
def paused_collector() -> Iterator[None]:
    """Keep the cyclic garbage collector from running inside the `with` block.

    It would search the growing data again and again for cycles that cannot be there: half of the time
    that reading takes. A collector that was off stays off.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
