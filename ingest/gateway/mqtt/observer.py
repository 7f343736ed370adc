"""What the door reports about itself: the process turns it into metrics. It names nobody."""

from enum import StrEnum


class Outcome(StrEnum):
    """What becomes of a message apart from the front desk's answer, which counts envelopes."""

    TAKEN = "taken"
    REFUSED = "refused"
    """Refused for good: acknowledged with a reason code, if it was of QoS 1."""
    SENT_BACK = "sent_back"
    """Not acknowledged: of QoS 1, it comes again with the client's next connection."""
    LOST = "lost"
    """Of QoS 0, and not taken: nobody sends it again."""


class MqttObserver:
    """Every method does nothing; override what is wanted, quick and without raising."""

    def envelopes(self, outcome: str, count: int) -> None:
        """So many envelopes were ``accepted``, or refused under the front desk's reason."""

    def message(self, outcome: Outcome) -> None:
        """One message came to its end."""

    def tried_again(self) -> None:
        """A message could not be taken for now, and is offered again."""

    def connections(self, count: int) -> None:
        """So many are open now."""

    def ended(self, reason: str) -> None:
        """A connection ended: ``closed`` by the client, ``too_many``, or a reason code's name."""

    def failed(self, kind: str) -> None:
        """A connection ended by an error of ours: the name of its class, and nothing it says."""
