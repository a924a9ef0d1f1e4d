"""Verification: whether a compressed model is what its config list asks for. Names only."""

from compression_config.verification.checkpoints import Checkpoint, read_checkpoint
from compression_config.verification.judging import Tolerance
from compression_config.verification.results import GroupVerification, LayerVerification, Verification
from compression_config.verification.verifying import verify

__all__ = [
    "Checkpoint",
    "GroupVerification",
    "LayerVerification",
    "Tolerance",
    "Verification",
    "read_checkpoint",
    "verify",
]
