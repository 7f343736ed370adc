"""KEKs held by a command of the operator's: a client of a key store, a smart card, a wallet.

In: the command's words. ``COMMAND load`` prints every KEK, one a line in base64; ``COMMAND add``
makes one more, durably, and prints it; ``COMMAND keep ID`` destroys all others. It runs without a
shell, and nothing it prints reaches a log or an error.
"""

from collections.abc import Sequence
from typing import Final

from office.errors import OfficeError
from office.keyring.kek import Kek, by_id, parsed
from office.operators_command import OperatorsCommand

ANSWER_S_MAX: Final = 10.0
ANSWER_BYTES_MAX: Final = 64 * 1024
CALLED: Final = "the key encryption key's command"


class CommandKek:
    """Obeys ``KekHolder``; ``command`` is the program and its first words."""

    def __init__(self, command: Sequence[str], answer_s_max: float = ANSWER_S_MAX) -> None:
        self._command = OperatorsCommand(
            CALLED, "kek_command", tuple(command), answer_s_max, ANSWER_BYTES_MAX
        )

    def load(self) -> dict[str, Kek]:
        """Every KEK that the command holds; OfficeError if it fails, or prints no KEKs."""
        return by_id(parsed(line, CALLED) for line in self._command.run("load").split())

    def add(self) -> Kek:
        """One more, as the command makes it; OfficeError if it prints anything but one."""
        lines = self._command.run("add").split()
        if len(lines) != 1:
            msg = f"{CALLED} must print the one new key after `add`, and printed {len(lines)} words"
            raise OfficeError(msg)
        return parsed(lines[0], CALLED)

    def keep_only(self, kek_id: str) -> None:
        """Have it destroy every other; OfficeError if it still has another, or not this one."""
        if set(self.load()) == {kek_id}:
            return
        self._command.run("keep", kek_id)
        if set(self.load()) != {kek_id}:
            msg = f"{CALLED} was asked to keep one key, and does not hold that one alone"
            raise OfficeError(msg)
