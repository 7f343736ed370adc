"""A furnished office for each test, and no waiting for another office's heartbeat."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from roadfade.rebuild import topics
from tests.roadfade.rebuild.small_office import SmallOffice


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallOffice]:
    monkeypatch.setattr(topics, "LISTEN_MORE_S", 0.0)
    made = SmallOffice(tmp_path)
    made.furnish()
    yield made
    made.end()
