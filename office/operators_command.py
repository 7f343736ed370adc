"""A command of the operator's that holds what we do not: keys, an authority.

In: the program with its words, what it reads, what stands in its environment. Out: what it
printed, or an OfficeError that quotes nothing of it. It runs without a shell.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from office.errors import OfficeError

NOTHING: Final = MappingProxyType[str, str]({})


@dataclass(frozen=True, slots=True)
class OperatorsCommand:
    """``called`` names it in refusals, ``setting`` is where its program stands.

    OfficeError if no program is named.
    """

    called: str
    setting: str
    program: Sequence[str]
    answer_s_max: float
    answer_bytes_max: int

    def __post_init__(self) -> None:
        """As the class says."""
        if not self.program:
            msg = f"{self.called} is empty: name the program ({self.setting})"
            raise OfficeError(msg)

    def run(self, *words: str, brought: bytes = b"", told: Mapping[str, str] = NOTHING) -> bytes:
        """What it prints for these words; it reads ``brought``. Blocks until its deadline."""
        try:
            done = subprocess.run(  # noqa: S603  # the operator's own program, no shell
                [*self.program, *words],
                input=brought,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **told},
                timeout=self.answer_s_max,
                check=False,
            )
        except subprocess.TimeoutExpired:
            msg = f"{self.called} did not answer `{words[0]}` in {self.answer_s_max:g} s"
            raise OfficeError(msg) from None
        except OSError as error:
            msg = f"{self.called} cannot be run: {error.strerror}"
            raise OfficeError(msg) from None
        if done.returncode != 0:
            code = done.returncode
            msg = f"{self.called} ended `{words[0]}` with exit code {code}: run it by hand"
            raise OfficeError(msg)
        if len(done.stdout) > self.answer_bytes_max:
            msg = f"{self.called} printed more than {self.answer_bytes_max} bytes"
            raise OfficeError(msg)
        return done.stdout
