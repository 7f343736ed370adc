"""The order of purposes on pages: that of their clauses, a part after its whole."""

import re

from policy.language.document import Document, Sheet
from policy.language.purpose_file import Purpose


def in_clause_order(document: Document) -> tuple[Sheet[Purpose], ...]:
    """By the numbers of the clause: 2(10) comes after 2(9); else as the document has them."""
    return tuple(sorted(document.purposes, key=_place))


def _place(sheet: Sheet[Purpose]) -> tuple[list[int], bool]:
    numbers = [int(number) for number in re.findall(r"\d+", sheet.content.seed)]
    return numbers, sheet.content.part_of is not None
