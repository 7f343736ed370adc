"""The pages for readers, and what in them a test can hold to the truth.

A fenced block under a line ``<!-- run: name -->`` is run unchanged.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = sorted(
    page.relative_to(REPOSITORY).as_posix()
    for page in (*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md"))
)
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARKED = re.compile(r"^<!-- run: ([\w-]+) -->\n```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block; ``name`` is empty if it is not to be run."""

    page: str
    name: str
    language: str
    text: str


def text_of(page: str) -> str:
    """The page's text."""
    return (REPOSITORY / page).read_text(encoding="utf-8")


def blocks(page: str) -> list[Block]:
    """Every fenced block."""
    return [Block(page, "", *found.groups()) for found in _BLOCK.finditer(text_of(page))]


def marked(page: str) -> list[Block]:
    """The blocks that are to be run, in their order."""
    return [Block(page, *found.groups()) for found in _MARKED.finditer(text_of(page))]


def prose(page: str) -> str:
    """The page without its blocks."""
    return _BLOCK.sub("", text_of(page))


def rows(page: str, heading: str, number: int = 1) -> Iterator[list[str]]:
    """The cells of the first (or ``number``-th) table under a heading, without its head rows."""
    below = text_of(page).split(f"\n{heading}\n", 1)[1]
    tables = re.findall(r"^\|.*?(?=\n\n|\Z)", below, re.MULTILINE | re.DOTALL)
    assert len(tables) >= number, heading
    for line in tables[number - 1].strip().split("\n")[2:]:
        yield [cell.strip() for cell in line.strip().strip("|").split("|")]
