"""Modules and parameters that are stored as torch stores them, where there is no torch.

What torch itself makes of a model is judged in `tests/interop`; this is for the suite that runs everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType, SimpleNamespace

__all__ = ["Module", "Parameter", "stub"]


class Parameter:
    """A tensor: its shape, its dtype, and the address of its numbers, which two parameters may share."""

    is_meta = False

    def __init__(self, *shape: int, dtype: str = "torch.float32", address: int | None = None) -> None:
        self.shape = shape
        self.dtype = dtype
        self.address = id(self) if address is None else address

    def data_ptr(self) -> int:
        return self.address


class Module:
    """Stands in for `torch.nn.Module`; None is a parameter that is absent, as torch has it."""

    def __init__(self, **members: Module | Parameter | None) -> None:
        self._modules: dict[str, Module | None] = {n: m for n, m in members.items() if isinstance(m, Module)}
        self._parameters = {n: m for n, m in members.items() if not isinstance(m, Module)}
        self._buffers: dict[str, Parameter | None] = {}

    def named_modules(self, memo: set[Module] | None = None, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """Yield each module once, by its first name."""
        memo = set() if memo is None else memo
        if self not in memo:
            memo.add(self)
            yield prefix, self
            for name, module in self._modules.items():
                if module is not None:
                    yield from module.named_modules(memo, f"{prefix}.{name}".lstrip("."))


def stub() -> ModuleType:
    """Return what `sys.modules["torch"]` is to be."""
    torch = ModuleType("torch")
    vars(torch)["nn"] = SimpleNamespace(Module=Module)
    return torch
