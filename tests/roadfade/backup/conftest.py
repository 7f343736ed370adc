"""A furnished house for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.roadfade.backup.house import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    made.furnish()
    yield made
    made.end()
