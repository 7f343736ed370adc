"""Topics on every broker: made as specified, drift seen, nothing created by asking."""

import pytest

from bus.failures import TopicError
from bus.ports import Broker, Lag, ReaderSettings
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
    async def nothing() -> None:
        return

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
