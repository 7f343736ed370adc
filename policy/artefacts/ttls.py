"""From plan to what a store must delete, and when: one row per output and retention class."""

from typing import Any

from policy.plan.plan import Plan
from policy.vocabulary.words import format_duration


def sink_ttls(plan: Plan) -> list[dict[str, Any]]:
    """Every lane's life: ``expires_at`` is never later than the period, counted from reading.

    ``grain`` is how finely ``expires_at`` is dated: a store that drops whole partitions by
    it drops no record too late.
    """
    return [
        {
            "output": output.id,
            "topic": output.topic,
            "lane": lane.name,
            "at_most": str(lane.period),
            "from": "the earlier of reading and reception",
            "ends_early_with": lane.trigger,
            "grain": str(lane.grain),
            "on_the_topic_at_most": format_duration(output.transport.bound_ms),
        }
        for output in plan.outputs
        for lane in output.lanes
    ]
