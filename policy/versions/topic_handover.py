"""What topics must be while one version follows another.

A topic has one retention and holds records of both versions, so an older, shorter promise
lasts until its last record is gone; a topic of the next version exists before it starts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from policy.artefacts.topics import transports_of
from policy.plan.plan import Output, Plan, Transport


@dataclass(frozen=True, slots=True)
class ActiveVersion:
    """A compiled version, and from when on it decides."""

    plan: Plan
    starts_ms: int


def held(active_versions: Sequence[ActiveVersion], now_ms: int) -> Mapping[str, Transport]:
    """Settings of the last reign's topics that are not its own yet, by unprefixed name.

    Of all promises that still bind records on a topic, the shortest retention and segment.
    """
    current = transports_of(active_versions[-1].plan)
    found: dict[str, Transport] = {}
    for earlier, later in pairwise(active_versions):
        for name, old in transports_of(earlier.plan).items():
            new = found.get(name, current.get(name))
            if new is None or now_ms >= later.starts_ms + old.bound_ms:
                continue
            if old.retention_ms < new.retention_ms or old.segment_ms < new.segment_ms:
                found[name] = Transport(
                    min(old.retention_ms, new.retention_ms),
                    min(old.segment_ms, new.segment_ms),
                    min(old.bound_ms, new.bound_ms),
                )
    return found


def coming(current: Plan, following: Plan | None) -> Mapping[str, Transport]:
    """Topics that the following version needs and the current one does not have."""
    if following is None:
        return {}
    has = transports_of(current)
    return {name: one for name, one in transports_of(following).items() if name not in has}


def closed(active_versions: Sequence[ActiveVersion], following: Plan | None) -> tuple[str, ...]:
    """Topics of earlier versions whose recipient receives nothing for that purpose any more."""
    plans = [active_versions[-1].plan, *(() if following is None else (following,))]
    served = {_who(output) for plan in plans for output in plan.outputs}
    earlier = (output for active in active_versions[:-1] for output in active.plan.outputs)
    return tuple(dict.fromkeys(one.topic for one in earlier if _who(one) not in served))


def renamed(active_versions: Sequence[ActiveVersion]) -> Mapping[str, str]:
    """Topics of earlier versions whose recipient has another one now, with their output's id.

    What they hold is still to be kept: a purpose that gets a second recipient has its
    first one's output renamed.
    """
    current = {_who(output): output.id for output in active_versions[-1].plan.outputs}
    earlier = (output for active in active_versions[:-1] for output in active.plan.outputs)
    return {one.topic: one.id for one in earlier if current.get(_who(one), one.id) != one.id}


def taken_over(old: Plan, new: Plan) -> tuple[Output, ...]:
    """Outputs of the new plan whose id another recipient had: its topic and rows are theirs."""
    had = {output.id: _who(output) for output in old.outputs}
    return tuple(one for one in new.outputs if had.get(one.id, _who(one)) != _who(one))


def _who(output: Output) -> tuple[str, str]:
    return output.purpose, output.recipient
