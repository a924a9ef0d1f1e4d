"""Linting: what a config list as a whole does to a model, reviewed. Names only."""

from compression_config.linting.reviewing import review

__all__ = ["review"]
