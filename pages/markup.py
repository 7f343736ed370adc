"""Pages that stand alone: HTML whose texts are escaped by construction, with one small style.

In: texts and elements. Out: one document that asks for nothing: no script, no font, no image
from elsewhere (its content security policy says so), readable on a phone and on paper.
"""

import re
from html import escape
from typing import Final

from policy.bilingual import Language

STYLE: Final = """
:root { color-scheme: light dark; --ink: #1d2433; --dim: #5a6376; --line: #d5dae3;
  --paper: #fff; --soft: #f4f6fa; --good: #14735a; --bad: #b3261e; --mark: #1f5fbf; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebf2; --dim: #a9b2c3; --line: #3a4252;
  --paper: #151922; --soft: #1e2430; --good: #63d2ae; --bad: #ff8a80; --mark: #8ab4ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 60rem; background: var(--paper);
  color: var(--ink); line-height: 1.6; overflow-wrap: anywhere;
  font-family: system-ui, "Hiragino Sans", "Noto Sans CJK JP", "Noto Sans JP", sans-serif; }
h1 { font-size: 1.5rem; line-height: 1.3; margin: .5rem 0; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; border-top: 1px solid var(--line);
  padding-top: 1rem; }
h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
p, ul, dl { margin: .4rem 0; } ul { padding-left: 1.2rem; }
a { color: var(--mark); } :focus-visible { outline: 3px solid var(--mark); }
.dim { color: var(--dim); } .good { color: var(--good); } .bad { color: var(--bad); }
.note { background: var(--soft); border-left: 4px solid var(--mark); padding: .5rem .8rem; }
table { border-collapse: collapse; width: 100%; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
th { white-space: nowrap; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem .35rem 0;
  border-bottom: 1px solid var(--line); }
@media (max-width: 40rem) { table, tbody, tr, td { display: block; } thead { display: none; }
  tr { border-bottom: 1px solid var(--line); padding: .5rem 0; } td { border: 0; padding: 0; }
  td::before { content: attr(data-label) ": "; color: var(--dim); } }
dt { font-weight: 600; } dd { margin: 0 0 .4rem 0; }
figure { margin: .5rem 0; } figcaption { color: var(--dim); font-size: .9rem; }
svg { width: 100%; height: auto; background: var(--soft); display: block; }
svg text { fill: var(--dim); font-size: 11px; }
.grid { display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(min(17rem, 100%), 1fr)); }
nav ul { columns: 16rem; } code { font-size: .9em; }
@media print { body { max-width: none; padding: 0; font-size: 10pt; } nav { display: none; }
  h2, h3 { break-after: avoid; } tr, figure { break-inside: avoid; } }
"""


class Html(str):
    """Markup that is safe to place as it is; every other text is escaped."""

    __slots__ = ()


def html(text: str) -> Html:
    """Escaped text."""
    return text if isinstance(text, Html) else Html(escape(text))


def join(*parts: str) -> Html:
    """Several pieces one after the other."""
    return Html("".join(html(part) for part in parts))


VOID: Final = frozenset({"meta", "br", "line", "circle", "rect", "polyline", "polygon", "path"})


def tag(name: str, *children: str, **attributes: str | float | None) -> Html:
    """One element. A trailing ``_`` leaves an attribute's name, other ``_`` become ``-``."""
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_number(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in VOID and not children:
        return Html(f"<{name}{said}>" if name in ("meta", "br") else f"<{name}{said}/>")
    return Html(f"<{name}{said}>{join(*children)}</{name}>")


def _number(value: str | float) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def table(caption: str, head: list[str], rows: list[list[str]]) -> Html:
    """A table; on a narrow screen each row becomes a card that repeats the column's name."""
    top = tag("tr", *(tag("th", cell, scope="col", role="columnheader") for cell in head),
              role="row")  # fmt: skip
    body = (
        tag("tr", *(tag("td", cell, data_label=name, role="cell")
                    for name, cell in zip(head, row, strict=True)), role="row")
        for row in rows
    )  # fmt: skip
    return tag(
        "table",
        tag("caption", caption, class_="hidden"),
        tag("thead", top, role="rowgroup"),
        tag("tbody", *body, role="rowgroup"),
        role="table",
    )


def breakable(path: str) -> Html:
    """A file's name that a narrow column breaks between its parts."""
    parts = re.split(r"(?<=[/_])", path)
    return Html("<wbr>".join(html(part) for part in parts))


def bullets(items: list[str]) -> Html:
    """An unordered list."""
    return tag("ul", *(tag("li", item) for item in items))


def page(language: Language, title: str, *body: str) -> str:
    """The whole document."""
    safe = "default-src 'none'; style-src 'unsafe-inline'"
    head = join(
        tag("meta", charset="utf-8"),
        tag("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=safe),
        tag("title", title),
        tag("style", Html(STYLE)),
    )
    document = tag("html", tag("head", head), tag("body", tag("main", *body)), lang=language)
    return f"<!doctype html>\n{document}\n"
