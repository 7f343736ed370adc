"""The one error of the front door: what was asked for cannot be done, and what to do instead."""

from typing import ClassVar, Final

NOT_PUBLISHED: Final = (
    "recorded, but the workers were not told in time: see that the office process runs "
    "(roadfade status); it publishes what waits, nothing needs repeating"
)


class Refusal(Exception):  # noqa: N818  # said of what was asked for, as in "refused: …"
    """One sentence for the person at the keyboard: what is wrong, where, and what to do.

    It never quotes a payload or an identifier.
    """

    said: ClassVar[str] = "refused"


class NotReady(Refusal):
    """Why a process must not start, and the remedy."""

    said = "not started"
