"""Settings of hypothesis for all tests; builders live in `tests/support`."""

from __future__ import annotations

from hypothesis import settings

# No deadline: the machines of CI are shared, and the first example pays for imports and caches.
settings.register_profile("core", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("core")
