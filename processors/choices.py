"""What rules over time chose of one envelope's readings, and of a part of them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Chosen(NamedTuple):
    """What one rule does to the readings (or pairs) at ``dt``, ms after t0, by their places."""

    dt: Sequence[int]
    kept: Sequence[int]
    """In the order of time."""
    not_rebuilt: Sequence[int]
    """Kept back because it is not known whether another was before them."""


Choices = Mapping[int, Chosen]
"""By number of the rule; rules of which the envelope has no reading are absent."""


def within(choices: Choices, t0_ms: int, from_ms: int, until_ms: int) -> Choices:
    """The same for a part: what lies in ``[from, until)``, by its places there."""
    found = {}
    for number, (dt, kept, not_rebuilt) in choices.items():
        mine = [place for place, one in enumerate(dt) if from_ms <= t0_ms + one < until_ms]
        place_of = {place: there for there, place in enumerate(mine)}
        found[number] = Chosen(
            [dt[place] for place in mine],
            [place_of[place] for place in kept if place in place_of],
            [place_of[place] for place in not_rebuilt if place in place_of],
        )
    return found
