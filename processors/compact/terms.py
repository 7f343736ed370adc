"""What consents ask, as small numbers: a company's consents ask few different things."""

from typing import Final

from telemetry.wire.control import ConsentKind

Asked = tuple[str, ConsentKind, str | None, str]
"""Purpose, basis, recipient and notice."""
NUMBERS_MAX: Final = 2**16
_BY_ITSELF: Final = 0
"""The number of what had none left, and is kept by row."""


class Terms:
    """Numbers below ``NUMBERS_MAX``. A number once given stays."""

    def __init__(self) -> None:
        self._asked: list[Asked | None] = [None]
        self._numbers: dict[Asked, int] = {}
        self._by_itself: dict[int, Asked] = {}

    def number(self, asked: Asked, row: int) -> int:
        """The number of what a row asks."""
        number = self._numbers.get(asked)
        if number is None:
            if len(self._asked) == NUMBERS_MAX:
                self._by_itself[row] = asked
                return _BY_ITSELF
            number = self._numbers[asked] = len(self._asked)
            self._asked.append(asked)
        return number

    def of(self, row: int, number: int) -> Asked:
        """What a row asks under its number."""
        return self._asked[number] or self._by_itself[row]

    def forget(self, row: int) -> None:
        """The row is gone."""
        self._by_itself.pop(row, None)
