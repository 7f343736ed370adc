"""What a sink's loop reports, and the series of a sink, at 0 before anything happened."""

from collections.abc import Mapping

from bus.failures import RowFault
from bus.observer import BatchDone
from roadfade import metrics
from roadfade.in_force.pauses import pause_of
from roadfade.ledger_file import ON_ARRIVAL
from roadfade.loop_observer import Observed, bear_loop
from roadfade.metrics import bear
from roadfade.processes.sink.command_view import pauses_for
from roadfade.processes.sink.greeting import UNANNOUNCED
from sinks.port.results import Unreadable
from telemetry.topics import CONTROL_POLICIES, erase_topic

NO_ROOM = "no room in the store"
INCOMPLETE, UNREADABLE = (
    pause_of(CONTROL_POLICIES, "incomplete"), pause_of(CONTROL_POLICIES, "unreadable"),
)  # fmt: skip


def bear_sink(outputs: Mapping[str, str]) -> None:
    """Have the series of a sink of these topics' outputs, at 0 before anything happened."""
    bear(metrics.SINK_ROWS, outputs.values())
    bear(metrics.SINK_DUPLICATES, outputs.values())
    bear(metrics.SINK_REJECTED, Unreadable)
    bear(metrics.SINK_REFUSED, outputs.values())
    bear(metrics.EXPIRED_READINGS, [ON_ARRIVAL])
    bear(metrics.ERASURES_WAITING, outputs.values())
    commands = [erase_topic(output) for output in outputs.values()]
    pauses = [why for output in outputs.values() for why in pauses_for(output)]
    bear(metrics.PAUSED, [NO_ROOM, INCOMPLETE, UNREADABLE, UNANNOUNCED, *pauses])
    bear(metrics.QUARANTINED, [CONTROL_POLICIES, *commands], RowFault)
    bear(metrics.LATENCY_UNKNOWN, [metrics.Way.TOPIC_TO_LAKE])
    bear_loop(outputs)


class SinkObserver(Observed):
    """What its loop reports."""

    def batch_done(self, done: BatchDone) -> None:
        """The batch is in the lake: so there is room."""
        del done
        self.resumed()
        self.through()

    def loop_ended(self) -> None:
        """What a loop waited for ends with it; the next one says anew what it waits for."""
        if self.reason != NO_ROOM:
            self.resumed()
