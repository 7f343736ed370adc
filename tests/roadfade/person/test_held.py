"""A person is given the rows of their own time in each vehicle, and no others."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.plan.plan import Plan
from roadfade.person.held import Held, count, held, rows
from roadfade.person.scope import Scope
from sinks.memory import MemorySink, MemoryStore
from telemetry.arrived import Arrived
from telemetry.identity import DeviceId, EpochKey, SubjectId
from telemetry.instants import DAY_MS
from telemetry.wire.control import LinkInterval
from tests.support.plans import PLAN, SPEED
from tests.support.worlds import DEVICE, NOW_MS, World, column, envelope

SOLD_MS = NOW_MS - 20 * DAY_MS
TOPICS = {output.topic: output.id for output in PLAN.outputs}


class Kept:
    """A car that is sold; what was passed on lies in a store."""

    def __init__(self) -> None:
        self.world = World(PLAN)
        self.world.register()
        self.world.link(to_ms=SOLD_MS)
        self.world.link(subject="subject-2", from_ms=SOLD_MS)
        self.disk = MemoryStore()
        self.store = MemorySink(self.disk, TOPICS)
        self._offsets = dict.fromkeys(TOPICS, 0)

    def epochs(self, purpose: str, recipient: str) -> dict[str, EpochKey | None]:
        made = self.world.keys.items()
        return {epoch: key for (*of, epoch), key in made if of == [purpose, recipient]}

    def drive(self, at_ms: int) -> None:
        value = envelope({SPEED: column("km/h", [43.5])}, at_ms, id=f"01K{at_ms:023d}")
        for one in self.world.feed(value, at_ms, at_ms):
            offset = self._offsets[one.topic]
            self._offsets[one.topic] += 1
            self.store.write(
                [Arrived(one.topic, 0, offset, at_ms, one.key, one.value, one.headers)], at_ms
            )

    def link(self, at_ms: int) -> LinkInterval:
        found = self.world.people.link_at(DeviceId(DEVICE), at_ms)[0]
        assert found is not None
        return found

    def held(
        self, scope: Scope, links: Sequence[LinkInterval], plans: Sequence[Plan] = (PLAN,)
    ) -> Held:
        return held(scope, links, plans, self, NOW_MS)

    def given(self, scope: Scope, links: Sequence[LinkInterval]) -> set[int]:
        return {row.t_ms for _, row in rows(self.store, self.held(scope, links).parts, NOW_MS)}


def whole(subject: str) -> Scope:
    return Scope(SubjectId(subject))


@given(st.lists(st.integers(0, 40 * DAY_MS), min_size=1, max_size=6, unique=True))
def test_seller_and_buyer_are_given_their_own_and_together_all(ages_ms: list[int]) -> None:
    kept = Kept()
    for age_ms in sorted(ages_ms, reverse=True):
        kept.drive(NOW_MS - age_ms)
    seller = kept.held(whole("subject-1"), [kept.link(SOLD_MS - 1)])
    buyer = kept.held(whole("subject-2"), [kept.link(SOLD_MS)])
    counts = [count(kept.store, one.parts).rows for one in (seller, buyer)]
    assert sum(counts) == sum(map(len, kept.disk.rows.values()))
    names = [
        {p for part in one.parts for p in part.selection.pseudonyms} for one in (seller, buyer)
    ]
    assert not names[0] & names[1]


def test_what_was_passed_on_before_a_links_end_was_known_is_not_given() -> None:
    kept = Kept()
    kept.drive(SOLD_MS - 2 * DAY_MS)
    kept.drive(SOLD_MS - DAY_MS // 2)
    link = kept.link(SOLD_MS - 1)
    earlier = msgspec.structs.replace(link, to_ms=SOLD_MS - DAY_MS)
    before, after = (
        kept.given(whole("subject-1"), [link]),
        kept.given(whole("subject-1"), [earlier]),
    )
    assert after < before
    assert max(after) < SOLD_MS - DAY_MS < max(before)


def test_a_scope_of_one_purpose_or_of_some_days_gives_no_more() -> None:
    kept = Kept()
    for day in (1, 5, 9):
        kept.drive(NOW_MS - day * DAY_MS)
    link = kept.link(NOW_MS)
    one = replace(whole("subject-2"), purposes=frozenset({"research"}))
    assert {part.output.purpose for part in kept.held(one, [link]).parts} == {"research"}
    some = replace(whole("subject-2"), from_ms=NOW_MS - 6 * DAY_MS, to_ms=NOW_MS - 4 * DAY_MS)
    days = {t_ms // DAY_MS for t_ms in kept.given(some, [link])}
    assert days == {(NOW_MS - 5 * DAY_MS) // DAY_MS}
    nothing = replace(whole("subject-2"), to_ms=SOLD_MS)
    assert kept.held(nothing, [link]).parts == []


def test_an_output_that_a_version_dropped_is_still_given() -> None:
    kept = Kept()
    kept.drive(NOW_MS - DAY_MS)
    now = replace(PLAN, outputs=PLAN.outputs[:1])
    link = kept.link(NOW_MS)
    before = [one.id for one in kept.held(whole("subject-2"), [link]).outputs()]
    after = [one.id for one in kept.held(whole("subject-2"), [link], (PLAN, now)).outputs()]
    assert before == after != [now.outputs[0].id]


@pytest.mark.parametrize(("from_ms", "to_ms"), [(None, None), (5, 9), (5, None)])
def test_only_all_of_a_person_is_the_whole(from_ms: int | None, to_ms: int | None) -> None:
    scope = replace(whole("subject-1"), from_ms=from_ms, to_ms=to_ms)
    assert scope.whole is (from_ms is None)
