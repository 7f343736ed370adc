"""Every job is what its name says, and every peer in Python does the fixed one as the reference."""

import json
from collections import Counter

import pytest

from bench.checking import Outputs, WrongOutputError, check, judge
from bench.fleet import envelopes, rows_of
from bench.job import (
    BEGIN_MS,
    DEVICES,
    LATITUDE,
    LONGITUDE,
    NOW_MS,
    PARTITIONS,
    PURPOSES,
    consenting,
    device,
)  # fmt: skip
from bench.jobs import JOBS, Job, people_of, plan_of
from bench.peers.by_hand import transforms
from bench.peers.consent_changes import ConsentChanges
from bench.peers.hand import Job as ByHand
from bench.peers.task import Task
from bench.reference import pseudonym, reference
from bench.runs import Ground, Work, task_of
from bench.stage import Raw
from bus.partitions import partition_for
from processors.packed_people import PackedPeople
from processors.permit import permit
from processors.processor import Processor
from processors.program import build_program
from processors.state.bins import Room
from processors.tally import Tally
from telemetry.instants import HOUR_MS
from telemetry.wire.control import ConsentInterval, ControlRow
from tests.support.worlds import EveryKey


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Task:
    folder = tmp_path_factory.mktemp("task")
    ground = Ground("127.0.0.1:1", folder)
    made = task_of(ground, Work("hand"), Raw("raw-60-1.", records=5), "run-1.")
    made.write(folder / "task.json")
    return Task.read(folder / "task.json")


@pytest.mark.parametrize("readings", [6, 10, 60, 61, 200])
def test_an_envelope_has_as_many_readings_as_asked_and_whole_positions(readings: int) -> None:
    for _, value in envelopes(3, readings=readings):
        series = json.loads(value)["series"]
        rows = {path: len(column["value"]) for path, column in series.items()}
        assert rows == rows_of(readings)
        assert sum(rows.values()) == readings
        assert rows[LATITUDE] == rows[LONGITUDE]
        assert all(len(column["dt"]) == rows[path] for path, column in series.items())


@pytest.mark.parametrize(("job", "outputs"), [(Job(60, 1), 1), (Job(60, 3), 3), (Job(60, 8), 8)])
def test_a_fan_out_reaches_as_many_outputs_as_it_says(job: Job, outputs: int) -> None:
    made, tally = _processed(job)
    assert len({topic for topic, _ in made}) == outputs
    assert not tally.rejected


def test_under_the_shipped_policy_every_route_is_open_to_everybody() -> None:
    job = JOBS["shipped-60"]
    routes = build_program(plan_of(job)).routes
    people = people_of(job, routes)
    for number in (0, DEVICES - 1):
        answer = permit(people, routes, device(number), BEGIN_MS, BEGIN_MS + HOUR_MS, NOW_MS)
        assert answer.granted == {route.index for route in routes}


def _processed(job: Job) -> tuple[list[tuple[str, bytes]], Tally]:
    program = build_program(plan_of(job))
    people = people_of(job, program.routes)
    processor = Processor(program, people, EveryKey(), lambda _, key: key[0] % 4)
    tally, state = Tally(program), program.empty_state(Room(1_000_000))
    made = []
    for _, value in envelopes(50, readings=job.readings):
        left = processor.process(value, NOW_MS, NOW_MS, tally, state)
        made += [(o.topic, o.value) for o in left]
    return made, tally


def test_a_task_comes_back_from_its_file_and_names_pseudonyms_as_the_reference_does(
    task: Task,
) -> None:
    assert task.purposes["c"].topic == "run-1.purpose.c"
    for purpose in PURPOSES:
        assert task.pseudonym(purpose, device(7)) == pseudonym(purpose, device(7))
    assert {name for name, one in task.drivers.items() if one.agreed} == consenting()


def test_parsed_json_is_treated_as_the_reference_treats_it(task: Task) -> None:
    compared = 0
    for name, value in envelopes(40):
        expected = reference(value, consented=name in consenting())
        envelope = json.loads(value)
        made = {
            one.purpose: (json.dumps(one.value(envelope)).encode(), dict(one.headers(envelope)))
            for one in transforms(task)
            if one.wants(envelope)
        }
        assert made.keys() == expected.keys()
        for purpose, (text, headers) in made.items():
            check(purpose, expected[purpose], text, headers, few_headers=True)
            compared += 1
    assert compared > 100


def test_the_loop_by_hand_makes_what_the_reference_makes(task: Task) -> None:
    job = ByHand(task)
    for name, value in envelopes(40):
        expected = reference(value, consented=name in consenting())
        made = job.outputs(value)
        assert [topic for topic, *_ in made] == [task.purposes[p].topic for p in expected]
        for one, (purpose, due) in zip(made, expected.items(), strict=True):
            _, partition, key, text, headers = one
            check(purpose, due, text, dict(headers), few_headers=True)
            assert key is not None
            assert key == due.value["pseudonym"].encode()
            assert partition == partition_for(key, PARTITIONS)


def test_few_headers_are_compared_and_missing_ones_only_forgiven(task: Task) -> None:
    _, value = next(envelopes(1))
    expected = reference(value, consented=True)["a"]
    text = json.dumps(expected.value).encode()
    headers = dict(transforms(task)[0].headers(json.loads(value)))
    check("a", expected, text, headers, few_headers=True)
    with pytest.raises(WrongOutputError, match="readings"):
        check("a", expected, text, headers)
    with pytest.raises(WrongOutputError, match="basis"):
        check("a", expected, text, headers | {"basis": b"other"}, few_headers=True)


def test_a_record_too_few_and_an_id_twice_are_seen() -> None:
    raw = Raw("raw.", records=2, of_consenting=1)
    outputs = Outputs(Counter(a=2, b=2, c=1), ids={b"1", b"2", b"3", b"4", b"5"})
    assert judge(outputs, raw) == 0
    outputs.ids.remove(b"1")
    with pytest.raises(WrongOutputError, match="one id"):
        judge(outputs, raw)
    assert judge(outputs, raw, few_headers=True) == 0
    outputs.records["c"] = 0
    with pytest.raises(WrongOutputError, match="purpose c: 0 records, but 1 are due"):
        judge(outputs, raw, few_headers=True)


class _Counting(PackedPeople):
    """Notes the end of every consent that is applied, by subject."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[tuple[str, int | None]] = []

    def apply(self, key: bytes, row: ControlRow | None) -> None:
        assert isinstance(row, ConsentInterval)
        self.ends.append((row.subject, row.to_ms))
        super().apply(key, row)


def test_one_consent_changes_for_so_many_records_and_comes_back() -> None:
    people = _Counting()
    changes = ConsentChanges(people, 100)
    changes.seen(0, 98)
    assert people.ends == []
    changes.seen(1, 0)
    changes.seen(0, 98)
    assert len(people.ends) == 1, "a slice handled again brings no rows"
    changes.seen(0, 298)
    (one, withdrawn_ms), again, (other, _) = people.ends
    assert withdrawn_ms == NOW_MS - 1
    assert again == (one, None)
    assert other != one
    assert [row.to_ms for row in people.consents_of(one)] == [None]


def test_nobody_changes_anything_if_no_changes_are_asked_for() -> None:
    people = _Counting()
    ConsentChanges(people, 0).seen(0, 10_000)
    assert people.ends == []
