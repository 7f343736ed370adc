"""Topics on every broker: made as specified, drift seen, nothing created by asking."""

import asyncio
from pathlib import Path

import pytest

from bus.failures import BrokerError, TopicError
from bus.memory.broker import FakeBroker
from bus.ports import (
    Broker,
    Committed,
    GroupMember,
    Lag,
    Reader,
    ReaderSettings,
    TopicPartition,
)
from bus.topics import TopicSpec, drift
from tests.integration.bus_road import make_road, numbered, publish

SPEC = TopicSpec(
    "purpose.a", 3, {"retention.ms": "3600000", "message.timestamp.type": "LogAppendTime"}
)


async def test_a_created_topic_is_as_specified(bus: Broker) -> None:
    async with bus.admin() as admin:
        assert await admin.create([SPEC]) == ["purpose.a"]
        assert await admin.create([SPEC]) == []
        described = await admin.describe(["purpose.a"])
        assert drift(SPEC, described["purpose.a"]) == []


async def test_asking_for_a_missing_topic_does_not_make_it(bus: Broker) -> None:
    async with bus.admin() as admin:
        for _ in range(2):
            assert await admin.describe(["nowhere"]) == {"nowhere": None}


async def test_topics_and_groups_are_listed_by_the_names_that_we_give_them(bus: Broker) -> None:
    async with bus.admin() as admin:
        await admin.create([SPEC])
        member = bus.group_member(
            "readers", ["purpose.a"], member=None, settings=ReaderSettings(), revoked=nothing
        )
        await member.start()
        assert "purpose.a" in await admin.names()
        assert not [name for name in await admin.names() if name.startswith("__")]
        assert "readers" in await admin.groups()
        await member.stop(10_000)


async def test_drift_is_seen_and_applying_gives_the_whole_specification(
    bus: Broker,
) -> None:
    loose = TopicSpec("purpose.a", 3, {"retention.ms": "7200000", "segment.ms": "60000"})
    async with bus.admin() as admin:
        await admin.create([loose])
        found = drift(SPEC, (await admin.describe(["purpose.a"]))["purpose.a"])
        assert [one.setting for one in found] == [
            "message.timestamp.type", "retention.ms", "segment.ms",
        ]  # fmt: skip
        assert await admin.apply([SPEC]) == ["purpose.a"]
        assert drift(SPEC, (await admin.describe(["purpose.a"]))["purpose.a"]) == []
        assert await admin.apply([SPEC]) == []


async def test_partitions_are_never_changed_behind_the_keys(bus: Broker) -> None:
    async with bus.admin() as admin:
        await admin.create([TopicSpec("purpose.a", 2, SPEC.config)])
        with pytest.raises(TopicError, match="partitions is 2, must be 3"):
            await admin.apply([SPEC])


@pytest.mark.parametrize(
    ("config", "partitions", "code"),
    [({"retention.ms": "soon"}, 1, "InvalidConfigurationError"), ({}, 0, "InvalidPartitionsError")],
)
async def test_a_refused_topic_is_named_with_the_code(
    bus: Broker, config: dict[str, str], partitions: int, code: str
) -> None:
    async with bus.admin() as admin:
        with pytest.raises(TopicError, match=r"purpose\.b") as refused:
            await admin.create([TopicSpec("purpose.b", partitions, config)])
        assert refused.value.code == code


async def test_a_refused_setting_is_named_with_the_code(bus: Broker) -> None:
    async with bus.admin() as admin:
        await admin.create([SPEC])
        with pytest.raises(TopicError, match=r"purpose\.a") as refused:
            await admin.apply([TopicSpec("purpose.a", 3, {"retention.ms": "soon"})])
        assert refused.value.code == "InvalidConfigurationError"


async def test_the_brokers_deletion_settings_are_read(bus: Broker) -> None:
    async with bus.admin() as admin:
        settings = await admin.broker_settings()
    assert settings.retention_check_interval_ms == 1_000
    assert settings.segment_delete_delay_ms == 1_000
    assert not settings.creates_topics_unasked


