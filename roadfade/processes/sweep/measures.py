"""What a sweep tells of what is left: its age, what is overdue or strange, and the promise."""

import logging
from collections import Counter

from policy.plan.plan import Plan
from policy.vocabulary.periods import add_period
from roadfade import metrics
from roadfade.metrics import bear
from roadfade.processes.sweep.strange_names import StrangeNames
from sinks.port.results import Oddity
from sinks.port.sink import Store

logger = logging.getLogger(__name__)
_strange = StrangeNames(logger)


def measure(store: Store, now_ms: int) -> None:
    """Measure what is left: what is overdue or strange, and the age of the oldest row by copy."""
    metrics.OVERDUE.clear()
    bear(metrics.OVERDUE, store.outputs())
    for place in store.overdue(now_ms):
        metrics.OVERDUE.labels(place.output).inc(place.files)
    for output, oldest_ms in store.oldest_ms().items():
        metrics.OLDEST_AGE.labels(f"lake {output}").set((now_ms - oldest_ms) / 1000)
    strange = store.strange()
    metrics.LAKE_STRANGE.clear()
    bear(metrics.LAKE_STRANGE, Oddity)
    for oddity, count in Counter(one.oddity for one in strange).items():
        metrics.LAKE_STRANGE.labels(str(oddity)).set(count)
    _strange.tell(strange)


def tell_promises(plan: Plan, now_ms: int) -> None:
    """The longest life any row may have, by copy: what the oldest age is held against."""
    outputs = [output.id for output in plan.outputs]
    bear(metrics.EXPIRED_READINGS, outputs)
    bear(metrics.RESTATED_READINGS, outputs)
    for output in plan.outputs:
        longest_ms = max(add_period(now_ms, lane.period) - now_ms for lane in output.lanes)
        metrics.LONGEST_LIFE.labels(f"lake {output.id}").set(longest_ms / 1000)
