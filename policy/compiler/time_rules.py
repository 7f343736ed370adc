"""Whether rules over time can be kept: the raw log must reach back as far as they remember.

A worker that starts reads again what it has to remember. What the log does not hold any more it
would have to withhold, at each start.
"""

from collections.abc import Iterable

from policy.language.problems import Findings
from policy.plan.limits import Limits
from policy.plan.plan import Output, Transport
from policy.vocabulary.operations import length_ms, parts_of
from policy.vocabulary.words import format_duration


def check_time_rules(
    outputs: Iterable[Output], raw: Transport, limits: Limits, findings: Findings
) -> None:
    """Refuse a thinning that remembers for longer than raw records are sure to be there."""
    said = set()
    for output in outputs:
        for rule in (rule for lane in output.lanes for rule in lane.rules):
            for thin in parts_of(rule.operations).thin:
                left_ms = raw.retention_ms - length_ms(thin)
                if left_ms >= limits.late_ms or (rule.where, thin) in said:
                    continue
                said.add((rule.where, thin))
                remedy = "promise a longer life of raw data in policy.yaml"
                if left_ms > 0:
                    remedy += f", or set `late_s` to at most {left_ms // 1_000}"
                message = (
                    "a rule over time remembers readings for its own length and "
                    f"{format_duration(limits.late_ms)}, and raw data is only sure to be there for "
                    f"{format_duration(raw.retention_ms)}"
                )
                findings.error(rule.where, message, rule.signal, remedy)