async def test_deleting_makes_a_topic_missing_and_a_missing_one_is_no_failure(
    bus: Broker,
) -> None:
    async with bus.admin() as admin:
        await admin.create([SPEC])
        await admin.delete(["purpose.a", "never.there"])
        await admin.create([SPEC])


async def test_a_group_that_never_read_lags_by_everything(bus: Broker) -> None:
    await make_road(bus)
    await publish(bus, numbered(0, 100))
    async with bus.positions() as positions:
        lags = await positions.lag("nobody", {"in": 2})
    assert sum(lag.records for lag in lags.values()) == 100
    assert {lag.committed for lag in lags.values()} == {None}
    assert Lag(committed=5, begin=20, end=30).records == 10


async def nothing() -> None:
    return


async def test_records_are_deleted_before_an_offset_and_offsets_go_on(bus: Broker) -> None:
    await make_road(bus)
    await publish(bus, numbered(0, 100))
    async with bus.admin() as admin, bus.positions() as positions:
        ends = await positions.end({"in": 2})
        assert ends["in", 0] > 3
        assert await admin.delete_before({("in", 0): 3}) == {("in", 0): 3}
        assert await positions.begin({"in": 2}) == {("in", 0): 3, ("in", 1): 0}
        # What is gone already is no failure, and brings nothing back.
        assert await admin.delete_before({("in", 0): 1}) == {("in", 0): 3}
        assert await positions.end({"in": 2}) == ends


@pytest.mark.parametrize(
    ("config", "before"), [({}, 1), ({"cleanup.policy": "compact"}, 0)], ids=["past", "compacted"]
)
async def test_neither_past_the_end_nor_from_a_compacted_topic_are_records_deleted(
    bus: Broker, config: dict[str, str], before: int
) -> None:
    async with bus.admin() as admin:
        await admin.create([TopicSpec("control.a", 1, config)])
        with pytest.raises(BrokerError):
            await admin.delete_before({("control.a", 0): before})


async def test_a_topic_that_is_compacted_and_deleted_gives_records_up(bus: Broker) -> None:
    async with bus.admin() as admin:
        await admin.create([TopicSpec("audit.a", 1, {"cleanup.policy": "compact,delete"})])
        assert await admin.delete_before({("audit.a", 0): 0}) == {("audit.a", 0): 0}


async def test_who_reads_a_topic_is_found_by_commits_and_by_members(bus: Broker) -> None:
    await make_road(bus)
    await publish(bus, numbered(0, 10))

    def member(group: str, topic: str) -> GroupMember:
        return bus.group_member(
            group, [topic], member=None, settings=ReaderSettings(), revoked=nothing
        )

    begun, elsewhere, done = member("begun", "in"), member("elsewhere", "out"), member("done", "in")
    for one in (begun, elsewhere, done):
        await one.start()
        await until_assigned(one)
    await done.commit({TopicPartition("in", 1): Committed(2)})
    await done.stop(10_000)
    async with bus.positions() as positions:
        found = {reader.group: reader for reader in await positions.readers(["in"])}
    assert {"begun", "done"} <= found.keys()
    assert "elsewhere" not in found
    assert found["begun"] == Reader("begun", ours=True, committed={})
    assert found["done"].committed == {("in", 1): 2}
    for one in (begun, elsewhere):
        await one.stop(10_000)


async def until_assigned(member: GroupMember) -> None:
    while not member.assigned():
        await member.fetch()


async def test_the_folders_of_logs_are_those_of_this_cluster(bus: Broker) -> None:
    async with bus.admin() as admin:
        told = await admin.log_folders()
    found = [
        await asyncio.to_thread(Path(one, "meta.properties").read_text) for one in told.folders
    ]
    assert all(f"cluster.id={told.cluster}" in text for text in found)
    assert bool(told.folders) != isinstance(bus, FakeBroker)
