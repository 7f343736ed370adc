"""What is wrong with a document, worded so that the line alone suffices to fix it.

Checks collect into ``Findings`` and go on, so that all problems show at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from policy.vocabulary.terms import Where

VALUE_CHARS_MAX: Final = 80


class Severity(StrEnum):
    """An error refuses the document; a warning points to what a reader might not expect."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding: where, what, the offending value as written, and what to write instead."""

    where: Where
    message: str
    value: str
    remedy: str
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        value = f" (here: {self.value})" if self.value else ""
        return f"{self.where}: {self.severity}: {self.message}{value}; {self.remedy}"


@dataclass(slots=True)
class Findings:
    """The problems found so far, in the order in which they were found."""

    problems: list[Problem] = field(default_factory=list)

    def error(self, where: Where, message: str, value: object, remedy: str) -> None:
        """Record an error: the document is refused."""
        self.problems.append(Problem(where, message, brief(value), remedy))

    def warn(self, where: Where, message: str, value: object, remedy: str) -> None:
        """Record a warning: the document may not mean what its reader expects."""
        problem = Problem(where, message, brief(value), remedy, Severity.WARNING)
        self.problems.append(problem)

    @property
    def refused(self) -> bool:
        """Whether any finding is an error."""
        return any(problem.severity is Severity.ERROR for problem in self.problems)

    def in_order(self) -> tuple[Problem, ...]:
        """Every finding once, by file and line."""
        return in_order(self.problems)


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Each problem once, sorted by file, line and column."""

    def place(problem: Problem) -> tuple[str, int, int]:
        return (problem.where.file, problem.where.line, problem.where.column)

    return tuple(sorted(dict.fromkeys(problems), key=place))


def brief(value: object) -> str:
    """A document's value on one line, cut to ``VALUE_CHARS_MAX`` characters."""
    text = "" if value is None else str(value).replace("\n", " ")
    return text if len(text) <= VALUE_CHARS_MAX else text[: VALUE_CHARS_MAX - 1] + "…"


KeyPath = tuple[str | int, ...]


Spot = tuple[int, int]
"""Line and column, both from 1."""


@dataclass(frozen=True, slots=True)
class Places:
    """Spots of keys and of values, by path of keys and indexes from the file's top."""

    keys: Mapping[KeyPath, Spot]
    values: Mapping[KeyPath, Spot]

    def where(self, file: str, path: Sequence[str | int], *, key: bool = False) -> Where:
        """The place at the path, or the nearest above it; ``key`` asks for the key's own spot.

        A step that is not in the file is passed over: models wrap a single cell into a
        list, and their error paths then carry an index that is not in the file.
        """
        found: KeyPath = ()
        for step in path:
            if (*found, step) in self.values:
                found = (*found, step)
        line, column = (self.keys if key else self.values).get(found, (1, 1))
        return Where(file, line, column)


Tree = tuple[Any, Places]
"""A file's plain values (a sequence is a tuple), and where each is."""
