"""By which instant a worker judges, if its own clock and the office's differ."""

import pytest

from bus.memory.broker import FakeBroker
from processors.packed_people import PackedPeople
from roadfade.in_force.control_views import ControlViews, PeopleRows
from telemetry.topics import CONTROL_CONSENTS, CONTROL_LINKS

OWN_MS = 1_000_000


@pytest.mark.parametrize(
    ("heard", "judged_ms"),
    [
        ({CONTROL_LINKS: {0: None}, CONTROL_CONSENTS: {0: None}}, OWN_MS),
        ({CONTROL_LINKS: {0: OWN_MS - 5_000}, CONTROL_CONSENTS: {0: OWN_MS - 9_000}}, OWN_MS),
        ({CONTROL_LINKS: {0: OWN_MS + 20_000}, CONTROL_CONSENTS: {0: OWN_MS - 9_000}}, OWN_MS + 20_000),
        ({CONTROL_LINKS: {0: OWN_MS + 20_000, 1: OWN_MS + 2_000}, CONTROL_CONSENTS: {0: 0}}, OWN_MS + 2_000),
        ({CONTROL_LINKS: {0: OWN_MS + 20_000, 1: None}, CONTROL_CONSENTS: {0: 0}}, OWN_MS),
    ],
    ids=["nothing heard", "own is later", "the office is later", "as all partitions say", "one silent"],
)  # fmt: skip
def test_it_is_the_later_of_its_own_and_the_offices(
    heard: dict[str, dict[int, int | None]], judged_ms: int
) -> None:
    rows = {topic: PeopleRows(topic, PackedPeople()) for topic in heard}
    views = ControlViews(FakeBroker(), rows, lambda: OWN_MS, 30_000)
    for topic, view in views._views.items():
        view._heartbeats = heard[topic]
    assert views.judging_ms(OWN_MS) == judged_ms
