"""YAML 1.2 with a place for everything that cannot be read, also for values that cannot be built.

In: a text. Out: what ruamel.yaml makes of it, or ``UnreadableYaml`` with line and column. The
library says where a text is no YAML, but not where a value is no date, no number, or holds itself.
"""

from typing import Any, Final, Literal

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, ComposerError
from ruamel.yaml.constructor import (
    ConstructorError,
    DuplicateKeyError,
    RoundTripConstructor,
    SafeConstructor,
)
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.scanner import RoundTripScanner, Scanner, ScannerError

NESTED_MAX: Final = 64
TOO_DEEP: Final = "it is nested too deeply"


class UnreadableYaml(Exception):  # noqa: N818  # describes the text
    """What is wrong, and where: line and column from 1. ``twice``: a key stands twice."""

    def __init__(self, line: int, column: int, what: str, *, twice: bool = False) -> None:
        super().__init__(f"{line}:{column}: {what}")
        self.line = line
        self.column = column
        self.what = what
        self.twice = twice


class _Composer(Composer):
    """A text without rings: an alias stands for what is finished."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        parser: Any = self.parser
        if parser.check_event(AliasEvent):
            event = parser.peek_event()
            open_node = self.anchors.get(event.anchor)
            # Its end is known when the node is composed.
            if open_node is not None and open_node.end_mark is None:
                msg = "an alias stands within what it is a name of"
                raise ComposerError(None, None, msg, event.start_mark)
        return super().compose_node(parent, index)


class _Placed:
    """What cannot be built is a problem at its node; the innermost that fails is the place."""

    def construct_object(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT001, FBT002  # as the library calls it
        build: Any = super()
        try:
            return build.construct_object(node, deep)
        except YAMLError:
            raise
        except Exception as error:
            # Whatever a constructor raises: of a date, a number, a truth value, a key.
            what = "not a value of its tag" if isinstance(error, KeyError) else str(error)
            raise ConstructorError(None, None, what, node.start_mark) from error


class _PlacedRoundTrip(_Placed, RoundTripConstructor):
    pass


class _PlacedSafe(_Placed, SafeConstructor):
    pass


class _Scanned:
    """A character that does not exist is a problem where it is written."""

    def fetch_more_tokens(self) -> Any:
        scan: Any = super()
        try:
            return scan.fetch_more_tokens()
        except (ValueError, OverflowError) as error:
            mark = scan.__self__.reader.get_mark()
            raise ScannerError(None, None, str(error), mark) from error


class _RoundTripScanned(_Scanned, RoundTripScanner):
    pass


class _SafeScanned(_Scanned, Scanner):
    pass


def load_placed(text: str, kind: Literal["rt", "safe"]) -> Any:
    """The text as ruamel's round-trip nodes, or as plain values. ``UnreadableYaml``."""
    reader: Any = YAML(typ=kind, pure=True)
    reader.max_depth = NESTED_MAX
    reader.Composer = _Composer
    reader.Constructor = _PlacedRoundTrip if kind == "rt" else _PlacedSafe
    reader.Scanner = _RoundTripScanned if kind == "rt" else _SafeScanned
    try:
        return reader.load(text)
    except DuplicateKeyError as error:
        what = str(error.problem).split(" with value")[0]
        raise _at(error, what, twice=True) from error
    except MarkedYAMLError as error:
        raise _at(error, " ".join(str(error.problem or error.context).split())) from error
    except ReaderError as error:
        before = text[: error.position]
        column = error.position - before.rfind("\n")
        what = str(error).split("\n", maxsplit=1)[0]
        raise UnreadableYaml(before.count("\n") + 1, column, what) from error


def _at(error: MarkedYAMLError, what: str, *, twice: bool = False) -> UnreadableYaml:
    mark = error.problem_mark or error.context_mark
    line, column = (0, 0) if mark is None else (mark.line, mark.column)
    deep = "maximum depth" in what
    return UnreadableYaml(line + 1, column + 1, TOO_DEEP if deep else what, twice=twice)
