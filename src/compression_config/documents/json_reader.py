"""Stub, replaced below."""
import json
from compression_config.documents.document import DEFAULT_LIMITS, Document, Limits
from compression_config.documents.yaml_reader import read_yaml
def read_json(text: str, name: str, limits: Limits = DEFAULT_LIMITS) -> Document:
    return read_yaml(text, name, limits)
