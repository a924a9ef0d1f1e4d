"""HTML from rows: tables, pages, and fragments for notebooks.

Nothing here runs or is fetched: no script, no font, no picture, and a policy in each page that forbids them. Every text
is escaped where it enters. The styles follow the theme of the reader, light or dark, and
a page is readable without them.
"""

from __future__ import annotations

import html
from collections.abc import Collection, Iterable, Sequence

from compression_config.text import counted, printable

__all__ = ["details", "element", "escaped", "fragment", "items", "page", "table"]


def escaped(text: str) -> str:
    """Return `text` as the content of an element or an attribute: no markup, and no character that cannot be seen.

    >>> escaped('<b>"')
    '&lt;b&gt;&quot;'
    """
    return html.escape(printable(text))


def element(tag: str, content: str, *, style: str = "", title: str = "") -> str:
    """Return an element around `content`, which is HTML; `style` is its class, `title` a text shown on demand."""
    attributes = f' class="{style}"' if style else ""
    attributes += f' title="{escaped(title)}"' if title else ""
    return f"<{tag}{attributes}>{content}</{tag}>"


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers: Collection[int] = (),
    most: int | None = None,
    names: bool = True,
) -> str:
    """Return a table of texts; columns in `numbers` are flush right, and the first has names, as of layers, or labels.

    Columns without any text are left out. Of more than `most` rows the others are counted below. A table without rows
    is empty text.
    """
    if not rows:
        return ""
    kept = [column for column in range(len(header)) if not column or any(row[column] for row in rows)]
    header, numbers = [header[column] for column in kept], {kept.index(column) for column in numbers if column in kept}
    shown = [[row[column] for column in kept] for row in (rows if most is None else rows[:most])]
    styles = ["n" if column in numbers else "" for column in range(len(header))]
    head = "".join(element("th", escaped(text), style=style) for text, style in zip(header, styles, strict=True))
    body = "".join(f"<tr>{_cells(row, styles, names)}</tr>\n" for row in shown)
    more = len(rows) - len(shown)
    note = element("p", f"and {counted(more, 'row')} more", style="quiet") if more else ""
    return f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>\n{note}'


def _cells(row: Sequence[str], styles: Sequence[str], names: bool) -> str:
    first, *others = row
    cells = (element("td", escaped(text), style=style) for text, style in zip(others, styles[1:], strict=True))
    label = element("code", escaped(first)) if names else escaped(first)
    return element("th", label) + "".join(cells)


def details(summary: str, note: str, content: str) -> str:
    """Return `content` that can be folded away and is shown until it is, under the texts `summary` and `note`."""
    shown = f"{escaped(summary)} {element('small', escaped(note))}"
    return f"<details open>{element('summary', shown)}\n{content}</details>\n"


def items(texts: Iterable[str]) -> str:
    """Return texts as a list; no texts give empty text."""
    entries = "".join(f"<li>{escaped(text)}</li>\n" for text in texts)
    return f"<ul>\n{entries}</ul>\n" if entries else ""


_SCOPE = "compression-config"

