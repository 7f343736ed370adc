"""A version takes over between two batches, and an old one never goes on past its end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from roadfade.in_force.published import PublishedVersions
from roadfade.processes.worker.version_switch import VersionSwitch
from telemetry.wire.publication import Publication, encode_publication

FIRST = Publication("p", 1, 0, 0, {"policy.yaml": "one"})
SECOND = Publication("p", 2, 5_000, 1_000, {"policy.yaml": "two"})


class Process:
    """A worker's takeover with a clock and readiness of the test's own."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.published = PublishedVersions(FIRST)
        self.ready = {1, 2}
        self.told: list[str] = []
        self.version_switch = VersionSwitch(
            self.published, self.make, lambda: self.now_ms, self.announce_version
        )

    async def make(self, publication: Publication) -> str | None:
        return f"v{publication.version}" if publication.version in self.ready else None

    def announce_version(self, ready: str) -> None:
        self.told.append(ready)

    def publish(self, *versions: Publication) -> None:
        for one in versions:
            self.published.apply(one.key, encode_publication(one))

    async def settle(self) -> None:
        """Let one round of preparing pass."""
        await self.version_switch._prepare()


@asynccontextmanager
async def running(process: Process) -> AsyncIterator[None]:
    task = asyncio.create_task(process.version_switch.run())
    yield
    await process.version_switch.stop()
    await task


async def test_the_own_document_decides_until_something_is_published() -> None:
    process = Process()
    await process.settle()
    assert process.version_switch.begin() is None
    assert process.version_switch.chosen == "v1"


async def test_what_is_chosen_for_a_batch_holds_until_the_next_is_asked_for() -> None:
    process = Process()
    process.publish(FIRST, SECOND)
    process.now_ms = 4_999
    await process.settle()
    assert process.version_switch.begin() is None
    process.now_ms = 5_000
    assert process.version_switch.chosen == "v1", "the batch in hand goes on as it began"
    assert process.version_switch.begin() is None
    assert (process.version_switch.chosen, process.told) == ("v2", ["v1", "v2"])


async def test_asking_whether_the_choice_still_holds_chooses_nothing() -> None:
    process = Process()
    process.publish(FIRST, SECOND)
    process.now_ms = 1_000
    await process.settle()
    assert process.version_switch.pause_reason() == "policy changed", "nothing was chosen yet"
    assert process.version_switch.begin() is None
    assert process.version_switch.pause_reason() is None
    process.now_ms = 5_000
    assert process.version_switch.pause_reason() == "policy changed"
    assert (process.version_switch.chosen, process.told) == ("v1", ["v1"])


async def test_the_next_version_is_made_ready_before_its_date() -> None:
    process = Process()
    process.publish(FIRST, SECOND)
    process.now_ms = 1_000
    await process.settle()
    process.ready.clear()
    process.now_ms = 5_000
    assert process.version_switch.begin() is None, "ready before it started"
    assert process.version_switch.chosen == "v2"


async def test_a_version_that_cannot_be_made_ready_pauses_and_the_old_one_ends() -> None:
    process = Process()
    process.publish(FIRST, SECOND)
    process.ready = {1}
    process.now_ms = 1_000
    await process.settle()
    assert process.version_switch.begin() is None
    process.now_ms = 5_000
    assert process.version_switch.begin() == "policy not ready"
    process.ready = {1, 2}
    await process.settle()
    assert process.version_switch.begin() is None
    assert process.version_switch.chosen == "v2"


async def test_nothing_is_decided_before_the_first_version_starts() -> None:
    process = Process()
    process.publish(SECOND)
    process.now_ms = 4_000
    await process.settle()
    assert process.version_switch.begin() == "no policy in force"
    with pytest.raises(LookupError):
        process.version_switch.chosen  # noqa: B018  # asking is what fails


async def test_a_publication_that_arrives_takes_over_by_itself() -> None:
    process = Process()
    process.now_ms = 6_000
    async with running(process):
        async with asyncio.timeout(5):
            while process.version_switch.begin() is not None:  # noqa: ASYNC110  # it is asked between batches
                await asyncio.sleep(0)
            process.publish(FIRST, SECOND)
            switch = process.version_switch
            while switch.begin() is not None or switch.chosen != "v2":  # noqa: ASYNC110  # likewise
                await asyncio.sleep(0)


def test_a_process_that_knows_only_old_versions_applies_no_withdrawn_one() -> None:
    process = Process()
    process.publish(FIRST, SECOND)
    process.published.apply(SECOND.key, None)
    assert process.published.in_force(9_000).current == FIRST
