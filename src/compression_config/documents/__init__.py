"""Text to value and places: one reader for each format.

A document is what a text contains, not what a config list may contain: no module here knows a key of one.
"""

from compression_config.documents.document import DEFAULT_LIMITS, Document, Limits, paused_collector
from compression_config.documents.files import Format, decode, read_file, read_text
from compression_config.documents.json_reader import read_json
from compression_config.documents.yaml_reader import read_yaml

__all__ = [
    "DEFAULT_LIMITS",
    "Document",
    "Format",
    "Limits",
    "decode",
    "paused_collector",
    "read_file",
    "read_json",
    "read_text",
    "read_yaml",
]
