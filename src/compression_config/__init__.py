"""Validate, resolve and explain neural-network compression config lists before the job starts."""

__version__ = "0.1.0"
