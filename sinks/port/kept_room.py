"""Room on a store's disk that is kept for erasures, as those see it who carry them out.

A store on a disk of its own, or on somebody else's, has none.
"""

from pathlib import Path
from typing import Protocol


class KeptRoom(Protocol):
    """Everything blocks; one process keeps it and gives it up."""

    def keep(self) -> bool:
        """Have it, if there is room for it; whether it is there. OSError for any other reason."""
        ...

    def release(self) -> bool:
        """Give it up; False if there was none."""
        ...

    def is_beside(self, folder: Path) -> bool:
        """Whether it takes the room of a folder's disk; False if one of them is not there."""
        ...
