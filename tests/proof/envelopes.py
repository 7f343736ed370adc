"""Generated and mutated envelopes both ways: the core is the exact path, however it is cut.

Ten thousand envelopes a time, without Kafka, in cases that are each a seed. See ``cases`` for what
comes, ``two_ways`` for what is compared.
"""

import json
import multiprocessing
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from processors.core import CoreState, core_state
from tests.proof.cases import CASE, Case, make_case, plan_of, program_of
from tests.proof.smallest import smallest
from tests.proof.two_ways import Figures, run_both_ways

EACH: Final = 10_000
TOLD_EVERY: Final = 1_000
TOLD_MAX: Final = 20


class Failure(NamedTuple):
    """A case that did not come out alike, made small. All in it is generated."""

    seed: int
    why: str
    case: Case


def envelopes(times: int, jobs: int = 1, first_seed: int = 0) -> Mapping[str, Any]:
    """A thousand times make ten million; AssertionError at the first case that does not hold."""
    plan_of("shipped")  # once, for all processes that come of this one
    seeds = range(first_seed, first_seed + times * EACH // CASE)
    figures = Counter[str]()
    for number, found in enumerate(_each(seeds, jobs), 1):
        if isinstance(found, Failure):
            _tell(found)
        assert not isinstance(found, Failure), f"seed {found.seed}: {found.why}"
        figures.update(found)
        if number % TOLD_EVERY == 0:
            sys.stderr.write(f"{figures['envelopes']} envelopes alike\n")
    core = core_state() is CoreState.CARRIES
    if core:
        left = figures["left_by_the_core"]
        assert left < 0.8 * figures["envelopes"], "the core was hardly tried"
    return {"jobs": jobs, "first_seed": first_seed, "core": core, **figures}


def try_seed(seed: int) -> Figures | Failure:
    """Run the case of a seed; if it fails, find a small one that does."""
    case = make_case(seed)
    found = _found(case)
    if not isinstance(found, str):
        return found
    small = smallest(case, lambda smaller: isinstance(_found(smaller), str))
    return Failure(seed, str(_found(small)), small)


def _found(case: Case) -> Figures | str:
    """Figures of a case, or why it does not hold."""
    try:
        return run_both_ways(case, core=core_state() is CoreState.CARRIES)
    except AssertionError as differs:
        return str(differs).partition("\n")[0]


def _each(seeds: range, jobs: int) -> Iterator[Figures | Failure]:
    program_of("shipped")
    if jobs == 1:
        yield from map(try_seed, seeds)
        return
    with multiprocessing.get_context("fork").Pool(jobs) as processes:
        yield from processes.imap_unordered(try_seed, seeds, chunksize=4)


def _tell(failure: Failure) -> None:
    case = failure.case
    sys.stdout.write(
        f"seed {failure.seed} ({case.plan}, {case.how}), {case.envelopes} envelopes: "
        f"{failure.why}\n"
    )
    sent = [(number, stage, one) for number, stage in enumerate(case.stages) for one in stage.sent]
    for number, stage, one in sent[-TOLD_MAX:]:
        text = json.dumps(one.value.decode("latin-1"))
        sys.stdout.write(f"  stage {number}, judged at {stage.now_ms}, {one[:2]}: {text}\n")
