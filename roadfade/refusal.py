"""The one error of the front door: what was asked for cannot be done, and what to do instead."""

from typing import ClassVar, Final

NOT_PUBLISHED: Final = (
    "Saved, but not yet published to the workers. Check that the office process is running "
    "(`roadfade status`); it publishes pending changes by itself, so do not repeat the command."
)


class Refusal(Exception):  # noqa: N818  # reported about a request, as in "refused: …"
    """One message for the user: what is wrong, where, and what to do.

    It never quotes a payload or an identifier.
    """

    said: ClassVar[str] = "refused"


class NotReady(Refusal):
    """Why a process must not start, and the remedy."""

    said = "not started"
