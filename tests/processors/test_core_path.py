"""The core gives what the exact path gives, byte by byte, or leaves an envelope to it."""

import random
from collections import Counter
from functools import partial
from typing import Any

import pytest

from policy.compiler.compile import compile_plan
from policy.language.document import Document
from policy.language.parse import parse
from policy.plan.limits import Limits
from policy.plan.plan import Plan
from processors import core_tables
from processors.core import room_for
from processors.core_path import CorePath
from processors.packed_people import PackedPeople
from processors.program import build_program
from processors.pseudonyms import KeysNeeded
from processors.state.bins import Room
from processors.tally import Tally
from roadfade.in_force.documents import load_catalogue, load_files, shipped_policy_path
from telemetry.instants import DAY_MS, MINUTE_MS
from telemetry.wire.control import RestrictionReason
from tests.support.both_paths import BothPaths, drive
from tests.support.every_operation import every_operation
from tests.support.odd_envelopes import OddEnvelopes
from tests.support.plans import SPEED
from tests.support.ready_batches import needs_core
from tests.support.times import examples
from tests.support.worlds import DEVICE, NOW_MS, World, column, envelope

pytestmark = needs_core

DEVICES = (*[DEVICE] * 5, *["dev-3"] * 3, "dev-2", "dev-2", "stranger", "器")
"""Whose envelopes come, some more often than others: linked, not linked, handed over, not known."""


def some_people(world: World) -> None:
    for device in (DEVICE, "dev-2", "dev-3"):
        world.register(device, NOW_MS - 30 * DAY_MS)
    world.link(DEVICE, "subject-1")
    world.link("dev-2", "subject-2", to_ms=NOW_MS - 4 * MINUTE_MS)
    world.link("dev-2", "subject-3", from_ms=NOW_MS - 4 * MINUTE_MS)
    world.consent("service", "location", "service@1", subject="subject-1")
    world.consent("service", "location", "service@1", subject="subject-3", to_ms=NOW_MS + 100)


def test_random_envelopes_leave_both_paths_alike() -> None:
    for seed in range(examples(8)):
        chance = random.Random(seed)
        world = World(every_operation())
        some_people(world)
        odd = OddEnvelopes(world.program, DEVICES, NOW_MS, seed)
        both = BothPaths(world.program, world.people)

        def change(chance: random.Random = chance, world: World = world) -> None:
            """Someone agrees or withdraws now and then."""
            if chance.random() < 0.2:
                to_ms = chance.choice([None, NOW_MS])
                subject = chance.choice(["subject-1", "subject-3"])
                world.consent("service", "location", "service@1", subject=subject, to_ms=to_ms)

        drive(both, chance, odd.one, 250, change)
        assert both.figures["exact_path"] < 0.75 * both.figures["envelopes"]
        assert both.figures["records"] > 100


def test_services_that_come_and_go_leave_both_paths_alike() -> None:
    rejected = Counter[str]()
    for seed in range(examples(4)):
        chance = random.Random(seed)
        world = World(every_operation())
        some_people(world)
        odd = OddEnvelopes(world.program, DEVICES, NOW_MS, seed)
        both = BothPaths(world.program, world.people)

        def change(chance: random.Random = chance, world: World = world) -> None:
            """A device is registered as another service, which the plan lists or does not."""
            if chance.random() < 0.2:
                service = chance.choice([None, "car", "van", "another"])
                world.register(chance.choice([DEVICE, "dev-3"]), NOW_MS - 30 * DAY_MS, service)

        drive(both, chance, odd.one, 250, change)
        rejected.update(both.rejected)
        assert both.figures["records"] > 100
    assert rejected["out_of_scope"] > 100


def restrict_somebody(chance: random.Random, world: World, there: list[bytes]) -> None:
    """A restriction comes, becomes unknown, or goes."""
    if there and chance.random() < 0.3:
        world.people.withhold(chance.choice(there))
    if there and chance.random() < 0.4:
        world.people.apply(there.pop(chance.randrange(len(there))), None)
    if chance.random() < 0.5:
        from_ms = NOW_MS + chance.choice([-60, -11, -4, -1, 50]) * MINUTE_MS
        to_ms = chance.choice([None, NOW_MS - MINUTE_MS, NOW_MS + 60 * MINUTE_MS])
        purpose = chance.choice([None, *[one.purpose for one in world.plan.outputs]])
        reason: RestrictionReason = chance.choice(("erased", "erased", "objected"))
        subject = chance.choice(["subject-1", "subject-3"])
        there.append(world.restrict(reason, from_ms, to_ms, purpose, subject=subject))


