"""The words of a notice: its figures are placeholders, so that it tells those of the cells.

A placeholder names a category, what is told of it, and, if needed, which of the category's lines
and which signal: ``{C07.keep}``, ``{C07#2.place}``, ``{C11.step Vehicle.TraveledDistance}``.
``{data}`` lists the categories of every cell that rests on the notice, and ``{items}`` their facts;
in the notice of joint use both list its items.
A figure that stands in the text by itself is bound to nothing, and is refused.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal, cast, get_args

from policy.vocabulary.words import WordError

Telling = Literal["keep", "least", "cap", "place", "time", "every", "step", "people"]
"""``keep``, ``least`` and ``cap``: the period, its minimum, and the end of an open one. ``place``
and ``time``: the precision's cell and floor. ``every``: the bin of thinning. ``step``: the width of
rounding. ``people``: the smallest group."""

Listing = Literal["data", "items"]
"""``data``: the titles of categories. ``items``: those of the facts that the cells take."""
EXAMPLE: Final = "{C07.keep}"


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One figure of a cell that rests on the notice."""

    category: str
    line: int | None
    """Which of the category's lines on the page, from 1; None if all of them say the same."""
    telling: Telling
    signal: str | None = None
    """For ``step``, if signals of the cell differ."""

    def __str__(self) -> str:
        line = "" if self.line is None else f"#{self.line}"
        signal = "" if self.signal is None else f" {self.signal}"
        return f"{{{self.category}{line}.{self.telling}{signal}}}"


@dataclass(frozen=True, slots=True)
class DataList:
    """``{data}`` or ``{items}``: what the cells take, as categories.yaml calls it."""

    listing: Listing

    def __str__(self) -> str:
        return f"{{{self.listing}}}"


Part = str | Placeholder | DataList

_BRACES = re.compile(r"\{([^{}]*)\}")
_PLACEHOLDER = re.compile(r"(C[0-9]{2})(?:#([1-9][0-9]?))?\.([a-z]+)(?: (\S+))?")
_UNITS_EN = (
    "years? months? weeks? days? hours? minutes? seconds? people persons? percent metres? "
    "kilometres? times?"
)
_COUNTS_EN = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "twenty thirty forty fifty sixty ninety hundred thousand"
)
_FIGURE = re.compile(
    r"\d[\d.,]*"
    rf"|\b(?:{'|'.join(_COUNTS_EN.split())})[ -](?:{'|'.join(_UNITS_EN.split())})\b"
    r"|[一二三四五六七八九十百千]+(?:年|か月|ヶ月|週間|日間|時間|分間|秒|メートル|キロ|パーセント|割)",
    re.IGNORECASE,
)


def parts(text: str) -> tuple[Part, ...]:
    """The text as words and placeholders; WordError if a brace holds none."""
    found: list[Part] = []
    end = 0
    for brace in _BRACES.finditer(text):
        found += [text[end : brace.start()], _placeholder(brace[1])]
        end = brace.end()
    found.append(text[end:])
    words = tuple(part for part in found if part != "")
    for part in words:
        if isinstance(part, str) and ("{" in part or "}" in part):
            message = "a brace that belongs to no placeholder"
            raise WordError(message, f"write a placeholder, as `{EXAMPLE}`, or remove the brace")
    return words


def _placeholder(inside: str) -> Placeholder | DataList:
    if inside in get_args(Listing):
        return DataList(cast("Listing", inside))
    known = ", ".join(get_args(Telling))
    found = _PLACEHOLDER.fullmatch(inside)
    if found is None or found[3] not in get_args(Telling):
        message = f"`{{{inside}}}` is no placeholder"
        remedy = f"write {{data}}, {{items}}, or a category and one of: {known}, as `{EXAMPLE}`"
        raise WordError(message, remedy)
    line = None if found[2] is None else int(found[2])
    return Placeholder(found[1], line, cast("Telling", found[3]), found[4])


def figures(text: str) -> tuple[str, ...]:
    """Figures that stand in the text by themselves, in digits or in words before a unit."""
    return tuple(found[0] for found in _FIGURE.finditer(_BRACES.sub(" ", text)))