_LIGHT = (
    "--ink:#1c2430;--quiet:#5d6878;--line:#dfe4ea;--paper:#fff;--raised:#f5f7f9;--accent:19 94 156;--on:#fff;"
    "--gone:#9a5b00;--gone-paper:#fbecd2;--bad:#b42318"
)
_DARK = (
    "--ink:#e4e9ef;--quiet:#98a4b3;--line:#2f3945;--paper:#14191f;--raised:#1c232b;--accent:110 182 240;--on:#0c1116;"
    "--gone:#f0b45c;--gone-paper:#3a2c14;--bad:#ff8a7d"
)
_RULES = """
& {color:var(--ink);background:var(--paper);font:15px/1.5 system-ui,sans-serif;color-scheme:light dark}
h1 {font-size:1.6em;line-height:1.25;margin:0 0 .1em;letter-spacing:-.01em}
h2 {font-size:1.1em;margin:2.2em 0 .6em}
p {margin:.4em 0}
code {font:.88em/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:break-word}
.quiet {color:var(--quiet)}
p.quiet {font-size:.88em}
.facts {display:flex;flex-wrap:wrap;gap:.6em;margin:1.4em 0;padding:0;list-style:none}
.facts li {background:var(--raised);border-radius:8px;padding:.6em 1em;min-width:7.5em}
.facts b {display:block;font-size:1.5em;line-height:1.2;font-variant-numeric:tabular-nums}
.facts small {display:block;color:var(--quiet)}
.bar {display:block;width:100%;height:10px;border-radius:5px;margin:1em 0 .3em}
.bar .all {fill:var(--line)}
.bar .part {fill:rgb(var(--accent))}
.wide {overflow-x:auto;max-width:100%}
table {border-collapse:collapse;font-variant-numeric:tabular-nums;margin:.3em 0 .6em;text-align:left}
th,td {padding:.22em .9em .22em 0;vertical-align:baseline;font-weight:400;text-align:left}
thead th {color:var(--quiet);border-bottom:1px solid var(--line);font-size:.88em;white-space:nowrap}
tbody tr+tr>* {border-top:1px solid var(--line)}
.n {text-align:right;white-space:nowrap}
details {margin:.4em 0 1em}
summary {cursor:pointer;padding:.25em 0;font-weight:600}
ul {padding-left:1.2em;margin:.4em 0}
.error {color:var(--bad);font-weight:600}
.warning {color:var(--gone);font-weight:600}
.note {color:var(--quiet);font-weight:600}
.findings {list-style:none;padding:0}
.findings li {border-left:3px solid var(--line);padding:.1em 0 .1em .9em;margin:.7em 0}
.findings small {display:block;color:var(--quiet)}
summary small {color:var(--quiet);font-weight:400;margin-left:.5em}
tbody th {max-width:46em}
details tbody th {min-width:min(30em,50vw)}
.legend .c {color:var(--ink)}
.grid {margin:.2em 0 .9em}
.grid tbody tr+tr>* {border-top:0}
.grid thead th {border-bottom:0;padding:0 1px .2em;text-align:center;font-size:.75em}
.grid th,.grid td {white-space:nowrap}
.grid th:first-child {padding:0 1em 0 0;text-align:left;position:sticky;left:0;background:var(--paper)}
.grid td,.grid thead .e {padding:0 0 0 1em;text-align:left}
.grid .n,.grid thead .e.n {text-align:right}
.grid td {font-size:.88em}
.c {font-size:.7em;line-height:1.7}
.grid td.c {padding:1px;text-align:center;font-size:.7em}
.c span {display:inline-block;box-sizing:border-box;width:100%;min-width:2.2em;padding:0 .2em;border-radius:3px}
.c span {border:1px solid transparent;text-align:center}
.u span {border-color:var(--line);color:var(--quiet)}
.f span {border:1px dashed var(--bad);color:var(--bad)}
.x span {background:repeating-linear-gradient(135deg,var(--gone-paper) 0 4px,transparent 4px 7px) var(--raised)}
.x span {color:var(--gone)}
.legend {color:var(--quiet);font-size:.88em;display:flex;flex-wrap:wrap;gap:.3em 1.6em}
.legend .c {margin-right:.5em}
.legend .c span {width:auto}
"""
"""One rule a line, for what is below an element of the scope; `&` is that element."""

_SHADES = (0.06, 0.14, 0.22, 0.3, 0.38, 0.45, 0.52, 0.85, 0.9, 0.95, 1)
"""How opaque the accent is in a cell, by tenths; between two of them the colour of the text changes."""
_READABLE = 0.6
_PRINT = (
    "@media print{{{0}{{print-color-adjust:exact;-webkit-print-color-adjust:exact;font-size:11px}}"
    "{0} .wide{{overflow:visible}}{0} tr,{0} li{{break-inside:avoid}}"
    "{0} details::details-content{{content-visibility:visible;block-size:auto}}}}"
)


def _styles(scope: str) -> str:
    """Return the styles of everything below an element of the class `scope`."""
    rules = [f".{scope}{{{_LIGHT}}}", f"@media(prefers-color-scheme:dark){{.{scope}{{{_DARK}}}}}"]
    for rule in filter(None, _RULES.splitlines()):
        selectors, brace, declarations = rule.partition(" {")
        scoped = ",".join(f".{scope} {selector}".removesuffix(" &") for selector in selectors.split(","))
        rules.append(scoped + brace.strip() + declarations)
    for tenth, shade in enumerate(_SHADES):
        ink = ";color:var(--on)" if shade > _READABLE else ""
        rules.append(f".{scope} .m{tenth} span{{background:rgb(var(--accent)/{shade}){ink}}}")
    # Paper is white, whatever the screen is.
    rules.append(f"@media print{{.{scope}{{{_LIGHT}}}}}")
    rules.append(_PRINT.format(f".{scope}"))
    return "<style>\n" + "\n".join(rules) + "\n</style>\n"


def fragment(content: str) -> str:
    """Return `content` as a part of a page, a notebook's say, on which its styles have no effect elsewhere."""
    return f'<div class="{_SCOPE}">\n{_styles(_SCOPE)}{content}</div>\n'


def page(title: str, content: str) -> str:
    """Return `content` as a whole page, readable on its own."""
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        # An empty icon of the page's own: browsers ask the server for one otherwise.
        '<link rel="icon" href="data:,">\n'
        f"<title>{escaped(title)}</title>\n{_styles(_SCOPE)}"
        "<style>body{margin:0}main{max-width:76rem;margin:0 auto;padding:2rem 1.25rem 4rem}</style>\n"
        f'</head>\n<body class="{_SCOPE}">\n<main>\n{content}</main>\n</body>\n</html>\n'
    )
