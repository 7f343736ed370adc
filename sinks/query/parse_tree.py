"""Walking DuckDB's parse tree of a statement."""

from collections.abc import Iterator
from typing import Any

Tree = dict[str, Any]
"""An object of the tree, as the parser serialises it."""


def objects_in(tree: object) -> Iterator[Tree]:
    """Every object of a tree; by a stack, since a statement may nest deeper than Python."""
    waiting = [tree]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield item
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
