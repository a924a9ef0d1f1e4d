"""`verify`: whether a compressed model is what its config list asks for."""

from __future__ import annotations

import argparse
from typing import cast

from compression_config.cli.console import Console, Exit
from compression_config.cli.resolving import answered
from compression_config.findings import has_errors
from compression_config.reports.data import to_json
from compression_config.reports.verification_text import verification_lines
from compression_config.serialization import FORMAT_VERSION, finding_to_dict
from compression_config.verification import Tolerance
from compression_config.verification import verify as verify_resolved

__all__ = ["verify"]


def verify(arguments: argparse.Namespace, console: Console) -> Exit:
    """Hold a checkpoint against a config list, and show what was found."""
    parts = answered(arguments, "error").parts
    resolved, *beside = (resolved for resolved, _ in parts)
    verification = verify_resolved(
        resolved, arguments.checkpoint, beside=beside[0] if beside else None, tolerance=_tolerance(arguments.tolerance)
    )
    unmatched = [finding for _, part in parts for finding in part.unmatched]
    findings = [*unmatched, *verification.findings]
    if arguments.format == "json":
        rows = {key: rows for key, rows in verification.to_dict().items() if key != "findings"}
        heading = {"format": "compression-config-verification", "version": FORMAT_VERSION}
        console.answer(to_json(heading | rows | {"findings": [finding_to_dict(finding) for finding in findings]}))
    else:
        console.show(verification_lines(verification, findings, console.width))
    return Exit.FINDINGS if has_errors(findings) else Exit.OK


def _tolerance(text: str) -> Tolerance:
    """Return what `--tolerance` says: a share where it is a number; `verify` refuses a word that it does not know."""
    try:
        return float(text)
    except ValueError:
        return cast("Tolerance", text)
