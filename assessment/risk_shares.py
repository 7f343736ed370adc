"""The figures of a risk assessment: so many of so many vehicles."""

from collections.abc import Mapping
from typing import NamedTuple


class Share(NamedTuple):
    """So many of so many vehicles."""

    hits: int
    of: int

    def __str__(self) -> str:
        return f"{100 * self.hits / self.of:.1f} %" if self.of else "none to ask about"


class Risk(NamedTuple):
    """What readers can find out."""

    linkable: Share
    """Vehicles whose records under two purposes can be joined by their content."""
    over_epochs: Share
    """Vehicles whose records under two pseudonyms of one purpose can be joined by places."""
    homes: Share
    """Vehicles whose dwelling, if the recording shows one, is in a cell that some reader sees."""
    pairs: Mapping[str, Share]
    """The first figure for each two outputs, as ``rnd with ops``."""
    seers: Mapping[str, Share]
    """The last figure for each output."""
