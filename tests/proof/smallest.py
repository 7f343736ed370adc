"""The smallest case that still fails: records are left out as long as the failure stays."""

from collections.abc import Callable, Sequence

from tests.proof.cases import Case, Sent, Stage

TRIES_MAX = 300
Fails = Callable[[Case], bool]


def smallest(case: Case, fails: Fails) -> Case:
    """A part of ``case`` that fails too, after at most ``TRIES_MAX`` tries; ``case`` does."""
    tries, size = 0, max(1, case.envelopes // 2)
    while size:
        at = 0
        while at < case.envelopes and tries < TRIES_MAX:
            tries += 1
            smaller = _without(case, at, size)
            if fails(smaller):
                case = smaller
            else:
                at += size
        size = 0 if tries >= TRIES_MAX else size // 2
    return case


def _without(case: Case, at: int, size: int) -> Case:
    """The case without so many of its envelopes from a place on; its stages stay."""
    stages: list[Stage] = []
    before = 0
    for stage in case.stages:
        kept: Sequence[Sent] = [
            one for n, one in enumerate(stage.sent, before) if not at <= n < at + size
        ]
        before += len(stage.sent)
        stages.append(stage._replace(sent=tuple(kept)))
    return case._replace(stages=tuple(stages))
