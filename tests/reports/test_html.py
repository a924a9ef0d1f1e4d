"""HTML: whole pages that need nothing else, and fragments for notebooks; opened in a browser where there is one."""

from __future__ import annotations

import http.server
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, ClassVar

import pytest
from builders import resolved
from command_line import command
from recording import ROOT, assert_recorded

import compression_config as cc
from compression_config.html import details, fragment, page, table

DATA = ROOT / "tests" / "data" / "reports"
INVENTORIES = ROOT / "examples" / "inventories"
HALF = {"op_types": ["Linear"], "sparsity_per_layer": 0.5}
VOID = {"meta", "link", "rect", "br"}

HOSTILE = [
    "<script>document.title='taken'</script>",
    "<img src=x onerror=\"document.title='taken'\">",
    '"><svg onload="document.title=\'taken\'">',
    "'-document.write(1)-'",
    "</style><style>*{display:none}",
    "</title><h1>taken",
    "javascript:alert(1)",
    "&lt;b&gt; \x1b[31m \u202e",
]


class Outline(HTMLParser):
    """What a page consists of: its elements with their attributes, and whether each is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.text += " "

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text += data


def bert(name: str = "overwriting.yaml") -> cc.Resolution[Any]:
    resolution = cc.resolve(cc.load(DATA / name), cc.Inventory.load(INVENTORIES / "bert-base.json.gz"))
    assert isinstance(resolution, cc.Resolution)
    return resolution


def hostile_answers() -> Iterator[Callable[[], str]]:
    """Yield what writes a page or a fragment of a model in which everything has a hostile name."""
    layers = [cc.Layer(name=name, type=name, weight_shape=(2, 2)) for name in HOSTILE]
    deep = (f"{name}.{block}.{name}" for name in HOSTILE for block in range(2))
    layers += [cc.Layer(name=name, type="Linear", weight_shape=(2, 2)) for name in deep]
    inventory = cc.Inventory.from_layers(layers, model=HOSTILE[0])
    config = [{"op_types": [name], "sparsity_per_layer": 0.5} for name in HOSTILE]
    config += [{"op_names": [f"{name}x", name], "exclude": True} for name in HOSTILE]
    old = cc.resolve(config, inventory, kind="pruning", unmatched="ignore")
    new = cc.resolve(config[:3], inventory, kind="pruning", unmatched="ignore")
    comparison = cc.compare(old, new)
    verification = cc.verify(old, {name: [0.0, 1.0, 1.0, 1.0] for name in HOSTILE})
    yield old.to_html
    yield comparison.to_html
    for shown in (old, comparison, inventory, verification):
        yield shown._repr_html_


def test_pages_are_recorded_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("overwriting-new.yaml").write_bytes((DATA / "overwriting-new.yaml").read_bytes())
    shown = command("resolve", "overwriting-new.yaml", "-m", INVENTORIES / "bert-base.json.gz", "--format", "html")
    assert_recorded(shown.answer, DATA / "resolution.html")
    command("resolve", "overwriting-new.yaml", "-m", INVENTORIES / "bert-base.json.gz", "-o", "a.html")
    assert Path("a.html").read_text(encoding="utf-8") == shown.answer


@pytest.mark.parametrize("write", list(hostile_answers()))
def test_names_are_text_and_nothing_comes_from_outside(write: Callable[[], str]) -> None:
    outline = Outline(write())
    assert outline.open == []
    assert {"script", "img", "iframe", "object", "form", "input", "a", "base"}.isdisjoint(outline.tags)
    assert {name for name, _ in outline.attributes} <= {
        *("charset", "class", "color-scheme", "content", "height", "href", "http-equiv", "lang", "name", "open"),
        *("preserveaspectratio", "rel", "role", "title", "viewbox", "width"),
    }
    assert [value for name, value in outline.attributes if name == "href"] in ([], ["data:,"])
    assert HOSTILE[0] in outline.text
    assert all(character.isprintable() or character == "\n" for character in outline.text)


def test_styles_have_no_address() -> None:
    styles = "".join(re.findall(r"<style>(.*?)</style>", page("t", ""), re.DOTALL))
    assert "prefers-color-scheme:dark" in styles
    assert "@media print" in styles
    assert re.findall(r"url\(|@import|//", styles) == []


def test_a_fragment_styles_nothing_but_itself() -> None:
    text = fragment("")
    selectors = re.findall(r"([^{}]+)\{[^{}]*\}", re.search(r"<style>(.*)</style>", text, re.DOTALL)[1])  # type: ignore[index]
    names = [name.strip() for found in selectors for name in found.split(",")]
    assert len(names) > 40
    assert [name for name in names if not name.startswith(".compression-config")] == []


def test_a_table_leaves_out_empty_columns_and_counts_what_it_does_not_show() -> None:
    rows = [(f"layer{number}", "", str(number)) for number in range(5)]
    outline = Outline(table(("name", "empty", "number"), rows, numbers=(2,), most=3))
    assert " ".join(outline.text.split()) == "name number layer0 0 layer1 1 layer2 2 and 2 rows more"
    assert outline.tags.count("td") == 3
    assert table(("name",), []) == ""


def test_folding_is_open_so_that_it_is_printed() -> None:
    assert details("a", "b", "c").startswith("<details open>")
    assert bert().to_html().count("<details open>") == bert().to_html().count("<details")


def test_a_grid_is_readable_without_styles() -> None:
    text = " ".join(Outline(bert("overwriting-new.yaml").to_html()).text.split())
    assert "attention.self.{query,key,value} 60 25 60 60 60 × 60 60 60 60 25 25 19.4 % 46.2 % [0], [2] and [3]" in text


def test_forgotten_blocks_are_marked() -> None:
    layers = [(f"layer.{number}.fc", "Linear") for number in range(4)]
    config = [{"op_names": ["layer.0.fc", "layer.1.fc", "layer.3.fc"], "sparsity_per_layer": 0.5}]
    text = resolved(config, layers).to_html()
    assert text.count('<td class="c f"') == 1
    assert '<td class="c f" title="2: untouched">' in text


@pytest.mark.parametrize(("name", "kind"), [("deepseek-v3", "pruning"), ("deepseek-v3-unfused", "quantization")])
def test_large_models_have_pages_of_bounded_size(name: str, kind: str) -> None:
    inventory = cc.Inventory.load(INVENTORIES / f"{name}.json.gz")
    resolution = cc.resolve(cc.load(ROOT / "examples" / name / f"{kind}.yaml"), inventory, unmatched="ignore")
    assert len(resolution.to_html()) < 200_000
    assert len(resolution._repr_html_()) < 100_000
    assert len(inventory._repr_html_()) < 30_000


def test_what_a_notebook_shows_is_bounded_whatever_there_is() -> None:
    layers = [(f"m{number}x{'y' * (number % 50)}.{block}.fc", "Linear") for number in range(300) for block in range(10)]
    config = [{"op_names": [name], "sparsity_per_layer": number / 3_000} for number, (name, _) in enumerate(layers)]
    resolution = resolved(config, layers)
    comparison = cc.compare(resolution, resolved([HALF], layers))
    verification = cc.verify(resolution, {name: [1.0] for name, _ in layers})
    for shown in (resolution, comparison, resolution.inventory, verification):
        assert len(shown._repr_html_()) < 250_000
    assert len(resolution.to_html()) < 2_000_000
    assert "2,950 rows more" in resolution._repr_html_()


def test_two_part_documents_are_one_page() -> None:
    bits = {"op_types": ["Linear"], "quant_types": ["weight"], "quant_bits": 8}
    both = cc.resolve({"pruning": [HALF], "quantization": [bits]}, [("fc", "Linear")])
    outline = Outline(both.to_html())
    assert outline.tags.count("h1") == 2
    assert outline.tags.count("html") == 1
    assert both._repr_html_().startswith('<div class="compression-config">')
    assert str(both).count("sub-config for ") == 2
    assert both.to_markdown().count("\n| sub-config |") == 2
    assert [row["kind"] for row in both.to_records()] == ["pruning", "quantization"]


def test_records_are_flat_rows() -> None:
    config = [{"op_names": ["a"], "quant_types": ["weight", "input"], "quant_bits": {"weight": 4, "input": 8}}]
    rows = resolved(config, [cc.Layer(name="a", type="Linear", weight_shape=(2, 3)), ("b", "ReLU")]).to_records()
    assert [{key: row.get(key) for key in ("name", "status", "weight_shape", "bits.weight")} for row in rows] == [
        {"name": "a", "status": "compressed", "weight_shape": "2x3", "bits.weight": 4},
        {"name": "b", "status": "untouched", "weight_shape": None, "bits.weight": None},
    ]


# In a browser.

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Seen(http.server.BaseHTTPRequestHandler):
    """Keeps which addresses were asked for."""

    asked: ClassVar[list[str]]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def opened(path: Path) -> tuple[str, list[str]]:
    """Return the page as the browser has it once it is loaded, and what its console said."""
    assert CHROMIUM is not None
    quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    logged = ["--enable-logging=stderr", f"--user-data-dir={path.parent / 'profile'}", "--virtual-time-budget=2000"]
    argv = [CHROMIUM, *quiet, *logged, "--dump-dom", path.as_uri()]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout, [line for line in done.stderr.splitlines() if ":CONSOLE" in line]


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed: pages are not opened in a browser")
class TestInABrowser:
    @pytest.fixture
    def asked(self) -> Iterator[tuple[str, list[str]]]:
        """Serve an address on this machine that pages could ask for something; return it, and what was asked."""

        class Handler(Seen):
            asked: ClassVar = []

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", Handler.asked
        server.shutdown()
        server.server_close()

    def test_the_test_itself_sees_scripts_errors_and_requests(
        self, tmp_path: Path, asked: tuple[str, list[str]]
    ) -> None:
        address, requests = asked
        script = "<title>mine</title><script>document.title='taken'; console.error('seen')</script>"
        (tmp_path / "bad.html").write_text(f"{script}<img src={address}/x>")
        dom, console = opened(tmp_path / "bad.html")
        assert "<title>taken</title>" in dom
        assert len(console) == 1
        assert requests == ["/x"]

    def test_a_hostile_name_does_not_run_and_nothing_is_asked_for(
        self, tmp_path: Path, asked: tuple[str, list[str]]
    ) -> None:
        address, requests = asked
        names = [*HOSTILE, f"<img src={address}/a>", f"<link rel=stylesheet href={address}/b>", f"url({address}/c)"]
        layers = [(f"{name}{number}.{block}", name) for name in names for number in range(2) for block in range(2)]
        old = resolved([{"op_types": [name], "sparsity_per_layer": 0.5} for name in names], layers)
        comparison = cc.compare(old, resolved([], layers, kind="pruning"))
        parts = [cc.Inventory.from_layers(layers, model=names[-3])._repr_html_(), old._repr_html_()]
        for number, text in enumerate((old.to_html(), comparison.to_html(), page("notebook", "".join(parts)))):
            path = tmp_path / f"page{number}.html"
            path.write_text(text, encoding="utf-8")
            dom, console = opened(path)
            assert "taken</title>" not in dom
            assert dom.count("<script") == 0
            assert "</html>" in dom
            assert console == []
        assert requests == []

    def test_an_example_opens_without_a_word(self, tmp_path: Path) -> None:
        (tmp_path / "bert.html").write_text(bert().to_html(), encoding="utf-8")
        dom, console = opened(tmp_path / "bert.html")
        assert "<h1>Pruning of BertForMaskedLM</h1>" in dom
        assert console == []


def test_comparisons_as_json_have_a_version() -> None:
    comparison = cc.compare(bert(), bert("overwriting-new.yaml"))
    data = json.loads(json.dumps(comparison.to_dict()))
    assert (data["format"], data["version"], data["equal"]) == ("compression-config-comparison", 2, False)
