"""Text to value and positions: one reader for each format.

A document is what a text says, not what a config list may say: nothing here knows a key of it.
"""

from compression_config.documents.decoding import decode
from compression_config.documents.document import DEFAULT_LIMITS, Document, Limits
from compression_config.documents.json_reader import read_json
from compression_config.documents.reading import Format, read_file, read_text
from compression_config.documents.yaml_reader import read_yaml

__all__ = [
    "DEFAULT_LIMITS",
    "Document",
    "Format",
    "Limits",
    "decode",
    "read_file",
    "read_json",
    "read_text",
    "read_yaml",
]
