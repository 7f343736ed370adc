"""KEKs held by a command of the operator's: a client of a key store, a smart card, a wallet.

In: the command's words. ``COMMAND load`` prints every KEK, one a line in base64; ``COMMAND add``
makes one more, durably, and prints it; ``COMMAND keep ID`` destroys all others. It runs without a
shell, and nothing it prints reaches a log or an error.
"""

import subprocess
from collections.abc import Sequence
from typing import Final

from office.errors import OfficeError
from office.keyring.kek import Kek, by_id, parsed

ANSWER_S_MAX: Final = 10.0
ANSWER_BYTES_MAX: Final = 64 * 1024
CALLED: Final = "the key encryption key's command"


class CommandKek:
    """Obeys ``KekHolder``; ``command`` is the program and its first words."""

    def __init__(self, command: Sequence[str], answer_s_max: float = ANSWER_S_MAX) -> None:
        if not command:
            msg = f"{CALLED} is empty: name the program (kek_command)"
            raise OfficeError(msg)
        self._command = tuple(command)
        self._answer_s_max = answer_s_max

    def load(self) -> dict[str, Kek]:
        """Every KEK that the command holds; OfficeError if it fails, or prints no KEKs."""
        return by_id(parsed(line, CALLED) for line in self._run("load").split())

    def add(self) -> Kek:
        """One more, as the command makes it; OfficeError if it prints anything but one."""
        lines = self._run("add").split()
        if len(lines) != 1:
            msg = f"{CALLED} must print the one new key after `add`, and printed {len(lines)} words"
            raise OfficeError(msg)
        return parsed(lines[0], CALLED)

    def keep_only(self, kek_id: str) -> None:
        """Have it destroy every other; OfficeError if it still has another, or not this one."""
        if set(self.load()) == {kek_id}:
            return
        self._run("keep", kek_id)
        if set(self.load()) != {kek_id}:
            msg = f"{CALLED} was asked to keep one key, and does not hold that one alone"
            raise OfficeError(msg)

    def _run(self, *words: str) -> bytes:
        try:
            done = subprocess.run(  # noqa: S603  # the operator's own program, no shell
                [*self._command, *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=self._answer_s_max,
                check=False,
            )
        except subprocess.TimeoutExpired:
            msg = f"{CALLED} did not answer `{words[0]}` in {self._answer_s_max:g} s"
            raise OfficeError(msg) from None
        except OSError as error:
            msg = f"{CALLED} cannot be run: {error.strerror}"
            raise OfficeError(msg) from None
        if done.returncode != 0:
            msg = f"{CALLED} ended `{words[0]}` with exit code {done.returncode}: run it by hand"
            raise OfficeError(msg)
        if len(done.stdout) > ANSWER_BYTES_MAX:
            msg = f"{CALLED} printed more than {ANSWER_BYTES_MAX} bytes"
            raise OfficeError(msg)
        return done.stdout
