"""What rules over time chose of one envelope's readings, and of a part of them."""

from collections.abc import Callable, Mapping, Sequence
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


def within(choices: Choices, t0_ms: int, holds: Callable[[int], bool]) -> Choices:
    """The same for a part: the events (ms UTC) for which ``holds``, by their places there.

    ``t0_ms`` is that of the whole envelope, also if this is a part of a part.
    """
    found = {}
    for number, (dt, kept, not_rebuilt) in choices.items():
        mine = [place for place, one in enumerate(dt) if holds(t0_ms + one)]
        place_of = {place: there for there, place in enumerate(mine)}
        found[number] = Chosen(
            [dt[place] for place in mine],
            [place_of[place] for place in kept if place in place_of],
            [place_of[place] for place in not_rebuilt if place in place_of],
        )
    return found
