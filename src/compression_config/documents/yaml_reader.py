"""YAML text to a document. The dialect is D15; the work is done by `yaml_events` and `yaml_composer`."""

from __future__ import annotations

import re

from yaml.error import YAMLError
from yaml.scanner import ScannerError

from compression_config.documents.collecting import paused_collector
from compression_config.documents.document import DEFAULT_LIMITS, Document, Limits
from compression_config.documents.problems import Problems, Stop, not_read, oversized, size_words
from compression_config.documents.yaml_composer import YamlComposer
from compression_config.documents.yaml_errors import explain_error
from compression_config.documents.yaml_events import yaml_events
from compression_config.findings import Code

__all__ = ["read_yaml"]

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""What may not stand in YAML as it is: control characters, surrogates, and a byte order mark inside a text."""


def read_yaml(text: str, name: str, limits: Limits = DEFAULT_LIMITS, *, pure: bool | None = None) -> Document:
    r"""Return the document that the YAML `text` is; `name` stands for it in findings.

    An empty text is the value None without a finding. `pure` takes PyYAML's own parser although libyaml
    is there: the same document, many times slower.

    Raises nothing: whatever is wrong with `text` is in the findings. D15.

    >>> document = read_yaml("- op_types: [Linear]\n  sparsity_per_layer: 1e-1\n", "a.yaml")
    >>> document.value
    [{'op_types': ['Linear'], 'sparsity_per_layer': 0.1}]
    >>> document.source.tree.span((0, "sparsity_per_layer")).start
    Position(line=2, column=23)
    """
    refused = oversized(text, name, limits)
    if refused is not None:
        return refused
    text = text.removeprefix("\ufeff")
    problems = Problems(name, text, limits)
    composer = YamlComposer(text, problems, limits)
    try:
        problems.refuse_characters(_UNPRINTABLE)
        with paused_collector():
            composer.compose(yaml_events(text, pure=pure))
    except Stop:
        return problems.failed()
    except (YAMLError, ValueError) as error:  # ValueError: the escapes of a tag may be no UTF-8
        if isinstance(error, ScannerError) and (refused := _limit_before(error, text, name, limits, pure=pure)):
            return refused
        opened = composer.frame.start if composer.frames else None
        found = explain_error(error, text, composer.end, opened)
        problems.stop(found.code, found.message, found.hint, composer.path(), found.place)
        return problems.failed()
    except (MemoryError, RecursionError):
        return not_read(name, Code.TOO_LARGE, "the document does not fit into memory", size_words(limits)[1])
    return composer.document()


def _limit_before(error: ScannerError, text: str, name: str, limits: Limits, *, pure: bool | None) -> Document | None:
    """Return the document that says that `text` breaks a limit before the place of `error`; None when it does not.

    A scanner runs ahead of the events, up to a line: it may fail (libyaml 0.2.6 at 1,000 brackets) where the
    events before that place already nest too deep. So the text is read again up to there, where it ends in
    peace, and our own limits decide.
    """
    ends = [mark.index for mark in (error.context_mark, error.problem_mark) if mark]
    problems = Problems(name, text, limits)
    composer = YamlComposer(text, problems, limits)
    try:
        with paused_collector():
            composer.compose(yaml_events(text[: min(ends, default=0)], pure=pure))
    except Stop:
        return problems.failed()
    except (YAMLError, ValueError):
        return None
    return None
