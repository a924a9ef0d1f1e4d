"""Other formats: a resolution as an engine's document, and documents of other dialects as config lists.

Each engine is a module of this package, fetched when it is first asked for. None of them imports its engine.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any, Literal, TypeAlias, get_args

from compression_config.documents import paused_collector
from compression_config.errors import LossyExport, LossyExportWarning, UsageError
from compression_config.findings import Code, Finding, Severity
from compression_config.interop.base import Engine, Export, Names, Request, parsed_options
from compression_config.interop.importing import Import, not_recognized, option_hint, read_foreign
from compression_config.inventory import Inventory
from compression_config.resolving.resolved import Resolved
from compression_config.text import listed, nearest

__all__ = [
    "EXPORTERS",
    "IMPORTERS",
    "Engine",
    "Export",
    "Import",
    "Names",
    "OnLoss",
    "engines",
    "export_resolved",
    "import_document",
    "tolerated",
    "without_settled",
]

EXPORTERS: Mapping[str, str] = {
    "llm-compressor": "llm_compressor",
    "compressed-tensors": "compressed_tensors",
    "modelopt": "modelopt",
    "torchao": "torchao",
    "torch": "torch",
    "torch-ao-pruning": "torch_ao_pruning",
    "nni": "nni",
    "coreai-opt": "coreai_opt",
    "coremltools": "coremltools",
    "gptqmodel": "gptqmodel",
    "autoround": "autoround",
    "transformers": "transformers",
}
"""The engines for which a document can be written, and their modules."""

IMPORTERS: Mapping[str, str] = {
    "modelopt": "modelopt",
    "torchao": "torchao",
    "llm-compressor": "llm_compressor",
    "compressed-tensors": "compressed_tensors",
    "nni": "nni",
    "nni-1": "nni_1",
}
"""The dialects that can be read, and their modules; a document is of the first that recognizes it."""

OnLoss: TypeAlias = Literal["error", "warn", "ignore"]
"""What becomes of a loss that is an error: it raises, or is a warning and warns once, or is left out."""


def _engine(name: str, known: Mapping[str, str], what: str) -> Engine:
    """Return an engine by name. Raises `UsageError` that names the nearest, or all."""
    if name not in known:
        close = nearest(str(name), known)
        meant = f"did you mean {close!r}?" if close else f"there are {listed(known)}"
        raise UsageError(f"there is no {what} {name!r}; {meant}")
    engine: Engine = import_module(f"{__name__}.{known[name]}").ENGINE
    return engine


def engines() -> tuple[Engine, ...]:
    """Return all engines and dialects: what each reads, its options, the version it was checked with.

    Returns:
        One `Engine` each, those that can be exported to first.

    Examples:
        >>> [engine.name for engine in engines() if "pruning" in engine.kinds]
        ['llm-compressor', 'torch', 'torch-ao-pruning', 'nni', 'coreai-opt', 'coremltools', 'nni-1']
    """
    known = {**EXPORTERS, **IMPORTERS}
    return tuple(_engine(name, known, "engine") for name in known)


def export_resolved(
    parts: Sequence[Resolved],
    engine: str,
    *,
    on_loss: OnLoss = "error",
    allocate: bool = False,
    names: Names = "auto",
    serve: str | None = None,
    options: Mapping[str, Any],
) -> Export:
    """Return the document of `engine` for what was resolved: one list, or the two of a two-part document."""
    if on_loss not in get_args(OnLoss):
        raise UsageError(f"'on_loss' is {listed(get_args(OnLoss), last='or')}, not {on_loss!r}")
    found = _engine(engine, EXPORTERS, "engine")
    request = Request(found, parts, allocate=allocate, names=names, serve=serve)
    parsed = parsed_options(found, options)
    assert found.export is not None  # noqa: S101 - the table of exporters promises it
    with paused_collector():
        document = found.export(request, parsed)
    _lose_other_kinds(request)
    return Export(engine, document, _judged(request.losses, on_loss))


def _lose_other_kinds(request: Request) -> None:
    """Say of what the engine does not support at all that it is left out."""
    for kind in {resolved.config_list.kind for resolved in request.parts}.difference(request.engine.kinds):
        others = [engine.name for engine in engines() if engine.export and kind in engine.kinds]
        for decision in request.decisions(kind):
            message = f"'{request.engine.name}' does not support {kind}"
            hint = f"export with {listed(others, last='or')}"
            request.lose(decision, Code.LOSSY_SETTING, message, hint=hint)


def _judged(losses: tuple[Finding, ...], on_loss: OnLoss) -> tuple[Finding, ...]:
    """Return the findings of an export; raise or warn where there are errors, as the caller wants it."""
    errors = [finding for finding in losses if finding.severity is Severity.ERROR]
    if not errors:
        return losses
    if on_loss == "error":
        raise LossyExport(losses)
    if on_loss == "ignore":
        return tolerated(losses, on_loss)
    # Above this frame are `export_resolved` and the front door, whose caller it concerns.
    warnings.warn(LossyExportWarning(str(LossyExport(errors))), stacklevel=4)
    return tolerated(losses, on_loss)


def tolerated(losses: Iterable[Finding], on_loss: Literal["warn", "ignore"]) -> tuple[Finding, ...]:
    """Return losses with the errors as warnings, or without them."""
    if on_loss == "ignore":
        return tuple(finding for finding in losses if finding.severity is not Severity.ERROR)
    return tuple(
        replace(finding, severity=Severity.WARNING) if finding.severity is Severity.ERROR else finding
        for finding in losses
    )


def without_settled(losses: Iterable[Finding], engine: str, options: Mapping[str, Any]) -> list[Finding]:
    """Return the losses of an import but for those that an export with these options, or by itself, makes good."""
    defaults = {
        name: field.default
        for found in engines()
        if found.name == engine
        for name, field in found.options.model_fields.items()
    }
    settled = {option_hint(name, value) for name, value in {**defaults, **options}.items()}
    return [finding for finding in losses if finding.hint not in settled]


def import_document(document: object, dialect: str | None, inventory: Inventory | None) -> Import:
    """Return the config list that a document of another dialect amounts to.

    `document` is plain data, the path of a file, or `hf:DIRECTORY`. Raises `UsageError` for a document that no dialect
    recognizes and for one whose patterns need a model.
    """
    data = read_foreign(document)
    if dialect is None:
        for name in IMPORTERS:
            if _engine(name, IMPORTERS, "dialect").recognizes(data):
                dialect = name
                break
        else:
            raise not_recognized(data, IMPORTERS)
    found = _engine(dialect, IMPORTERS, "dialect")
    assert found.read is not None  # noqa: S101 - the table of importers promises it
    result: Import = found.read(data, inventory)
    return result
