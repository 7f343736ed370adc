"""What happens to a process, each in one line of its log.

In: an event and its facts. Out: a record of the standard logging; how it looks is decided by
``process_log``. A fact is a name of ours, a number or a reason: never a payload, an identifier, a
key or a subject.
"""

import logging
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

Fact = str | int | None


class Event(StrEnum):
    """A change of a process's state."""

    STARTED = "started"
    NOT_STARTED = "not started"
    """It must not start; ``why`` has the remedy."""
    ASSIGNED = "assigned"
    """Partitions of a topic came to this process; none: it joined and others have them."""
    REVOKED = "revoked"
    PAUSED = "paused"
    RESUMED = "resumed"
    RETRYING = "retrying"
    """What is in hand could not be sent or committed; it is tried again until it can."""
    RECONNECTED = "reconnected"
    """It could, after ``retrying``."""
    IN_FORCE = "version in force"
    STOPPED = "stopped"
    FAILED = "failed"
    """It ends because of an error."""


LEVELS: Final = {
    Event.NOT_STARTED: logging.ERROR,
    Event.PAUSED: logging.WARNING,
    Event.RETRYING: logging.WARNING,
    Event.FAILED: logging.ERROR,
}
"""Every other event is information."""


_STATES: Final[Mapping[Event, str]] = {
    Event.ASSIGNED: "share",
    Event.REVOKED: "share",
    Event.PAUSED: "flow",
    Event.RESUMED: "flow",
    Event.RETRYING: "way out",
    Event.RECONNECTED: "way out",
}
"""Events that are changes of one state, each undoing another: of such the last is the truth."""


def tell(logger: logging.Logger, event: Event, **facts: Fact) -> None:
    """Log one event."""
    # Whatever the reasons, a state that flaps is one thing.
    about = _STATES.get(event, event)
    level = LEVELS.get(event, logging.INFO)
    logger.log(level, str(event), extra={"facts": facts, "about": about}, stacklevel=2)
