"""How many times more than usual a test tries: one, but where a proof asks for more."""

import os
from typing import Final

VARIABLE: Final = "ROADFADE_PROOF_TIMES"
TIMES: Final = int(os.environ.get(VARIABLE, "1"))


def examples(usual: int) -> int:
    """Examples, kills or seconds: as many as usual, times what the proof asks for."""
    return usual * TIMES
