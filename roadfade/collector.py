"""How Python's cycle collector behaves in a process that carries batches.

A batch makes hundreds of thousands of objects, has no cycles, and is freed by counting. To
look through it for cycles again and again costs a fifteenth of the work and finds nothing.
"""

import gc
from typing import Final

YOUNG_OBJECTS_MAX: Final = 100_000
"""Cycles may wait until so many objects are alive that were not before; default: 700."""
YOUNG_ROUNDS_MAX: Final = 50


def collect_rarely() -> None:
    """Call once, when everything that lives as long as the process is loaded."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS_MAX, YOUNG_ROUNDS_MAX, YOUNG_ROUNDS_MAX)
