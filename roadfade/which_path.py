"""Which path carries usual envelopes here, the core or the exact one: in words and as a metric."""

import logging
from typing import Final, assert_never

from processors.core import CoreState, core_state
from roadfade import metrics

REMEDY: Final = "`make core` builds it, or says what lacks"
logger = logging.getLogger(__name__)


def which_path(state: CoreState) -> str:
    """What does the work, in words that follow a comma."""
    match state:
        case CoreState.CARRIES:
            return "the core carries usual envelopes"
        case CoreState.ABSENT:
            return "the exact path does everything, slower: the core is not built here"
        case CoreState.FOREIGN:
            return "the exact path does everything, slower: the core here is another version's"
        case _:
            assert_never(state)


def version_and_path(version: str) -> str:
    """What ``roadfade --version`` says."""
    return f"roadfade {version}, {which_path(core_state())}"


def tell_which_path() -> None:
    """Export it, and say once if it is the exact path; as a worker starts."""
    state = core_state()
    metrics.CORE.set(state is CoreState.CARRIES)
    if state is not CoreState.CARRIES:
        logger.warning("%s; %s", which_path(state), REMEDY)
