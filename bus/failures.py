"""What can go wrong on the bus, as far as callers can act on it."""

from enum import StrEnum


class BrokerError(Exception):
    """The broker refuses, or is away; the cause is the client's own error."""


class NoAuthorizerError(BrokerError):
    """The broker has no authorizer: whoever comes in may do everything."""


class CommitRefusedError(BrokerError):
    """The group has moved on: these partitions belong to another member now."""


class SendFailedError(Exception):
    """Not every record was acknowledged; some may have been written. Trying again is right."""


class HandlerWaitsError(Exception):
    """Records cannot be handled for now, whatever they hold: what is needed for it is not there.

    Nothing of them was kept; trying again is right. The cause is what was asked for in vain.
    """


class OversizedError(ValueError):
    """A record larger than a topic takes was handed over. Nothing was sent; never retried."""


class GaveUpError(Exception):
    """A loop went on failing for longer than allowed; the cause is the last failure."""


class ViewOutdatedError(Exception):
    """A view may have missed a deletion and must be read anew from the start."""


class RowFault(StrEnum):
    """Why a row of a compacted topic cannot be taken; a metric's label."""

    NO_KEY = "no key"
    UNDECODABLE = "undecodable"
    FOREIGN = "foreign"
    """Readable, but it does not belong under this key or on this topic."""
    MISPLACED = "misplaced"
    """In another partition than its key belongs to: it may not say anything about that key."""
    UNPACKING = "unpacking"
    """A batch that unpacks to too much, or not at all: nobody knows whose rows it holds."""
    HEARTBEAT = "heartbeat"
    """Under the heartbeat's key, and no heartbeat."""


class UnreadableRowError(Exception):
    """A row of a compacted topic cannot be taken. Never quotes it."""

    def __init__(self, fault: RowFault) -> None:
        super().__init__(f"a row of a control topic cannot be read: {fault}")
        self.fault = fault


class TopicRewoundError(Exception):
    """A topic lost its end or was made anew: its new records have offsets that are known already.

    A store that goes by its position would take what is new for what it has.
    """

    def __init__(self, topic: str, partition: int, due: int, found: int) -> None:
        super().__init__(f"topic {topic}, partition {partition}: {due} was due, {found} came")
        self.topic = topic
        self.partition = partition
        self.due = due
        self.found = found


class TopicRemadeError(Exception):
    """A name stands for another topic than it did: it was deleted and made anew.

    Its offsets began again, and may have grown past any position in the topic before.
    """

    def __init__(self, topic: str, known: str | None, found: str) -> None:
        super().__init__(f"topic {topic}: it was {known or 'not there'}, and is {found} now")
        self.topic = topic
        self.known = known
        self.found = found


class TopicError(Exception):
    """The cluster refused a request about a topic; ``code`` is Kafka's error name."""

    def __init__(self, topic: str, code: str, detail: str = "") -> None:
        super().__init__(f"topic {topic}: {code}" + (f" ({detail})" if detail else ""))
        self.topic = topic
        self.code = code


class SinkBackpressureError(Exception):
    """A sink accepts nothing for now, and has kept nothing of this batch."""

    def __init__(self, retry_after_ms: int) -> None:
        super().__init__(f"the sink asks to wait {retry_after_ms} ms")
        self.retry_after_ms = retry_after_ms
