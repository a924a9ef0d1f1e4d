"""Hooks of the documentation site: stars in the navigation, and the pages of the gallery, made by the tool itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

import compression_config as cc

__all__ = ["on_config", "on_files"]


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Write in place of each name with a star the pages that match and are not named elsewhere."""
    pages = Path(config.docs_dir)
    named = set(_names(config.nav))
    config.nav = _expanded(config.nav, pages, named)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that the gallery shows in frames."""
    examples = Path(config.config_file_path).parent / "examples"
    model = cc.Inventory.load(examples / "inventories" / "bert-base.json.gz")
    base = cc.load(examples / "bert-base" / "pruning.yaml")
    resolution = cc.resolve(base, model)
    overridden = cc.resolve(base + cc.load(examples / "override.yaml", kind="pruning"), model)
    pages = {"pruning": resolution.to_html(), "comparison": cc.compare(resolution, overridden).to_html()}
    for name, page in pages.items():
        files.append(File.generated(config, f"gallery/{name}.html", content=page))
    return files


def _names(entry: Any) -> list[str]:  # noqa: ANN401 - what YAML gives
    if isinstance(entry, str):
        return [entry]
    return [name for inner in (entry.values() if isinstance(entry, dict) else entry) for name in _names(inner)]


def _expanded(entries: list[Any], pages: Path, named: set[str]) -> list[Any]:
    expanded: list[Any] = []
    for entry in entries:
        if isinstance(entry, dict):
            expanded.append({title: _expanded(inner, pages, named) for title, inner in entry.items()})
        elif "*" in entry:
            found = (page.relative_to(pages).as_posix() for page in sorted(pages.glob(entry)))
            expanded.extend(name for name in found if name not in named)
        else:
            expanded.append(entry)
    return expanded
