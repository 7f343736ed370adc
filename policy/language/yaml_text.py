"""YAML 1.2 text to plain values and their places; duplicate keys and odd nodes are problems.

Comments, anchors and styles are left behind. Sequences become tuples, which strict
models expect.
"""

from datetime import date
from math import isfinite
from typing import Any, Final

from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarbool import ScalarBoolean

from policy.language.placed_yaml import TOO_DEEP as NESTED_TOO_DEEPLY
from policy.language.placed_yaml import UnreadableYaml, load_placed
from policy.language.problems import Findings, KeyPath, Places, Spot, Tree
from policy.vocabulary.terms import Where

TEXT_CHARS_MAX: Final = 256 * 1024
NODES_MAX: Final = 20_000
DEPTH_MAX: Final = 16
TOO_DEEP: Final = "the file is too large or too deeply nested"
PLAINLY: Final = "simplify the nesting"
NOT_PLAIN: Final = "a tag or a kind of value that the language does not have"
ONE_OF_TWO: Final = "remove one of the two lines"


def read_yaml(file: str, text: str, findings: Findings) -> Tree | None:
    """The file's values and places, or None after noting what is wrong."""
    top = Where(file, 1)
    if len(text) > TEXT_CHARS_MAX:
        findings.error(top, "the file is too long", len(text), f"keep it below {TEXT_CHARS_MAX}")
        return None
    try:
        node = load_placed(text, "rt")
    except UnreadableYaml as error:
        where = Where(file, error.line, error.column)
        if error.what == NESTED_TOO_DEEPLY:
            findings.error(where, TOO_DEEP, "", PLAINLY)
        elif error.twice:
            findings.error(where, error.what, "", ONE_OF_TWO)
        else:
            said = f"not readable as YAML 1.2: {error.what}"
            findings.error(where, said, "", _remedy(error.what))
        return None
    reader = _Reader(file, findings)
    value = reader.plain(node, (), (1, 1))
    return None if reader.stopped else (value, Places(reader.keys, reader.values))


def _remedy(what: str) -> str:
    """The remedy for the two most frequent mistakes, else a general one."""
    if "'\\t'" in what:
        return "indent with spaces, not tabs"
    if "expected ','" in what or "mapping values" in what:
        return 'fix the syntax here: put a text with `: ` or `, ` into "quotes", close brackets'
    return "fix the syntax here"


class _Reader:
    """Walks the nodes once, within limits, noting the spot of each."""

    def __init__(self, file: str, findings: Findings) -> None:
        self.file = file
        self.findings = findings
        self.keys: dict[KeyPath, Spot] = {}
        self.values: dict[KeyPath, Spot] = {}
        self.stopped = False

    def plain(self, node: Any, path: KeyPath, spot: Spot) -> Any:
        """The node as plain Python values."""
        self.values[path] = spot
        if self.stopped or len(self.values) > NODES_MAX or len(path) > DEPTH_MAX:
            self._stop(spot, TOO_DEEP, "", PLAINLY)
            return None
        if isinstance(node, CommentedMap | CommentedSeq) and node.tag.value is not None:
            self._stop(spot, NOT_PLAIN, node.tag.value, "leave the tag out")
            return None
        # Exactly these: an ordered map or a set is a kind of its own.
        if type(node) is CommentedMap:
            return self._mapping(node, path, spot)
        if type(node) is CommentedSeq:
            return tuple(self._item(node, index, path) for index in range(len(node)))
        return self._scalar(node, spot)

    def _scalar(self, node: Any, spot: Spot) -> Any:
        if node is None or isinstance(node, bool | date):
            return node
        if isinstance(node, ScalarBoolean):
            return bool(node)
        for kind in (int, str):
            if isinstance(node, kind):
                return kind(node)
        if isinstance(node, float) and isfinite(node):
            return float(node)
        self._stop(spot, NOT_PLAIN, node if isinstance(node, float) else "", "write plain text")
        return None

    def _mapping(self, node: CommentedMap, path: KeyPath, spot: Spot) -> dict[str, Any] | None:
        if node.merge:
            self._stop(spot, "a merge key is not read here", "<<", "write the keys out")
            return None
        found: dict[str, Any] = {}
        for key in node:
            at = (node.lc.data[key][0] + 1, node.lc.data[key][1] + 1)
            if isinstance(key, bool) or not isinstance(key, str | int):
                self._stop(at, "a key that is no plain text", "", "write a word as the key")
                return None
            if str(key) in found:
                self._stop(at, f'found duplicate key "{key}"', "", ONE_OF_TWO)
                return None
            found[str(key)] = self._child(node, key, path)
        return found

    def _child(self, node: CommentedMap, key: Any, path: KeyPath) -> Any:
        line, column, value_line, value_column = node.lc.data[key]
        at = (*path, str(key))
        self.keys[at] = (line + 1, column + 1)
        is_block = isinstance(node[key], CommentedMap | CommentedSeq)
        spot = (line + 1, column + 1) if is_block else (value_line + 1, value_column + 1)
        return self.plain(node[key], at, spot)

    def _item(self, node: CommentedSeq, index: int, path: KeyPath) -> Any:
        line, column = node.lc.data[index]
        at = (*path, index)
        self.keys[at] = (line + 1, column + 1)
        return self.plain(node[index], at, (line + 1, column + 1))

    def _stop(self, spot: Spot, message: str, value: Any, remedy: str) -> None:
        if not self.stopped:
            self.findings.error(Where(self.file, *spot), message, value, remedy)
        self.stopped = True
