"""An answer is kept only where it would be given again; what holds nothing decides nothing."""

import pytest

from policy.vocabulary.operations import Keep
from processors.packed_people import PackedPeople
from processors.permit import permit
from telemetry.identity import DeviceId, LinkSecret, SubjectId
from telemetry.instants import DAY_MS, MINUTE_MS
from telemetry.wire.control import ConsentInterval, LinkInterval
from tests.support.plans import LOCATION, SPEED, lane, output, plan
from tests.support.worlds import DEVICE, NOW_MS, World, column, envelope

AGREED = plan(output("service", [lane("30d", 30, 1_000, {SPEED: (Keep(),)}, LOCATION)]))


def world(to_ms: int | None = None) -> World:
    one = World(AGREED)
    one.register()
    one.link()
    one.consent("service", "location", "service@1", from_ms=NOW_MS - DAY_MS, to_ms=to_ms)
    return one


def drive(from_ms: int, step_ms: int = 1_000, id_: str = "01K0000000000000000000TEST") -> bytes:
    return envelope({SPEED: column("km/h", [40.0, 41.0], step_ms)}, at_ms=from_ms, id=id_)


def test_a_refusal_for_an_envelope_across_an_edge_is_not_remembered() -> None:
    one = world(to_ms=NOW_MS + 15 * MINUTE_MS)
    assert one.feed(drive(NOW_MS - MINUTE_MS, step_ms=17 * MINUTE_MS)) == []
    assert len(one.feed(drive(NOW_MS - MINUTE_MS))) == 1


def test_a_grant_is_not_remembered_across_an_edge() -> None:
    one = world(to_ms=NOW_MS + 15 * MINUTE_MS)
    assert len(one.feed(drive(NOW_MS - MINUTE_MS))) == 1
    assert one.feed(drive(NOW_MS - MINUTE_MS, step_ms=17 * MINUTE_MS)) == []
    assert one.feed(drive(NOW_MS), now_ms=NOW_MS + 15 * MINUTE_MS) == []
    assert len(one.feed(drive(NOW_MS))) == 1


@pytest.mark.parametrize("first", [-20, -5, 3, 9, 14, 15])
@pytest.mark.parametrize("length", [0, 1, 6, 30])
def test_what_came_before_changes_no_answer(first: int, length: int) -> None:
    asked = drive(NOW_MS + first * MINUTE_MS, length * MINUTE_MS)
    fresh = world(to_ms=NOW_MS + 15 * MINUTE_MS).feed(asked)
    for before in range(-20, 20, 5):
        for across in (0, 8, 30):
            used = world(to_ms=NOW_MS + 15 * MINUTE_MS)
            used.feed(drive(NOW_MS + before * MINUTE_MS, across * MINUTE_MS))
            assert used.feed(asked) == fresh


def test_an_interval_that_was_emptied_before_it_began_divides_nothing() -> None:
    plain, emptied = world(), world()
    edge_ms = NOW_MS - MINUTE_MS + 500
    for to_ms in (edge_ms, edge_ms - DAY_MS):
        row = LinkInterval(
            f"e{to_ms}", DeviceId(DEVICE), SubjectId("s2"), LinkSecret(bytes(32)), edge_ms, to_ms,
            "driver",
        )  # fmt: skip
        emptied.people.apply(row.link.encode(), row)
        consent = ConsentInterval(
            f"c{to_ms}", SubjectId("subject-1"), "service", "location", None, "service@1", edge_ms,
            to_ms,
        )  # fmt: skip
        emptied.people.apply(consent.consent.encode(), consent)
    raw = drive(NOW_MS - MINUTE_MS)
    assert plain.feed(raw) == emptied.feed(raw) != []


def test_a_link_holds_nothing_before_it_has_begun() -> None:
    one = World(AGREED)
    one.register()
    begins_ms = NOW_MS + 60 * MINUTE_MS
    one.link(from_ms=begins_ms)
    one.consent("service", "location", "service@1", from_ms=NOW_MS - DAY_MS)
    ahead = drive(begins_ms + MINUTE_MS)
    assert one.feed(ahead) == []
    assert one.ledger()["service"].withheld == {"no_link": 2}
    assert len(one.feed(ahead, now_ms=begins_ms)) == 1
    assert one.feed(ahead) == []


def test_an_answer_about_nobody_ends_with_the_link_that_begins() -> None:
    people = PackedPeople()
    row = LinkInterval(
        "l", DeviceId(DEVICE), SubjectId("s"), LinkSecret(bytes(32)), NOW_MS, None, "driver"
    )
    people.apply(b"l", row)
    answer = permit(people, (), DEVICE, NOW_MS, NOW_MS, NOW_MS - 1)
    assert answer.link is None and not answer.covers(NOW_MS, NOW_MS, NOW_MS)