def test_restrictions_that_come_and_go_leave_both_paths_alike() -> None:
    withheld = Counter[str]()
    for seed in range(examples(6)):
        chance = random.Random(seed)
        world = World(every_operation())
        some_people(world)
        odd = OddEnvelopes(world.program, DEVICES, NOW_MS, seed)
        both = BothPaths(world.program, world.people)
        drive(both, chance, odd.one, 250, partial(restrict_somebody, chance, world, []))
        assert both.figures["exact_path"] < 0.9 * both.figures["envelopes"]
        withheld.update(both.withheld)
    assert withheld["erased"] > 100 and withheld["objected"] > 100


def shipped() -> Plan:
    document = parse(load_files(shipped_policy_path()))
    assert isinstance(document, Document)
    made = compile_plan(document, load_catalogue(), Limits()).plan
    assert made is not None
    return made


def test_random_envelopes_under_the_shipped_policy_leave_both_paths_alike() -> None:
    world = World(shipped())
    some_people(world)
    for rule in {
        (rule.basis.consent, rule.basis.notice, one.purpose, one.recipient)
        for one in world.plan.outputs
        for some in one.lanes
        for rule in some.rules
        if rule.basis.consent is not None
    }:
        basis, notice, purpose, recipient = rule
        named = recipient if basis == "third_party" else None
        assert basis is not None
        world.consent(purpose, basis, notice, subject="subject-1", recipient=named)
    for seed in range(examples(3)):
        both = BothPaths(world.program, world.people)
        odd = OddEnvelopes(world.program, DEVICES, NOW_MS, seed)
        drive(both, random.Random(seed), odd.one, 250)
        assert both.figures["records"] > 500


def test_a_difference_of_one_step_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison itself can fail: one operator of the core is told another width."""
    true = core_tables._steps

    def off_by_one(operations: Any) -> list[dict[str, Any]]:
        return [step | {"top": step["top"] ^ 1} for step in true(operations)]

    monkeypatch.setattr(core_tables, "_steps", off_by_one)
    with pytest.raises(AssertionError, match="records differ"):
        test_random_envelopes_leave_both_paths_alike()


def test_a_missing_key_leaves_nothing_behind() -> None:
    world = World(every_operation())
    some_people(world)
    core = CorePath(world.processor, None)
    state = world.program.empty_state(room_for(10_000))
    first = envelope({SPEED: column("km/h", [1.0] * 20)})
    second = envelope({SPEED: column("km/h", [1.0] * 20)}, at_ms=NOW_MS - 9 * DAY_MS, id="x" * 26)
    world.processor._keys = {}
    raw = [(one, NOW_MS) for one in (envelope({}, device="nobody"), first, second)]
    with pytest.raises(KeysNeeded):
        core.process(raw, NOW_MS, Tally(world.program), state)
    assert not state.living()
    world.processor._keys = world.keys
    tally = Tally(world.program)
    both = core.process(raw, NOW_MS, tally, state)
    assert len(both) == len(world.feed(first)) + len(world.feed(second))
    assert tally.envelopes == 3


def test_what_the_core_decided_by_itself_is_voided_by_a_change() -> None:
    world = World(every_operation())
    some_people(world)
    core = CorePath(world.processor, None)
    state = world.program.empty_state(room_for(10_000))
    one = envelope({SPEED: column("km/h", [1.0] * 20)})
    raw = [(one, NOW_MS)]
    core.process(raw, NOW_MS, Tally(world.program), state)
    world.processor.settle()
    core.process(raw, NOW_MS, Tally(world.program), state)
    basis = world.processor.basis()
    world.consent("service", "location", "service@1", subject="subject-3", to_ms=NOW_MS)
    assert world.processor.basis() == basis
    world.consent("service", "location", "service@1", subject="subject-1", to_ms=NOW_MS)
    assert world.processor.basis() != basis


def test_people_who_nobody_knows_are_none_to_the_core() -> None:
    both = BothPaths(build_program(every_operation()), PackedPeople())
    both.feed([envelope({SPEED: column("km/h", [1.0])})])
    assert both.figures["records"] == 0
    assert isinstance(both.exact_state, type(both.program.empty_state(Room(1))))
